"""From photos and sketches to D_C's certainty: the one way in, for training, evaluation and drawing."""

from collections.abc import Sequence

import numpy as np
import torch

from fgsbir.certainty.discriminator import Discriminator, certainty
from fgsbir.data.pixels import PhotoRows, photo_tensor, raster_tensor, sketch_rasters
from fgsbir.retrieval.embedding import scoring


def pair_images(
    photos: np.ndarray, sketches: Sequence[np.ndarray], size: int, line_width: float, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Photos (n, 3, s, s) and centred sketch rasters (n, 1, s, s), float32 in [0, 1]: D_C's input."""
    rasters = torch.from_numpy(sketch_rasters(sketches, size, line_width)).to(device)
    return photo_tensor(torch.from_numpy(photos).to(device)), raster_tensor(rasters)


def certainties(
    model: Discriminator,
    photos: PhotoRows,
    rows: np.ndarray,
    sketches: Sequence[np.ndarray],
    *,
    line_width: float,
    device: torch.device,
    precision: str,
) -> np.ndarray:
    """omega = D_C(p, s), float32 (n,) in [0, 1], of the pairs (photo ``rows[i]``, ``sketches[i]``), not augmented."""
    scores = []
    with scoring(model, device, precision):
        for start in range(0, len(rows), 256):
            part = slice(start, start + 256)
            images = pair_images(photos[rows[part]], sketches[part], model.image_size, line_width, device)
            scores.append(certainty(model(*images)))
    return torch.cat(scores).cpu().numpy() if scores else np.zeros(0, np.float32)

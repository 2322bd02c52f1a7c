"""Photos and sketch rasters as arrays and tensors: the one way from pixels and strokes to what the models read."""

from collections.abc import Sequence

import numpy as np
import torch

from fgsbir.data.rasterise import rasterise_batch
from fgsbir.data.strokes import centre


def photo_tensor(photos: torch.Tensor) -> torch.Tensor:
    """Turn uint8 photos (n, s, s, 3) into float32 (n, 3, s, s) in [0, 1], on the same device."""
    # Put in order while a number is a byte: every later pass over strided floats would cost more.
    return photos.permute(0, 3, 1, 2).contiguous().float().div_(255)


def raster_tensor(rasters: torch.Tensor) -> torch.Tensor:
    """Turn uint8 sketch rasters (n, s, s) into float32 (n, 1, s, s) in [0, 1], on the same device."""
    return rasters.float().div_(255).unsqueeze(1)


def sketch_tensor(rasters: torch.Tensor) -> torch.Tensor:
    """Turn uint8 sketch rasters (n, s, s) into float32 (n, 3, s, s) in [0, 1] with three equal channels."""
    return raster_tensor(rasters).expand(-1, 3, -1, -1)


def sketch_rasters(sketches: Sequence[np.ndarray], image_size: int, line_width: float) -> np.ndarray:
    """Place canonical sketches by the one rule and draw them: uint8 (n, image_size, image_size).

    ``line_width`` is in pixels of the 256 canvas. A drawing without points (a generator may end at
    once) is a white page.
    """
    placed = [centre(strokes) if len(strokes) else strokes for strokes in sketches]
    return rasterise_batch(placed, image_size, line_width)

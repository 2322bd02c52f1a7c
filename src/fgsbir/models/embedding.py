"""From pixels and strokes to F's embeddings: the one way in, for training's validation and for evaluation alike."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import nn

from fgsbir.data.rasterise import rasterise_batch
from fgsbir.data.strokes import centre


class PhotoRows(Protocol):
    """Decoded photos by row: a uint8 array (n, s, s, 3), or anything that decodes the rows it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray: ...


def photo_tensor(photos: torch.Tensor) -> torch.Tensor:
    """Turn uint8 photos (n, s, s, 3) into float32 (n, 3, s, s) in [0, 1], on the same device."""
    return photos.permute(0, 3, 1, 2).float().div_(255)


def sketch_tensor(rasters: torch.Tensor) -> torch.Tensor:
    """Turn uint8 sketch rasters (n, s, s) into float32 (n, 3, s, s) in [0, 1] with three equal channels."""
    return rasters.float().div_(255).unsqueeze(1).expand(-1, 3, -1, -1)


def sketch_rasters(sketches: Sequence[np.ndarray], image_size: int, line_width: float) -> np.ndarray:
    """Place canonical sketches by the one rule and draw them: uint8 (n, image_size, image_size).

    ``line_width`` is in pixels of the 256 canvas. A drawing without points (a generator may end at
    once) is a white page.
    """
    return rasterise_batch(
        [centre(strokes) if len(strokes) else strokes for strokes in sketches], image_size, line_width
    )


@contextmanager
def scoring(model: nn.Module, device: torch.device, precision: str) -> Iterator[None]:
    """Eval mode, no gradients, and autocast if ``precision`` is bf16; the model's mode is restored after."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            yield
    finally:
        model.train(was_training)


def embed_photos(
    model: nn.Module, photos: PhotoRows, *, batch: int, device: torch.device, precision: str
) -> np.ndarray:
    """Embed photos (uint8, (n, s, s, 3) when indexed), each once: float32 (n, d)."""
    parts = []
    with scoring(model, device, precision):
        for start in range(0, len(photos), batch):
            pixels = photos[np.arange(start, min(start + batch, len(photos)))]
            parts.append(model(photo_tensor(torch.from_numpy(pixels).to(device))).float())
    return _rows(parts)


def embed_sketches(
    model: nn.Module,
    sketches: Sequence[np.ndarray],
    *,
    image_size: int,
    line_width: float,
    batch: int,
    device: torch.device,
    precision: str,
) -> np.ndarray:
    """Centre, draw and embed canonical sketches (n_i, 3): float32 (n, d)."""
    parts = []
    with scoring(model, device, precision):
        for start in range(0, len(sketches), batch):
            rasters = sketch_rasters(sketches[start : start + batch], image_size, line_width)
            parts.append(model(sketch_tensor(torch.from_numpy(rasters).to(device))).float())
    return _rows(parts)


def _rows(parts: list[torch.Tensor]) -> np.ndarray:
    """One copy back to the host at the end, so that no batch waits for the device."""
    return torch.cat(parts).cpu().numpy() if parts else np.zeros((0, 0), np.float32)

"""From pixels and strokes to F's embeddings: the one way in, for training's validation and for evaluation alike."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from fgsbir.data.pixels import PhotoRows, photo_tensor, sketch_rasters, sketch_tensor
from fgsbir.runtime.precision import autocast


@contextmanager
def scoring(model: nn.Module, device: torch.device, precision: str) -> Iterator[None]:
    """Eval mode, no gradients, and autocast in ``precision``; the model's mode is restored after."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), autocast(device, precision):
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

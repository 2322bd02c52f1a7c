"""G as a draughtsman: photos in, canonical strokes out."""

from dataclasses import dataclass

import numpy as np
import torch

from fgsbir.data.pixels import PhotoRows, photo_tensor
from fgsbir.data.strokes import CANVAS, centre, from_sequence
from fgsbir.generator.model import Generator
from fgsbir.generator.sampling import Drawing
from fgsbir.retrieval.embedding import scoring

DOT = np.array([[CANVAS / 2, CANVAS / 2, 0], [CANVAS / 2, CANVAS / 2, 1]], np.float32)


@dataclass(frozen=True, slots=True)
class Sketches:
    """Generated sketches: canonical strokes, centred, and for each whether G ended it by itself, bool (n,)."""

    strokes: list[np.ndarray]
    ended: np.ndarray


def drawing_strokes(generator: Generator, drawing: Drawing) -> list[np.ndarray]:
    """Turn a batch of samples into canonical strokes in canvas pixels, centred.

    A drawing that ended before its second point is a dot in the middle of the canvas: the worst
    sketch there is, and one that every later step can draw, score and reject like any other.
    """
    sequences = drawing.sequences.float().cpu().numpy().copy()
    sequences[..., :2] *= float(generator.offset_scale)
    strokes = [from_sequence(sequence) for sequence in sequences]
    return [centre(points if len(points) > 1 else DOT) for points in strokes]


def draw_sketches(
    generator: Generator,
    photos: PhotoRows,
    *,
    temperature: float,
    seed: int,
    batch: int,
    device: torch.device,
    precision: str,
) -> Sketches:
    """Draw one sketch of every photo (uint8 (n, s, s, 3) when indexed), reproducibly from ``seed``.

    The random numbers are taken in the photos' order, whatever the size of a ``batch``.
    """
    strokes: list[np.ndarray] = []
    ended = []
    numbers = torch.Generator().manual_seed(seed)
    with scoring(generator, device, precision):
        for start in range(0, len(photos), batch):
            pixels = torch.from_numpy(photos[np.arange(start, min(start + batch, len(photos)))]).to(device)
            drawing = generator.sample(photo_tensor(pixels), temperature=temperature, generator=numbers)
            strokes += drawing_strokes(generator, drawing)
            ended.append(drawing.ended.cpu().numpy())
    return Sketches(strokes, np.concatenate(ended) if ended else np.zeros(0, bool))

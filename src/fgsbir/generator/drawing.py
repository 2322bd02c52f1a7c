"""Drawing with G: photos in, canonical strokes out."""

from dataclasses import dataclass

import numpy as np
import torch

from fgsbir.data.strokes import CANVAS, centre
from fgsbir.features.pictures import Inputs
from fgsbir.generator.contour_model import ContourDrawing
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.generator.sampling import Drawing
from fgsbir.runtime.compute import Compute

DOT = np.array([[CANVAS / 2, CANVAS / 2, 0], [CANVAS / 2, CANVAS / 2, 1]], np.float32)


@dataclass(frozen=True, slots=True)
class Sketches:
    """Generated sketches: canonical strokes, centred, and for each whether G ended it by itself, bool (n,)."""

    strokes: list[np.ndarray]
    ended: np.ndarray


def drawing_strokes(generator: AnyGenerator, drawing: Drawing | ContourDrawing) -> list[np.ndarray]:
    """A batch of samples as canonical strokes in canvas pixels, centred."""
    return [centre(strokes) for strokes in strokes_where_drawn(generator, drawing)]


def strokes_where_drawn(generator: AnyGenerator, drawing: Drawing | ContourDrawing) -> list[np.ndarray]:
    """A batch of samples as canonical strokes, where and as large as they were drawn.

    A drawing that ended before its second point is a dot: the worst sketch, which any step can score and reject.
    """
    strokes = generator.strokes_of(drawing)  # type: ignore[arg-type]  # each kind draws its own
    return [points if len(points) > 1 else DOT for points in strokes]


def draw_sketches(
    generator: AnyGenerator,
    inputs: Inputs,
    rows: np.ndarray,
    forms: np.ndarray | int,
    *,
    temperature: float,
    seed: int,
    compute: Compute,
    batch: int = 128,
) -> Sketches:
    """Draw one sketch of each of the photos ``rows`` int64 (n,) of ``inputs``, reproducibly from ``seed``.

    ``forms``, int64 (n,) or one number, is 1 where the mirrored photo is drawn. ``inputs`` are of the generator's
    level. The random numbers are taken in the photos' order, whatever the size of a ``batch``.
    """
    strokes: list[np.ndarray] = []
    ended = [np.zeros(0, bool)]
    numbers = torch.Generator().manual_seed(seed)
    forms = np.broadcast_to(np.asarray(forms, np.int64), np.shape(rows))
    with compute.scoring(generator):
        for start in range(0, len(rows), batch):
            part = slice(start, start + batch)
            read = inputs(rows[part], forms[part]).to(compute.device)
            drawing = generator.sample(read, temperature=temperature, generator=numbers)
            strokes += drawing_strokes(generator, drawing)
            ended.append(drawing.ended.cpu().numpy())
    return Sketches(strokes, np.concatenate(ended))

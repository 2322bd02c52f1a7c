"""Drawings as the page needs them: strokes that fit its canvas and a search."""

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, centre, simplify, split_strokes
from fgsbir.web.limits import MAX_POINTS, MAX_STROKES

# Canvas pixels by which a drawing with too many points may be simplified.
TOLERANCE = 0.5


def fitted(strokes: np.ndarray) -> list[list[list[float]]]:
    """A drawing, or none, (n, 3), as strokes that fit the canvas and a search. Raises DataError."""
    if len(strokes) > MAX_POINTS:
        strokes = simplify(strokes, TOLERANCE)
    number = int(strokes[:, 2].sum())
    if len(strokes) > MAX_POINTS or number > MAX_STROKES:
        raise DataError(
            f"the drawing: expected at most {MAX_STROKES:,} strokes and {MAX_POINTS:,} points, "
            f"found {number:,} and {len(strokes):,}"
        )
    if len(strokes) and (strokes[:, :2].min() < 0 or strokes[:, :2].max() > CANVAS):
        strokes = centre(strokes)  # else it could not be seen
    return listed(strokes)


def listed(strokes: np.ndarray) -> list[list[list[float]]]:
    """A canonical sketch as strokes [[[x, y], …], …], to a hundredth of a canvas pixel."""
    return [part.astype(float).round(2).tolist() for part in split_strokes(strokes)]

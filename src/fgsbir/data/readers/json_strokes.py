"""Strokes written as JSON: a list of strokes, each a list of [x, y] points."""

from typing import Any

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.data.strokes import check_strokes, join_strokes


def parse_strokes(value: Any, name: str) -> np.ndarray:
    """Turn parsed JSON ``[[[x, y], ...], ...]`` into a canonical (n, 3) sketch.

    What follows x and y in a point (time, pressure) is dropped. Raises DataError naming ``name`` and the stroke for
    anything else.
    """
    if not isinstance(value, list) or not value:
        raise DataError(f"{name}: expected a list of strokes, [[[x, y], ...], ...], found {value!r:.60}")
    parts = []
    for position, stroke in enumerate(value):
        try:
            points = np.array([point[:2] for point in stroke], np.float64)
        except (TypeError, ValueError, OverflowError, KeyError):
            points = np.zeros(0)
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise DataError(f"{name}: stroke {position}: expected points [[x, y], ...], found {stroke!r:.60}")
        parts.append(points)
    return check_strokes(join_strokes(parts), name)

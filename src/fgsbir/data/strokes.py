"""Strokes: the canonical vector form of a sketch, and the point sequence that G reads and writes.

Canonical form: float32 (n, 3), rows (x, y, pen). x and y are absolute, in pixels of a 256 x 256 canvas with y pointing
down; pen is 1 on the last point of a stroke and 0 elsewhere, so the last row's pen is always 1.

Sequence form (paper 1, section 3.2): float32 (n + 1, 5), rows (dx, dy, p1, p2, p3). dx and dy are offsets from the
previous point, the first from the canvas centre; exactly one of p1 (the pen stays down to the next point), p2 (the pen
is lifted after this point) and p3 (the drawing has ended) is 1. The last row is (0, 0, 0, 0, 1).
"""

import math
from collections.abc import Sequence

import numpy as np

from fgsbir.data.records import DataError

CANVAS = 256
LONGEST_SIDE = 190.0


def check_strokes(strokes: np.ndarray, name: str) -> np.ndarray:
    """Return numeric ``strokes`` (n, 3), n >= 2, finite, pen flags 0 or 1, as canonical float32; or raise DataError.

    A missing last pen flag is an error: silently closing it would hide a truncated drawing.
    """
    array = np.asarray(strokes)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "fiu":
        raise DataError(f"{name}: expected strokes as numbers of shape (n, 3), found {array.dtype} {array.shape}")
    if len(array) < 2:
        raise DataError(f"{name}: expected at least 2 points, found {len(array)}")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise DataError(f"{name}: row {row} is not finite: {array[row].tolist()}")
    if not np.isin(array[:, 2], (0, 1)).all():
        raise DataError(f"{name}: expected pen flags 0 or 1, found {np.unique(array[:, 2])[:5].tolist()}")
    if array[-1, 2] != 1:
        raise DataError(f"{name}: expected pen flag 1 on the last point")
    return np.ascontiguousarray(array, dtype=np.float32)


def split_strokes(strokes: np.ndarray) -> list[np.ndarray]:
    """Cut a canonical sketch into its strokes, each (m, 2)."""
    ends = np.flatnonzero(strokes[:, 2] > 0.5) + 1
    return [part for part in np.split(strokes[:, :2], ends) if len(part)]


def join_strokes(parts: list[np.ndarray]) -> np.ndarray:
    """Put strokes, each (m, 2), together into one canonical float32 (n, 3) array."""
    if not parts:
        return np.zeros((0, 3), np.float32)
    joined = np.zeros((sum(len(part) for part in parts), 3), np.float32)
    joined[:, :2] = np.concatenate(parts)
    joined[np.cumsum([len(part) for part in parts]) - 1, 2] = 1
    return joined


def mirrored(strokes: np.ndarray) -> np.ndarray:
    """The mirror image of a canonical sketch, left to right about the canvas centre."""
    other = strokes.copy()
    other[:, 0] = CANVAS - other[:, 0]
    return other


def centre(strokes: np.ndarray) -> np.ndarray:
    """Scale and move a sketch so that its longest side is ``LONGEST_SIDE`` and its box is centred.

    Real and generated sketches go through this same rule: how one is placed tells D_C nothing of where it came from.
    """
    return centre_all(strokes, np.array([len(strokes)]))


def centre_all(strokes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """:func:`centre` for many sketches at once: points (n, 3) one sketch after the other, ``counts`` > 0 of each."""
    placed = strokes.astype(np.float32, copy=True)
    scale, middle = (np.repeat(values, counts, axis=0) for values in placements(placed, counts))
    placed[:, :2] = (placed[:, :2] - middle) * scale[:, None] + CANVAS / 2
    return placed


def placements(strokes: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How :func:`centre_all` places sketches: by which factor (n,) about which middle (n, 2), the canvas's after it."""
    first = np.cumsum(counts) - counts
    low, high = (extreme.reduceat(strokes[:, :2], first, axis=0) for extreme in (np.minimum, np.maximum))
    side = (high - low).max(1)
    scale = np.where(side > 1e-6, LONGEST_SIDE / np.maximum(side, 1e-6), 1.0).astype(np.float32)
    return scale, (low + high) / 2


def simplify(strokes: np.ndarray, tolerance: float) -> np.ndarray:
    """Ramer-Douglas-Peucker on each stroke; ``tolerance`` in canvas pixels. Ends are kept."""
    return join_strokes([part[kept_points(part.tolist(), tolerance)] for part in split_strokes(strokes)])


def kept_points(points: Sequence[Sequence[float]], tolerance: float) -> list[int]:
    """The rows of a line's ``points`` (x, y) that Ramer-Douglas-Peucker keeps, all of them at ``tolerance`` 0.

    In plain Python: for the few dozen points of a stroke ten times as fast as scikit-image's.
    """
    if tolerance <= 0:
        return list(range(len(points)))
    kept, spans = {0, len(points) - 1}, [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        (ax, ay), (bx, by) = points[first], points[last]
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        worst, at = tolerance, 0
        for i in range(first + 1, last):
            x, y = points[i]
            t = min(max(((x - ax) * dx + (y - ay) * dy) / square, 0.0), 1.0) if square > 1e-12 else 0.0
            away = math.hypot(x - ax - t * dx, y - ay - t * dy)
            if away > worst:
                worst, at = away, i
        if at:
            kept.add(at)
            spans += [(first, at), (at, last)]
    return sorted(kept)


def to_sequence(strokes: np.ndarray) -> np.ndarray:
    """Turn a canonical sketch (n, 3) into G's point sequence (n + 1, 5), offsets in canvas pixels."""
    points = strokes[:, :2]
    previous = np.concatenate([np.full((1, 2), CANVAS / 2, np.float32), points[:-1]])
    sequence = np.zeros((len(strokes) + 1, 5), np.float32)
    sequence[:-1, :2] = points - previous
    lifted = strokes[:, 2] > 0.5
    sequence[:-1, 2] = ~lifted
    sequence[:-1, 3] = lifted
    sequence[-1, 4] = 1
    return sequence


def from_sequence(sequence: np.ndarray) -> np.ndarray:
    """Turn a point sequence (t, 5) back into a canonical sketch; what follows the first end is dropped.

    The last point closes the last stroke; an empty drawing gives shape (0, 3).
    """
    ends = np.flatnonzero(sequence[:, 4] > 0.5)
    points = sequence[: ends[0]] if len(ends) else sequence
    strokes = np.zeros((len(points), 3), np.float32)
    strokes[:, :2] = np.cumsum(points[:, :2], axis=0, dtype=np.float64) + CANVAS / 2
    strokes[:, 2] = points[:, 3] > 0.5
    strokes[-1:, 2] = 1
    return strokes

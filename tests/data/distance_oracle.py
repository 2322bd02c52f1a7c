"""The oracle of whatever lies along lines: distances by a naive loop."""

import itertools

import numpy as np


def distance_to_lines(points: np.ndarray, strokes: np.ndarray) -> np.ndarray:
    """The distance of each point, (..., 2), to the nearest line of a canonical sketch."""
    best = np.full(points.shape[:-1], np.inf)
    for start, end in itertools.pairwise(strokes.astype(float)):
        if start[2] > 0.5:
            continue
        along = (end - start)[:2]
        offset = points - start[:2]
        share = np.clip(offset @ along / max(along @ along, 1e-12), 0, 1)
        best = np.minimum(best, np.linalg.norm(offset - share[..., None] * along, axis=-1))
    return best

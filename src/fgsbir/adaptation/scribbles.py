"""Scribbles: drawings of nothing, which every drawing of something should lie nearer to its photo than."""

import numpy as np

from fgsbir.data.strokes import centre, join_strokes

COUNT = 16


def scribbles() -> list[np.ndarray]:
    """A few random walks as canonical sketches (n, 3), the same every time."""
    rng = np.random.default_rng(0)
    walks = [np.cumsum(rng.normal(0, 12, (3, 60, 2)), 1) for _ in range(COUNT)]
    return [centre(join_strokes(list(walk.astype(np.float32)))) for walk in walks]

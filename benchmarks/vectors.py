"""Embeddings of as many photos as are wanted, distributed as those of a data set are."""

from collections.abc import Iterator

import numpy as np

NEIGHBOURS, NOISE, PART = 20, 0.3, 50_000


def perturbed(embeddings: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
    """``count`` vectors of length 1 in parts, float32 (m, d), like ``embeddings`` (n, d) of photos.

    Each lies between a photo and one of its 20 nearest, and is moved by 0.3 of the difference of two more: so it
    varies where photos vary, and neighbours stay neighbours.
    """
    rng, n = np.random.default_rng(seed), len(embeddings)
    near = np.argsort(-(embeddings @ embeddings.T), axis=1)[:, 1 : 1 + NEIGHBOURS]
    for start in range(0, count, PART):
        rows = rng.integers(0, n, (3, min(PART, count - start)))
        other = near[rows[0], rng.integers(0, near.shape[1], rows.shape[1])]
        share = rng.uniform(0.5, 1, (rows.shape[1], 1)).astype(np.float32)
        made = share * embeddings[rows[0]] + (1 - share) * embeddings[other]
        made += np.float32(NOISE) * (embeddings[rows[1]] - embeddings[rows[2]])
        yield made / np.linalg.norm(made, axis=1, keepdims=True)

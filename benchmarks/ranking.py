"""Ranking against the matrix product that it cannot do without."""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.ratio import Measured, Ratio, Workload, alternate
from fgsbir.retrieval.ranking import ranks

CPU = torch.device("cpu")
QUERIES, GALLERY, DIMENSIONS = 10_000, 2_000, 512


def prepare(work: Workload) -> Callable[[], Measured]:
    """Ranks of unit vectors in one gallery, against the product of all queries with all photos."""
    rng = np.random.default_rng(work.params.seed)
    query, gallery = (_unit(rng.standard_normal((rows, DIMENSIONS))) for rows in (QUERIES, GALLERY))
    truth = rng.integers(0, GALLERY, QUERIES)
    return lambda: alternate(lambda: ranks(query, gallery, truth), lambda: query @ gallery.T, device=CPU, times=6)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


RATIO = Ratio("ranking / matrix product", 1.2, prepare, speed=False)

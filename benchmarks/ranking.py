"""Ranking against the matrix product that it cannot do without."""

from collections.abc import Callable

import numpy as np

from benchmarks.ratio import Measured, Ratio, Workload, alternate, unit_vectors
from fgsbir.retrieval.ranking import ranks

QUERIES, GALLERY, DIMENSIONS = 10_000, 2_000, 512


def prepare(work: Workload) -> Callable[[], Measured]:
    """Ranks in one gallery, against the product of all queries with all photos."""
    query, gallery = unit_vectors(0, QUERIES, DIMENSIONS), unit_vectors(1, GALLERY, DIMENSIONS)
    truth = np.random.default_rng(2).integers(0, GALLERY, QUERIES)
    return lambda: alternate(lambda: ranks(query, gallery, truth), lambda: query @ gallery.T, times=6)


RATIO = Ratio("ranking / matrix product", 1.2, prepare, speed=False)

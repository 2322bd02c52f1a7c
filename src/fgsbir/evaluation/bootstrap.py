"""Confidence intervals of means over queries, and over training runs: numpy only.

Sketches of one photo are found or missed together, so photos and not sketches are resampled (a cluster bootstrap); an
interval over independent sketches would be too narrow. Two runs of one setting differ by as much as two settings do, so
an interval about a setting resamples its training seeds as well.
"""

from typing import NamedTuple

import numpy as np

# Resamplings drawn at once; bounds the memory at a chunk times the number of photos.
CHUNK = 256


class Intervals(NamedTuple):
    """Means over all queries and seeds, and the bounds of their intervals, each float64 (m,)."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def cluster_bootstrap(
    values: np.ndarray, photo: np.ndarray, *, resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> Intervals:
    """Percentile intervals of the means of ``values``, photos and training seeds resampled independently.

    ``values`` is (s, q, m) of s training seeds, or (q, m) of one, whose interval is over photos alone. ``photo`` (q,)
    names each query's photo. All m columns share their resamplings, so a column of differences between two models gives
    a paired comparison. The same arguments give the same numbers.

    Of s seeds s - 1 are drawn, with replacement: drawing s would make the variance of their mean too small by
    (s - 1) / s, a third with three seeds (McCarthy and Snowden, "The bootstrap and finite population sampling", 1985).

    Raises ValueError where shapes do not fit, or there is no seed or query.
    """
    values = np.asarray(values, np.float64)
    if values.ndim == 2:
        values = values[None]
    if values.ndim != 3 or np.shape(photo) != values.shape[1:2] or not values[..., 0].size:
        raise ValueError(f"expected values (s, q, m) and photo (q,), found {values.shape} and {np.shape(photo)}")
    seeds, _, columns = values.shape
    names, cluster = np.unique(photo, return_inverse=True)
    sums = np.zeros((len(names), seeds, columns))
    np.add.at(sums, cluster, values.swapaxes(0, 1))
    sizes = np.bincount(cluster).astype(np.float64)

    rng = np.random.default_rng(seed)
    even = np.full(len(names), 1 / len(names))
    of_seeds = np.empty((resamples, seeds, columns))
    for start in range(0, resamples, CHUNK):
        part = of_seeds[start : start + CHUNK]
        # How often each photo is drawn: one product then gives every resampling's sums.
        counts = rng.multinomial(len(names), even, size=len(part)).astype(np.float64)
        part[:] = np.tensordot(counts, sums, 1) / (counts @ sizes)[:, None, None]
    drawn = max(seeds - 1, 1)
    weights = rng.multinomial(drawn, np.full(seeds, 1 / seeds), size=resamples) / drawn
    means = (weights[..., None] * of_seeds).sum(1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return Intervals(values.mean((0, 1)), low, high)

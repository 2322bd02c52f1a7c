"""Confidence intervals of means over queries: numpy only.

Sketches of one photo are found or missed together, so photos and not sketches are resampled (a
cluster bootstrap); an interval over independent sketches would be too narrow.
"""

from typing import NamedTuple

import numpy as np

# Resamplings drawn at once; bounds the memory at a chunk times the number of photos.
CHUNK = 256


class Intervals(NamedTuple):
    """Means over all queries and the bounds of their intervals, each float64 (m,)."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def cluster_bootstrap(
    values: np.ndarray, photo: np.ndarray, *, resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> Intervals:
    """Percentile intervals of the means of ``values`` over queries, with photos as clusters.

    ``values`` is (q, m), or (s, q, m) from s training seeds, which are averaged first: the interval is
    then about new photos, for this method and not for one lucky run of it. ``photo`` (q,) names each
    query's photo. All m columns share their resamplings, so a column of differences between two
    models gives a paired comparison. The same arguments give the same numbers.

    Raises ValueError where shapes do not fit or there is no query.
    """
    values = np.asarray(values, np.float64)
    if values.ndim == 3:
        values = values.mean(0)
    if values.ndim != 2 or np.shape(photo) != (len(values),) or not len(values):
        raise ValueError(
            f"expected values (q, m) and photo (q,) with q > 0, found {values.shape} and {np.shape(photo)}"
        )
    names, cluster = np.unique(photo, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, cluster, values)
    sizes = np.bincount(cluster).astype(np.float64)

    rng = np.random.default_rng(seed)
    even = np.full(len(names), 1 / len(names))
    means = np.empty((resamples, values.shape[1]))
    for start in range(0, resamples, CHUNK):
        part = means[start : start + CHUNK]
        # How often each photo is drawn: one product then gives every resampling's sums.
        counts = rng.multinomial(len(names), even, size=len(part)).astype(np.float64)
        part[:] = (counts @ sums) / (counts @ sizes)[:, None]
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return Intervals(values.mean(0), low, high)

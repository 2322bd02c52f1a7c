"""Confidence intervals that are about other photos and other training runs: numpy only."""

import numpy as np

from fgsbir.evaluation.bootstrap import Intervals


def seed_bootstrap(
    values: np.ndarray, photo: np.ndarray, *, resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> Intervals:
    """Percentile intervals of means over queries and training seeds, both of which are resampled, independently.

    ``values`` is (s, q, m) from s training seeds, ``photo`` (q,) names each query's photo; the photos are clusters as
    in :func:`fgsbir.evaluation.bootstrap.cluster_bootstrap`, which averages seeds and so is about these s runs alone.
    Two runs of one setting differ by as much as two settings do, so what is said of a setting has to allow for it. Of
    s seeds s - 1 are drawn, with replacement: drawing s would make the variance of their mean too small by
    (s - 1) / s, a third with three seeds (McCarthy and Snowden, "The bootstrap and finite population sampling", 1985).
    One seed alone gives an interval over photos. Columns share their resamplings, and so do calls with as many seeds
    and photos. Raises ValueError where shapes do not fit, or there is no seed or query.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 3 or np.shape(photo) != values.shape[1:2] or not values[..., 0].size:
        raise ValueError(
            f"expected values (s, q, m) and photo (q,) with s, q > 0, found {values.shape} and {np.shape(photo)}"
        )
    seeds = len(values)
    names, cluster = np.unique(photo, return_inverse=True)
    sums = np.zeros((len(names), seeds, values.shape[2]))
    np.add.at(sums, cluster, values.swapaxes(0, 1))
    sizes = np.bincount(cluster).astype(np.float64)

    rng = np.random.default_rng(seed)
    photos_drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples).astype(np.float64)
    drawn = max(seeds - 1, 1)
    seeds_drawn = rng.multinomial(drawn, np.full(seeds, 1 / seeds), size=resamples) / drawn
    of_seeds = np.tensordot(photos_drawn, sums, 1) / (photos_drawn @ sizes)[:, None, None]
    means = (seeds_drawn[..., None] * of_seeds).sum(1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return Intervals(values.mean((0, 1)), low, high)

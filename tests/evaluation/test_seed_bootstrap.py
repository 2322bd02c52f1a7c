"""Intervals over seeds and photos: against brute force, their coverage, and what one seed alone gives."""

import numpy as np
import pytest

from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.evaluation.seed_bootstrap import seed_bootstrap


def drawn(
    rng: np.random.Generator, seeds: int, photos: int, *, of_seeds: float, of_photos: float
) -> tuple[np.ndarray, np.ndarray]:
    """Values (seeds, queries) of mean 0, with effects of the seed and the photo, and noise; two queries a photo."""
    photo = np.repeat(np.arange(photos), 2)
    values = rng.normal(0, of_seeds, (seeds, 1)) + rng.normal(0, of_photos, photos)[photo]
    return values + rng.normal(0, 0.2, (seeds, len(photo))), photo


def test_against_brute_force_resampling_of_seeds_and_photos() -> None:
    rng = np.random.default_rng(0)
    values, photo = drawn(rng, 4, 30, of_seeds=0.3, of_photos=1.0)
    means = []
    for _ in range(20_000):
        queries = np.concatenate([2 * rows + place for rows in [rng.choice(30, 30)] for place in (0, 1)])
        means.append(values[rng.choice(4, 3)][:, queries].mean())
    found = seed_bootstrap(values[..., None], photo, resamples=20_000)
    assert found.mean[0] == pytest.approx(values.mean())
    assert [found.low[0], found.high[0]] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.03)


def test_covers_the_truth_where_seeds_differ_and_an_interval_over_photos_does_not() -> None:
    rng = np.random.default_rng(1)
    trials = 300
    over_seeds = over_photos = 0
    for _ in range(trials):
        values, photo = drawn(rng, 8, 50, of_seeds=0.6, of_photos=0.5)
        for_all = seed_bootstrap(values[..., None], photo, resamples=400)
        for_these = cluster_bootstrap(values[..., None], photo, resamples=400)
        over_seeds += for_all.low[0] <= 0 <= for_all.high[0]
        over_photos += for_these.low[0] <= 0 <= for_these.high[0]
    assert over_seeds / trials > 0.88
    assert over_photos / trials < 0.65


def test_means_of_two_of_three_seeds_are_drawn() -> None:
    """Photos are alike here, so a resampling is the mean of two of 0, 3, 9: its variance the squared standard error."""
    values = np.repeat([[0.0], [3.0], [9.0]], 4, axis=1)[..., None]

    def quantile(share: float) -> float:
        found = seed_bootstrap(values, np.arange(4), resamples=50_000, level=abs(1 - 2 * share))
        return float((found.low if share < 0.5 else found.high)[0])

    ninths = [quantile((2 * place + 1) / 18) for place in range(9)]
    assert ninths == [0, 1.5, 1.5, 3, 4.5, 4.5, 6, 6, 9]
    assert np.var(ninths) == pytest.approx(np.var([0, 3, 9], ddof=1) / 3)


def test_one_seed_has_the_interval_over_photos() -> None:
    values, photo = drawn(np.random.default_rng(2), 1, 40, of_seeds=1.0, of_photos=1.0)
    for one, other in zip(
        seed_bootstrap(values[..., None], photo), cluster_bootstrap(values[..., None], photo), strict=True
    ):
        np.testing.assert_allclose(one, other)


def test_errors() -> None:
    for values, photo in (((0, 2, 1), 2), ((2, 0, 1), 0), ((2, 3), 3), ((2, 3, 1), 2)):
        with pytest.raises(ValueError, match="expected values"):
            seed_bootstrap(np.zeros(values), np.zeros(photo))

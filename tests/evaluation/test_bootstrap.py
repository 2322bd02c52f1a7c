"""The bootstrap over photos and seeds: against brute force, its coverage in simulations, and the comparison table."""

import numpy as np
import pytest

from fgsbir.evaluation import bootstrap
from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.evaluation.comparison import compare
from fgsbir.retrieval.ranking import acc_at


def clustered(
    rng: np.random.Generator, seeds: int, sizes: np.ndarray, *, of_seeds: float = 0.0, of_photos: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Values (seeds, queries, 1) of mean 0, with effects of the seed and of the photo, and noise; ``sizes`` queries."""
    photo = np.repeat(np.arange(len(sizes)), sizes)
    values = rng.normal(0, of_seeds, (seeds, 1)) + rng.normal(0, of_photos, len(sizes))[photo]
    return (values + rng.normal(0, 0.4, values.shape))[..., None], photo


@pytest.mark.parametrize("seeds", [1, 4])
def test_against_brute_force_resampling_of_photos_and_seeds(seeds: int) -> None:
    rng = np.random.default_rng(0)
    values, photo = clustered(rng, seeds, rng.integers(1, 5, 30), of_seeds=0.3)
    queries = [np.flatnonzero(photo == name) for name in np.unique(photo)]
    means = []
    for _ in range(20_000):
        drawn = np.concatenate([queries[name] for name in rng.choice(30, 30)])
        means.append(values[rng.choice(seeds, max(seeds - 1, 1))][:, drawn].mean())
    found = cluster_bootstrap(values, photo, resamples=20_000)
    assert found.mean[0] == pytest.approx(values.mean())
    assert [found.low[0], found.high[0]] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.03)


def test_covers_the_truth_where_intervals_over_sketches_or_over_photos_alone_do_not() -> None:
    rng, trials = np.random.default_rng(1), 300

    def covered(values: np.ndarray, photo: np.ndarray) -> bool:
        found = cluster_bootstrap(values, photo, resamples=400)
        return bool(found.low[0] <= 0 <= found.high[0])

    by_photo = by_sketch = by_seed = without_seeds = 0
    for _ in range(trials):
        values, photo = clustered(rng, 1, np.full(50, 3))
        by_photo += covered(values, photo)
        by_sketch += covered(values, np.arange(len(photo)))
        values, photo = clustered(rng, 8, np.full(50, 2), of_seeds=0.6, of_photos=0.5)
        by_seed += covered(values, photo)
        without_seeds += covered(values.mean(0), photo)
    assert 0.91 < by_photo / trials < 0.98 and by_sketch / trials < 0.87
    assert by_seed / trials > 0.88 and without_seeds / trials < 0.65


def test_means_of_two_of_three_seeds_are_drawn() -> None:
    """Photos are alike here, so a resampling is the mean of two of 0, 3, 9: its variance the squared standard error."""
    values = np.repeat([[0.0], [3.0], [9.0]], 4, axis=1)[..., None]

    def quantile(share: float) -> float:
        found = cluster_bootstrap(values, np.arange(4), resamples=50_000, level=abs(1 - 2 * share))
        return float((found.low if share < 0.5 else found.high)[0])

    ninths = [quantile((2 * place + 1) / 18) for place in range(9)]
    assert ninths == [0, 1.5, 1.5, 3, 4.5, 4.5, 6, 6, 9]
    assert np.var(ninths) == pytest.approx(np.var([0, 3, 9], ddof=1) / 3)


def test_same_numbers_again_whatever_the_chunk_and_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    values, photo = clustered(np.random.default_rng(2), 2, np.full(40, 2))
    first, turned = cluster_bootstrap(values, photo), np.random.default_rng(0).permutation(len(photo))
    assert cluster_bootstrap(values, photo, seed=1).low != first.low
    monkeypatch.setattr(bootstrap, "CHUNK", 7)
    np.testing.assert_allclose(first, cluster_bootstrap(values[:, turned], photo[turned]))


def test_one_photo_has_an_interval_of_no_width_and_shapes_must_fit() -> None:
    found = cluster_bootstrap(np.array([[1.0], [3.0]]), np.array(["a", "a"]))
    assert [found.mean[0], found.low[0], found.high[0]] == [2.0, 2.0, 2.0]
    for shape, photos in (((0, 1), 0), ((3, 1), 2), ((0, 2, 1), 2), ((2, 0, 1), 0), ((2, 3, 1), 2), ((3,), 3)):
        with pytest.raises(ValueError, match="expected values"):
            cluster_bootstrap(np.zeros(shape), np.zeros(photos))


def test_comparison_is_paired() -> None:
    """Two models that differ by one query in ten, always for the better: neither overlap of their wide
    intervals nor the order of queries hides it."""
    rng = np.random.default_rng(4)
    photo = np.repeat(np.arange(100), 3)
    supervised = np.where(rng.random(100)[photo] < 0.5, 1, 20)
    joint = np.where(rng.random(300) < 0.1, 1, supervised)
    table = compare({"supervised": supervised, "joint": joint}, photo, resamples=1000, seed=0)
    assert set(table) == {"supervised", "joint", "joint_minus_supervised"}
    for k in (1, 5, 10):
        assert table["joint"][f"acc@{k}"] == pytest.approx(acc_at(joint, k), abs=1e-4)
    assert table["joint"]["mean_rank"] == pytest.approx(joint.mean(), abs=1e-4)
    assert table["supervised"]["acc@1_high"] > table["joint"]["acc@1_low"]
    gain = table["joint_minus_supervised"]
    assert gain["acc@1"] == pytest.approx(acc_at(joint, 1) - acc_at(supervised, 1), abs=1e-4)
    assert 0 < gain["acc@1_low"] < gain["acc@1"] < gain["acc@1_high"] and gain["mean_rank_high"] < 0
    runs = {"supervised": np.stack([supervised] * 3), "joint": np.stack([joint] * 3)}
    of_seeds = compare(runs, photo, resamples=1000, seed=0)
    assert of_seeds["joint_minus_supervised"] == pytest.approx(gain, abs=1e-4)

"""The cluster bootstrap against a brute-force one, its coverage in a simulation, and the comparison table."""

import numpy as np
import pytest

from fgsbir.evaluation import bootstrap
from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.evaluation.comparison import compare, query_scores
from fgsbir.retrieval.ranking import acc_at


def clustered(rng, photos=40, sizes=(1, 4), spread=1.0):
    """Values of queries that share their photo's effect, mean 0."""
    photo = np.repeat(np.arange(photos), rng.integers(*sizes, photos, endpoint=True))
    return rng.normal(0, spread, photos)[photo] + rng.normal(0, 0.5, len(photo)), photo


def test_against_brute_force_resampling_of_photos():
    rng = np.random.default_rng(0)
    values, photo = clustered(rng)
    names = np.unique(photo)
    means = []
    for _ in range(20_000):
        drawn = rng.choice(names, len(names))
        means.append(np.concatenate([values[photo == name] for name in drawn]).mean())
    found = cluster_bootstrap(values[:, None], photo, resamples=20_000)
    assert found.mean[0] == pytest.approx(values.mean())
    low, high = np.quantile(means, [0.025, 0.975])
    assert found.low[0] == pytest.approx(low, abs=0.02)
    assert found.high[0] == pytest.approx(high, abs=0.02)


def test_covers_the_truth_19_times_in_20_where_an_interval_over_sketches_does_not():
    rng = np.random.default_rng(1)
    by_photo = by_sketch = 0
    trials = 400
    for _ in range(trials):
        values, photo = clustered(rng, photos=50, sizes=(3, 3))
        found = cluster_bootstrap(values[:, None], photo, resamples=400)
        by_photo += found.low[0] <= 0 <= found.high[0]
        naive = cluster_bootstrap(values[:, None], np.arange(len(photo)), resamples=400)
        by_sketch += naive.low[0] <= 0 <= naive.high[0]
    assert 0.91 < by_photo / trials < 0.98
    assert by_sketch / trials < 0.87


def test_same_numbers_whatever_the_chunk_and_again(monkeypatch):
    values, photo = clustered(np.random.default_rng(2))
    first = cluster_bootstrap(values[:, None], photo, resamples=500)
    monkeypatch.setattr(bootstrap, "CHUNK", 7)
    for left, right in zip(first, cluster_bootstrap(values[:, None], photo, resamples=500), strict=True):
        np.testing.assert_allclose(left, right)
    assert cluster_bootstrap(values[:, None], photo, resamples=500, seed=1).low != first.low


def test_order_and_names_of_photos_do_not_matter_to_the_mean():
    values, photo = clustered(np.random.default_rng(3))
    turned = np.random.default_rng(0).permutation(len(values))
    left = cluster_bootstrap(values[:, None], photo)
    right = cluster_bootstrap(values[turned, None], photo[turned])
    np.testing.assert_allclose(np.stack(left), np.stack(right))


def test_one_photo_has_an_interval_of_no_width():
    found = cluster_bootstrap(np.array([[1.0], [3.0]]), np.array(["a", "a"]))
    assert [found.mean[0], found.low[0], found.high[0]] == [2.0, 2.0, 2.0]


def test_errors():
    with pytest.raises(ValueError, match="expected values"):
        cluster_bootstrap(np.zeros((0, 1)), np.zeros(0))
    with pytest.raises(ValueError, match="expected values"):
        cluster_bootstrap(np.zeros((3, 1)), np.zeros(2))


def test_scores_are_those_of_the_ranking():
    found = np.array([1, 2, 5, 6, 10, 11])
    scores = query_scores(found)
    for k in (1, 5, 10):
        assert scores[f"acc@{k}"].mean() == pytest.approx(acc_at(found, k))
    assert scores["mean_rank"].mean() == found.mean()


def test_comparison_is_paired():
    """Two models that differ by one query in ten, always for the better: neither overlap of their wide
    intervals nor the order of queries hides it."""
    rng = np.random.default_rng(4)
    photo = np.repeat(np.arange(100), 3)
    supervised = np.where(rng.random(100)[photo] < 0.5, 1, 20)
    joint = np.where(rng.random(300) < 0.1, 1, supervised)
    table = compare({"supervised": supervised, "joint": joint}, photo, resamples=1000, seed=0)
    assert set(table) == {"supervised", "joint", "joint_minus_supervised"}
    assert table["supervised"]["acc@1_high"] > table["joint"]["acc@1_low"]
    gain = table["joint_minus_supervised"]
    assert gain["acc@1"] == pytest.approx(acc_at(joint, 1) - acc_at(supervised, 1), abs=1e-4)
    assert 0 < gain["acc@1_low"] < gain["acc@1"] < gain["acc@1_high"]
    assert gain["mean_rank_high"] < 0
    assert set(gain) == {
        f"{score}{end}" for score in ("acc@1", "acc@5", "acc@10", "mean_rank") for end in ("", "_low", "_high")
    }


def test_seeds_are_averaged_inside():
    """Three seeds of one method give the interval of their mean per query, not that of 3 q queries."""
    rng = np.random.default_rng(5)
    photo = np.repeat(np.arange(60), 2)
    runs = rng.integers(1, 15, (3, 120))
    table = compare({"a": runs, "b": runs[0]}, photo, resamples=1000, seed=0)
    mean = np.mean([acc_at(run, 5) for run in runs])
    assert table["a"]["acc@5"] == pytest.approx(mean, abs=1e-4)
    values = np.stack([100.0 * (run <= 5) for run in runs]).mean(0)
    alone = cluster_bootstrap(values[:, None], photo, resamples=1000, seed=0)
    assert table["a"]["acc@5_low"] == pytest.approx(alone.low[0], abs=1e-4)
    stacked = cluster_bootstrap((100.0 * (runs <= 5))[..., None], photo, resamples=1000, seed=0)
    assert stacked.low[0] == pytest.approx(alone.low[0])

"""Scores of generated sketches against reference implementations and worked values."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import spearmanr

from fgsbir.evaluation import generation


def features(seed, n, f, shift=0.0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, f)) @ rng.normal(size=(f, f)) * 0.3 + shift).astype(np.float32)


def naive_fid(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = a.mean(0) - b.mean(0)
    return gap @ gap + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)


@pytest.mark.parametrize(("n", "m", "f", "exact"), [(300, 200, 16, 1e-6), (20, 30, 64, 1e-3)])
def test_fid_equals_the_naive_matrix_root(n, m, f, exact):
    """With fewer samples than features too: both covariances are singular, where a root is at its worst."""
    a, b = features(0, n, f), features(1, m, f, shift=0.5)
    assert generation.frechet_distance(a, b) == pytest.approx(naive_fid(a, b), rel=exact)


def test_fid_worked_values():
    a = np.random.default_rng(0).normal(size=(50, 5))
    assert generation.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert generation.frechet_distance(a, a + 2 * np.eye(5)[1]) == pytest.approx(4)
    # One feature stretched threefold: (3 sd - sd)^2, and the mean moves by twice itself.
    b = a[:, :1]
    assert generation.frechet_distance(b, 3 * b) == pytest.approx(4 * b.var(ddof=1) + 4 * b.mean() ** 2)
    with pytest.raises(ValueError, match="at least 2 samples, found 1 and 3"):
        generation.frechet_distance(np.zeros((1, 2)), np.zeros((3, 2)))


def test_recognition_counts_ties_as_wrong():
    logits = np.array([[3.0, 1.0], [0.0, 2.0], [1.0, 1.0], [5.0, 0.0]])
    assert generation.recognition(logits, np.array([0, 1, 0, 1])) == 50.0


def test_shape_scores():
    one = np.array([[0, 0, 0], [1, 1, 1]], np.float32)
    two = np.array([[0, 0, 0], [1, 1, 1], [2, 2, 0], [3, 3, 1]], np.float32)
    assert generation.shape_scores([one, two]) == {"points": 3.0, "strokes": 1.5}


def test_spearman_equals_the_reference_with_ties():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, 40), rng.normal(size=40)
    assert generation.spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert generation.spearman(np.ones(5), np.arange(5)) == 0.0


def test_certainty_bins_hold_equally_many_and_rise_with_a_good_certainty():
    rng = np.random.default_rng(1)
    certainty = rng.permutation(np.linspace(0, 1, 103))
    bins = generation.certainty_bins(certainty, 100 * certainty)
    assert bins.size.sum() == 103
    assert set(bins.size) == {10, 11}
    np.testing.assert_allclose(bins.percentile, 100 * bins.certainty)
    assert (np.diff(bins.certainty) > 0).all()
    assert bins.error[0] == pytest.approx(np.std(np.sort(certainty)[:11] * 100, ddof=1) / np.sqrt(11))
    # Fewer photos than bins.
    bins = generation.certainty_bins(np.array([0.2, 0.1]), np.array([50.0, 70.0]))
    assert bins.certainty.tolist() == [0.1, 0.2]
    assert bins.percentile.tolist() == [70.0, 50.0]
    assert bins.error.tolist() == [0.0, 0.0]

"""Ranks and accuracies against a naive loop, a reference implementation and worked values."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import top_k_accuracy_score

from fgsbir.retrieval import ranking
from fgsbir.retrieval.ranking import acc_at, mean_rank, ranking_percentile, ranks, top_k


def unit(rng, n, d):
    rows = rng.normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def naive_ranks(query, gallery, truth, query_category=None, gallery_category=None):
    """The definition, one pair at a time, in float64."""
    out = []
    for i, sketch in enumerate(query.astype(np.float64)):
        true = ((sketch - gallery[truth[i]]) ** 2).sum()
        count = 0
        for j, photo in enumerate(gallery.astype(np.float64)):
            if query_category is None or query_category[i] == gallery_category[j]:
                count += ((sketch - photo) ** 2).sum() <= true
        out.append(count)
    return np.array(out)


def test_worked_values():
    gallery = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]], np.float32)
    query = np.array([[0.1, 0.0], [0.9, 0.0], [0.0, 0.0]], np.float32)
    assert ranks(query, gallery, np.array([0, 0, 2])).tolist() == [1, 2, 3]


def test_ties_count_against_us():
    """The true photo shares its place with another one: rank 2, whichever comes first."""
    gallery = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
    query = np.array([[1.0, 0.0]] * 2, np.float32)
    assert ranks(query, gallery, np.array([0, 1])).tolist() == [2, 2]


@pytest.mark.parametrize("d", [3, 64, 129, 2048])
@pytest.mark.parametrize("kind", ["zero", "one", "random"])
def test_a_collapsed_model_gets_the_worst_rank_everywhere(d, kind):
    rng = np.random.default_rng(d)
    place = {"zero": np.zeros(d), "one": np.ones(d), "random": rng.normal(size=d)}[kind].astype(np.float32)
    n = 37
    found = ranks(np.tile(place, (n, 1)), np.tile(place, (n, 1)), np.arange(n))
    assert found.tolist() == [n] * n
    assert acc_at(found, 1) == 0.0


@pytest.mark.parametrize("block", [1, 50, 1 << 20])
@pytest.mark.parametrize(("q", "g", "d"), [(60, 33, 8), (40, 8, 1), (5, 300, 16), (1, 1, 4)])
def test_against_the_definition(q, g, d, block, monkeypatch):
    monkeypatch.setattr(ranking, "BLOCK", block)
    rng = np.random.default_rng(q)
    query, gallery, truth = unit(rng, q, d), unit(rng, g, d) * 1.5, rng.integers(0, g, q)
    assert ranks(query, gallery, truth).tolist() == naive_ranks(query, gallery, truth).tolist()


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.int8, (6, 2), elements=st.integers(-2, 2)),
    arrays(np.int8, (9, 2), elements=st.integers(-2, 2)),
    arrays(np.int64, 6, elements=st.integers(0, 8)),
)
def test_many_exact_ties(query, gallery, truth):
    query, gallery = query.astype(np.float32), gallery.astype(np.float32)
    assert ranks(query, gallery, truth).tolist() == naive_ranks(query, gallery, truth).tolist()


def test_distances_that_float32_products_cannot_order(monkeypatch):
    """Photos a billionth apart, far from the origin: only the exact comparison orders them."""
    monkeypatch.setattr(ranking, "EXACT_PAIRS", 7)
    rng = np.random.default_rng(0)
    base = unit(rng, 1, 128)
    gallery = base + rng.normal(size=(50, 128)).astype(np.float32) * np.float32(1e-5)
    query = base + rng.normal(size=(20, 128)).astype(np.float32) * np.float32(1e-5)
    truth = rng.integers(0, 50, 20)
    assert ranks(query, gallery, truth).tolist() == naive_ranks(query, gallery, truth).tolist()


def test_more_than_255_words_of_flags():
    """Counting adds bytes eight at a time; a photo nearer than the truth in every place must not overflow them."""
    gallery = np.zeros((5000, 2), np.float32)
    gallery[-1] = 1
    assert ranks(np.zeros((3, 2), np.float32), gallery, np.array([4999, 0, 4999])).tolist() == [5000, 4999, 5000]


def test_galleries_stay_inside_a_category():
    rng = np.random.default_rng(3)
    query, gallery, truth = unit(rng, 80, 4), unit(rng, 30, 4), rng.integers(0, 30, 80)
    photo_category = rng.choice(["chair", "lamp", "shoe"], 30)
    category = photo_category[truth]
    found = ranks(query, gallery, truth, category, photo_category)
    assert found.tolist() == naive_ranks(query, gallery, truth, category, photo_category).tolist()
    assert (found < ranks(query, gallery, truth)).any()


def test_errors():
    rng = np.random.default_rng(0)
    query, gallery = unit(rng, 3, 4), unit(rng, 5, 4)
    truth = np.array([0, 1, 2])
    with pytest.raises(ValueError, match="do not fit"):
        ranks(query, gallery[:, :3], truth)
    with pytest.raises(ValueError, match="truth runs from 0 to 7"):
        ranks(query, gallery, np.array([0, 1, 7]))
    with pytest.raises(ValueError, match="or for neither"):
        ranks(query, gallery, truth, query_category=np.zeros(3))
    with pytest.raises(ValueError, match=r"query 1 is of category .*'b'"):
        ranks(query, gallery, truth, np.array(["a", "b", "a"]), np.array(["a"] * 5))
    for where in (query, gallery):
        where[1, 2] = np.nan
        with pytest.raises(ValueError, match="not finite"):
            ranks(query, gallery, truth)
        where[1, 2] = 0


def test_accuracy_and_mean_rank_worked_values():
    found = np.array([1, 1, 2, 5, 10, 11])
    assert acc_at(found, 1) == pytest.approx(100 / 3)
    assert acc_at(found, 5) == pytest.approx(200 / 3)
    assert acc_at(found, 10) == pytest.approx(500 / 6)
    assert mean_rank(found) == 5.0


@pytest.mark.parametrize("k", [1, 3, 10])
def test_accuracy_equals_the_reference_implementation(k):
    rng = np.random.default_rng(5)
    query, gallery, truth = unit(rng, 50, 6), unit(rng, 20, 6), rng.integers(0, 20, 50)
    closeness = -np.linalg.norm(query[:, None] - gallery[None], axis=-1)
    expected = 100 * top_k_accuracy_score(truth, closeness, k=k, labels=np.arange(20))
    assert acc_at(ranks(query, gallery, truth), k) == pytest.approx(expected)


def test_percentile_worked_values():
    assert ranking_percentile(np.array([1, 3, 5]), 5).tolist() == [100.0, 50.0, 0.0]
    assert ranking_percentile(np.array([1, 2]), np.array([1, 3])).tolist() == [100.0, 50.0]


def test_top_k_against_a_full_sort():
    rng = np.random.default_rng(6)
    query, gallery = unit(rng, 25, 7), unit(rng, 40, 7)
    order = np.argsort(np.linalg.norm(query[:, None] - gallery[None], axis=-1), axis=1)
    assert top_k(query, gallery, 6).tolist() == order[:, :6].tolist()


def test_top_k_agrees_with_ranks_and_stays_inside_the_category():
    rng = np.random.default_rng(7)
    gallery_category = np.array(["a"] * 12 + ["b"] * 3)
    query, gallery, truth = unit(rng, 30, 4), unit(rng, 15, 4), rng.integers(0, 15, 30)
    category = gallery_category[truth]
    best = top_k(query, gallery, 5, category, gallery_category)
    found = ranks(query, gallery, truth, category, gallery_category)
    for row in range(30):
        shown = best[row][best[row] >= 0]
        assert len(shown) == (5 if category[row] == "a" else 3)
        assert (gallery_category[shown] == category[row]).all()
        if found[row] <= 5:
            assert shown[found[row] - 1] == truth[row]
        else:
            assert truth[row] not in shown


@pytest.mark.slow
def test_ranking_costs_little_more_than_the_product_it_needs():
    """The benchmark measures the ratio; this catches a sort, or a second product, slipping in."""
    rng = np.random.default_rng(0)
    query, gallery, truth = unit(rng, 8000, 128), unit(rng, 1000, 128), rng.integers(0, 1000, 8000)
    ratios = []
    for _ in range(9):
        start = time.perf_counter()
        query @ gallery.T
        middle = time.perf_counter()
        ranks(query, gallery, truth)
        ratios.append((time.perf_counter() - middle) / (middle - start))
    assert np.median(ratios) < 2.0

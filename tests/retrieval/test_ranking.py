"""Ranks and accuracies against a naive loop, a reference implementation and worked values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import top_k_accuracy_score

from fgsbir.retrieval import ranking
from fgsbir.retrieval.ranking import acc_at, ranking_percentile, ranks, top_k


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
    return out


def test_worked_values():
    gallery = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [3.0, 0.0]], np.float32)
    query = np.array([[0.1, 0.0], [0.9, 0.0], [4.0, 0.0], [4.0, 0.0]], np.float32)
    # The last two share their true photo's place with another one: rank 2, whichever comes first.
    assert ranks(query, gallery, np.array([0, 0, 2, 3])).tolist() == [1, 2, 2, 2]
    found = np.array([1, 1, 2, 5, 10, 11])
    assert [acc_at(found, k) for k in (1, 5, 10)] == pytest.approx([100 / 3, 200 / 3, 500 / 6])
    assert ranking_percentile(np.array([1, 3, 5]), 5).tolist() == [100.0, 50.0, 0.0]
    assert ranking_percentile(np.array([1, 2]), np.array([1, 3])).tolist() == [100.0, 50.0]


@pytest.mark.parametrize("d", [3, 129, 2048])
@pytest.mark.parametrize("kind", ["zero", "one", "random"])
def test_a_collapsed_model_gets_the_worst_rank_everywhere(d, kind):
    rng = np.random.default_rng(d)
    place = {"zero": np.zeros(d), "one": np.ones(d), "random": rng.normal(size=d)}[kind].astype(np.float32)
    assert ranks(np.tile(place, (37, 1)), np.tile(place, (37, 1)), np.arange(37)).tolist() == [37] * 37


@pytest.mark.parametrize("block", [1, 50, 1 << 20])
@pytest.mark.parametrize(("q", "g", "d"), [(60, 33, 8), (40, 8, 1), (5, 300, 16), (1, 1, 4)])
def test_against_the_definition(q, g, d, block, monkeypatch):
    monkeypatch.setattr(ranking, "BLOCK", block)
    rng = np.random.default_rng(q)
    query, gallery, truth = unit(rng, q, d), unit(rng, g, d) * 1.5, rng.integers(0, g, q)
    assert ranks(query, gallery, truth).tolist() == naive_ranks(query, gallery, truth)


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.int8, (6, 2), elements=st.integers(-2, 2)),
    arrays(np.int8, (9, 2), elements=st.integers(-2, 2)),
    arrays(np.int64, 6, elements=st.integers(0, 8)),
)
def test_many_exact_ties(query, gallery, truth):
    query, gallery = query.astype(np.float32), gallery.astype(np.float32)
    assert ranks(query, gallery, truth).tolist() == naive_ranks(query, gallery, truth)


def test_distances_that_float32_products_cannot_order(monkeypatch):
    """Photos a billionth apart, far from the origin: only the exact comparison orders them."""
    monkeypatch.setattr(ranking, "EXACT_PAIRS", 7)
    rng = np.random.default_rng(0)
    base = unit(rng, 1, 128)
    gallery, query = (base + rng.normal(size=(n, 128)).astype(np.float32) * np.float32(1e-5) for n in (50, 20))
    truth = rng.integers(0, 50, 20)
    assert ranks(query, gallery, truth).tolist() == naive_ranks(query, gallery, truth)


@pytest.mark.parametrize(
    ("message", "changed"),
    [
        ("do not fit", {"gallery": np.zeros((5, 3))}),
        ("truth runs from 0 to 7", {"truth": np.array([0, 1, 7])}),
        ("or for neither", {"query_category": np.zeros(3)}),
        (r"query 1 is of category .*'b'", {"query_category": np.array(list("aba")), "gallery_category": ["a"] * 5}),
        ("not finite", {"query": np.full((3, 4), np.nan)}),
        ("not finite", {"gallery": np.full((5, 4), np.inf)}),
    ],
)
def test_errors(message, changed):
    rng = np.random.default_rng(0)
    given = {"query": unit(rng, 3, 4), "gallery": unit(rng, 5, 4), "truth": np.arange(3)}
    with pytest.raises(ValueError, match=message):
        ranks(**given | changed)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_accuracy_equals_the_reference_implementation(k):
    rng = np.random.default_rng(5)
    query, gallery, truth = unit(rng, 50, 6), unit(rng, 20, 6), rng.integers(0, 20, 50)
    closeness = -np.linalg.norm(query[:, None] - gallery[None], axis=-1)
    expected = 100 * top_k_accuracy_score(truth, closeness, k=k, labels=np.arange(20))
    assert acc_at(ranks(query, gallery, truth), k) == pytest.approx(expected)


def test_galleries_stay_inside_a_category_for_ranks_and_the_nearest():
    rng = np.random.default_rng(7)
    photo_category = np.array(["chair"] * 12 + ["lamp"] * 3)
    query, gallery, truth = unit(rng, 30, 4), unit(rng, 15, 4), rng.integers(0, 15, 30)
    category = photo_category[truth]
    found = ranks(query, gallery, truth, category, photo_category)
    assert found.tolist() == naive_ranks(query, gallery, truth, category, photo_category)
    assert (found < ranks(query, gallery, truth)).any()
    distances = np.linalg.norm(query[:, None] - gallery[None], axis=-1)
    distances[category[:, None] != photo_category] = np.inf
    order = np.argsort(distances, axis=1)[:, :5]
    order[np.isinf(np.take_along_axis(distances, order, 1))] = -1
    assert top_k(query, gallery, 5, category, photo_category).tolist() == order.tolist()

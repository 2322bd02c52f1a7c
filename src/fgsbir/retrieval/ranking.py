"""Ranks and accuracies: numpy only, ties always counted against the model.

Protocol: the gallery holds each distinct test photo once, every test sketch is a query, and

    rank = number of gallery photos whose distance to the sketch is <= the true photo's.

So the true photo counts itself and rank 1 is the best. A collapsed model, which puts everything in one place, gets the
worst rank for every query. Galleries never mix categories.
"""

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

# Distances held at once, and pairs compared again at once: they bound the memory. Blocks of 8 MiB of float32 keep the
# product at full speed and stay in cache for the comparisons.
BLOCK = 1 << 21
EXACT_PAIRS = 1 << 14


def ranks(
    query: np.ndarray,
    gallery: np.ndarray,
    truth: np.ndarray,
    query_category: np.ndarray | None = None,
    gallery_category: np.ndarray | None = None,
) -> np.ndarray:
    """Rank of each query's true photo by L2 distance, inside the query's category: int64 (q,), 1 is best.

    ``query`` (q, d) and ``gallery`` (g, d) are float32 embeddings of any length; ``truth`` (q,) gives each query's row
    of ``gallery``. Categories (any comparable dtype) are given for both or neither. The result is exact, whatever
    matrix library multiplies: distances too close for float32 to order are compared again in float64.

    Raises ValueError for embeddings that are not finite, for shapes that do not fit together and for a truth outside
    its query's category.
    """
    query, gallery, truth = np.asarray(query, np.float32), np.asarray(gallery, np.float32), np.asarray(truth)
    if query.ndim != 2 or gallery.ndim != 2 or query.shape[1] != gallery.shape[1] or truth.shape != (len(query),):
        raise ValueError(f"query {query.shape}, gallery {gallery.shape} and truth {truth.shape} do not fit together")
    if len(query) and not (truth.min() >= 0 and truth.max() < len(gallery)):
        raise ValueError(f"truth runs from {truth.min()} to {truth.max()}, the gallery has {len(gallery)} rows")
    if (query_category is None) != (gallery_category is None):
        raise ValueError("give categories for both query and gallery, or for neither")
    if query_category is None or gallery_category is None:
        return _ranks_inside(query, gallery, truth)
    query_category, gallery_category = np.asarray(query_category), np.asarray(gallery_category)
    for row in np.flatnonzero(gallery_category[truth] != query_category):
        raise ValueError(
            f"query {row} is of category {query_category[row]!r}, its photo of {gallery_category[truth[row]]!r}"
        )
    out = np.zeros(len(query), np.int64)
    for queries, photos in _by_category(query_category, gallery_category):
        out[queries] = _ranks_inside(query[queries], gallery[photos], np.searchsorted(photos, truth[queries]))
    return out


def top_k(
    query: np.ndarray, gallery: np.ndarray, k: int, query_category: np.ndarray, gallery_category: np.ndarray
) -> np.ndarray:
    """Rows of the k nearest gallery photos of each query in its category, nearest first: int64 (q, k).

    Where a category holds fewer than k photos, the rest of the row is -1. Equal distances go by row.
    """
    out = np.full((len(query), k), -1, np.int64)
    for queries, photos in _by_category(query_category, gallery_category):
        order = np.argsort(cdist(query[queries], gallery[photos]), axis=1, kind="stable")[:, :k]
        out[queries, : order.shape[1]] = photos[order]
    return out


def acc_at(ranks: np.ndarray, k: int) -> float:
    """Share of queries whose true photo is among the k nearest, in percent."""
    return 100.0 * float(np.mean(np.asarray(ranks) <= k))


def ranking_percentile(ranks: np.ndarray, gallery_size: np.ndarray | int) -> np.ndarray:
    """Share of the *other* gallery photos that are farther than the true one, in percent: float64 (q,).

    100 for rank 1, 0 for the last. ``gallery_size`` is one number or one a query; a gallery of one photo gives 100.
    """
    others = np.maximum(np.asarray(gallery_size, np.float64) - 1, 1)
    return 100.0 * (1 - (np.asarray(ranks, np.float64) - 1) / others)


def _by_category(query_category: np.ndarray, gallery_category: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows of each category's queries and photos."""
    for category in np.unique(query_category):
        yield np.flatnonzero(query_category == category), np.flatnonzero(gallery_category == category)


def _ranks_inside(query: np.ndarray, gallery: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Ranks against one gallery: one product and two comparisons a block, no sorting."""
    query_square = np.einsum("ij,ij->i", query, query)
    gallery_square = np.einsum("ij,ij->i", gallery, gallery)
    if not (np.isfinite(query_square).all() and np.isfinite(gallery_square).all()):
        raise ValueError("embeddings are not finite")
    # q.g - |g|^2 / 2 is (|q|^2 - d^2) / 2, so it orders as the distances do. Less that of the true photo it is above 0
    # for what is nearer. Both numbers are two more dimensions of the product, which is cheaper than a pass over it.
    true = np.einsum("ij,ij->i", query, gallery[truth]) - gallery_square[truth] / 2
    queries = np.column_stack([query, np.ones_like(true), -true])
    photos = np.column_stack([gallery, -gallery_square / 2, np.ones_like(gallery_square)]).T
    # Well above the rounding error of the differences, sums of d + 2 products: it grows as sqrt(d) units in the last
    # place, since matrix libraries add in many lanes.
    longest = max(query_square.max(initial=0), gallery_square.max(initial=0))
    tolerance = np.float32(8 * np.sqrt(query.shape[1] + 2) * 2.0**-24 * longest)

    out = np.zeros(len(query), np.int64)
    length = max(1, min(len(query), BLOCK // max(1, len(gallery))))
    # Fetched once: memory that is new to the process costs as much as a comparison.
    nearness, flags = np.empty((length, len(gallery)), np.float32), np.empty((2, length, len(gallery)), bool)
    for start in range(0, len(query), length):
        block = queries[start : start + length]
        near = np.matmul(block, photos, out=nearness[: len(block)])
        at_most, nearer = flags[:, : len(block)]
        count = _count(np.greater_equal(near, -tolerance, out=at_most))
        # The true photo itself always lies between the bounds; whatever else does is compared again, exactly.
        unclear = np.flatnonzero(count - _count(np.greater(near, tolerance, out=nearer)) > 1)
        place, photo = np.nonzero(at_most[unclear] ^ nearer[unclear])
        farther = ~_at_most_as_far(query, gallery, (unclear + start)[place], photo, truth)
        count[unclear] -= np.bincount(place[farther], minlength=len(unclear))
        out[start : start + length] = count
    return out


def _count(flags: np.ndarray) -> np.ndarray:
    """True flags of each row of a bool array, int64: row by row numpy is many times as fast as along an axis."""
    return np.fromiter(map(np.count_nonzero, flags), np.int64, len(flags))


def _at_most_as_far(
    query: np.ndarray, gallery: np.ndarray, rows: np.ndarray, photos: np.ndarray, truth: np.ndarray
) -> np.ndarray:
    """For each pair (query row, photo): is the photo at most as far as the query's true photo? bool, by float64."""
    out = np.empty(len(rows), bool)
    for start in range(0, len(rows), EXACT_PAIRS):
        part = slice(start, start + EXACT_PAIRS)
        sketch = query[rows[part]].astype(np.float64)
        other = np.square(sketch - gallery[photos[part]]).sum(1)
        true = np.square(sketch - gallery[truth[rows[part]]]).sum(1)
        out[part] = other <= true
    return out

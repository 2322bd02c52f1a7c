"""Ranks and accuracies: numpy only, ties always counted against the model.

Protocol: the gallery holds each distinct test photo once, every test sketch is a query, and

    rank = number of gallery photos whose distance to the sketch is <= the true photo's.

So the true photo counts itself and rank 1 is the best. A collapsed model, which puts everything in
one place, gets the worst rank for every query. Galleries never mix categories.
"""

from collections.abc import Iterator

import numpy as np

# Pairs whose distances are recomputed at once; bounds the memory of the exact comparison.
EXACT_PAIRS = 1 << 14


def ranks(
    query: np.ndarray,
    gallery: np.ndarray,
    truth: np.ndarray,
    query_category: np.ndarray | None = None,
    gallery_category: np.ndarray | None = None,
    chunk: int = 512,
) -> np.ndarray:
    """Rank of each query's true photo by L2 distance, inside the query's category: int64 (q,), 1 is best.

    ``query`` (q, d) and ``gallery`` (g, d) are float32 embeddings, normalised or not; ``truth`` (q,)
    gives each query's row of ``gallery``. Categories (any comparable dtype) are given for both or
    neither. ``chunk`` queries are compared with the gallery at a time.

    The result is exact for the given embeddings, whatever matrix library multiplies them: distances
    too close for float32 to order are compared again in float64.

    Raises ValueError for embeddings that are not finite, for shapes that do not fit together and for a
    truth outside its query's category.
    """
    query, gallery, truth = np.asarray(query, np.float32), np.asarray(gallery, np.float32), np.asarray(truth)
    if query.ndim != 2 or gallery.ndim != 2 or query.shape[1] != gallery.shape[1] or truth.shape != (len(query),):
        raise ValueError(f"query {query.shape}, gallery {gallery.shape} and truth {truth.shape} do not fit together")
    if len(query) and not (0 <= truth.min() and truth.max() < len(gallery)):
        raise ValueError(f"truth runs from {truth.min()} to {truth.max()}, the gallery has {len(gallery)} rows")
    if (query_category is None) != (gallery_category is None):
        raise ValueError("give categories for both query and gallery, or for neither")
    if query_category is None or gallery_category is None:
        return _ranks_inside(query, gallery, truth, chunk)

    query_category, gallery_category = np.asarray(query_category), np.asarray(gallery_category)
    astray = np.flatnonzero(gallery_category[truth] != query_category)
    if len(astray):
        row = astray[0]
        raise ValueError(
            f"query {row} is of category {query_category[row]!r}, its photo of {gallery_category[truth[row]]!r}"
        )
    out = np.zeros(len(query), np.int64)
    for category in np.unique(query_category):
        queries, photos = np.flatnonzero(query_category == category), np.flatnonzero(gallery_category == category)
        out[queries] = _ranks_inside(query[queries], gallery[photos], np.searchsorted(photos, truth[queries]), chunk)
    return out


def top_k(
    query: np.ndarray,
    gallery: np.ndarray,
    k: int,
    query_category: np.ndarray | None = None,
    gallery_category: np.ndarray | None = None,
    chunk: int = 512,
) -> np.ndarray:
    """Rows of the k nearest gallery photos of each query, nearest first: int64 (q, k).

    Where a category holds fewer than k photos, the rest of the row is -1. Equal distances go by row.
    """
    query, gallery = np.asarray(query, np.float32), np.asarray(gallery, np.float32)
    out = np.full((len(query), k), -1, np.int64)
    if query_category is None or gallery_category is None:
        groups = [(np.arange(len(query)), np.arange(len(gallery)))]
    else:
        groups = [
            (np.flatnonzero(query_category == category), np.flatnonzero(gallery_category == category))
            for category in np.unique(query_category)
        ]
    for queries, photos in groups:
        count = min(k, len(photos))
        for rows, closeness in _closeness(query[queries], gallery[photos], chunk):
            near = np.sort(np.argpartition(-closeness, count - 1, axis=1)[:, :count], axis=1)
            order = np.argsort(-np.take_along_axis(closeness, near, 1), axis=1, kind="stable")
            out[queries[rows], :count] = photos[np.take_along_axis(near, order, 1)]
    return out


def acc_at(ranks: np.ndarray, k: int) -> float:
    """Share of queries whose true photo is among the k nearest, in percent."""
    return 100.0 * float(np.mean(np.asarray(ranks) <= k))


def mean_rank(ranks: np.ndarray) -> float:
    """Mean rank of the true photo; 1 is best."""
    return float(np.mean(ranks))


def ranking_percentile(ranks: np.ndarray, gallery_size: np.ndarray | int) -> np.ndarray:
    """Share of the *other* gallery photos that are farther than the true one, in percent: float64 (q,).

    100 for rank 1, 0 for the last rank. ``gallery_size`` is one number or one a query; a gallery of one
    photo gives 100.
    """
    others = np.maximum(np.asarray(gallery_size, np.float64) - 1, 1)
    return 100.0 * (1 - (np.asarray(ranks, np.float64) - 1) / others)


def _closeness(query: np.ndarray, gallery: np.ndarray, chunk: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield (rows, q.g - |g|^2 / 2) for blocks of queries: (|q|^2 - d^2) / 2, so larger is nearer.

    The gallery's norms ride along as one more dimension of the product. The block is reused.
    """
    half_norms = np.einsum("ij,ij->i", gallery, gallery)[:, None] / 2
    columns = np.concatenate([gallery, -half_norms], axis=1, dtype=np.float32).T
    longer = np.ones((len(query), query.shape[1] + 1), np.float32)
    longer[:, :-1] = query
    block = np.empty((min(chunk, len(query)), len(gallery)), np.float32)
    for start in range(0, len(query), chunk):
        rows = slice(start, min(start + chunk, len(query)))
        yield rows, np.matmul(longer[rows], columns, out=block[: rows.stop - rows.start])


def _ranks_inside(query: np.ndarray, gallery: np.ndarray, truth: np.ndarray, chunk: int) -> np.ndarray:
    """Ranks against one gallery: one product a block, two comparisons in place, no sorting."""
    query_norm = np.sqrt(np.einsum("ij,ij->i", query, query))
    gallery_norm = np.sqrt(np.einsum("ij,ij->i", gallery, gallery))
    if not (np.isfinite(query_norm).all() and np.isfinite(gallery_norm).all()):
        raise ValueError("embeddings are not finite")
    largest = float(gallery_norm.max(initial=0.0))
    # Bound of the rounding error of the difference of two products of length d + 1.
    unit = 2.0**-24
    tolerance = (2 * (query.shape[1] + 4) * unit * largest * (query_norm + largest / 2)).astype(np.float32)

    out = np.zeros(len(query), np.int64)
    # Flags padded to whole words of eight, which are then counted a word at a time.
    flags = np.zeros((min(chunk, len(query)), -(-len(gallery) // 8) * 8), bool)
    for rows, closeness in _closeness(query, gallery, chunk):
        true = closeness[np.arange(len(closeness)), truth[rows]]
        low, high = true - tolerance[rows], true + tolerance[rows]
        flag = flags[: len(closeness)]
        np.greater_equal(closeness, low[:, None], out=flag[:, : len(gallery)])
        at_most = _count(flag)
        np.greater(closeness, high[:, None], out=flag[:, : len(gallery)])
        surely_nearer = _count(flag)
        out[rows] = at_most
        # The true photo itself is always between the two bounds; anything else there needs a closer look.
        unclear = np.flatnonzero(at_most - surely_nearer > 1)
        if len(unclear):
            near = (closeness[unclear] >= low[unclear, None]) & (closeness[unclear] <= high[unclear, None])
            place, photo = np.nonzero(near)
            whole = unclear + rows.start
            tied = _at_most_as_far(query, gallery, whole[place], photo, truth)
            out[whole] = surely_nearer[unclear] + np.bincount(place, tied, minlength=len(unclear)).astype(np.int64)
    return out


def _count(flags: np.ndarray) -> np.ndarray:
    """Count the true flags of each row of a bool array whose width is a multiple of 8: int64."""
    return np.bitwise_count(flags.view(np.uint64)).sum(axis=1, dtype=np.uint32).astype(np.int64)


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

"""Search among embeddings of as many photos as are wanted, distributed as those of a data set are."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy

from fgsbir.data.atomic import write_json
from fgsbir.data.photos import read_pixels
from fgsbir.data.shards import ShardStore
from fgsbir.ready import READY_MODEL
from fgsbir.retrieval.encoder import Encoder
from fgsbir.search.gallery import (
    EMBEDDINGS,
    FORMAT,
    HALF_NORMS,
    HASHES,
    INDEX,
    INVERTED,
    PATH_ENDS,
    PATHS,
    Gallery,
    half_norms,
    ids_of,
)
from fgsbir.search.inverted_file import write_inverted
from fgsbir.search.searcher import computing

NEIGHBOURS, NOISE, PART = 20, 0.3, 50_000
QUERIES, FOUND, KNOWN = 100, 10, 600
USERS = 4  # who search at once


class Prepared(NamedTuple):
    """A part, ready to be timed: ``run`` is timed, ``out`` is what it fills, and ``facts`` are more figures of it."""

    run: Callable[[], object]
    out: Path | None = None
    facts: Callable[[], dict[str, float]] = dict


def perturbed(embeddings: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
    """``count`` vectors of length 1 in parts, float32 (m, d), like ``embeddings`` (n, d) of photos.

    Each lies between a photo and one of its 20 nearest, and is moved by 0.3 of the difference of two more: so it
    varies where photos vary, and neighbours stay neighbours.
    """
    rng, n = np.random.default_rng(seed), len(embeddings)
    near = np.argsort(-(embeddings @ embeddings.T), axis=1)[:, 1 : 1 + NEIGHBOURS]
    for start in range(0, count, PART):
        rows = rng.integers(0, n, (3, min(PART, count - start)))
        other = near[rows[0], rng.integers(0, near.shape[1], rows.shape[1])]
        share = rng.uniform(0.5, 1, (rows.shape[1], 1)).astype(np.float32)
        made = share * embeddings[rows[0]] + (1 - share) * embeddings[other]
        made += np.float32(NOISE) * (embeddings[rows[1]] - embeddings[rows[2]])
        yield made / np.linalg.norm(made, axis=1, keepdims=True)


def gallery_of(shards: Path, work: Path, count: int) -> tuple[Gallery, np.ndarray]:
    """An index of ``count`` photos that are like the set's, by the ready model, and sketches' embeddings to search it.

    It is made if it is not there, part by part: ten million embeddings are 20 GB.
    """
    folder, encoder = work / f"gallery-{count}", Encoder.load(READY_MODEL, computing())
    with ShardStore(shards) as store:
        drawn = [store.read_strokes(photo)[0] for photo in store.photos if photo.sketches][:QUERIES]
        if not (folder / INDEX).exists():
            known = store.photos[:: max(1, len(store.photos) // KNOWN)]
            size = encoder.spec.image_size
            pixels = (read_pixels(store.read_photo(photo), photo.id, size)[None] for photo in known)
            write_gallery(folder, perturbed(np.concatenate([*map(encoder.photos, pixels)]), count, 0), count)
    return Gallery(folder), encoder.sketches(drawn)


def write_gallery(folder: Path, parts: Iterator[np.ndarray], count: int) -> None:
    """Write the arrays of an index of embeddings that come in parts, and of photos that are not there."""
    folder.mkdir(parents=True)
    first = next(parts)
    embeddings = npy.open_memmap(folder / EMBEDDINGS, "w+", np.float32, (count, first.shape[1]))
    halves, start = np.empty(count, np.float32), 0
    for part in itertools.chain([first], parts):
        rows = slice(start, start + len(part))
        embeddings[rows], halves[rows], start = part, half_norms(part), rows.stop
    embeddings.flush()
    hashes = np.zeros((count, 32), np.uint8)
    ids = np.sort(np.random.default_rng(1).integers(0, 2**63, count))
    hashes[:, :8] = ids.astype(">u8").view(np.uint8).reshape(-1, 8)
    for name, values in ((HALF_NORMS, halves), (HASHES, hashes), (PATH_ENDS, np.arange(1, count + 1))):
        np.save(folder / name, values)
    (folder / PATHS).write_bytes(b"a" * count)
    about = {"format": FORMAT, "photos": count, "dimensions": first.shape[1], "model": "", "adaptive": None}
    write_json(folder / INDEX, about | {"precision": computing().precision, "skipped": {}})


def inverted_file(shards: Path, work: Path, count: int) -> Prepared:
    """Training the cells, and filling them."""
    gallery, _ = gallery_of(shards, work, count)
    out = work / f"inverted-{count}"
    return Prepared(lambda: write_inverted(gallery.embeddings, ids_of(gallery.hashes).astype(np.uint64), out), out)


def search_exact(shards: Path, work: Path, count: int) -> Prepared:
    """A hundred sketches, one by one."""
    gallery, queries = gallery_of(shards, work, count)
    return Prepared(lambda: [gallery.nearest(query, FOUND) for query in queries])


def nearest_of_all(embeddings: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The nearest vectors of length 1 for each query, rows int64 (q, FOUND): one pass over them, part by part."""
    near, rows = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(embeddings), PART):
        part = queries @ embeddings[start : start + PART].T
        near = np.concatenate([near, part], 1)
        rows = np.concatenate([rows, np.broadcast_to(np.arange(start, start + part.shape[1]), part.shape)], 1)
        best = np.argpartition(-near, FOUND, axis=1)[:, :FOUND]
        near, rows = (np.take_along_axis(each, best, 1) for each in (near, rows))
    return rows


def search_approximate(shards: Path, work: Path, count: int) -> Prepared:
    """The same through the inverted file; and the share of the exact top ten that it finds."""
    made, (exact, queries) = work / f"inverted-{count}", gallery_of(shards, work, count)
    if not made.exists():
        write_inverted(exact.embeddings, ids_of(exact.hashes).astype(np.uint64), made)
    (exact.folder / INVERTED).symlink_to(made.resolve())
    opening = time.perf_counter()
    gallery = Gallery(exact.folder)
    opening = time.perf_counter() - opening
    (exact.folder / INVERTED).unlink()
    true = nearest_of_all(exact.embeddings, queries)

    def timed(query: np.ndarray) -> tuple[float, np.ndarray]:
        start = time.perf_counter()
        found, _ = gallery.nearest(query, FOUND)
        return time.perf_counter() - start, found

    def facts() -> dict[str, float]:
        took, found = zip(*map(timed, queries), strict=True)
        with ThreadPoolExecutor(USERS) as users:
            together = [each for each, _ in users.map(timed, [*queries] * USERS)]
        shared = [len(np.intersect1d(*rows)) / FOUND for rows in zip(found, true, strict=True)]
        late = {name: float(np.percentile(of, 95)) for name, of in (("p95", took), ("p95_of_users", together))}
        return {"recall": float(np.mean(shared)), "opening": opening, **late}

    return Prepared(lambda: [gallery.nearest(query, FOUND) for query in queries], facts=facts)

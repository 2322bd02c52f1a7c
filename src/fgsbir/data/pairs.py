"""Sketch-photo pairs in memory, and batches that depend on (seed, stream, step) alone.

A batch is a pure function of its step: nothing has to be saved to resume a run in the middle, any
number of processes sees the same global batch, and a failing step can be named by its photos.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch

from fgsbir.data.augmentation import Changes, change_photos, change_sketches, draw_changes
from fgsbir.data.index import PhotoEntry
from fgsbir.data.photos import decode_photo
from fgsbir.data.pixels import PhotoRows, photo_tensor, sketch_tensor
from fgsbir.data.rasterise import rasterise, rasterise_batch
from fgsbir.data.records import DataError
from fgsbir.data.selection import seen_sketches
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre

Made = TypeVar("Made")

# Threads that decode photos: Pillow leaves the interpreter to the others meanwhile.
DECODERS = min(8, os.cpu_count() or 1)


class PhotoPixels:
    """Decoded photos of a list of entries: uint8 (n, size, size, 3) on request.

    Photos are decoded once and kept as long as they fit into ``limit_gib``; the rest is decoded
    again each time that it is asked for. Photos that one request asks for are decoded side by side.
    """

    def __init__(self, store: ShardStore, entries: Sequence[PhotoEntry], size: int, limit_gib: float) -> None:
        self.store, self.entries, self.size = store, entries, size
        kept = min(len(entries), int(limit_gib * 2**30 / (size * size * 3)))
        self._kept = np.empty((kept, size, size, 3), np.uint8)
        self._decoded = np.zeros(kept, bool)
        self._decoders = ThreadPoolExecutor(DECODERS)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        distinct, places = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        pixels = np.empty((len(distinct), self.size, self.size, 3), np.uint8)
        kept = distinct < len(self._kept)
        kept[kept] = self._decoded[distinct[kept]]
        pixels[kept] = self._kept[distinct[kept]]
        missing = distinct[~kept]
        encoded = [self.store.read_photo(self.entries[row]) for row in missing]
        if encoded:
            pixels[~kept] = list(self._decoders.map(decode_photo, encoded, itertools.repeat(self.size)))
        fits = distinct < len(self._kept)
        self._kept[distinct[fits]], self._decoded[distinct[fits]] = pixels[fits], True
        return pixels[places]


@dataclass(slots=True)
class PairSet:
    """Photos with the sketches that may be used of them, centred.

    ``photo_ids[i]`` names photo i, ``categories`` int64 (n,) numbers its category, ``pixels`` gives
    it as uint8 (s, s, 3), and ``sketches[i]`` lists its canonical strokes.
    """

    photo_ids: list[str]
    categories: np.ndarray
    pixels: PhotoRows
    sketches: list[list[np.ndarray]]

    def __len__(self) -> int:
        return len(self.photo_ids)


def photo_set(store: ShardStore, entries: Sequence[PhotoEntry], size: int, limit_gib: float) -> PairSet:
    """Photos alone: a pair set without sketches, whose strokes in the shards, if any, are not read."""
    number = {name: row for row, name in enumerate(sorted(store.index.categories))}
    return PairSet(
        photo_ids=[entry.id for entry in entries],
        categories=np.array([number[entry.category] for entry in entries], np.int64),
        pixels=PhotoPixels(store, entries, size, limit_gib),
        sketches=[[] for _ in entries],
    )


def labelled_pairs(store: ShardStore, entries: Sequence[PhotoEntry], size: int, limit_gib: float) -> PairSet:
    """Photos with their human sketches by users who are not held out."""
    pairs = photo_set(store, entries, size, limit_gib)
    for row, entry in enumerate(entries):
        strokes = store.read_strokes(entry)
        pairs.sketches[row] = [centre(strokes[place]) for place in seen_sketches(entry)]
    return pairs


def at_size(pairs: PairSet, store: ShardStore, entries: Sequence[PhotoEntry], size: int, limit_gib: float) -> PairSet:
    """The same photos and sketches at another image size; the same pixels where it is the same size."""
    if isinstance(pairs.pixels, PhotoPixels) and pairs.pixels.size == size:
        return replace(pairs)
    return replace(pairs, pixels=PhotoPixels(store, entries, size, limit_gib))


class RasterRows:
    """Sketches that stand in for photos: the raster of each, as uint8 (n, s, s, 3)."""

    def __init__(self, sketches: list[np.ndarray], size: int, line_width: float) -> None:
        self._sketches, self._size, self._line_width = sketches, size, line_width

    def __len__(self) -> int:
        return len(self._sketches)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        drawn = [rasterise(self._sketches[row], self._size, self._line_width) for row in rows]
        return np.repeat(np.stack(drawn)[..., None], 3, axis=3)


def sketch_only_pairs(
    sketches: list[np.ndarray], size: int, line_width: float, classes: np.ndarray | None = None
) -> PairSet:
    """Pairs of a sketch with its own raster as the photo, for learning without any photo.

    ``classes`` int64 (n,) stand in the place of categories; by default all are 0.
    """
    return PairSet(
        photo_ids=[f"sketch {row}" for row in range(len(sketches))],
        categories=np.zeros(len(sketches), np.int64) if classes is None else classes,
        pixels=RasterRows(sketches, size, line_width),
        sketches=[[strokes] for strokes in sketches],
    )


@dataclass(slots=True)
class PairBatch:
    """One process's share of a global batch of n pairs, before augmentation reaches the pixels.

    ``photos`` uint8 (n, s, s, 3); ``strokes`` already changed, and ``rasters`` of them, uint8 (n, s, s);
    ``rows`` int64 (n,) into the pair set and ``choices`` int64 (n,) into the row's sketches;
    ``categories`` int64 (n,).
    """

    photos: np.ndarray
    strokes: list[np.ndarray]
    rasters: np.ndarray
    rows: np.ndarray
    choices: np.ndarray
    categories: np.ndarray
    changes: Changes

    def images(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Photos and sketch rasters as float32 (n, 3, s, s) in [0, 1] on ``device``, augmented."""
        return self.photo_images(device), self.sketch_images(device)

    def photo_images(self, device: torch.device) -> torch.Tensor:
        """The photos of :meth:`images`."""
        photos = photo_tensor(torch.from_numpy(self.photos).to(device, non_blocking=True))
        return change_photos(photos, self.changes)

    def sketch_images(self, device: torch.device) -> torch.Tensor:
        """The sketch rasters of :meth:`images`."""
        return sketch_tensor(torch.from_numpy(self.rasters).to(device, non_blocking=True))


@dataclass(frozen=True, slots=True)
class PairStream:
    """An endless, reproducible stream of batches: each epoch shows every photo once, with one of its sketches.

    Sketches are drawn at the photos' size with lines of ``line_width`` pixels of the 256 canvas.
    ``change`` turns sketches and their changes into the augmented sketches. ``rank`` of ``world`` processes
    takes its contiguous share of every global batch of ``batch_size`` pairs. Raises DataError without
    any pair, and for a batch that cannot be shared evenly.
    """

    pairs: PairSet
    batch_size: int
    seed: int
    salt: int
    strength: float
    line_width: float
    change: Callable[[Sequence[np.ndarray], Changes], list[np.ndarray]] = change_sketches
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not len(self.pairs):
            raise DataError("there is no photo with a sketch to train on; labelled_frac may be too small for this set")
        if self.batch_size % self.world:
            raise DataError(f"batch_size {self.batch_size} cannot be shared evenly by {self.world} processes")

    def rows(self, step: int) -> np.ndarray:
        """Rows of the pair set in the global batch of ``step``."""
        positions = step * self.batch_size + np.arange(self.batch_size)
        epochs = positions // len(self.pairs)
        order = {
            int(epoch): np.random.default_rng([self.seed, self.salt, 0, int(epoch)]).permutation(len(self.pairs))
            for epoch in np.unique(epochs)
        }
        return np.array(
            [order[int(epoch)][place % len(self.pairs)] for epoch, place in zip(epochs, positions, strict=True)]
        )

    def mine(self, step: int) -> np.ndarray:
        """This process's share of the rows of ``step``."""
        return self.rows(step)[self._share()]

    def _share(self) -> slice:
        """This process's part of every global batch."""
        share = self.batch_size // self.world
        return slice(self.rank * share, (self.rank + 1) * share)

    def batch(self, step: int) -> PairBatch:
        """This process's share of the batch of ``step``."""
        # Drawn for the whole batch, so that they do not depend on how many processes share it.
        rng = np.random.default_rng([self.seed, self.salt, 1, step])
        chances = rng.random(self.batch_size)[self._share()]
        changes = draw_changes(rng, self.batch_size, self.strength)[self._share()]
        rows = self.mine(step)
        choices = [int(chance * len(self.pairs.sketches[row])) for chance, row in zip(chances, rows, strict=True)]
        sketches = [self.pairs.sketches[row][choice] for row, choice in zip(rows, choices, strict=True)]
        photos, strokes = self.pairs.pixels[rows], self.change(sketches, changes)
        return PairBatch(
            photos=photos,
            strokes=strokes,
            rasters=rasterise_batch(strokes, photos.shape[1], self.line_width),
            rows=rows,
            choices=np.array(choices, np.int64),
            categories=self.pairs.categories[rows],
            changes=changes,
        )

    def photo_ids(self, step: int) -> list[str]:
        """The ids of the photos of ``step``."""
        return [self.pairs.photo_ids[row] for row in self.rows(step)]


def prefetch(make: Callable[[int], Made], first: int, last: int) -> Iterator[tuple[int, Made]]:
    """Yield (step, make(step)) for first <= step < last, one step ahead in a thread."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make, first) if first < last else None
        for step in range(first, last):
            assert waiting is not None
            ready = waiting.result()
            waiting = pool.submit(make, step + 1) if step + 1 < last else None
            yield step, ready

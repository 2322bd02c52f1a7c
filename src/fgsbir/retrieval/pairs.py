"""Sketch-photo pairs, and batches of them that depend on (seed, stream, step) alone.

A batch is a pure function of its step: nothing has to be saved to resume a run in the middle, any number of processes
sees the same global batch, and a failing step can be named by its photos.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from fgsbir.data.index import PhotoEntry
from fgsbir.data.records import DataError
from fgsbir.data.selection import seen_sketches
from fgsbir.features.pictures import Inputs, Level, Pictures
from fgsbir.features.store import FEATURES_OF_TRAINING
from fgsbir.runtime.streams import stream

# Numbers of random changes of images; 0 is the image as it is.
CHANGES = (1, 2**31)


class PairBatch(NamedTuple):
    """One process's share of a global batch of n pairs: what a model reads of photos and sketches, on the CPU.

    ``rows`` int64 (n,) of the pairs' photos, ``drawn`` int64 (n,) of their sketches, ``categories`` int64 (n,).
    """

    photo: Any
    sketch: Tensor
    rows: np.ndarray
    drawn: np.ndarray
    categories: np.ndarray


@dataclass(eq=False)
class Pairs(ABC):
    """Photos with sketches of them, one or more each.

    ``categories`` int64 (n,) numbers each photo's category. ``first`` int64 (n + 1,): photo i has the sketches first[i]
    to first[i + 1].
    """

    photo_ids: list[str]
    categories: np.ndarray
    photos: Inputs
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.photo_ids)

    @property
    def truth(self) -> np.ndarray:
        """The photo of each sketch, int64."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    @abstractmethod
    def random_forms(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Numbers of the forms that ``count`` pairs are shown in, int64; form 0 is the pair as it is."""

    @abstractmethod
    def pair(self, rows: np.ndarray, drawn: np.ndarray, forms: np.ndarray | int = 0) -> tuple[Any, Tensor]:
        """Photos ``rows`` and sketches ``drawn`` in ``forms``, each int64 (n,), as a model reads them."""


def of_photos(
    pictures: Pictures, entries: Sequence[PhotoEntry], level: Level, strength: float, counts: Sequence[int]
) -> tuple[list[str], np.ndarray, Inputs, np.ndarray]:
    """The fields of :class:`Pairs` of photos with ``counts`` sketches each; images are changed with ``strength``."""
    first, photos = np.cumsum([0, *counts], dtype=np.int64), pictures.photos(entries, level, strength)
    return [entry.id for entry in entries], category_numbers(pictures, entries), photos, first


@dataclass(eq=False)
class HumanPairs(Pairs):
    """Photos with people's sketches of them.

    Stored pictures have ``variants`` forms of each sketch, and mirror images; where it is None a form is the number of
    a random change.
    """

    sketches: Inputs
    variants: int | None

    def random_forms(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """See :class:`Pairs`."""
        if self.variants is None:
            return rng.integers(*CHANGES, count)
        mirrored = rng.integers(0, 2, count)
        return rng.integers(0, self.variants, count) + self.variants * mirrored

    def pair(self, rows: np.ndarray, drawn: np.ndarray, forms: np.ndarray | int = 0) -> tuple[Tensor, Tensor]:
        """See :class:`Pairs`."""
        of_photos = forms if self.variants is None else forms // self.variants
        return self.photos(rows, of_photos), self.sketches(drawn, forms)


def category_numbers(pictures: Pictures, entries: Sequence[PhotoEntry]) -> np.ndarray:
    """Each photo's category as its place among the data set's: int64 (n,)."""
    number = {name: row for row, name in enumerate(sorted(pictures.shards.index.categories))}
    return np.array([number[entry.category] for entry in entries], np.int64)


def human_pairs(pictures: Pictures, entries: Sequence[PhotoEntry], level: Level, strength: float = 0.0) -> HumanPairs:
    """Photos with their sketches by users who are not held out, as inputs of ``level``."""
    places = [seen_sketches(entry) for entry in entries]
    stored = bool(entries) and entries[0].split in FEATURES_OF_TRAINING
    variants = None if level == "pixels" else pictures.features.layout.variants if stored else 1
    fields = of_photos(pictures, entries, level, strength, [len(chosen) for chosen in places])
    return HumanPairs(*fields, pictures.sketches(entries, places, level, strength), variants)


@dataclass(frozen=True, slots=True)
class PairStream:
    """An endless, reproducible stream of batches: each epoch shows every photo once, with one of its sketches.

    ``name`` is the random stream's. ``rank`` of ``world`` processes takes its contiguous share of every global batch
    of ``batch_size`` pairs. Raises DataError without any pair, and for a batch that cannot be shared evenly.
    """

    pairs: Pairs
    batch_size: int
    seed: int
    name: str
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not len(self.pairs):
            raise DataError("there is no photo with a sketch to train on; labelled_frac may be too small for this set")
        if self.batch_size % self.world:
            raise DataError(f"batch_size {self.batch_size} cannot be shared evenly by {self.world} processes")

    def batch(self, step: int) -> PairBatch:
        """This process's share of the batch of ``step``."""
        # All is drawn for the whole batch, so that it does not depend on how many processes share it.
        rows, pairs = self.rows(step), self.pairs
        chances = stream(self.seed, self.name, "choice", step).random(self.batch_size)
        drawn = pairs.first[rows] + (chances * (pairs.first[rows + 1] - pairs.first[rows])).astype(np.int64)
        forms = pairs.random_forms(stream(self.seed, self.name, "form", step), self.batch_size)
        rows, drawn, forms = (np.split(each, self.world)[self.rank] for each in (rows, drawn, forms))
        return PairBatch(*pairs.pair(rows, drawn, forms), rows, drawn, pairs.categories[rows])

    def rows(self, step: int) -> np.ndarray:
        """Rows of the pairs in the global batch of ``step``."""
        count = len(self.pairs)
        epochs, places = np.divmod(step * self.batch_size + np.arange(self.batch_size), count)
        rows = np.empty(self.batch_size, np.int64)
        for epoch in np.unique(epochs):
            order = _epoch_order(self.seed, self.name, int(epoch), count)
            rows[epochs == epoch] = order[places[epochs == epoch]]
        return rows

    def photo_ids(self, step: int) -> list[str]:
        """The ids of the photos of ``step``."""
        return [self.pairs.photo_ids[row] for row in self.rows(step)]


# Kept, as a batch uses a few of perhaps a million rows; several streams of a run take turns.
@lru_cache(8)
def _epoch_order(seed: int, name: str, epoch: int, count: int) -> np.ndarray:
    return stream(seed, name, "epoch", epoch).permutation(count)

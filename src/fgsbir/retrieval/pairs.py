"""Sketch-photo pairs, and batches of them that depend on (seed, stream, step) alone.

A batch is a pure function of its step: nothing has to be saved to resume a run in the middle, any number of processes
sees the same global batch, and a failing step can be named by its photos.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from torch import Tensor

from fgsbir.data.index import PhotoEntry
from fgsbir.data.records import DataError
from fgsbir.data.selection import seen_sketches
from fgsbir.features.pictures import Inputs, Level, Pictures
from fgsbir.features.store import FEATURES_OF_TRAINING
from fgsbir.runtime.streams import stream

Made = TypeVar("Made")


class PairBatch(NamedTuple):
    """One process's share of a global batch of n pairs: what F reads of photos and sketches, on the CPU.

    ``rows`` int64 (n,) into the pairs, ``choices`` int64 (n,) into the row's sketches, ``categories`` int64 (n,).
    """

    photo: Any
    sketch: Tensor
    rows: np.ndarray
    choices: np.ndarray
    categories: np.ndarray


class Pairs(Protocol):
    """Photos with sketches of them. ``categories`` int64 (n,) numbers each photo's category."""

    @property
    def photo_ids(self) -> list[str]: ...

    @property
    def categories(self) -> np.ndarray: ...

    def __len__(self) -> int: ...

    def sketches_of(self, rows: np.ndarray) -> np.ndarray:
        """How many sketches the photos ``rows`` have: int64 (n,)."""

    def inputs(
        self, rows: np.ndarray, choices: np.ndarray, rng: np.random.Generator, share: slice
    ) -> tuple[Any, Tensor]:
        """Photos and sketches of the pairs ``share`` of a global batch, in forms drawn from ``rng`` for all of it."""


@dataclass(frozen=True, slots=True)
class HumanPairs:
    """Photos with people's sketches of them.

    ``first`` int64 (n + 1,): photo i has the rows first[i] to first[i + 1] of ``sketches``. Stored pictures have
    ``variants`` forms of each sketch, and mirror images; where ``variants`` is None a form is a random change's number.
    """

    photo_ids: list[str]
    categories: np.ndarray
    photos: Inputs
    sketches: Inputs
    first: np.ndarray
    variants: int | None

    def __len__(self) -> int:
        return len(self.photo_ids)

    def sketches_of(self, rows: np.ndarray) -> np.ndarray:
        """See :class:`Pairs`."""
        return self.first[rows + 1] - self.first[rows]

    @property
    def truth(self) -> np.ndarray:
        """The photo of each sketch, int64."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def inputs(
        self, rows: np.ndarray, choices: np.ndarray, rng: np.random.Generator, share: slice
    ) -> tuple[Tensor, Tensor]:
        """See :class:`Pairs`."""
        if self.variants is None:
            photo_forms = sketch_forms = rng.integers(1, 2**31, len(rows))
        else:
            photo_forms = rng.integers(0, 2, len(rows))
            sketch_forms = rng.integers(0, self.variants, len(rows)) + self.variants * photo_forms
        photo = self.photos(rows[share], photo_forms[share])
        return photo, self.sketches((self.first[rows] + choices)[share], sketch_forms[share])


def category_numbers(pictures: Pictures, entries: Sequence[PhotoEntry]) -> np.ndarray:
    """Each photo's category as its place among the data set's: int64 (n,)."""
    number = {name: row for row, name in enumerate(sorted(pictures.shards.index.categories))}
    return np.array([number[entry.category] for entry in entries], np.int64)


def human_pairs(pictures: Pictures, entries: Sequence[PhotoEntry], level: Level, strength: float = 0.0) -> HumanPairs:
    """Photos with their sketches by users who are not held out, as inputs of ``level``."""
    places = [seen_sketches(entry) for entry in entries]
    stored = bool(entries) and entries[0].split in FEATURES_OF_TRAINING
    return HumanPairs(
        photo_ids=[entry.id for entry in entries],
        categories=category_numbers(pictures, entries),
        photos=pictures.photos(entries, level, strength),
        sketches=pictures.sketches(entries, places, level, strength),
        first=np.concatenate([[0], np.cumsum([len(chosen) for chosen in places])]).astype(np.int64),
        variants=None if level == "pixels" else pictures.features.layout.variants if stored else 1,
    )


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
        # Drawn for the whole batch, so that they do not depend on how many processes share it.
        rows = self.rows(step)
        chances = stream(self.seed, self.name, "choice", step).random(self.batch_size)
        choices = (chances * self.pairs.sketches_of(rows)).astype(np.int64)
        size = self.batch_size // self.world
        share = slice(self.rank * size, (self.rank + 1) * size)
        photo, sketch = self.pairs.inputs(rows, choices, stream(self.seed, self.name, "form", step), share)
        return PairBatch(photo, sketch, rows[share], choices[share], self.pairs.categories[rows[share]])

    def rows(self, step: int) -> np.ndarray:
        """Rows of the pairs in the global batch of ``step``."""
        count = len(self.pairs)
        epochs, places = np.divmod(step * self.batch_size + np.arange(self.batch_size), count)
        rows = np.empty(self.batch_size, np.int64)
        for epoch in np.unique(epochs):
            order = stream(self.seed, self.name, "epoch", int(epoch)).permutation(count)
            rows[epochs == epoch] = order[places[epochs == epoch]]
        return rows

    def photo_ids(self, step: int) -> list[str]:
        """The ids of the photos of ``step``."""
        return [self.pairs.photo_ids[row] for row in self.rows(step)]


def prefetch(make: Callable[[int], Made], first: int, last: int) -> Iterator[tuple[int, Made]]:
    """Yield (step, make(step)) for first <= step < last, one step ahead in a thread."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, first)] if first < last else []
        for step in range(first, last):
            ready = waiting.pop().result()
            if step + 1 < last:
                waiting.append(pool.submit(make, step + 1))
            yield step, ready

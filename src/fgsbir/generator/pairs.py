"""Photos with sketches as G learns from them: what it reads of the photo, and the sketch as a sequence of points.

They are :class:`fgsbir.retrieval.pairs.Pairs`, so that a :class:`~fgsbir.retrieval.pairs.PairStream` makes batches of
them; ``sketch`` of a batch is float32 (n, T, 5), padded, with offsets in canvas pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.augmentation import change_sketches_jointly, drawn_separately
from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import seen_sketches
from fgsbir.data.strokes import mirrored
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs, Level, Pictures, SketchImages
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import PHOTO_FORMS, half
from fgsbir.generator.contour_model import ContourGenerator
from fgsbir.generator.coverage import CoveragePairs, coverage_pairs
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.generator.sequences import SequenceForm, pad_sequences
from fgsbir.retrieval.pairs import category_numbers

# Sketches that pass the trunk before their maps are kept.
PART = 256


@dataclass(frozen=True, slots=True)
class SequencePairs:
    """Photos with canonical sketches of them, simplified but in their own order.

    ``forms`` says what a step may change of a pair. 1: nothing. 2: it draws the photo as it is or mirrored, and the
    sketch alike. None: images get a random change of ``strength``, and the sketch the part of it that both share.
    """

    photo_ids: list[str]
    categories: np.ndarray
    photos: Inputs
    sketches: list[list[np.ndarray]]
    form: SequenceForm
    forms: int | None
    strength: float = 0.0

    def __len__(self) -> int:
        return len(self.photo_ids)

    def sketches_of(self, rows: np.ndarray) -> np.ndarray:
        """See :class:`fgsbir.retrieval.pairs.Pairs`."""
        return np.array([len(self.sketches[row]) for row in rows], np.int64)

    def inputs(
        self, rows: np.ndarray, choices: np.ndarray, rng: np.random.Generator, share: slice
    ) -> tuple[Tensor, Tensor]:
        """See :class:`fgsbir.retrieval.pairs.Pairs`; strokes are put into G's order after they are changed."""
        low, high = (1, 2**31) if self.forms is None else (0, self.forms)
        forms = rng.integers(low, high, len(rows))[share]
        chosen = zip(rows[share], choices[share], strict=True)
        sketches = [self.sketches[row][choice] for row, choice in chosen]
        if self.forms is None:
            sketches = change_sketches_jointly(sketches, drawn_separately(forms, self.strength))
        else:
            sketches = [mirrored(strokes) if form else strokes for strokes, form in zip(sketches, forms, strict=True)]
        sequences = pad_sequences([self.form.ordered(strokes) for strokes in sketches])
        return self.photos(rows[share], forms), torch.from_numpy(sequences)

    @property
    def all_sketches(self) -> list[np.ndarray]:
        """Every sketch as it is, in G's order."""
        return [self.form.ordered(strokes) for choice in self.sketches for strokes in choice]


def labelled_pairs(
    pictures: Pictures, entries: Sequence[PhotoEntry], generator: AnyGenerator, strength: float, workers: int
) -> "SequencePairs | CoveragePairs":
    """Photos with people's sketches, as ``generator`` learns from them; images are changed with ``strength``."""
    if isinstance(generator, ContourGenerator):
        return coverage_pairs(pictures, entries, workers)
    return human_sequences(pictures, entries, generator.form, generator.level, strength)


def human_sequences(
    pictures: Pictures, entries: Sequence[PhotoEntry], form: SequenceForm, level: Level, strength: float = 0.0
) -> SequencePairs:
    """Photos with their sketches by users who are not held out."""
    drawn = pictures.strokes(entries, [seen_sketches(entry) for entry in entries])
    return _of_photos(pictures, entries, drawn, form, level, strength)


def edge_sequences(
    pictures: Pictures,
    entries: Sequence[PhotoEntry],
    form: SequenceForm,
    level: Level,
    strength: float = 0.0,
) -> SequencePairs:
    """Training photos, labelled or not, with the drawings of their edges, where anything stands out."""
    drawn = [edges.drawing for edges in pictures.edges_of(entries)]
    shown = [(entry, strokes) for entry, strokes in zip(entries, drawn, strict=True) if len(strokes)]
    return _of_photos(
        pictures, [entry for entry, _ in shown], [[strokes] for _, strokes in shown], form, level, strength
    )


def lone_sequences(sketches: Sequence[np.ndarray], form: SequenceForm, reader: Reader | FeatureSpec) -> SequencePairs:
    """Sketches without photos, each drawn and read in the place of one.

    ``reader`` reads them for the level "map", once and for all; a spec draws them for the level "pixels".
    """
    photos: Inputs
    if isinstance(reader, Reader):
        parts = [half(reader.sketches(sketches[start : start + PART]).map) for start in range(0, len(sketches), PART)]
        photos = KeptMaps(np.concatenate(parts))
    else:
        photos = SketchImages(sketches, reader)
    names = [f"sketch {number}" for number in range(len(sketches))]
    drawn = [[form.simplified(strokes)] for strokes in sketches]
    return SequencePairs(names, np.zeros(len(names), np.int64), photos, drawn, form, forms=1)


@dataclass(frozen=True, slots=True)
class KeptMaps:
    """Maps in memory, float16 (n, c, h, w), as inputs that have one form."""

    maps: np.ndarray

    def __len__(self) -> int:
        return len(self.maps)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        return torch.from_numpy(self.maps[rows]).float()


def _of_photos(
    pictures: Pictures,
    entries: Sequence[PhotoEntry],
    drawn: Sequence[Sequence[np.ndarray]],
    form: SequenceForm,
    level: Level,
    strength: float,
) -> SequencePairs:
    return SequencePairs(
        photo_ids=[entry.id for entry in entries],
        categories=category_numbers(pictures, entries),
        photos=pictures.photos(entries, level, strength),
        sketches=[[form.simplified(strokes) for strokes in choice] for choice in drawn],
        form=form,
        forms=None if level == "pixels" else PHOTO_FORMS,
        strength=strength,
    )

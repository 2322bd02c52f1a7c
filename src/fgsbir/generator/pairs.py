"""Photos with sketches as G learns from them: a sketch as a sequence of points, or as the contours that it covers."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.augmentation import change_sketches_jointly, drawn_separately
from fgsbir.data.cores import sharing_processes
from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import seen_sketches
from fgsbir.data.strokes import mirrored
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import ContourBatch, KeptInputs, Level, Pictures, SketchImages
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import PHOTO_FORMS, half
from fgsbir.generator.alignment import coverage_of_all
from fgsbir.generator.contour_model import ContourGenerator
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.generator.sequences import SequenceForm, pad_sequences
from fgsbir.retrieval.pairs import CHANGES, Pairs, of_photos

# Below so many photos, starting processes takes longer than they save.
FEW = 32
# Sketches that pass the trunk before their maps are kept.
PART = 256


@dataclass(eq=False)
class CoveragePairs(Pairs):
    """Photos with what each sketch covers of the photo's pieces of contour, float32 in [0, 1], 0 where there is none.

    ``sketch`` of a batch is float32 (n, S). A step sees a photo as it is or mirrored.
    """

    covered: list[np.ndarray]

    def random_forms(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """See :class:`Pairs`."""
        return rng.integers(0, PHOTO_FORMS, count)

    def pair(self, rows: np.ndarray, drawn: np.ndarray, forms: np.ndarray | int = 0) -> tuple[ContourBatch, Tensor]:
        """See :class:`Pairs`."""
        photos: ContourBatch = self.photos(rows, forms)
        covered = np.zeros(photos.mask.shape, np.float32)
        for place, number in enumerate(drawn):
            covered[place, : len(self.covered[number])] = self.covered[number]
        return photos, torch.from_numpy(covered)


@dataclass(eq=False)
class SequencePairs(Pairs):
    """Photos with canonical sketches of them, simplified but in their own order.

    ``sketch`` of a batch is float32 (n, T, 5), padded, with offsets in canvas pixels. ``forms`` says what a step may
    change of a pair. 1: nothing. 2: it draws the photo as it is or mirrored, and the sketch alike. None: images get a
    random change of ``strength``, and the sketch the part of it that both share.
    """

    sketches: list[np.ndarray]
    form: SequenceForm
    forms: int | None
    strength: float = 0.0

    def random_forms(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """See :class:`Pairs`."""
        return rng.integers(*(CHANGES if self.forms is None else (0, self.forms)), count)

    def pair(self, rows: np.ndarray, drawn: np.ndarray, forms: np.ndarray | int = 0) -> tuple[Tensor, Tensor]:
        """See :class:`Pairs`; strokes are put into G's order after they are changed."""
        numbers = np.broadcast_to(forms, np.shape(rows))
        sketches = [self.sketches[number] for number in drawn]
        if self.forms is not None:
            sketches = [mirrored(strokes) if form else strokes for strokes, form in zip(sketches, numbers, strict=True)]
        elif numbers.any():
            sketches = change_sketches_jointly(sketches, drawn_separately(numbers, self.strength))
        sequences = pad_sequences([self.form.ordered(strokes) for strokes in sketches])
        return self.photos(rows, forms), torch.from_numpy(sequences)


def labelled_pairs(
    pictures: Pictures, entries: Sequence[PhotoEntry], generator: AnyGenerator, strength: float, workers: int
) -> SequencePairs | CoveragePairs:
    """Photos with people's sketches, as ``generator`` learns from them; images are changed with ``strength``."""
    if isinstance(generator, ContourGenerator):
        return coverage_pairs(pictures, entries, workers)
    return human_sequences(pictures, entries, generator.form, generator.level, strength)


def coverage_pairs(pictures: Pictures, entries: Sequence[PhotoEntry], workers: int = 1) -> CoveragePairs:
    """Photos with their sketches by users who are not held out, each laid over its photo by ``workers`` processes.

    Photos without any contour are left out.
    """
    contours = [edges.contours for edges in pictures.edges_of(entries)]
    kept = [(entry, each) for entry, each in zip(entries, contours, strict=True) if len(each.contour)]
    entries = [entry for entry, _ in kept]
    sketches = pictures.strokes(entries, [seen_sketches(entry) for entry in entries])
    tasks = [(each, drawn) for (_, each), drawn in zip(kept, sketches, strict=True)]
    if workers > 1 and len(tasks) > FEW:
        with sharing_processes(workers) as pool:
            covered = list(pool.map(coverage_of_all, *zip(*tasks, strict=True), chunksize=8))
    else:
        covered = list(itertools.starmap(coverage_of_all, tasks))
    fields = of_photos(pictures, entries, "contours", 0.0, list(map(len, covered)))
    return CoveragePairs(*fields, list(itertools.chain(*covered)))


def human_sequences(
    pictures: Pictures, entries: Sequence[PhotoEntry], form: SequenceForm, level: Level, strength: float = 0.0
) -> SequencePairs:
    """Photos with their sketches by users who are not held out."""
    drawn = pictures.strokes(entries, [seen_sketches(entry) for entry in entries])
    return _sequences(pictures, entries, drawn, form, level, strength)


def edge_sequences(
    pictures: Pictures, entries: Sequence[PhotoEntry], form: SequenceForm, level: Level, strength: float = 0.0
) -> SequencePairs:
    """Training photos, labelled or not, with the drawings of their edges, where anything stands out."""
    drawn = [edges.drawing for edges in pictures.edges_of(entries)]
    shown = [(entry, [strokes]) for entry, strokes in zip(entries, drawn, strict=True) if len(strokes)]
    return _sequences(pictures, [entry for entry, _ in shown], [each for _, each in shown], form, level, strength)


def lone_sequences(sketches: Sequence[np.ndarray], form: SequenceForm, reader: Reader | FeatureSpec) -> SequencePairs:
    """Sketches without photos, each drawn and read in the place of one.

    ``reader`` reads them for the level "map", once and for all; a spec draws them for the level "pixels".
    """
    photos: KeptInputs | SketchImages
    if isinstance(reader, Reader):
        parts = [half(reader.sketches(sketches[start : start + PART]).map) for start in range(0, len(sketches), PART)]
        photos = KeptInputs(torch.from_numpy(np.concatenate(parts))[None])
    else:
        photos = SketchImages(sketches, reader)
    names = [f"sketch {number}" for number in range(len(sketches))]
    simple = [form.simplified(strokes) for strokes in sketches]
    return SequencePairs(names, np.zeros(len(names), np.int64), photos, np.arange(len(names) + 1), simple, form, 1)


def _sequences(
    pictures: Pictures,
    entries: Sequence[PhotoEntry],
    drawn: Sequence[Sequence[np.ndarray]],
    form: SequenceForm,
    level: Level,
    strength: float,
) -> SequencePairs:
    fields = of_photos(pictures, entries, level, strength, list(map(len, drawn)))
    simple = [form.simplified(strokes) for choice in drawn for strokes in choice]
    return SequencePairs(*fields, simple, form, None if level == "pixels" else PHOTO_FORMS, strength)

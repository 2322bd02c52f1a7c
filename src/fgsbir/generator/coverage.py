"""Photos with sketches as a chooser of contours learns from them: which contours did each person draw?"""

import itertools
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import seen_sketches
from fgsbir.features.contour_inputs import ContourBatch
from fgsbir.features.pictures import Inputs, Pictures
from fgsbir.features.store import PHOTO_FORMS
from fgsbir.generator.alignment import coverage_of_all
from fgsbir.retrieval.pairs import category_numbers

# Below so many photos, starting processes takes longer than they save.
FEW = 32


@dataclass(frozen=True, slots=True)
class CoveragePairs:
    """Photos with what each sketch covers of the photo's pieces of contour, float32 in [0, 1].

    They are :class:`fgsbir.retrieval.pairs.Pairs`: ``sketch`` of a batch is float32 (n, S), 0 where there is no piece.
    A step sees a photo as it is or mirrored.
    """

    photo_ids: list[str]
    categories: np.ndarray
    photos: Inputs
    covered: list[list[np.ndarray]]

    def __len__(self) -> int:
        return len(self.photo_ids)

    def sketches_of(self, rows: np.ndarray) -> np.ndarray:
        """See :class:`fgsbir.retrieval.pairs.Pairs`."""
        return np.array([len(self.covered[row]) for row in rows], np.int64)

    def inputs(
        self, rows: np.ndarray, choices: np.ndarray, rng: np.random.Generator, share: slice
    ) -> tuple[ContourBatch, Tensor]:
        """See :class:`fgsbir.retrieval.pairs.Pairs`."""
        forms = rng.integers(0, PHOTO_FORMS, len(rows))[share]
        return self.pair(rows[share], choices[share], forms)

    def pair(self, rows: np.ndarray, choices: np.ndarray, forms: np.ndarray | int = 0) -> tuple[ContourBatch, Tensor]:
        """Photos ``rows`` in ``forms``, and what the sketches ``choices`` of them cover."""
        batch: ContourBatch = self.photos(rows, forms)
        covered = np.zeros(batch.mask.shape, np.float32)
        for place, (row, choice) in enumerate(zip(rows, choices, strict=True)):
            found = self.covered[row][choice]
            covered[place, : len(found)] = found
        return batch, torch.from_numpy(covered)


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
        # Processes are spawned, not forked: the caller runs threads (a loaded torch does).
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            covered = pool.starmap(coverage_of_all, tasks, chunksize=8)
    else:
        covered = list(itertools.starmap(coverage_of_all, tasks))
    return CoveragePairs(
        photo_ids=[entry.id for entry in entries],
        categories=category_numbers(pictures, entries),
        photos=pictures.photos(entries, "contours"),
        covered=covered,
    )

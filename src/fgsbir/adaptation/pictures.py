"""The pictures of a task set as pooled taps, which all adaptation starts from."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.tasks import TaskSet, sketch_numbers
from fgsbir.adaptation.triplets import negatives_of
from fgsbir.features.pictures import Inputs, Pictures
from fgsbir.features.store import FEATURES_OF_TRAINING
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.training import pooled_rows
from fgsbir.runtime.compute import Compute


@dataclass(frozen=True, slots=True)
class PooledInputs:
    """Pooled taps that were computed once: ``rows`` float16 (forms * n, D), all pictures in one form, then the next."""

    rows: Tensor
    pictures: int

    def __len__(self) -> int:
        return self.pictures

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        return self.rows[torch.from_numpy(np.asarray(rows) + self.pictures * np.asarray(forms))].float()


def pooled_inputs(model: RetrievalModel, inputs: Inputs, compute: Compute, forms: int = 1) -> Inputs:
    """What ``model`` reads, as its pooled taps in the first ``forms`` forms; stored taps are these already."""
    if model.level == "taps":
        return inputs
    return PooledInputs(pooled_rows(model, inputs, compute, forms).half(), len(inputs))


class TaskPictures:
    """Pooled taps of the photos and sketches of a task set, under the trunk of ``model``.

    Photos and sketches are numbered as in :func:`fgsbir.adaptation.tasks.sketch_numbers`. ``variants`` is how many
    forms each sketch has, and ``mirrors`` 2 where there are also mirror images of all, else 1. ``pool`` makes every
    photo of a set of triplets a negative of the others' sketches of its category.
    """

    def __init__(
        self, pictures: Pictures, tasks: TaskSet, model: RetrievalModel, compute: Compute, *, pool: bool
    ) -> None:
        self.tasks, self.pool = tasks, pool
        self.numbers = sketch_numbers(tasks.photos)
        _, category = np.unique([photo.category for photo in tasks.photos], return_inverse=True)
        self._category = torch.from_numpy(category)
        changed = model.level != "pixels" and all(photo.split in FEATURES_OF_TRAINING for photo in tasks.photos)
        self.variants, self.mirrors = (pictures.features.layout.variants, 2) if changed else (1, 1)
        places = [range(len(photo.sketches)) for photo in tasks.photos]
        self.photos = pooled_inputs(model, pictures.photos(tasks.photos, model.level), compute, self.mirrors)
        self.sketches = pooled_inputs(
            model, pictures.sketches(tasks.photos, places, model.level), compute, self.mirrors * self.variants
        )

    def negatives(self, triplets: np.ndarray) -> Tensor:
        """What counts as whose negative among triplets, int64 (n, 3): float32 (n, 2 n)."""
        _, photo, other = torch.from_numpy(triplets).unbind(1)
        return negatives_of(photo, other, pool=self.pool, category=self._category)

    def triplets(self, triplets: np.ndarray, variants: np.ndarray | int = 0, mirrored: int = 0) -> Tensor:
        """Pooled taps of sketch, photo and other photo of triplets, int64 (n, 3): float32 (n, 3, D).

        Sketches in one of their ``variants`` (n,); ``mirrored`` 1 mirrors all pictures.
        """
        drawn, photos, others = triplets.T
        sketches = self.sketches(drawn, np.asarray(variants) + self.variants * mirrored)
        return torch.stack([sketches, self.photos(photos, mirrored), self.photos(others, mirrored)], 1)

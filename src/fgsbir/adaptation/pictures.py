"""The pictures of a task set as pooled taps, which all adaptation starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.tasks import TaskSet, sketch_numbers
from fgsbir.adaptation.triplets import negatives_of
from fgsbir.features.pictures import Inputs, Pictures
from fgsbir.features.store import FEATURES_OF_TRAINING, MIRRORED
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.training import pooled_rows
from fgsbir.runtime.compute import Compute


@dataclass(frozen=True, slots=True)
class OneForm:
    """Pictures that are read in one form, whichever is asked for."""

    inputs: Inputs
    form: int

    def __len__(self) -> int:
        return len(self.inputs)

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        return self.inputs(rows, self.form)


@dataclass(frozen=True, slots=True)
class PooledInputs:
    """Pooled taps that were computed once: float16 (n, D) of every form."""

    of_form: Mapping[int, Tensor]

    def __len__(self) -> int:
        return len(self.of_form[0])

    def __call__(self, rows: np.ndarray, forms: np.ndarray | int = 0) -> Tensor:
        chosen = zip(np.asarray(rows).tolist(), np.broadcast_to(forms, np.shape(rows)).tolist(), strict=True)
        return torch.stack([self.of_form[form][row] for row, form in chosen]).float()


def pooled_inputs(model: RetrievalModel, inputs: Inputs, compute: Compute, forms: Sequence[int]) -> Inputs:
    """What ``model`` reads, as its pooled taps in ``forms``; stored taps are these already."""
    if model.level == "taps":
        return inputs
    return PooledInputs({form: pooled_rows(model, OneForm(inputs, form), compute).half() for form in forms})


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
        # Where they are searched, MIRRORED is the other form.
        photos, sketches = (
            range(self.mirrors * forms) if changed else [0, MIRRORED] if model.mirror else [0]
            for forms in (1, self.variants)
        )
        self.photos = pooled_inputs(model, pictures.photos(tasks.photos, model.level), compute, photos)
        drawn = pictures.sketches(tasks.photos, places, model.level)
        self.sketches = pooled_inputs(model, drawn, compute, sketches)

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

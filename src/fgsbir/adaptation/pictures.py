"""The pictures of a task set as pooled taps, which all adaptation starts from, and batches of episodes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.edge_side import pooled_edges, some_of
from fgsbir.adaptation.losses import negatives_of
from fgsbir.adaptation.tasks import TaskSet, draw_episode
from fgsbir.data.records import DataError
from fgsbir.features.pictures import Inputs, KeptInputs, Pictures
from fgsbir.features.store import FEATURES_OF_TRAINING, MIRRORED
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.training import pooled_rows
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import stream


def pooled_inputs(model: RetrievalModel, inputs: Inputs, compute: Compute, forms: Sequence[int]) -> Inputs:
    """What ``model`` reads, as its pooled taps in ``forms``; stored taps are these already."""
    if model.level == "taps":
        return inputs
    return KeptInputs(torch.stack([pooled_rows(model, inputs, compute, form).half() for form in forms]))


class TaskPictures:
    """Pooled taps of the photos and sketches of the tasks ``known``, under the trunk of ``model``.

    Each sketch has ``variants`` forms; ``mirrors`` is 2 where there are also mirror images of all, else 1. ``pool``
    makes every photo of a set of triplets a negative of the others' sketches of its category.
    """

    def __init__(
        self, pictures: Pictures, known: TaskSet, model: RetrievalModel, compute: Compute, *, pool: bool
    ) -> None:
        self.known, self.pool, self._shards = known, pool, pictures.shards
        self._model, self._compute, self._edges = model, compute, dict[bytes, Tensor]()
        _, category = np.unique([photo.category for photo in known.photos], return_inverse=True)
        self._category = torch.from_numpy(category)
        changed = model.level != "pixels" and all(photo.split in FEATURES_OF_TRAINING for photo in known.photos)
        self.variants, self.mirrors = (pictures.features.layout.variants, 2) if changed else (1, 1)
        # Where they are searched, MIRRORED is the other form.
        searched = [0, MIRRORED] if model.mirror else [0]
        photos = pictures.photos(known.photos, model.level)
        self.photos = pooled_inputs(model, photos, compute, range(2) if changed else searched)
        places = [range(len(photo.sketches)) for photo in known.photos]
        drawn = pictures.sketches(known.photos, places, model.level)
        self.sketches = pooled_inputs(model, drawn, compute, range(2 * self.variants) if changed else searched)

    def edges(self, gallery: np.ndarray) -> Tensor:
        """Pooled taps of the edges in some photos of a gallery, int64 (g,): float32 (n, D)."""
        if gallery.tobytes() not in self._edges:
            photos = [self._shards.read_photo(self.known.photos[row]) for row in some_of(gallery.tolist())]
            self._edges[gallery.tobytes()] = pooled_edges(Encoder(self._model, self._compute), photos)
        return self._edges[gallery.tobytes()]

    def negatives(self, triplets: np.ndarray) -> Tensor:
        """What counts as whose negative among triplets, int64 (n, 3): float32 (n, 2 n)."""
        _, photo, other = torch.from_numpy(triplets).unbind(1)
        return negatives_of(photo, other, pool=self.pool, category=self._category)

    def triplets(self, triplets: np.ndarray, variants: np.ndarray | int = 0, mirrored: int = 0) -> Tensor:
        """Pooled taps of triplets int64 (n, 3), sketches in one of their ``variants`` (n,): float32 (n, 3, D)."""
        drawn, photos, others = triplets.T
        sketches = self.sketches(drawn, np.asarray(variants) + self.variants * mirrored)
        return torch.stack([sketches, self.photos(photos, mirrored), self.photos(others, mirrored)], 1)


class EpisodeBatch(NamedTuple):
    """t tasks, each of k triplets of support and q of query: ``taps`` float32 (t, k + q, 3, D), support first.

    ``task`` int64 (t,) numbers the tasks; negatives as of :class:`fgsbir.adaptation.losses.Triplets`.
    """

    taps: Tensor
    task: Tensor
    support_negatives: Tensor
    query_negatives: Tensor


@dataclass(frozen=True, slots=True)
class EpisodeStream:
    """An endless, reproducible stream of steps, each of ``tasks`` different tasks.

    Every task shows ``k`` pairs of support and ``queries`` others, sketches in any of their stored forms, all of its
    pictures mirrored or none. ``rank`` of ``world`` processes takes its share; DataError if that is uneven.
    """

    pictures: TaskPictures
    seed: int
    tasks: int
    k: int
    queries: int
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        shown = len(self._chosen(0))
        if shown % self.world:
            raise DataError(f"{shown} tasks a step cannot be shared evenly by {self.world} processes")

    def batch(self, step: int) -> EpisodeBatch:
        """This process's share of the batch of ``step``."""
        mine = self._chosen(step)[self.rank :: self.world]
        taps, support, query = zip(*(self._task(step, int(task)) for task in mine), strict=True)
        return EpisodeBatch(torch.stack(taps), torch.from_numpy(mine), torch.stack(support), torch.stack(query))

    def task_names(self, step: int) -> list[str]:
        """The tasks of ``step``."""
        return [self.pictures.known.tasks[task].name for task in self._chosen(step)]

    def _chosen(self, step: int) -> np.ndarray:
        count = len(self.pictures.known.tasks)
        return stream(self.seed, "adapt/tasks", step).permutation(count)[: self.tasks]

    def _task(self, step: int, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Taps and negatives of one task, whose random numbers depend on nothing but the step and the task."""
        rng, pictures = stream(self.seed, "adapt/episode", step, number), self.pictures
        support, query = draw_episode(rng, pictures.known, pictures.known.tasks[number], self.k, self.queries)
        triplets, mirrored = np.concatenate([support, query]), int(rng.integers(pictures.mirrors))
        taps = pictures.triplets(triplets, rng.integers(0, pictures.variants, len(triplets)), mirrored)
        return taps, pictures.negatives(support), pictures.negatives(query)

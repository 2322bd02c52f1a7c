"""Few-shot evaluation (paper 2): adapt to every task from k pairs, search its gallery, over several support draws."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fgsbir.adaptation.episodes import TaskPictures
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.task_ranks import TaskRanks
from fgsbir.adaptation.tasks import Task, draw_support
from fgsbir.adaptation.triplets import Triplets
from fgsbir.data.pixels import PhotoRows
from fgsbir.retrieval.embedding import embed_photos, embed_sketches
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.ranking import ranks
from fgsbir.runtime.precision import autocast

BATCH = 256


class FewShot:
    """Adaptation of one model to the tasks of ``pictures``, and the search with what it became.

    What no adaptation changes is computed once: where the head alone is adapted, or nothing, F's features of all
    pictures; where all weights are, nothing.
    """

    def __init__(self, model: AdaptiveModel, pictures: TaskPictures, *, device: torch.device, precision: str) -> None:
        self.model, self.pictures, self.device, self.precision = model.eval(), pictures, device, precision

    def ranks(self, *, k: int, draws: int, seed: int, together: bool = False) -> list[TaskRanks]:
        """Adapt to each task from ``k`` pairs, ``draws`` times, and rank its gallery for its query sketches.

        The supports depend on (seed, task, k, draw) alone, so that models are compared on the same ones. A model
        that does not adapt gives one draw. ``together`` adapts one model to the supports of all tasks at once.
        Raises DataError where a task has fewer than ``k`` photos to draw from.
        """
        known = self.pictures.tasks
        found: list[list[tuple[np.ndarray, float]]] = [[] for _ in known.tasks]
        for draw in range(draws if self.model.adapts else 1):
            supports = [
                draw_support(
                    np.random.default_rng([seed, number, k, draw]), task, known.photos, self.pictures.numbers, k
                )
                for number, task in enumerate(known.tasks)
            ]
            if together:
                supports = [np.concatenate(supports)] * len(supports)
            for task, support, of_task in zip(known.tasks, supports, found, strict=True):
                of_task.append(self._search(task, support))
        return [
            TaskRanks(
                task.name,
                np.stack([ranks for ranks, _ in of_task]),
                np.array([pair.photo for pair in task.query]),
                np.array([margin for _, margin in of_task]),
            )
            for task, of_task in zip(known.tasks, found, strict=True)
        ]

    def _search(self, task: Task, support: np.ndarray) -> tuple[np.ndarray, float]:
        """Ranks (q,) of a task's queries after adaptation to support triplets, int64 (k, 3), and their margin."""
        numbers = np.array([self.pictures.numbers[pair.photo] + pair.sketch for pair in task.query])
        truth = np.searchsorted(task.gallery, [pair.photo for pair in task.query])
        negatives = self.pictures.negatives(support, self.device)
        if self.model.loop.scope == "all":
            triplets = Triplets(self.pictures.triplet_images(support, self.device), negatives)
            with autocast(self.device, self.precision):
                adapted = self.model.adapted(triplets)
            queries = self._sketches(adapted, [self.pictures.sketches[number] for number in numbers])
            gallery = self._photos(adapted, self.pictures.pixels[task.gallery])
            return ranks(queries, gallery, truth), self.model.margin
        with torch.no_grad():
            features = self._features.of(support)
            weights = self.model.adapt(Triplets(features, negatives))
            parts = (self._features.sketches[torch.from_numpy(numbers)], self._features.photos[task.gallery])
            queries, gallery = (self.model.embed(part, weights).cpu().numpy() for part in parts)
            return ranks(queries, gallery, truth), float(self.model.margin_of(features))

    @cached_property
    def _features(self) -> "Features":
        pooled, pictures = Pooled(self.model.retrieval), self.pictures
        return Features(
            torch.from_numpy(self._sketches(pooled, pictures.sketches)).to(self.device),
            torch.from_numpy(self._photos(pooled, pictures.pixels)).to(self.device),
        )

    def _photos(self, model: nn.Module, pixels: PhotoRows) -> np.ndarray:
        return embed_photos(model, pixels, batch=BATCH, device=self.device, precision=self.precision)

    def _sketches(self, model: nn.Module, sketches: Sequence[np.ndarray]) -> np.ndarray:
        return embed_sketches(
            model,
            sketches,
            image_size=self.pictures.size,
            line_width=self.pictures.line_width,
            batch=BATCH,
            device=self.device,
            precision=self.precision,
        )


class Features(NamedTuple):
    """F's pooled features of all pictures of a task set: ``sketches`` (m, c) by number, ``photos`` (n, c) by row."""

    sketches: Tensor
    photos: Tensor

    def of(self, triplets: np.ndarray) -> Tensor:
        """Those of triplets, int64 (n, 3): (n, 3, c)."""
        drawn, photos, others = torch.from_numpy(triplets).to(self.photos.device).unbind(1)
        return torch.stack([self.sketches[drawn], self.photos[photos], self.photos[others]], 1)


class Pooled(nn.Module):
    """F up to its pooled features."""

    def __init__(self, model: RetrievalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.pooled(images)

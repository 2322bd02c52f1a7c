"""Batches of episodes: pooled taps of several tasks' triplets, as a function of the step."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.pictures import TaskPictures
from fgsbir.adaptation.tasks import draw_episode
from fgsbir.data.records import DataError
from fgsbir.runtime.streams import stream


class EpisodeBatch(NamedTuple):
    """t tasks, each of k triplets of support and q of query.

    ``taps`` float32 (t, k + q, 3, D), support before query, are of each triplet's sketch, its photo, another photo.
    ``task`` int64 (t,) numbers the tasks. ``support_negatives`` (t, k, 2 k) and ``query_negatives`` (t, q, 2 q) are
    those of :class:`fgsbir.adaptation.triplets.Triplets`.
    """

    taps: Tensor
    task: Tensor
    support_negatives: Tensor
    query_negatives: Tensor


@dataclass(frozen=True, slots=True)
class EpisodeStream:
    """An endless, reproducible stream of steps, each of ``tasks`` different tasks.

    Every task shows ``k`` pairs of support and ``queries`` others, sketches in any of their stored forms, and all of a
    task's pictures mirrored or none: a task's statistics are of one kind. ``rank`` of ``world`` processes takes its
    share of the tasks. Raises DataError for tasks that cannot be shared evenly.
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
        known = self.pictures.tasks.tasks
        return [known[task].name for task in self._chosen(step)]

    def _chosen(self, step: int) -> np.ndarray:
        count = len(self.pictures.tasks.tasks)
        return stream(self.seed, "adapt/tasks", step).permutation(count)[: self.tasks]

    def _task(self, step: int, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Taps and negatives of one task, whose random numbers depend on nothing but the step and the task."""
        rng, pictures = stream(self.seed, "adapt/episode", step, number), self.pictures
        known = pictures.tasks
        episode = draw_episode(rng, known.tasks[number], known.photos, pictures.numbers, self.k, self.queries)
        triplets, mirrored = np.concatenate(episode), int(rng.integers(pictures.mirrors))
        taps = pictures.triplets(triplets, rng.integers(0, pictures.variants, len(triplets)), mirrored)
        support, query = (pictures.negatives(part) for part in episode)
        return taps, support, query

"""Batches of episodes: the pictures of several tasks' triplets, augmented, as a function of the step."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from fgsbir.adaptation.tasks import TaskSet, draw_episode, sketch_numbers
from fgsbir.adaptation.triplets import negatives_of
from fgsbir.data.augmentation import Changes, change_photos, change_sketches, draw_changes
from fgsbir.data.pairs import PhotoPixels
from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.data.rasterise import rasterise_batch
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre


class EpisodeBatch(NamedTuple):
    """The pictures of t tasks, each of k triplets of support and q of query.

    ``images`` float32 (t (k + q) 3, 3, s, s) in [0, 1]: task by task, support before query, and in each triplet the
    sketch, its photo, another photo. ``task`` int64 (t,) numbers the tasks. ``support_negatives`` (t, k, 2 k) and
    ``query_negatives`` (t, q, 2 q) are those of :class:`fgsbir.adaptation.triplets.Triplets`.
    """

    images: torch.Tensor
    task: torch.Tensor
    support_negatives: torch.Tensor
    query_negatives: torch.Tensor


class TaskPictures:
    """Photos and sketches of a task set, photos at ``size`` decoded once.

    ``pool`` makes every photo of a set of triplets a negative of the others' sketches of its category.
    """

    def __init__(
        self, store: ShardStore, tasks: TaskSet, *, size: int, line_width: float, limit_gib: float, pool: bool
    ) -> None:
        self.tasks, self.size, self.line_width, self.pool = tasks, size, line_width, pool
        self.pixels = PhotoPixels(store, tasks.photos, size, limit_gib)
        self.numbers = sketch_numbers(tasks.photos)
        _, category = np.unique([photo.category for photo in tasks.photos], return_inverse=True)
        self._category = torch.from_numpy(category)
        self.sketches = [centre(strokes) for photo in tasks.photos for strokes in store.read_strokes(photo)]

    def negatives(self, triplets: np.ndarray, device: torch.device) -> torch.Tensor:
        """What counts as whose negative among triplets, int64 (n, 3): float32 (n, 2 n)."""
        _, photo, other = torch.from_numpy(triplets).unbind(1)
        return negatives_of(photo, other, pool=self.pool, category=self._category).to(device)

    def triplet_images(
        self,
        triplets: np.ndarray,
        device: torch.device,
        of_pair: Changes | None = None,
        of_other: Changes | None = None,
    ) -> torch.Tensor:
        """Sketch, photo and other photo of triplets, int64 (n, 3): float32 (n, 3, 3, s, s), changed if asked for.

        ``of_pair`` changes sketch and photo alike, ``of_other`` the other photo.
        """
        drawn, photos, others = triplets.T
        strokes = [self.sketches[number] for number in drawn]
        if of_pair is not None:
            strokes = change_sketches(strokes, of_pair)
        rasters = torch.from_numpy(rasterise_batch(strokes, self.size, self.line_width)).to(device)
        shown = [sketch_tensor(rasters)]
        for rows, changes in ((photos, of_pair), (others, of_other)):
            pixels = photo_tensor(torch.from_numpy(self.pixels[rows]).to(device))
            shown.append(pixels if changes is None else change_photos(pixels, changes))
        return torch.stack(shown, 1)


def as_of_one_hand(changes: Changes, hand: Changes) -> Changes:
    """``changes`` of n pairs, whose sketches one hand has drawn: that of ``hand``, the changes of one pair."""
    shared = ("sketch", "sketch_scale", "warp", "dropout_rate")
    return replace(changes, **{name: np.repeat(getattr(hand, name), len(changes), axis=0) for name in shared})


@dataclass(frozen=True, slots=True)
class EpisodeStream:
    """An endless, reproducible stream of steps, each of ``tasks`` different tasks.

    Every task shows ``k`` pairs of support and ``queries`` others. Sketch and photo of a pair are changed together
    and each by itself, as in supervised training, with ``strength``. ``rank`` of ``world`` processes takes its share
    of the tasks. ``one_hand`` changes all sketches of a task alike, so that there is something
    to learn of a task from its support. Raises DataError for tasks that cannot be shared evenly.
    """

    pictures: TaskPictures
    seed: int
    salt: int
    tasks: int
    k: int
    queries: int
    strength: float
    one_hand: bool = False
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        shown = len(self._chosen(0))
        if shown % self.world:
            raise DataError(f"{shown} tasks a step cannot be shared evenly by {self.world} processes")

    def batch(self, step: int, device: torch.device) -> EpisodeBatch:
        """This process's share of the batch of ``step``."""
        mine = self._chosen(step)[self.rank :: self.world]
        tasks = [self._task(step, int(task), device) for task in mine]
        images, support, query = (list(parts) for parts in zip(*tasks, strict=True))
        return EpisodeBatch(
            torch.cat(images), torch.from_numpy(mine).to(device), torch.stack(support), torch.stack(query)
        )

    def task_names(self, step: int) -> list[str]:
        """The tasks of ``step``."""
        known = self.pictures.tasks.tasks
        return [known[task].name for task in self._chosen(step)]

    def _chosen(self, step: int) -> np.ndarray:
        count = len(self.pictures.tasks.tasks)
        return np.random.default_rng([self.seed, self.salt, 0, step]).permutation(count)[: self.tasks]

    def _task(self, step: int, number: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures and negatives of one task, whose random numbers depend on nothing but the step and the task."""
        rng = np.random.default_rng([self.seed, self.salt, 1, step, number])
        known = self.pictures.tasks
        task = known.tasks[number]
        episode = draw_episode(rng, task, known.photos, self.pictures.numbers, self.k, self.queries)
        triplets = np.concatenate(episode)
        of_pair, of_other = (draw_changes(rng, len(triplets), self.strength) for _ in range(2))
        if self.one_hand:
            of_pair = as_of_one_hand(of_pair, draw_changes(rng, 1, self.strength))
        images = self.pictures.triplet_images(triplets, device, of_pair, of_other).flatten(0, 1)
        support, query = (self.pictures.negatives(part, device) for part in episode)
        return images, support, query

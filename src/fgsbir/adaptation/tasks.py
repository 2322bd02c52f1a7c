"""Tasks of adaptive FG-SBIR (paper 2): what a category, or a user, offers to adapt to and to be tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from fgsbir.data.index import Index, PhotoEntry
from fgsbir.data.records import DataError
from fgsbir.data.selection import is_labelled, stable_fraction

Kind = Literal["category", "user", "set"]
Part = Literal["train", "val", "test"]
# The splits whose photos the tasks of a part speak of.
SEARCHED: dict[Part, tuple[str, ...]] = {"train": ("train",), "val": ("train", "val"), "test": ("train", "val", "test")}


class Pair(NamedTuple):
    """A sketch and its photo: the photo's row among all that the tasks share, and the sketch's place at it."""

    photo: int
    sketch: int


@dataclass(frozen=True, slots=True)
class Task:
    """One category, one user of the main category, or what a whole set has of one category.

    Supports are drawn from the pairs ``support``; ``query`` are the pairs that it is judged by, none of a photo of
    ``support`` but in training, where both are one pool; ``gallery`` int64 (g,) are the photos that are searched.
    """

    name: str
    support: list[Pair]
    query: list[Pair]
    gallery: np.ndarray


@dataclass(frozen=True)
class TaskSet:
    """Tasks of one kind and part, and the photos, by row, that they speak of.

    Triplets are int64 (n, 3): the sketch's number, the row of its photo, and that of another photo.
    """

    photos: list[PhotoEntry]
    tasks: list[Task]

    @cached_property
    def numbers(self) -> np.ndarray:
        """The number of each photo's first sketch, all sketches counted in the photos' order: int64 (photos + 1,)."""
        return np.cumsum([0, *(len(photo.sketches) for photo in self.photos)])


def task_set(
    index: Index, kind: Kind, part: Part, *, labelled_frac: float, held_out: float, unseen_too: bool = False
) -> TaskSet:
    """The tasks of ``kind``: those to learn from (train), to choose by (val), and, unseen till then, to report (test).

    Learning draws support and query from the training pairs of seen categories, or users, that ``labelled_frac`` lets
    training use; what is met anew brings all of its pairs. A share ``held_out`` of the seen ones, but never the main
    category, is kept to choose by; where that is none, the seen ones themselves are. Choosing and reporting draw
    supports from training pairs and query with the sketches of validation or test photos; a category held out also
    with those of half its training photos. A category's gallery are all of its photos, as in paper 2, but for test
    photos where tasks are there to choose by; a user's are the validation or test photos. ``unseen_too`` learns from
    the training pairs of unseen ones as well, for the upper bound. Raises DataError where the set has no users, or
    users of several categories, or nothing to adapt to.

    Of ``kind`` "set" the whole set is what is met anew, by an F that was trained elsewhere: a task is a seen category,
    with the test photos as its gallery.
    """
    photos = sorted((photo for photo in index.photos if photo.split != "unlabelled"), key=lambda photo: photo.id)
    if kind == "user":
        if all(sketch.user is None for photo in photos for sketch in photo.sketches):
            raise DataError("user tasks need to know who drew each sketch; give dataset.user_table, or leave user out")
        if index.category is None:
            raise DataError("user tasks are of one category: name it in dataset.category, or leave user out")
        photos = [photo for photo in photos if photo.category == index.category and not photo.unseen]
    # Neither learning nor choosing sees what is reported: the photos themselves are left out.
    photos = [photo for photo in photos if photo.split in SEARCHED[part]]
    seen, unseen = _pairs_by_name(photos, kind, labelled_frac)
    kept = _held_out(sorted(seen), index.category, held_out)
    if kind == "set":
        kept, unseen = set(), seen
    asked = {
        "train": {name: pairs for name, pairs in seen.items() if name not in kept} | (unseen if unseen_too else {}),
        "val": {name: pairs for name, pairs in seen.items() if name in kept or not kept},
        "test": unseen,
    }[part]
    judged = [row for row, photo in enumerate(photos) if photo.split == part]
    tasks = []
    for name, pairs in sorted(asked.items()):
        support = [pair for pair in pairs if photos[pair.photo].split == "train"]
        query = [pair for pair in pairs if photos[pair.photo].split == part]
        if kind == "category" and part == "val" and kept:
            half = set(sorted({pair.photo for pair in support})[1::2])
            query += [pair for pair in support if pair.photo in half]
            support = [pair for pair in support if pair.photo not in half]
        # Whoever drew them, and whether anyone did; but nobody searches the photos that are learned from.
        shown = [pair.photo for pair in pairs] if part == "train" else range(len(photos))
        searched = shown if kind == "category" else judged
        gallery = np.unique([row for row in searched if kind == "user" or photos[row].category == name])
        if support and query:
            tasks.append(Task(name, support, query, gallery))
    if not tasks:
        raise DataError(f"there is no {kind} to {'learn from' if part == 'train' else 'adapt to'} in the {part} part")
    return _of_use(photos, tasks)


def _pairs_by_name(
    photos: Sequence[PhotoEntry], kind: Kind, labelled_frac: float
) -> tuple[dict[str, list[Pair]], dict[str, list[Pair]]]:
    """The pairs of each seen category or user that may be learned from, and all of each unseen one."""
    seen: dict[str, list[Pair]] = {}
    unseen: dict[str, list[Pair]] = {}
    for row, photo in enumerate(photos):
        hidden = photo.split == "train" and not is_labelled(photo, labelled_frac)
        for place, sketch in enumerate(photo.sketches):
            name = sketch.user if kind == "user" else photo.category
            new = sketch.unseen if kind == "user" else photo.unseen
            # An unseen user's drawing of a seen category belongs to that user's task alone.
            if name is not None and (new or not hidden) and (kind == "user" or new or not sketch.unseen):
                (unseen if new else seen).setdefault(name, []).append(Pair(row, place))
    return seen, unseen


def _held_out(names: Sequence[str], main: str | None, share: float) -> set[str]:
    """The share of ``names`` to choose by, the same whatever the order; never the ``main`` category."""
    order = sorted((name for name in names if name != main), key=lambda name: stable_fraction("task", name))
    return set(order[: int(share * len(names))])


def _of_use(photos: Sequence[PhotoEntry], tasks: Sequence[Task]) -> TaskSet:
    """The tasks with no photo that none of them speaks of."""
    of_pairs = [pair.photo for task in tasks for pair in task.support + task.query]
    used = np.unique(np.concatenate([of_pairs, *(task.gallery for task in tasks)]))

    def moved(pairs: Sequence[Pair]) -> list[Pair]:
        return [Pair(int(np.searchsorted(used, pair.photo)), pair.sketch) for pair in pairs]

    return TaskSet(
        [photos[row] for row in used],
        [
            Task(task.name, moved(task.support), moved(task.query), np.searchsorted(used, task.gallery))
            for task in tasks
        ],
    )


def require_photos(task: Task, k: int, param: str = "") -> None:
    """Raises DataError, which names ``param``, where ``task`` has too few photos to draw a support of ``k`` from."""
    found = len({pair.photo for pair in task.support})
    by = f" by {param}" if param else ""
    if k > found:
        raise DataError(f"{task.name}: {k} pairs asked for{by}, it has {found} photos with sketches to draw from")
    if k and found == 1:
        raise DataError(f"{task.name}: {k} pairs asked for{by}, it has one photo with sketches, none to tell it from")


def draw_support(rng: np.random.Generator, known: TaskSet, task: Task, k: int) -> np.ndarray:
    """``k`` triplets of different photos of a task, each with another photo of its category: int64 (k, 3). DataError
    where the task has fewer photos, or its category no other.
    """
    require_photos(task, k)
    by_photo: dict[int, list[Pair]] = {}
    for pair in task.support:
        by_photo.setdefault(pair.photo, []).append(pair)
    rows = rng.permutation(sorted(by_photo))[:k]
    return _triplets(rng, known, [by_photo[row][rng.integers(len(by_photo[row]))] for row in rows], task.support)


def draw_episode(
    rng: np.random.Generator, known: TaskSet, task: Task, k: int, queries: int
) -> tuple[np.ndarray, np.ndarray]:
    """Triplets of ``k`` pairs of support, and of as many as ``queries`` others to judge it by, of other photos.

    A task with too few photos for that shows some query photos more than once.
    """
    support = draw_support(rng, known, task, k)
    others = [pair for pair in task.query if pair.photo not in set(support[:, 1].tolist())]
    if not others:
        raise DataError(f"{task.name}: no photo is left to query with after {k} pairs of support")
    order = np.concatenate([rng.permutation(len(others)) for _ in range(-(-queries // len(others)))])[:queries]
    return support, _triplets(rng, known, [others[place] for place in order], task.query)


def _triplets(rng: np.random.Generator, known: TaskSet, pairs: Sequence[Pair], pool: Sequence[Pair]) -> np.ndarray:
    """Pairs with a random other photo of ``pool`` and of the same category."""
    photos, shown, found = known.photos, sorted({pair.photo for pair in pool}), []
    for pair in pairs:
        own = photos[pair.photo]
        others = [row for row in shown if row != pair.photo and photos[row].category == own.category]
        if not others:
            raise DataError(f"{own.id}: there is no other photo of its category to tell it from")
        found.append([known.numbers[pair.photo] + pair.sketch, pair.photo, others[rng.integers(len(others))]])
    return np.array(found, np.int64).reshape(-1, 3)

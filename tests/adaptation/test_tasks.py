"""Tasks: who may be learned from, what is kept for reporting, and triplets of the right photos."""

from dataclasses import replace

import numpy as np
import pytest

from fgsbir.adaptation.tasks import Kind, Part, draw_episode, draw_support, require_photos, task_set
from fgsbir.data.index import Index, PhotoEntry, SketchEntry, make_index
from fgsbir.data.records import DataError
from fgsbir.data.selection import is_labelled


def photo(category: str, number: int, split: str, users: str, unseen: bool = False) -> PhotoEntry:
    name = f"{category}-{number:02}"
    sketches = tuple(SketchEntry(f"{name}-{user}", user, unseen or user in "xy", 9) for user in users)
    return PhotoEntry(name, name, category, split, unseen, "a.tar", (0, 1), (0, 1), sketches)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def index() -> Index:
    """Chairs and mugs are seen, clocks are not; a, b are seen users, x, y are not."""
    photos = []
    for category in ("chair", "clock", "mug"):
        for number in range(12):
            split = "train" if number < 6 else "val" if number < 9 else "test"
            users = "ab" + ("xy" if category == "chair" and split != "val" else "")
            photos.append(photo(category, number, split, users, unseen=category == "clock"))
    photos.append(photo("chair", 20, "unlabelled", ""))
    return make_index(name="toy", layout="folder", category="chair", shards=(), photos=photos)


@pytest.mark.parametrize(
    ("kind", "part", "names", "query", "gallery"),
    [
        ("category", "train", ["chair", "mug"], "train", 6),
        ("category", "val", ["chair", "mug"], "val", 9),
        ("category", "test", ["clock"], "test", 12),
        ("user", "train", ["a", "b"], "train", 6),
        ("user", "val", ["a", "b"], "val", 3),
        ("user", "test", ["x", "y"], "test", 3),
        ("set", "train", ["chair", "mug"], "train", 6),
        ("set", "test", ["chair", "mug"], "test", 3),
    ],
)
def test_parts_keep_unseen_categories_and_users_to_the_test(
    index: Index, kind: Kind, part: Part, names: list[str], query: str, gallery: int
) -> None:
    found = task_set(index, kind, part, labelled_frac=1.0, held_out=0)
    assert [task.name for task in found.tasks] == names
    # Neither learning nor choosing knows a photo of the test.
    assert part == "test" or not any(photo.split == "test" or photo.unseen for photo in found.photos)
    for task in found.tasks:
        for pairs, split in ((task.support, "train"), (task.query, query)):
            photos = [found.photos[pair.photo] for pair in pairs]
            sketches = [one.sketches[pair.sketch] for one, pair in zip(photos, pairs, strict=True)]
            assert pairs and {one.split for one in photos} == {split}
            if kind != "user":
                assert {one.category for one in photos} == {task.name}
                assert part == "test" or not any(sketch.unseen for sketch in sketches)
            else:
                assert {sketch.user for sketch in sketches} == {task.name}
                assert {one.category for one in photos} == {"chair"}
        assert len(task.gallery) == gallery
        assert {pair.photo for pair in task.query} <= set(task.gallery.tolist())


@pytest.mark.parametrize(("kind", "more"), [("category", 2), ("user", 2), ("set", 2)])
def test_photos_that_nobody_drew_are_searched_too(index: Index, kind: Kind, more: int) -> None:
    category = "clock" if kind == "category" else "chair"
    new = [photo(category, number, "test", users, category == "clock") for number, users in ((30, ""), (31, "x"))]
    added = make_index(name="toy", layout="folder", category="chair", shards=(), photos=[*index.photos, *new])
    few, many = (task_set(each, kind, "test", labelled_frac=1.0, held_out=0) for each in (index, added))
    sizes = [{task.name: len(task.gallery) for task in found.tasks} for found in (few, many)]
    name = category if kind != "user" else "y"
    assert sizes[1][name] == sizes[0][name] + more
    assert {new[0].id, new[1].id} <= {photo.id for photo in many.photos}


@pytest.mark.parametrize(("kind", "names"), [("category", ["chair", "clock", "mug"]), ("user", ["a", "b", "x", "y"])])
def test_the_upper_bound_learns_from_unseen_ones_too(index: Index, kind: Kind, names: list[str]) -> None:
    found = task_set(index, kind, "train", labelled_frac=1.0, held_out=0, unseen_too=True)
    assert [task.name for task in found.tasks] == names
    assert {photo.split for photo in found.photos} == {"train"}


@pytest.mark.parametrize(("kind", "names"), [("category", ["chair", "mug"]), ("user", ["a", "b"])])
def test_what_is_held_out_is_there_to_choose_by_alone(index: Index, kind: Kind, names: list[str]) -> None:
    learning, choosing = (task_set(index, kind, part, labelled_frac=1.0, held_out=0.5) for part in ("train", "val"))
    known, kept = ({task.name for task in part.tasks} for part in (learning, choosing))
    assert sorted(known | kept) == names and len(known) == len(kept) == 1
    assert kind == "user" or kept == {"mug"}, "the main category is always learned from"
    (task,) = choosing.tasks
    asked, given = ({pair.photo for pair in pairs} for pairs in (task.query, task.support))
    assert not asked & given
    if kind == "category":
        # Three validation photos, and three of the six training photos.
        assert (len(asked), len(given), len(task.gallery)) == (6, 3, 9)


def test_user_tasks_need_users_of_one_category(index: Index) -> None:
    nobody = [
        replace(one, sketches=tuple(replace(sketch, user=None) for sketch in one.sketches)) for one in index.photos
    ]
    for changed, message in (
        ({"photos": tuple(nobody)}, "user tasks need to know who drew each sketch"),
        ({"category": None}, "are of one category"),
    ):
        with pytest.raises(DataError, match=message):
            task_set(replace(index, **changed), "user", "train", labelled_frac=1.0, held_out=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["category", "user"])
def test_hidden_labels_are_not_learned_from_and_what_is_new_keeps_its_own(index: Index, kind: Kind) -> None:
    def pairs(part: Part, labelled_frac: float) -> set[tuple[str, str]]:
        found = task_set(index, kind, part, labelled_frac=labelled_frac, held_out=0)
        return {(task.name, found.photos[pair.photo].id) for task in found.tasks for pair in task.support}

    kept = {photo.id for photo in index.photos if is_labelled(photo, 0.5)}
    every, some = pairs("train", 1.0), pairs("train", 0.5)
    assert some == {pair for pair in every if pair[1] in kept} and 0 < len(some) < len(every)
    assert pairs("val", 0.5) == some
    assert pairs("test", 0.5) == pairs("test", 1.0)


def test_episodes_are_of_one_task_and_query_other_photos(index: Index) -> None:
    found, rng = task_set(index, "category", "train", labelled_frac=1.0, held_out=0), np.random.default_rng(0)
    for task in found.tasks:
        for _ in range(20):
            support, query = draw_episode(rng, found, task, k=2, queries=5)
            assert support.shape == (2, 3) and query.shape == (5, 3)
            assert len(set(support[:, 1].tolist())) == 2
            assert not set(support[:, 1].tolist()) & set(query[:, 1].tolist())
            for number, row, other in np.concatenate([support, query]):
                assert found.numbers[row] <= number < found.numbers[row + 1]
                assert other != row and found.photos[other].category == found.photos[row].category == task.name
                assert found.photos[other].split == "train"


def test_more_pairs_than_there_are_is_an_error(index: Index) -> None:
    found = task_set(index, "category", "test", labelled_frac=1.0, held_out=0)
    with pytest.raises(DataError, match="clock: 7 pairs asked for, it has 6 photos"):
        draw_support(np.random.default_rng(0), found, found.tasks[0], 7)
    with pytest.raises(DataError, match=r"clock: 9 pairs asked for by adapt\.shots, it has 6 photos"):
        require_photos(found.tasks[0], 9, "adapt.shots")
    require_photos(found.tasks[0], 6)
    alone = replace(found.tasks[0], support=found.tasks[0].support[:1])
    with pytest.raises(DataError, match="clock: 1 pairs asked for, it has one photo with sketches, none to tell it"):
        require_photos(alone, 1)
    require_photos(alone, 0)

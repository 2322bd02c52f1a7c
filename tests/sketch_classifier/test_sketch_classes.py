"""The sketch classifier learns from what training may see, and judges on what it has not learned."""

from collections.abc import Callable

import numpy as np
import pytest

from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import is_labelled
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre
from fgsbir.sketch_classifier.classes import sketch_classes

MakeStore = Callable[..., ShardStore]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[PhotoEntry]:
    """The photos whose strokes were read."""
    seen: list[PhotoEntry] = []
    read = ShardStore.read_strokes

    def noting(self: ShardStore, entry: PhotoEntry) -> list[np.ndarray]:
        seen.append(entry)
        return read(self, entry)

    monkeypatch.setattr(ShardStore, "read_strokes", noting)
    return seen


def contains(sketches: list[np.ndarray], strokes: np.ndarray) -> bool:
    return any(np.array_equal(sketch, centre(strokes)) for sketch in sketches)


def test_categories_are_the_classes_where_there_are_several(make_store: MakeStore, reads: list[PhotoEntry]) -> None:
    store = make_store()
    data = sketch_classes(store, 1.0)
    assert data.kind == "categories" and data.names == ["chair", "lamp"]
    assert data.classes.tolist() == [0] * 10 + [1] and data.held_out_classes.tolist() == [0, 0, 1]
    assert len(data.sketches) == 11 and len(data.held_out) == 3
    assert {entry.split for entry in reads} == {"train", "val"} and not any(entry.unseen for entry in reads)


def test_photos_are_the_classes_where_there_is_one_category(make_store: MakeStore, reads: list[PhotoEntry]) -> None:
    data = sketch_classes(make_store("chair"), 1.0)
    assert data.kind == "photos" and data.names == [f"chair-0{number}" for number in range(5)]
    assert data.classes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert data.held_out == [] and data.held_out_classes.shape == (0,)
    assert {entry.split for entry in reads} == {"train"}


def test_every_sketch_has_the_class_of_its_photo(make_store: MakeStore) -> None:
    store = make_store()
    data = sketch_classes(store, 1.0)
    for entry in store.photos:
        for place, strokes in enumerate(store.read_strokes(entry)):
            usable = not entry.sketches[place].unseen
            assert contains(data.sketches, strokes) == (usable and entry.split == "train")
            assert contains(data.held_out, strokes) == (usable and entry.split == "val")
    for strokes, number in zip(data.sketches, data.classes, strict=True):
        homes = [entry for entry in store.photos if any(contains([strokes], own) for own in store.read_strokes(entry))]
        assert [entry.category for entry in homes] == [data.names[number]]


@pytest.mark.parametrize("labelled_frac", [0.2, 0.5, 0.8])
def test_moved_photos_are_not_read(make_store: MakeStore, reads: list[PhotoEntry], labelled_frac: float) -> None:
    store = make_store()
    sketch_classes(store, labelled_frac)
    moved = [entry for entry in store.photos if entry.split == "train" and not is_labelled(entry, labelled_frac)]
    assert moved and not {entry.id for entry in reads} & {entry.id for entry in moved}
    assert not any(entry.split in ("test", "unlabelled") for entry in reads)

"""The sketch classifier learns from what training may see, and judges on what it has not learned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.index import PhotoEntry
from fgsbir.data.records import Photo, Sketch, Source, Split
from fgsbir.data.selection import is_labelled
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.data.strokes import centre
from fgsbir.sketch_classifier.classes import sketch_classes
from tests.toy import shape

# (split, category, whether the category is unseen, sketches by seen users), one photo a row.
PHOTOS: list[tuple[Split, str, bool, int]] = [
    *[("train", "chair", False, 2)] * 5,
    ("train", "lamp", False, 1),
    ("train", "chair", False, 0),
    ("val", "chair", False, 2),
    ("val", "lamp", False, 1),
    ("test", "chair", False, 2),
    ("unlabelled", "chair", False, 0),
    ("train", "boat", True, 2),
]
MakeStore = Callable[..., ShardStore]


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """Pack ``PHOTOS``, or those of one category; every drawn photo has one more sketch, the last, by an unseen user."""

    def make(only: str | None = None) -> ShardStore:
        source = Source()
        for number, (split, category, unseen, sketches) in enumerate(PHOTOS):
            if only in (None, category):
                path, name = tmp_path / f"{number}.png", f"{category}-{number:02d}"
                Image.new("RGB", (32, 24), (number, 0, 0)).save(path)
                source.photos.append(Photo(name, category, split, path, unseen))
                for hand in range(0 if split == "unlabelled" else sketches + 1):
                    held_out = unseen or hand == sketches
                    source.sketches.append(Sketch(f"{name}-{hand}", name, f"u{hand}", shape(number, hand), held_out))
        write_shards(source, tmp_path / "shards", name="toy", layout="folder", category=None, photos_per_shard=100)
        return ShardStore(tmp_path / "shards")

    return make


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[PhotoEntry]:
    """The photos whose strokes were read."""
    seen: list[PhotoEntry] = []
    read = ShardStore.read_strokes
    monkeypatch.setattr(ShardStore, "read_strokes", lambda store, entry: seen.append(entry) or read(store, entry))
    return seen


def drawn(photos: list[int]) -> list[np.ndarray]:
    """The sketches of ``PHOTOS`` by seen users."""
    return [centre(shape(number, hand)) for number in photos for hand in range(PHOTOS[number][3])]


def test_categories_are_the_classes_where_there_are_several(make_store: MakeStore, reads: list[PhotoEntry]) -> None:
    data = sketch_classes(make_store(), 1.0)
    assert data.kind == "categories" and data.names == ["chair", "lamp"]
    assert data.classes.tolist() == [0] * 10 + [1] and data.held_out_classes.tolist() == [0, 0, 1]
    for found, photos in ((data.sketches, [0, 1, 2, 3, 4, 5]), (data.held_out, [7, 8])):
        assert all(np.allclose(one, other, atol=1e-2) for one, other in zip(found, drawn(photos), strict=True))
    assert {entry.split for entry in reads} == {"train", "val"} and not any(entry.unseen for entry in reads)


def test_photos_are_the_classes_where_there_is_one_category(make_store: MakeStore, reads: list[PhotoEntry]) -> None:
    data = sketch_classes(make_store("chair"), 1.0)
    assert data.kind == "photos" and data.names == [f"chair-0{number}" for number in range(5)]
    assert data.classes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert data.held_out == [] and data.held_out_classes.shape == (0,)
    assert {entry.split for entry in reads} == {"train"}


@pytest.mark.parametrize("labelled_frac", [0.2, 0.5, 0.8])
def test_moved_photos_are_not_read(make_store: MakeStore, reads: list[PhotoEntry], labelled_frac: float) -> None:
    store = make_store()
    sketch_classes(store, labelled_frac)
    moved = {entry.id for entry in store.photos if entry.split == "train" and not is_labelled(entry, labelled_frac)}
    assert moved and not {entry.id for entry in reads} & moved
    assert not any(entry.split in ("test", "unlabelled") for entry in reads)

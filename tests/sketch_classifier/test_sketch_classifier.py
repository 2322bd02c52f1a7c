"""The sketch classifier learns from what training may see, and judges on what it has not learned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.data.index import PhotoEntry
from fgsbir.data.records import Photo, Sketch, Source, Split
from fgsbir.data.selection import is_labelled
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.data.strokes import centre
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.sketch_classifier.classes import SketchClasses, sketch_classes
from fgsbir.sketch_classifier.model import SketchClassifier
from fgsbir.sketch_classifier.training import train_sketch_classifier
from tests.toy import cpu, shape

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


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., ShardStore]:
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


def test_categories_are_the_classes_or_photos_where_there_is_one_category(
    make_store: Callable[..., ShardStore], reads: list[PhotoEntry]
) -> None:
    data = sketch_classes(make_store(), 1.0)
    assert data.kind == "categories" and data.names == ["chair", "lamp"] and data.photos == 6
    assert data.classes.tolist() == [0] * 10 + [1] and data.held_out_classes.tolist() == [0, 0, 1]
    for found, photos in ((data.sketches, [0, 1, 2, 3, 4, 5]), (data.held_out, [7, 8])):
        drawn = [centre(shape(number, hand)) for number in photos for hand in range(PHOTOS[number][3])]
        assert all(np.allclose(one, other, atol=1e-2) for one, other in zip(found, drawn, strict=True))
    assert {entry.split for entry in reads} == {"train", "val"} and not any(entry.unseen for entry in reads)

    data = sketch_classes(make_store("chair"), 1.0)
    assert data.kind == "photos" and data.names == [f"chair-0{number}" for number in range(5)]
    assert data.classes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert data.held_out == [] and data.held_out_classes.shape == (0,)


@pytest.mark.parametrize("labelled_frac", [0.2, 0.5, 0.8])
def test_moved_photos_are_not_read(
    make_store: Callable[..., ShardStore], reads: list[PhotoEntry], labelled_frac: float
) -> None:
    store = make_store()
    sketch_classes(store, labelled_frac)
    moved = {entry.id for entry in store.photos if entry.split == "train" and not is_labelled(entry, labelled_frac)}
    assert moved and not {entry.id for entry in reads} & moved
    assert not any(entry.split in ("test", "unlabelled") for entry in reads)


def test_it_learns_which_of_two_products_a_new_hand_has_drawn(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SketchClassifier(image_size=32, classes=2)
    drawn, held_out = (
        [centre(shape(number, hand)) for hand in hands for number in (0, 1)] for hands in (range(8), [8, 9])
    )
    data = SketchClasses("photos", ["0", "1"], 16, drawn, np.tile([0, 1], 8), held_out, np.tile([0, 1], 2))
    sizes = {"batch_size": 16, "steps": 40, "validate_every": 20, "log_interval": 10, "seed": 0}
    settings = {"learning_rate": 2e-3, "line_width": 16.0, "augment": 0.0}
    rows = train_sketch_classifier(cpu(), model, data, **sizes, **settings, scratch=Scratch(tmp_path))
    assert [row["step"] for row in rows] == [20, 40] and rows[-1]["validation_accuracy"] == 100
    with torch.autocast("cpu", torch.bfloat16):
        features = model.features(torch.rand(3, 1, 32, 32))
    assert features.shape == (3, 128) and features.dtype == torch.float32

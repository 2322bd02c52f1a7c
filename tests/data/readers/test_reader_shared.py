"""What :func:`read` adds to every layout: unlabelled photos, checks, users, unseen marks, held-out photos."""

import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.records import SPLITS, DataError
from tests.data.readers.toy_files import photos_of, read_all, splits_of, write_photo

STROKES = np.array([[40, 40, 0], [90, 60, 0], [200, 120, 1]], np.float32)


def write_chairs(root: Path, photos: dict[str, str], name: str = "ChairV2") -> Path:
    """A set of layout sketchx: photos with their splits, two sketches each."""
    for photo in photos:
        write_photo(root / name / "photo" / f"{photo}.png")
    sketches = {f"/{split}/{photo}_{k}": STROKES for photo, split in photos.items() for k in (1, 2)}
    (root / name / f"{name}_Coordinate").write_bytes(pickle.dumps(sketches))
    return root


@pytest.fixture
def chairs(tmp_path: Path) -> Path:
    return write_chairs(tmp_path, dict.fromkeys("abcdef", "train") | dict.fromkeys("xy", "test"))


def test_photos_below_unlabelled_are_taken_at_any_depth(chairs: Path) -> None:
    before = read_all("sketchx", chairs)
    write_photo(chairs / "unlabelled/b.jpg")
    write_photo(chairs / "unlabelled/b.png")  # as phones keep a photo in two formats
    write_photo(chairs / "unlabelled/Shoes/Oxfords/Brand/100627.72.jpg")
    write_photo(chairs / "unlabelled/.hidden/c.jpg")
    (chairs / "unlabelled/list.txt").write_text("hello")
    source = read_all("sketchx", chairs)
    assert source.photos == sorted(source.photos, key=lambda photo: photo.id)
    added = dict.fromkeys(["unlabelled/Shoes/Oxfords/Brand/100627.72", "unlabelled/b"], "unlabelled")
    assert splits_of(source) == splits_of(before) | added and photos_of(source) == photos_of(before)
    assert {photo.category for photo in source.photos} == {"chair"}
    skipped = {Path(each.path).name: each.reason for each in source.skipped}
    assert skipped == {"b.png": "a photo of this name was read: b.jpg", "list.txt": "no image: suffix '.txt'"}


def test_an_unknown_layout_and_a_missing_root_are_named(tmp_path: Path) -> None:
    layouts = "synthetic, sketchx, qmul, qmul_v1, sketchy, folder"
    with pytest.raises(DataError, match=f"layout 'sketch': expected one of {layouts}"):
        read_all("sketch", tmp_path)
    with pytest.raises(DataError, match="nowhere: expected a folder of layout qmul, found nothing"):
        read_all("qmul", tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="found a file"):
        read_all("qmul", tmp_path / "file")


def test_with_several_categories_the_first_folder_names_one(chairs: Path) -> None:
    write_chairs(chairs, {"s": "train"}, "ShoeV2")
    write_photo(chairs / "unlabelled/shoe/Boots/1.jpg")
    write_photo(chairs / "unlabelled/chair/1.jpg")
    added = {photo.id: photo.category for photo in read_all("sketchx", chairs).photos if photo.split == "unlabelled"}
    assert added == {"unlabelled/shoe/Boots/1": "shoe", "unlabelled/chair/1": "chair"}
    write_photo(chairs / "unlabelled/sofas/1.jpg")
    with pytest.raises(DataError, match=r"sofas/1\.jpg: the set has 2 categories, so .*; found 'sofas'"):
        read_all("sketchx", chairs)


def test_links_to_folders_are_followed_once(chairs: Path, tmp_path: Path) -> None:
    write_photo(tmp_path / "elsewhere/a.jpg")
    (chairs / "unlabelled").mkdir()
    (chairs / "unlabelled/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "elsewhere")
    splits = splits_of(read_all("sketchx", chairs))
    assert [id for id, split in splits.items() if split == "unlabelled"] == ["unlabelled/link/a"]


def test_two_photos_of_one_id_are_an_error(chairs: Path) -> None:
    write_photo(chairs / "ChairV2/photo/a.png")
    write_photo(chairs / "ChairV2/photo/a.jpg")
    with pytest.raises(DataError, match=r"a\.png: expected one file of id 'a', found also a\.jpg"):
        read_all("sketchx", chairs)


def test_validation_photos_are_training_photos_chosen_by_hash(tmp_path: Path) -> None:
    write_chairs(tmp_path, {f"p{k}": "train" for k in range(100)} | {"x": "test"})

    def splits(fraction: float) -> dict[str, set[str]]:
        found = splits_of(read_all("sketchx", tmp_path, val_frac=fraction))
        return {split: {id for id, own in found.items() if own == split} for split in SPLITS}

    none, small, large = splits(0.0), splits(0.1), splits(0.3)
    assert none["val"] == set() and small["val"] < large["val"]
    assert 3 <= len(small["val"]) <= 20 and 18 <= len(large["val"]) <= 45
    assert none["test"] == small["test"] == large["test"] == {"x"}
    assert none["train"] == small["train"] | small["val"] == large["train"] | large["val"] and len(none["train"]) == 100


def test_unseen_categories_and_users_are_marked(chairs: Path) -> None:
    shoes = dict.fromkeys("mnopqrs", "train") | {"t": "test"}
    write_chairs(chairs, shoes, "ShoeV2")
    write_photo(chairs / "unlabelled/shoe/1.jpg")
    users = {"chair/a_1": "anna", "chair/a_2": "ben", "shoe/s_1": "ben"}
    source = read_all("sketchx", chairs, unseen_categories=["shoe"], unseen_users=["anna"], users=users, val_frac=0.3)
    unseen = {photo.id for photo in source.photos if photo.unseen}
    assert unseen == {*(f"shoe/{shoe}" for shoe in shoes), "unlabelled/shoe/1"}
    marked = {sketch.id: sketch.user for sketch in source.sketches if sketch.unseen}
    nobody = dict.fromkeys((f"shoe/{shoe}_{k}" for shoe in shoes for k in (1, 2)), None)
    assert marked == nobody | {"chair/a_1": "anna", "shoe/s_1": "ben"}
    assert {photo.category for photo in source.photos if photo.split == "val"} == {"chair"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unseen_categories": ["sofa"]}, "unseen category 'sofa': expected one of chair"),
        ({"unseen_users": ["zoe"], "users": {"a_1": "anna"}}, "unseen user 'zoe': expected one of anna"),
        ({"unseen_users": ["anna"]}, "unseen user 'anna': expected one of none"),
        ({"users": {"q_1": "anna"}}, "user table: expected sketch ids of this set, as 'a_1'; found none among 1 rows"),
    ],
)
def test_names_that_the_set_does_not_have_are_errors(chairs: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_all("sketchx", chairs, **options)


def test_counts_are_compared_with_the_published_ones(chairs: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read_all("sketchx", chairs)
    assert "train_photos: found 6, published 300" in caplog.text
    assert "test_sketches: found 4, published 323" in caplog.text

from pathlib import Path

import pytest
from scipy import ndimage

from fgsbir.data.rasterise import rasterise
from fgsbir.data.records import DataError
from tests.data.readers.toy_files import drawing, photos_of, read_all, splits_of, write_photo, write_sketch


def write_set(root: Path, category: str, train: list[int], test: list[int]) -> Path:
    for split, numbers in (("train", train), ("test", test)):
        for number in numbers:
            write_photo(root / category / split / "images" / f"{number}.jpg")
            write_sketch(root / category / split / "sketches" / f"{number}.png")
    return root


def test_pairs_are_traced(tmp_path: Path) -> None:
    write_set(tmp_path, "shoes", [1, 12], [3])
    write_set(tmp_path, "chairs", [1], [3])
    source = read_all("qmul_v1", tmp_path)
    train, test = ["shoes/1", "shoes/12", "chairs/1"], ["shoes/3", "chairs/3"]
    assert splits_of(source) == dict.fromkeys(train, "train") | dict.fromkeys(test, "test")
    assert all(photo.category == photo.id.split("/")[0] for photo in source.photos)
    assert photos_of(source) == {id: id for id in splits_of(source)}
    for sketch in source.sketches:
        drawn = rasterise(drawing(sketch.id.split("/")[1]), 256) < 128
        traced = rasterise(sketch.strokes, 256) < 128
        assert ndimage.distance_transform_edt(~drawn)[traced].max() < 3
        assert ndimage.distance_transform_edt(~traced)[drawn].max() < 3
        assert sketch.strokes[:, 2].sum() == 2
    assert source.known_counts["shoes_test_photos"] == 115 and source.known_counts["chairs_train_sketches"] == 200


def test_numbers_that_repeat_between_the_splits_stay_apart(tmp_path: Path) -> None:
    source = read_all("qmul_v1", write_set(tmp_path, "shoes", [1, 2], [1]))
    assert splits_of(source) == {"shoes/train/1": "train", "shoes/train/2": "train", "shoes/test/1": "test"}
    assert photos_of(source) == {id: id for id in splits_of(source)}


def test_what_is_missing_or_bad_is_named(tmp_path: Path) -> None:
    sketches = tmp_path / "shoes/test/sketches"
    steps = [
        (lambda: None, r"expected shoes/ or chairs/ \(layout qmul_v1\), found neither"),
        (lambda: write_set(tmp_path, "shoes", [1], []), r"shoes/test/images: expected a folder, found nothing"),
        (
            lambda: write_sketch(write_set(tmp_path, "shoes", [1], [2]) / "shoes/test/sketches/7.png"),
            r"sketches/7\.png: expected its photo images/7\.jpg beside sketches/, found none",
        ),
        (lambda: (sketches / "7.png").replace(sketches / "2.png").write_bytes(b"x"), r"2\.png: expected a JPEG, PNG"),
    ]
    for step, message in steps:
        step()
        with pytest.raises(DataError, match=message):
            read_all("qmul_v1", tmp_path)

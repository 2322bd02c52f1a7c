from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from fgsbir.data.rasterise import rasterise
from fgsbir.data.records import DataError, Source

Read = Callable[..., Source]
Writer = Callable[[Path], Path]
Expected = Callable[[str], np.ndarray]


@pytest.fixture
def write_set(write_photo: Writer, write_sketch: Writer) -> Callable[..., Path]:
    def write(root: Path, category: str, train: list[int], test: list[int]) -> Path:
        for split, numbers in (("train", train), ("test", test)):
            for number in numbers:
                write_photo(root / category / split / "images" / f"{number}.jpg")
                write_sketch(root / category / split / "sketches" / f"{number}.png")
        return root

    return write


def test_pairs_are_traced(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read, expected_drawing: Expected
) -> None:
    write_set(tmp_path, "shoes", [1, 2, 12], [3])
    write_set(tmp_path, "chairs", [1, 2], [3, 12])
    source = read_all("qmul_v1", tmp_path)
    assert {photo.id: (photo.category, photo.split) for photo in source.photos} == {
        "shoes/1": ("shoes", "train"),
        "shoes/2": ("shoes", "train"),
        "shoes/12": ("shoes", "train"),
        "shoes/3": ("shoes", "test"),
        "chairs/1": ("chairs", "train"),
        "chairs/2": ("chairs", "train"),
        "chairs/3": ("chairs", "test"),
        "chairs/12": ("chairs", "test"),
    }
    assert all(sketch.id == sketch.photo_id for sketch in source.sketches)
    for sketch in source.sketches:
        drawn = rasterise(expected_drawing(f"{sketch.id.split('/')[1]}.png"), 256) < 128
        traced = rasterise(sketch.strokes, 256) < 128
        assert ndimage.distance_transform_edt(~drawn)[traced].max() < 3
        assert ndimage.distance_transform_edt(~traced)[drawn].max() < 3
        assert sketch.strokes[:, 2].sum() == 2
    assert source.known_counts["shoes_test_photos"] == 115 and source.known_counts["chairs_train_sketches"] == 200


def test_numbers_that_repeat_between_the_splits_stay_apart(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read
) -> None:
    source = read_all("qmul_v1", write_set(tmp_path, "shoes", [1, 2], [1]))
    assert {photo.id: photo.split for photo in source.photos} == {
        "shoes/train/1": "train",
        "shoes/train/2": "train",
        "shoes/test/1": "test",
    }
    assert {sketch.photo_id for sketch in source.sketches} == {"shoes/train/1", "shoes/train/2", "shoes/test/1"}


def test_what_is_missing_or_bad_is_named(
    tmp_path: Path, write_set: Callable[..., Path], write_sketch: Writer, read_all: Read
) -> None:
    with pytest.raises(DataError, match=r"expected shoes/ or chairs/ \(layout qmul_v1\), found neither"):
        read_all("qmul_v1", tmp_path)
    write_set(tmp_path, "shoes", [1], [])
    with pytest.raises(DataError, match=r"shoes/test/images: expected a folder, found nothing"):
        read_all("qmul_v1", tmp_path)
    write_set(tmp_path, "shoes", [1], [2])
    stray = write_sketch(tmp_path / "shoes/test/sketches/7.png")
    with pytest.raises(
        DataError, match=r"sketches/7\.png: expected its photo images/7\.jpg beside sketches/, found none"
    ):
        read_all("qmul_v1", tmp_path)
    stray.unlink()
    (tmp_path / "shoes/test/sketches/2.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"sketches/2\.png: expected a JPEG, PNG"):
        read_all("qmul_v1", tmp_path)

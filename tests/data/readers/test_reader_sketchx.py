import os
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.readers.checks import count
from fgsbir.data.records import DataError, Source

Read = Callable[..., Source]
Writer = Callable[[Path], Path]

STROKES = np.array([[33.5, 40, 0], [90, 60, 0], [223, 120.25, 1], [60, 60, 0], [100, 100, 1]])


@pytest.fixture
def write_set(write_photo: Writer) -> Callable[..., Path]:
    def write(root: Path, coordinates: dict[str, Any], photos: list[str], name: str = "ChairV2") -> Path:
        for photo in photos:
            write_photo(root / name / "photo" / photo)
        (root / name / f"{name}_Coordinate").write_bytes(pickle.dumps(coordinates, 3))
        return root

    return write


def test_keys_name_split_photo_and_sketch(tmp_path: Path, write_set: Callable[..., Path], read_all: Read) -> None:
    # Ids with underscores and hyphens, suffixes of two digits and of workers' names, slashes or none.
    keys = {
        "/train/finbo_10": "finbo",
        "train/finbo_2": "finbo",
        "/train/00140128_v1_1": "00140128_v1",
        "/test/9910-02-carbon_1": "9910-02-carbon",
        "/test/sd1770-gris_2_A1YX741QQSMKPS": "sd1770-gris_2",
        "/test/sd1770-gris_2_70": "sd1770-gris_2",
    }
    photos = ["finbo.png", "00140128_v1.png", "9910-02-carbon.png", "sd1770-gris_2.png", "never drawn.png"]
    root = write_set(tmp_path, dict.fromkeys(keys, STROKES), photos)
    source = read_all("sketchx", root)
    assert {sketch.id: sketch.photo_id for sketch in source.sketches} == {
        key.split("/")[-1]: photo for key, photo in keys.items()
    }
    assert {photo.id: photo.split for photo in source.photos} == {
        "finbo": "train",
        "00140128_v1": "train",
        "9910-02-carbon": "test",
        "sd1770-gris_2": "test",
        "never drawn": "unlabelled",
    }
    assert {photo.category for photo in source.photos} == {"chair"}
    assert all(photo.path == root / "ChairV2/photo" / f"{photo.id}.png" for photo in source.photos)
    for sketch in source.sketches:
        assert sketch.strokes.dtype == np.float32 and sketch.user is None and not sketch.unseen
        np.testing.assert_allclose(sketch.strokes, STROKES)
    assert source.known_counts == {"train_photos": 300, "train_sketches": 952, "test_photos": 100, "test_sketches": 323}


def test_several_sets_side_by_side_share_no_ids(tmp_path: Path, write_set: Callable[..., Path], read_all: Read) -> None:
    write_set(tmp_path, {"/train/a_1": STROKES, "/test/b_1": STROKES}, ["a.png", "b.png"], "ChairV2")
    write_set(tmp_path, {"/train/a_1": STROKES, "/test/c_1": STROKES}, ["a.png", "c.png"], "ShoeV2")
    source = read_all("sketchx", tmp_path)
    assert [photo.id for photo in source.photos] == ["chair/a", "chair/b", "shoe/a", "shoe/c"]
    assert [(sketch.id, sketch.photo_id) for sketch in source.sketches][2] == ("shoe/a_1", "shoe/a")
    assert source.known_counts["shoe_train_sketches"] == 5982
    assert count(source, "shoe_train_sketches") == 1 and count(source, "test_photos") == 2


def test_the_root_may_be_the_set_itself(tmp_path: Path, write_set: Callable[..., Path], read_all: Read) -> None:
    write_set(tmp_path, {"/train/a_1": STROKES}, ["a.png"])
    (tmp_path / "ChairV2").rename(tmp_path / "somewhere")
    source = read_all("sketchx", tmp_path / "somewhere")
    assert [(photo.id, photo.category) for photo in source.photos] == [("a", "chair")]


def open_ended(strokes: np.ndarray) -> np.ndarray:
    return np.concatenate([strokes[:-1], strokes[-1:] * [1, 1, 0]])


@pytest.mark.parametrize(
    ("coordinates", "message"),
    [
        ({"/train/b_1": STROKES}, r"key '/train/b_1': expected a photo photo/b\.png, found none"),
        ({"/train/a": STROKES}, r"key '/train/a': expected /train/<photo id>_<number>"),
        ({"/other/a_1": STROKES}, r"key '/other/a_1': expected /train/"),
        ({"a_1": STROKES}, r"key 'a_1': expected /train/"),
        (
            {"/train/a_1": STROKES, "/test/a_2": STROKES},
            r"key '/test/a_2': expected the split of the photo's other sketches, train",
        ),
        ({"/train/a_1": STROKES[-1:]}, r"key '/train/a_1': expected at least 2 points, found 1"),
        ({"/train/a_1": STROKES * [1, np.nan, 1]}, r"key '/train/a_1': row 0 is not finite"),
        ({"/train/a_1": STROKES[:, :2]}, r"key '/train/a_1': expected strokes as numbers of shape \(n, 3\)"),
        ({"/train/a_1": open_ended(STROKES)}, r"key '/train/a_1': expected pen flag 1 on the last point"),
        (
            {"/train/a_1": [1, 2]},
            r"expected a pickle of numeric numpy arrays only, found a list under key '/train/a_1'",
        ),
        ({"/train/a_1": STROKES * [1e7, 1, 1]}, r"'a_1': expected points on a canvas of 256 pixels, found 2\.23e\+09"),
        ({"/train/a_1": STROKES, "train/a_1": STROKES}, r"sketch 'a_1': expected one sketch of this id, found two"),
        ([STROKES], r"ChairV2_Coordinate: expected a pickle of numeric numpy arrays only, found a list"),
        ({}, r"expected photos and sketches of layout sketchx"),
    ],
)
def test_bad_coordinates_are_named(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read, coordinates: Any, message: str
) -> None:
    write_set(tmp_path, coordinates, ["a.png"])
    with pytest.raises(DataError, match=message):
        read_all("sketchx", tmp_path)


class Touches:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_code_in_the_pickle_is_an_error_and_is_not_run(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read
) -> None:
    write_set(tmp_path, {"/train/a_1": Touches(tmp_path / "witness")}, ["a.png"])
    with pytest.raises(DataError, match=r"ChairV2_Coordinate: .*found a reference to"):
        read_all("sketchx", tmp_path)
    assert not (tmp_path / "witness").exists()


def test_what_is_missing_is_named(tmp_path: Path, read_all: Read) -> None:
    with pytest.raises(DataError, match=r"expected <set>/<set>_Coordinate \(layout sketchx\), found no such file"):
        read_all("sketchx", tmp_path)
    (tmp_path / "ChairV2").mkdir()
    (tmp_path / "ChairV2/ChairV2_Coordinate").write_bytes(pickle.dumps({"/train/a_1": STROKES}))
    with pytest.raises(DataError, match=r"ChairV2/photo: expected a folder, found nothing"):
        read_all("sketchx", tmp_path)


@pytest.fixture
def real(read_all: Read) -> tuple[Source, Path]:
    root = os.environ.get("FGSBIR_REAL_DATA")
    if not root:
        pytest.skip("FGSBIR_REAL_DATA does not name the folder that holds ChairV2/")
    return read_all("sketchx", Path(root), val_frac=0.1), Path(root)


def test_the_real_chairs(real: tuple[Source, Path]) -> None:
    source, _ = real
    splits = {photo.id: photo.split for photo in source.photos}
    photos = Counter(splits.values())
    sketches = Counter(splits[sketch.photo_id] for sketch in source.sketches)
    assert photos["train"] + photos["val"] == 300 and photos["test"] == 100 and len(source.photos) == 400
    assert sketches["train"] + sketches["val"] == 952 and sketches["test"] == 323
    assert 15 <= photos["val"] <= 45
    assert not source.skipped
    assert min(Counter(sketch.photo_id for sketch in source.sketches).values()) == 3
    lengths = [len(sketch.strokes) for sketch in source.sketches]
    assert (min(lengths), max(lengths), np.median(lengths)) == (40, 519, 107)
    parts = [int(sketch.strokes[:, 2].sum()) for sketch in source.sketches]
    assert (min(parts), max(parts)) == (1, 15)
    everything = np.concatenate([sketch.strokes[:, :2] for sketch in source.sketches])
    assert everything.min() >= 33 and everything.max() <= 223


def test_one_drawing_stands_under_two_of_the_real_test_photos(real: tuple[Source, Path]) -> None:
    source, _ = real
    strokes = {sketch.id: sketch.strokes for sketch in source.sketches}
    assert np.array_equal(strokes["sd1770-gris_2"], strokes["sd1804-noir_2"])


def test_the_real_photos_have_two_sizes(real: tuple[Source, Path]) -> None:
    source, _ = real
    sizes = Counter(Image.open(photo.path).size for photo in source.photos)
    assert sizes == {(256, 256): 392, (500, 500): 8}

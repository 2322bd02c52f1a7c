import os
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.records import DataError
from tests.data.readers.toy_files import photos_of, read_all, splits_of, write_photo

STROKES = np.array([[33.5, 40, 0], [90, 60, 0], [223, 120.25, 1], [60, 60, 0], [100, 100, 1]])


def write_set(root: Path, coordinates: Any, photos: list[str], name: str = "ChairV2") -> Path:
    for photo in photos:
        write_photo(root / name / "photo" / f"{photo}.png")
    (root / name / f"{name}_Coordinate").write_bytes(pickle.dumps(coordinates, 3))
    return root


def test_keys_name_split_photo_and_sketch(tmp_path: Path) -> None:
    # Ids with underscores and hyphens, suffixes of two digits and of workers' names, slashes or none.
    keys = {
        "/train/finbo_10": "finbo",
        "train/finbo_2": "finbo",
        "/train/00140128_v1_1": "00140128_v1",
        "/test/9910-02-carbon_1": "9910-02-carbon",
        "/test/sd1770-gris_2_A1YX741QQSMKPS": "sd1770-gris_2",
        "/test/sd1770-gris_2_70": "sd1770-gris_2",
    }
    root = write_set(tmp_path, dict.fromkeys(keys, STROKES), [*keys.values(), "never drawn"])
    source = read_all("sketchx", root)
    assert photos_of(source) == {key.split("/")[-1]: photo for key, photo in keys.items()}
    splits = {photo: key.strip("/").split("/")[0] for key, photo in keys.items()}
    assert splits_of(source) == splits | {"never drawn": "unlabelled"}
    assert {photo.category for photo in source.photos} == {"chair"}
    assert all(photo.path == root / "ChairV2/photo" / f"{photo.id}.png" for photo in source.photos)
    for sketch in source.sketches:
        assert sketch.strokes.dtype == np.float32 and sketch.user is None and not sketch.unseen
        np.testing.assert_allclose(sketch.strokes, STROKES)
    assert source.known_counts == {"train_photos": 300, "train_sketches": 952, "test_photos": 100, "test_sketches": 323}
    assert list(source.found_counts.values()) == [2, 3, 2, 3]


def test_several_sets_side_by_side_share_no_ids(tmp_path: Path) -> None:
    write_set(tmp_path, {"/train/a_1": STROKES, "/test/b_1": STROKES}, ["a", "b"], "ChairV2")
    write_set(tmp_path, {"/train/a_1": STROKES, "/test/c_1": STROKES}, ["a", "c"], "ShoeV2")
    source = read_all("sketchx", tmp_path)
    assert list(splits_of(source)) == ["chair/a", "chair/b", "shoe/a", "shoe/c"]
    assert photos_of(source)["shoe/a_1"] == "shoe/a"
    assert source.known_counts["shoe_train_sketches"] == 5982 and source.found_counts["shoe_train_sketches"] == 1
    # The root may be a set itself, whatever its folder's name.
    (tmp_path / "ChairV2").rename(tmp_path / "somewhere")
    alone = read_all("sketchx", tmp_path / "somewhere")
    assert [(photo.id, photo.category) for photo in alone.photos] == [("a", "chair"), ("b", "chair")]


@pytest.mark.parametrize(
    ("coordinates", "message"),
    [
        ({"/train/b_1": STROKES}, r"key '/train/b_1': expected a photo photo/b\.png, found none"),
        ({"/train/a": STROKES}, r"key '/train/a': expected /train/<photo id>_<number>"),
        ({"/other/a_1": STROKES}, r"key '/other/a_1': expected /train/"),
        ({"a_1": STROKES}, r"key 'a_1': expected /train/"),
        ({"/train/a_1": STROKES, "/test/a_2": STROKES}, r"'/test/a_2': expected the split of .* other sketches, train"),
        ({"/train/a_1": STROKES[-1:]}, r"key '/train/a_1': expected at least 2 points, found 1"),
        ({"/train/a_1": [1, 2]}, r"expected a pickle of numeric .* found a list under key '/train/a_1'"),
        ({"/train/a_1": STROKES * [1e7, 1, 1]}, r"'a_1': expected points on a canvas of 256 pixels, found 2\.23e\+09"),
        ({"/train/a_1": STROKES, "train/a_1": STROKES}, r"sketch 'a_1': expected one sketch of this id, found two"),
        ({"/train/a_1": Path("a")}, r"ChairV2_Coordinate: .*found a reference to"),
        ({}, r"expected photos and sketches of layout sketchx"),
    ],
)
def test_bad_coordinates_are_named(tmp_path: Path, coordinates: Any, message: str) -> None:
    write_set(tmp_path, coordinates, ["a"])
    with pytest.raises(DataError, match=message):
        read_all("sketchx", tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected <set>/<set>_Coordinate \(layout sketchx\), found no such file"):
        read_all("sketchx", tmp_path)
    write_set(tmp_path, {"/train/a_1": STROKES}, ["a"])
    (tmp_path / "ChairV2/photo").rename(tmp_path / "photos")
    with pytest.raises(DataError, match=r"ChairV2/photo: expected a folder, found nothing"):
        read_all("sketchx", tmp_path)


@pytest.mark.skipif("FGSBIR_REAL_DATA" not in os.environ, reason="FGSBIR_REAL_DATA does not name ChairV2's folder")
def test_the_real_chairs() -> None:
    real = read_all("sketchx", Path(os.environ["FGSBIR_REAL_DATA"]), val_frac=0.1)
    splits = splits_of(real)
    photos = Counter(splits.values())
    sketches = Counter(splits[sketch.photo_id] for sketch in real.sketches)
    assert photos["train"] + photos["val"] == 300 and photos["test"] == 100 and len(real.photos) == 400
    assert sketches["train"] + sketches["val"] == 952 and sketches["test"] == 323
    assert 15 <= photos["val"] <= 45 and not real.skipped
    assert min(Counter(sketch.photo_id for sketch in real.sketches).values()) == 3
    lengths = [len(sketch.strokes) for sketch in real.sketches]
    assert (min(lengths), max(lengths), np.median(lengths)) == (40, 519, 107)
    parts = [int(sketch.strokes[:, 2].sum()) for sketch in real.sketches]
    assert (min(parts), max(parts)) == (1, 15)
    everything = np.concatenate([sketch.strokes[:, :2] for sketch in real.sketches])
    assert everything.min() >= 33 and everything.max() <= 223
    # One drawing stands under two of the test photos.
    strokes = {sketch.id: sketch.strokes for sketch in real.sketches}
    assert np.array_equal(strokes["sd1770-gris_2"], strokes["sd1804-noir_2"])
    sizes = Counter(Image.open(photo.path).size for photo in real.photos)
    assert sizes == {(256, 256): 392, (500, 500): 8}

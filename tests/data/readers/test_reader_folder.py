import json
import logging
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.atomic import write_json
from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.records import DataError
from fgsbir.data.shards import write_shards
from fgsbir.data.sketch_files import SKETCH_SUFFIXES
from fgsbir.data.strokes import centre
from fgsbir.data.summary import summarise
from tests.data.readers.toy_files import drawing, photos_of, read_all, splits_of, write_photo, write_sketch


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Photos a, a_1, b, c (in several formats) and d without a sketch."""
    for name in ("a.jpg", "a_1.png", "b.JPEG", "c.webp", "d.jpg"):
        write_photo(tmp_path / "shop/photos" / name)
    for name in ("a.svg", "a_2.svg", "a_1.svg", "a_1_x.json", "b_1.png", "c_10.jpg"):
        write_sketch(tmp_path / "shop/sketches" / name)
    return tmp_path / "shop"


def test_sketches_find_their_photos_by_name(shop: Path) -> None:
    source = read_all("folder", shop)
    # A photo of the very name comes before a_<k>.
    assert photos_of(source) == {"a": "a", "a_2": "a", "a_1": "a_1", "a_1_x": "a_1", "b_1": "b", "c_10": "c"}
    assert splits_of(source) == dict.fromkeys(["a", "a_1", "b", "c"], "train") | {"d": "unlabelled"}
    assert {photo.category for photo in source.photos} == {"shop"}
    assert not source.skipped and not source.known_counts
    for sketch in source.sketches:
        if sketch.id in ("b_1", "c_10"):
            assert sketch.strokes[:, 2].sum() == 2  # traced
        else:
            np.testing.assert_allclose(sketch.strokes, drawing(sketch.id), atol=1e-3)


def test_test_and_validation_photos_are_held_out(shop: Path) -> None:
    assert sorted(splits_of(read_all("folder", shop, val_frac=0.01)).values()) == [
        *("test", "train", "train", "unlabelled", "val")  # even of a few photos one each
    ]
    for k in range(60):
        write_photo(shop / f"photos/p{k}.jpg")
        write_sketch(shop / f"sketches/p{k}.svg")
    splits = splits_of(read_all("folder", shop, val_frac=0.2))
    number = {split: list(splits.values()).count(split) for split in ("train", "val", "test", "unlabelled")}
    assert number["unlabelled"] == 1 and 5 <= number["val"] <= 20 and 5 <= number["test"] <= 22
    # A photo more moves no other photo.
    write_photo(shop / "photos/q.jpg")
    write_sketch(shop / "sketches/q.svg")
    again = splits_of(read_all("folder", shop, val_frac=0.2))
    assert {id: again[id] for id in splits} == splits


def test_json_may_name_its_canvas_and_its_user(shop: Path) -> None:
    strokes = [[[0, 0, 0.5], [400, 200, 0.7]], [[400, 0], [0, 200]]]
    (shop / "sketches/b_2.json").write_text(json.dumps({"strokes": strokes, "canvas": [400, 200], "user": "anna"}))
    (shop / "sketches/b_3.json").write_text(json.dumps(strokes))
    found = {sketch.id: sketch for sketch in read_all("folder", shop).sketches}
    assert found["b_2"].user == "anna" and found["b_3"].user is None
    assert found["b_2"].strokes.tolist() == [[0, 64, 0], [256, 192, 1], [256, 64, 0], [0, 192, 1]]
    np.testing.assert_allclose(found["b_3"].strokes, centre(found["b_2"].strokes), atol=1e-3)


BAD_SKETCHES = {
    "a_3.svg": (b"<svg", "malformed XML"),
    "a_7.png": (b"\x89PNG\r\n\x1a\n", "expected a JPEG, PNG"),
    "a_8.json": (b"{", "found damage"),
    "nobody_1.svg": (b"<svg/>", "expected a photo photos/nobody.jpg, found none"),
    "notes.txt": (b"hello", "with a suffix of .svg"),
    "a.png": (b"", "expected one sketch of this name, read a.svg"),
}


def test_a_bad_sketch_is_skipped_and_reported(shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = photos_of(read_all("folder", shop))
    for name, (data, _) in BAD_SKETCHES.items():
        (shop / "sketches" / name).write_bytes(data)
    with caplog.at_level(logging.WARNING):
        source = read_all("folder", shop)
    assert photos_of(source) == good
    reasons = {Path(skipped.path).name: skipped.reason for skipped in source.skipped}
    assert reasons.keys() == BAD_SKETCHES.keys()
    for name, (_, reason) in BAD_SKETCHES.items():
        assert reason in reasons[name] and name in caplog.text


def test_names_are_compared_whatever_way_their_accents_are_written(shop: Path) -> None:
    for number, (photo, sketch) in enumerate((("NFD", "NFC"), ("NFC", "NFD"))):
        name = f"Stühlchen_é{number}"
        write_photo(shop / "photos" / unicodedata.normalize(photo, f"{name}.jpg"))
        write_sketch(shop / "sketches" / unicodedata.normalize(sketch, f"{name}_1.svg"))
        assert photos_of(read_all("folder", shop))[f"{name}_1"] == name
    write_photo(shop / "photos" / unicodedata.normalize("NFC", "Stühlchen_é0.jpg"))
    with pytest.raises(DataError, match="expected one file of id 'Stühlchen_é0'"):
        read_all("folder", shop)


def test_a_name_that_is_no_utf_8_is_skipped_and_named(shop: Path, tmp_path: Path) -> None:
    good = photos_of(read_all("folder", shop))
    for name in (b"photos/\xff.jpg", b"photos/d\xfe.jpg", b"sketches/\xff.svg", b"sketches/a_\xfe.svg"):
        (write_photo if name.startswith(b"photos") else write_sketch)(shop / os.fsdecode(name))
    write_photo(shop / "unlabelled" / os.fsdecode(b"\xff/1.jpg"))
    source = read_all("folder", shop)
    assert photos_of(source) == good and {skipped.reason for skipped in source.skipped} == {"expected a name in UTF-8"}
    assert len(source.skipped) == 5 and all(r"\udcf" in skipped.path for skipped in source.skipped)
    index = write_shards(source, tmp_path / "shards", name="x", layout="folder", category=None, photos_per_shard=9)
    write_json(tmp_path / "data.json", summarise(index, source, [], shop))


def test_photos_and_sketches_of_every_format_are_read(shop: Path) -> None:
    for suffix in sorted(PHOTO_SUFFIXES):
        write_photo(shop / f"photos/of {suffix}{suffix}")
    for suffix in SKETCH_SUFFIXES:
        if suffix not in PHOTO_SUFFIXES | {".svgz"}:
            write_sketch(shop / f"sketches/of .png_{suffix[1:]}{suffix}")
    source = read_all("folder", shop)
    assert not source.skipped and {f"of {suffix}" for suffix in PHOTO_SUFFIXES} <= splits_of(source).keys()
    for sketch in source.sketches:
        if sketch.photo_id == "of .png":
            np.testing.assert_allclose(centre(sketch.strokes), centre(drawing(sketch.id)), atol=1e-2)


def test_a_folder_of_nothing_but_bad_sketches_is_an_error(shop: Path) -> None:
    for path in (shop / "sketches").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"shop/sketches: .* found none that can be used \(a\.svg: expected"):
        read_all("folder", shop)


def test_what_is_missing_or_double_is_named(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    steps = [
        (lambda: root.mkdir(), r"shop/photos: expected a folder, found nothing"),
        (lambda: write_photo(root / "photos/a.jpg"), r"shop/sketches: expected a folder of sketches, found none"),
        (lambda: (root / "sketches").mkdir(), r"shop/sketches: .* found none that can be used \(no file\)"),
        (lambda: write_photo(root / "photos/a.png"), r"a\.png: expected one file of id 'a', found also a\.jpg"),
    ]
    for step, message in steps:
        step()
        with pytest.raises(DataError, match=message):
            read_all("folder", root)

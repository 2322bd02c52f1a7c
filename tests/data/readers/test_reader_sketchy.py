from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.records import DataError
from tests.data.readers.toy_files import drawing, photos_of, read_all, splits_of, write_photo, write_sketch

PHOTOS = {"airplane": ["n02691156_10151", "n02691156_58", "n02691156_7"], "bat": ["n02139199_1-x", "n02139199_2"]}
TX = "tx_000000000000"


def write_set(root: Path, photo_tx: str = TX, sketch_tx: str = TX) -> Path:
    for category, ids in PHOTOS.items():
        for id in ids:
            write_photo(root / "256x256/photo" / photo_tx / category / f"{id}.jpg")
            for k in (1, 10):
                write_sketch(root / "256x256/sketch" / sketch_tx / category / f"{id}-{k}.png")
    (root / "info").mkdir(exist_ok=True)
    (root / "info/testset.txt").write_text("airplane/n02691156_58.jpg\nbat/n02139199_2.jpg\n")
    (root / "info/invalid-error.txt").write_text("airplane/n02691156_7-10\n")
    (root / "info/invalid-pose.txt").write_text("bat/n02139199_2-1.png\n\n")
    (root / "info/invalid-context.txt").write_text("")
    return root


def test_splits_unseen_categories_and_invalid_sketches(tmp_path: Path) -> None:
    write_set(tmp_path)
    for place in ("invalid/airplane", "airplane/invalid", "invalid"):  # folders that are not entered
        write_photo(tmp_path / "256x256/photo" / TX / place / "n1_1.jpg")
        write_sketch(tmp_path / "256x256/sketch" / TX / place / "n1_1-1.png")
    source = read_all("sketchy", tmp_path)
    assert splits_of(source) == {
        "airplane/n02691156_10151": "train",
        "airplane/n02691156_58": "test",
        "airplane/n02691156_7": "train",
        "bat/n02139199_1-x": "train",
        "bat/n02139199_2": "test",
    }
    assert all(photo.category == photo.id.split("/")[0] for photo in source.photos)
    assert all(one.unseen == one.id.startswith("bat/") for one in (*source.photos, *source.sketches))
    found = photos_of(source)
    assert found["bat/n02139199_1-x-10"] == "bat/n02139199_1-x" and len(found) == 2 * 5 - 2
    assert sorted((Path(skipped.path).name, skipped.reason) for skipped in source.skipped) == [
        ("n02139199_2-1.png", "listed in invalid-pose.txt"),
        ("n02691156_7-10.png", "listed in invalid-error.txt"),
    ]
    assert source.known_counts == {"categories": 125, "unseen_categories": 21, "photos": 12500, "sketches": 75471}
    assert source.found_counts == {"categories": 2, "unseen_categories": 1, "photos": 5, "sketches": 8}


def test_one_placement_is_read_the_untransformed_one_if_there(tmp_path: Path) -> None:
    other = "tx_000100000000"
    write_set(tmp_path, photo_tx=other, sketch_tx="tx_000000001110")
    for placement in (other, TX):
        photos = read_all("sketchy", tmp_path).photos
        assert len(photos) == 5 and all(placement in str(photo.path) for photo in photos)
        write_set(tmp_path)


def test_the_svg_release_is_read_instead_of_the_images(tmp_path: Path) -> None:
    write_set(tmp_path)
    for category, ids in PHOTOS.items():
        for id in ids:
            write_sketch(tmp_path / "sketches" / category / f"{id}-1.svg")
    source = read_all("sketchy", tmp_path)
    assert len(source.sketches) == 4
    for sketch in source.sketches:
        np.testing.assert_allclose(sketch.strokes, drawing(sketch.id.split("/")[1]), atol=1e-3)


def test_what_is_missing_or_bad_is_named(tmp_path: Path) -> None:
    listed = tmp_path / "info/testset.txt"
    steps = [
        (lambda: listed.parent.mkdir(), r"info/testset\.txt: expected a text file with one name a line, found none"),
        (lambda: listed.write_text("airplane/n58.jpg"), r"256x256/photo: expected a folder tx_0+ \(layout sketchy\)"),
        (
            lambda: (write_set(tmp_path), listed.write_text("car/n1_1.jpg")),
            r"info/testset\.txt: expected photos of this folder, found none of them",
        ),
        (lambda: listed.write_text("n1_58.jpg"), r"testset\.txt: expected lines <category>/<name>, found 'n1_58'"),
        (
            lambda: write_sketch(write_set(tmp_path) / "256x256/sketch" / TX / "airplane/n5-1.png"),
            r"n5-1\.png: expected its photo airplane/n5\.jpg, found none",
        ),
    ]
    for step, message in steps:
        step()
        with pytest.raises(DataError, match=message):
            read_all("sketchy", tmp_path)

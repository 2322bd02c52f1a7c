from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.readers.sketchy import UNSEEN_CATEGORIES
from fgsbir.data.records import DataError, Source

Read = Callable[..., Source]
Writer = Callable[[Path], Path]
Expected = Callable[[str], np.ndarray]

PHOTOS = {"airplane": ["n02691156_10151", "n02691156_58", "n02691156_7"], "bat": ["n02139199_1-x", "n02139199_2"]}
TX = "tx_000000000000"


@pytest.fixture
def write_set(write_photo: Writer, write_sketch: Writer) -> Callable[..., Path]:
    def write(root: Path, photo_tx: str = TX, sketch_tx: str = TX) -> Path:
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

    return write


def test_splits_unseen_categories_and_invalid_sketches(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read
) -> None:
    source = read_all("sketchy", write_set(tmp_path))
    assert {photo.id: (photo.category, photo.split, photo.unseen) for photo in source.photos} == {
        "airplane/n02691156_10151": ("airplane", "train", False),
        "airplane/n02691156_58": ("airplane", "test", False),
        "airplane/n02691156_7": ("airplane", "train", False),
        "bat/n02139199_1-x": ("bat", "train", True),
        "bat/n02139199_2": ("bat", "test", True),
    }
    found = {sketch.id: (sketch.photo_id, sketch.unseen) for sketch in source.sketches}
    assert found["bat/n02139199_1-x-10"] == ("bat/n02139199_1-x", True)
    assert found["airplane/n02691156_58-1"] == ("airplane/n02691156_58", False)
    assert len(found) == 2 * 5 - 2
    assert sorted((Path(skipped.path).name, skipped.reason) for skipped in source.skipped) == [
        ("n02139199_2-1.png", "listed in invalid-pose.txt"),
        ("n02691156_7-10.png", "listed in invalid-error.txt"),
    ]
    assert source.known_counts == {"categories": 125, "unseen_categories": 21, "photos": 12500, "sketches": 75471}
    assert len(UNSEEN_CATEGORIES) == 21


def test_folders_named_invalid_are_not_entered(
    tmp_path: Path, write_set: Callable[..., Path], write_photo: Writer, write_sketch: Writer, read_all: Read
) -> None:
    write_set(tmp_path)
    before = read_all("sketchy", tmp_path)
    for place in ("invalid/airplane", "airplane/invalid", "invalid"):
        write_photo(tmp_path / "256x256/photo" / TX / place / "n1_1.jpg")
        write_sketch(tmp_path / "256x256/sketch" / TX / place / "n1_1-1.png")
    after = read_all("sketchy", tmp_path)
    assert [photo.id for photo in after.photos] == [photo.id for photo in before.photos]
    assert [sketch.id for sketch in after.sketches] == [sketch.id for sketch in before.sketches]


def test_one_placement_is_read_the_untransformed_one_if_there(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read
) -> None:
    other = "tx_000100000000"
    source = read_all("sketchy", write_set(tmp_path / "a", photo_tx=other, sketch_tx="tx_000000001110"))
    assert len(source.photos) == 5 and other in str(source.photos[0].path)
    write_set(tmp_path / "b", photo_tx=other, sketch_tx=other)
    source = read_all("sketchy", write_set(tmp_path / "b"))
    assert len(source.photos) == 5 and TX in str(source.photos[0].path)


def test_the_svg_release_is_read_instead_of_the_images(
    tmp_path: Path, write_set: Callable[..., Path], write_sketch: Writer, read_all: Read, expected_drawing: Expected
) -> None:
    write_set(tmp_path)
    for category, ids in PHOTOS.items():
        for id in ids:
            write_sketch(tmp_path / "sketches" / category / f"{id}-1.svg")
            (tmp_path / "sketches" / category / "invalid.txt").write_text("")
    source = read_all("sketchy", tmp_path)
    assert len(source.sketches) == 4
    for sketch in source.sketches:
        np.testing.assert_allclose(sketch.strokes, expected_drawing(f"{sketch.id}.svg"), atol=1e-3)


def test_what_is_missing_or_bad_is_named(
    tmp_path: Path, write_set: Callable[..., Path], write_sketch: Writer, read_all: Read
) -> None:
    with pytest.raises(DataError, match=r"info/testset\.txt: expected a text file with one name a line, found none"):
        read_all("sketchy", tmp_path)
    (tmp_path / "info").mkdir()
    (tmp_path / "info/testset.txt").write_text("airplane/n02691156_58.jpg")
    with pytest.raises(DataError, match=r"256x256/photo: expected a folder tx_000000000000 \(layout sketchy\)"):
        read_all("sketchy", tmp_path)
    write_set(tmp_path)
    (tmp_path / "info/testset.txt").write_text("car/n1_1.jpg")
    with pytest.raises(DataError, match=r"info/testset\.txt: expected photos of this folder, found none of them"):
        read_all("sketchy", tmp_path)
    (tmp_path / "info/testset.txt").write_text("n02691156_58.jpg")
    with pytest.raises(DataError, match=r"testset\.txt: expected lines <category>/<name>, found 'n02691156_58\.jpg'"):
        read_all("sketchy", tmp_path)
    write_set(tmp_path)
    write_sketch(tmp_path / "256x256/sketch" / TX / "airplane/n5-1.png")
    with pytest.raises(DataError, match=r"n5-1\.png: expected its photo airplane/n5\.jpg, found none"):
        read_all("sketchy", tmp_path)

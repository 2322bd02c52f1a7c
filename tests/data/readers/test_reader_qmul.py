from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.readers.checks import count
from fgsbir.data.records import DataError, Source

Read = Callable[..., Source]
Writer = Callable[[Path], Path]
Expected = Callable[[str], np.ndarray]

TRAIN = ["2429245009_1", "2429245009_12", "a_b-c_1"]
TEST = ["100627.72_1", "100627.72_2"]


@pytest.fixture
def write_set(write_photo: Writer, write_sketch: Writer) -> Callable[..., Path]:
    def write(root: Path, name: str = "ShoeV2", sketch_suffix: str = ".svg", listed_suffix: str = ".png") -> Path:
        folder = root / name
        for sketches, split in ((TRAIN, "train"), (TEST, "test")):
            for sketch in sketches:
                write_sketch(folder / f"{name}_sketch" / f"{sketch}{sketch_suffix}")
            photos = sorted({sketch.rpartition("_")[0] for sketch in sketches})
            for photo in photos:
                write_photo(folder / f"{name}_photo" / f"{photo}.png")
            (folder / f"photo_{split}.txt").write_text("".join(f"{photo}.png\n" for photo in photos))
            (folder / f"sketch_{split}.txt").write_text("".join(f"{sketch}{listed_suffix}\r\n" for sketch in sketches))
        return root

    return write


@pytest.mark.parametrize("listed_suffix", [".png", ".svg"])
def test_the_lists_give_the_splits(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read, expected_drawing: Expected, listed_suffix: str
) -> None:
    source = read_all("qmul", write_set(tmp_path, listed_suffix=listed_suffix))
    assert {photo.id: photo.split for photo in source.photos} == {
        "2429245009": "train",
        "a_b-c": "train",
        "100627.72": "test",
    }
    assert {sketch.id: sketch.photo_id for sketch in source.sketches} == {
        "2429245009_1": "2429245009",
        "2429245009_12": "2429245009",
        "a_b-c_1": "a_b-c",
        "100627.72_1": "100627.72",
        "100627.72_2": "100627.72",
    }
    assert {photo.category for photo in source.photos} == {"shoe"}
    for sketch in source.sketches:
        np.testing.assert_allclose(sketch.strokes, expected_drawing(f"{sketch.id}.svg"), atol=1e-3)
    assert source.known_counts == {
        "train_photos": 1800,
        "train_sketches": 5982,
        "test_photos": 200,
        "test_sketches": 666,
    }
    assert count(source, "train_sketches") == 3 and count(source, "test_photos") == 1


def test_rendered_sketches_are_traced_where_there_is_no_svg(
    tmp_path: Path, write_set: Callable[..., Path], write_sketch: Writer, read_all: Read
) -> None:
    write_set(tmp_path, sketch_suffix=".png")
    traced = read_all("qmul", tmp_path)
    assert [int(sketch.strokes[:, 2].sum()) for sketch in traced.sketches] == [2] * 5
    # A folder of renderings beside the SVG files changes nothing.
    write_set(tmp_path / "both")
    for sketch in (*TRAIN, *TEST):
        write_sketch(tmp_path / "both/ShoeV2/ShoeV2_sketch_png" / f"{sketch}.png")
    both, alone = read_all("qmul", tmp_path / "both"), read_all("qmul", write_set(tmp_path / "alone"))
    assert all(np.array_equal(a.strokes, b.strokes) for a, b in zip(both.sketches, alone.sketches, strict=True))


def test_several_sets_side_by_side_share_no_ids(tmp_path: Path, write_set: Callable[..., Path], read_all: Read) -> None:
    write_set(tmp_path, "ChairV2")
    write_set(tmp_path, "ShoeV2")
    source = read_all("qmul", tmp_path)
    assert {photo.id for photo in source.photos if photo.split == "test"} == {"chair/100627.72", "shoe/100627.72"}
    assert source.known_counts["chair_train_sketches"] == 964 and source.known_counts["chair_test_sketches"] == 311
    assert [photo.id for photo in read_all("qmul", tmp_path / "ChairV2").photos] == ["100627.72", "2429245009", "a_b-c"]


def test_unlisted_photos_are_unlabelled_and_unlisted_sketches_reported(
    tmp_path: Path, write_set: Callable[..., Path], write_photo: Writer, write_sketch: Writer, read_all: Read
) -> None:
    write_set(tmp_path)
    write_photo(tmp_path / "ShoeV2/ShoeV2_photo/extra.png")
    stray = write_sketch(tmp_path / "ShoeV2/ShoeV2_sketch/extra_1.svg")
    source = read_all("qmul", tmp_path)
    assert {photo.id: photo.split for photo in source.photos}["extra"] == "unlabelled"
    assert [(skipped.path, skipped.reason) for skipped in source.skipped] == [(str(stray), "in neither list")]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda s: (s / "photo_test.txt").unlink(),
            r"photo_test\.txt: expected a text file with one name a line, found none",
        ),
        (lambda s: (s / "photo_train.txt").write_bytes(b"\xff\xfe\x00"), r"photo_train\.txt: expected a text file"),
        (
            lambda s: (s / "ShoeV2_sketch/a_b-c_1.svg").unlink(),
            r"sketch_train\.txt: name 3: expected a sketch ShoeV2_sketch/a_b-c_1\.svg",
        ),
        (
            lambda s: (s / "ShoeV2_photo/a_b-c.png").unlink(),
            r"photo_train\.txt: name 2: expected a photo ShoeV2_photo/a_b-c\.png",
        ),
        (
            lambda s: (s / "photo_train.txt").write_text("2429245009.png"),
            r"sketch 'a_b-c_1': expected its photo 'a_b-c' in photo_train\.txt",
        ),
        (
            lambda s: (s / "photo_test.txt").write_text("a_b-c.png"),
            r"photo_test\.txt: name 1: 'a_b-c' stands also in .*photo_train\.txt: name 2",
        ),
        (
            lambda s: (s / "ShoeV2_sketch/a_b-c_1.svg").write_text("<svg"),
            r"a_b-c_1\.svg: expected an SVG file, found malformed XML",
        ),
        (
            lambda s: (s / "ShoeV2_sketch/a_b-c_1.svg").write_text("<!DOCTYPE svg><svg/>"),
            r"a_b-c_1\.svg: .* found <!DOCTYPE",
        ),
        (lambda s: (s / "ShoeV2_photo/a_b-c.png").write_bytes(b"x"), r"a_b-c\.png: expected a JPEG, PNG"),
        (
            lambda s: (s / "ShoeV2_photo/a_b-c.png").replace(s / "ShoeV2_photo/100627.72.jpg"),
            r"100627\.72\.png: expected one file of id '100627\.72', found also 100627\.72\.jpg",
        ),
    ],
)
def test_what_is_missing_or_bad_is_named(
    tmp_path: Path, write_set: Callable[..., Path], read_all: Read, damage: Callable[[Path], object], message: str
) -> None:
    damage(write_set(tmp_path) / "ShoeV2")
    with pytest.raises(DataError, match=message):
        read_all("qmul", tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path, read_all: Read) -> None:
    with pytest.raises(DataError, match=r"expected <set>/<set>_photo/ \(layout qmul\), found no such folder"):
        read_all("qmul", tmp_path)

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.records import DataError
from tests.data.readers.toy_files import drawing, photos_of, read_all, splits_of, write_photo, write_sketch

TRAIN = ["2429245009_1", "2429245009_12", "a_b-c_1"]
TEST = ["100627.72_1", "100627.72_2"]


def write_set(root: Path, name: str = "ShoeV2", sketch_suffix: str = ".svg", listed_suffix: str = ".png") -> Path:
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


@pytest.mark.parametrize("listed_suffix", [".png", ".svg"])
def test_the_lists_give_the_splits(tmp_path: Path, listed_suffix: str) -> None:
    source = read_all("qmul", write_set(tmp_path, listed_suffix=listed_suffix))
    assert splits_of(source) == {"2429245009": "train", "a_b-c": "train", "100627.72": "test"}
    assert photos_of(source) == {sketch: sketch.rpartition("_")[0] for sketch in (*TRAIN, *TEST)}
    assert {photo.category for photo in source.photos} == {"shoe"}
    for sketch in source.sketches:
        np.testing.assert_allclose(sketch.strokes, drawing(sketch.id), atol=1e-3)
    known = {"train_photos": 1800, "train_sketches": 5982, "test_photos": 200, "test_sketches": 666}
    assert source.known_counts == known
    assert list(source.found_counts.values()) == [2, 3, 1, 2]


def test_rendered_sketches_are_traced_where_there_is_no_svg(tmp_path: Path) -> None:
    traced = read_all("qmul", write_set(tmp_path / "traced", sketch_suffix=".png"))
    assert [int(sketch.strokes[:, 2].sum()) for sketch in traced.sketches] == [2] * 5
    # A folder of renderings beside the SVG files changes nothing.
    write_set(tmp_path / "both")
    for sketch in (*TRAIN, *TEST):
        write_sketch(tmp_path / "both/ShoeV2/ShoeV2_sketch_png" / f"{sketch}.png")
    for sketch in read_all("qmul", tmp_path / "both").sketches:
        np.testing.assert_allclose(sketch.strokes, drawing(sketch.id), atol=1e-3)


def test_several_sets_side_by_side_share_no_ids(tmp_path: Path) -> None:
    write_set(tmp_path, "ChairV2")
    write_set(tmp_path, "ShoeV2")
    source = read_all("qmul", tmp_path)
    assert {id for id, split in splits_of(source).items() if split == "test"} == {"chair/100627.72", "shoe/100627.72"}
    assert source.known_counts["chair_train_sketches"] == 964 and source.found_counts["chair_train_sketches"] == 3
    assert list(splits_of(read_all("qmul", tmp_path / "ChairV2"))) == ["100627.72", "2429245009", "a_b-c"]


def test_unlisted_photos_are_unlabelled_and_unlisted_sketches_reported(tmp_path: Path) -> None:
    write_set(tmp_path)
    write_photo(tmp_path / "ShoeV2/ShoeV2_photo/extra.png")
    write_photo(tmp_path / "unlabelled/Brand_photo/1.jpg")  # no set of its own
    stray = write_sketch(tmp_path / "ShoeV2/ShoeV2_sketch/extra_1.svg")
    source = read_all("qmul", tmp_path)
    unlabelled = {id for id, split in splits_of(source).items() if split == "unlabelled"}
    assert unlabelled == {"extra", "unlabelled/Brand_photo/1"}
    assert [(skipped.path, skipped.reason) for skipped in source.skipped] == [(str(stray), "in neither list")]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: (s / "photo_test.txt").unlink(), r"photo_test\.txt: expected a text file .* found none"),
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
        (lambda s: (s / "ShoeV2_sketch/a_b-c_1.svg").write_text("<svg"), r"a_b-c_1\.svg: expected an SVG file"),
    ],
)
def test_what_is_missing_or_bad_is_named(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(write_set(tmp_path) / "ShoeV2")
    with pytest.raises(DataError, match=message):
        read_all("qmul", tmp_path)

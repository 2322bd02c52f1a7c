"""What :func:`read` adds to every layout: unlabelled photos, checks, users, unseen marks, held-out photos."""

import io
import json
import logging
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.readers import READERS, read
from fgsbir.data.readers.sketch_files import PARALLEL_FROM, read_sketch_files
from fgsbir.data.records import SPLITS, DataError, Source

Read = Callable[..., Source]
Writer = Callable[[Path], Path]

STROKES = np.array([[40, 40, 0], [90, 60, 0], [200, 120, 1]], np.float32)


def coordinates(root: Path, photos: dict[str, str], name: str = "ChairV2") -> None:
    sketches = {f"/{split}/{photo}_{k}": STROKES for photo, split in photos.items() for k in (1, 2)}
    (root / name / f"{name}_Coordinate").write_bytes(pickle.dumps(sketches))


@pytest.fixture
def chairs(tmp_path: Path, write_photo: Writer) -> Path:
    """A set of layout sketchx: photos a to f for training, x and y for test, two sketches each."""
    photos = dict.fromkeys("abcdef", "train") | dict.fromkeys("xy", "test")
    for photo in photos:
        write_photo(tmp_path / "ChairV2/photo" / f"{photo}.png")
    coordinates(tmp_path, photos)
    return tmp_path


def minimal_sets(root: Path, write_photo: Writer, write_sketch: Writer) -> dict[str, Path]:
    """One set of each layout, each with one category."""
    roots = {layout: root / layout for layout in READERS}
    coordinates_photo = write_photo(roots["sketchx"] / "ChairV2/photo/a.png")
    coordinates(roots["sketchx"], {coordinates_photo.stem: "train"})

    photo = {"id": "chair-1", "category": "chair", "split": "train"}
    write_photo(roots["synthetic"] / "photos/chair/chair-1.jpg")
    manifest = {
        "format": 1,
        "categories": [{"name": "chair", "unseen": False}],
        "users": [{"id": "u", "unseen": False}],
        "photos": [photo],
    }
    (roots["synthetic"] / "manifest.json").write_text(json.dumps(manifest))
    sketch = {"id": "chair-1-1", "photo": "chair-1", "user": "u", "strokes": [[[1, 2], [3, 4]]]}
    (roots["synthetic"] / "sketches.ndjson").write_text(json.dumps(sketch))

    write_photo(roots["qmul"] / "ShoeV2/ShoeV2_photo/a.png")
    write_sketch(roots["qmul"] / "ShoeV2/ShoeV2_sketch/a_1.svg")
    for kind, split, text in (
        ("photo", "train", "a.png"),
        ("sketch", "train", "a_1.png"),
        ("photo", "test", ""),
        ("sketch", "test", ""),
    ):
        (roots["qmul"] / f"ShoeV2/{kind}_{split}.txt").write_text(text)

    for split in ("train", "test"):
        write_photo(roots["qmul_v1"] / f"shoes/{split}/images/{len(split)}.jpg")
        write_sketch(roots["qmul_v1"] / f"shoes/{split}/sketches/{len(split)}.png")

    write_photo(roots["sketchy"] / "256x256/photo/tx_000000000000/airplane/n1_1.jpg")
    write_sketch(roots["sketchy"] / "256x256/sketch/tx_000000000000/airplane/n1_1-1.png")
    (roots["sketchy"] / "info").mkdir()
    (roots["sketchy"] / "info/testset.txt").write_text("airplane/n1_1.jpg")

    write_photo(roots["folder"] / "photos/a.jpg")
    write_sketch(roots["folder"] / "sketches/a.svg")
    return roots


@pytest.mark.parametrize("layout", READERS)
def test_every_layout_takes_unlabelled_photos_at_any_depth(
    tmp_path: Path, write_photo: Writer, write_sketch: Writer, read_all: Read, layout: str
) -> None:
    root = minimal_sets(tmp_path, write_photo, write_sketch)[layout]
    before = read_all(layout, root)
    write_photo(root / "unlabelled/b.jpg")
    write_photo(root / "unlabelled/Shoes/Oxfords/Brand/100627.72.jpg")
    write_photo(root / "unlabelled/.hidden/c.jpg")
    (root / "unlabelled/list.txt").write_text("hello")
    source = read_all(layout, root)
    added = [photo for photo in source.photos if photo.id.startswith("unlabelled/")]
    assert [photo.id for photo in added] == ["unlabelled/Shoes/Oxfords/Brand/100627.72", "unlabelled/b"]
    assert {photo.split for photo in added} == {"unlabelled"}
    assert {photo.category for photo in added} == {before.photos[0].category}
    assert len(source.photos) == len(before.photos) + 2 and len(source.sketches) == len(before.sketches)
    assert [Path(skipped.path).name for skipped in source.skipped] == ["list.txt"]


@pytest.mark.parametrize("layout", READERS)
def test_every_layout_gives_canonical_records_in_order(
    tmp_path: Path, write_photo: Writer, write_sketch: Writer, read_all: Read, layout: str
) -> None:
    source = read_all(layout, minimal_sets(tmp_path, write_photo, write_sketch)[layout])
    assert source.photos == sorted(source.photos, key=lambda photo: photo.id)
    ids = {photo.id for photo in source.photos}
    for sketch in source.sketches:
        assert sketch.photo_id in ids
        assert sketch.strokes.dtype == np.float32 and sketch.strokes[-1, 2] == 1
        assert sketch.strokes[:, :2].min() >= 0 and sketch.strokes[:, :2].max() <= 256


@pytest.mark.parametrize("layout", READERS)
def test_a_missing_root_is_named(tmp_path: Path, read_all: Read, layout: str) -> None:
    with pytest.raises(DataError, match=rf"nowhere: expected a folder of layout {layout}, found nothing"):
        read_all(layout, tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="found a file"):
        read_all(layout, tmp_path / "file")


@pytest.mark.parametrize("layout", ["sketchx", "qmul_v1", "sketchy", "qmul"])
def test_a_bad_photo_of_a_published_set_is_an_error(
    tmp_path: Path, write_photo: Writer, write_sketch: Writer, read_all: Read, layout: str
) -> None:
    root = minimal_sets(tmp_path, write_photo, write_sketch)[layout]
    path = read_all(layout, root).photos[0].path
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=rf"{path.name}: expected a JPEG, PNG, WebP, BMP or GIF image, found a damaged"):
        read_all(layout, root)


def test_an_unknown_layout_is_named(tmp_path: Path, read_all: Read) -> None:
    with pytest.raises(
        DataError, match="layout 'sketch': expected one of synthetic, sketchx, qmul, qmul_v1, sketchy, folder"
    ):
        read_all("sketch", tmp_path)


def test_with_several_categories_the_first_folder_names_one(chairs: Path, write_photo: Writer, read_all: Read) -> None:
    write_photo(chairs / "ShoeV2/photo/s.png")
    coordinates(chairs, {"s": "train"}, "ShoeV2")
    write_photo(chairs / "unlabelled/shoe/Boots/1.jpg")
    write_photo(chairs / "unlabelled/chair/1.jpg")
    added = {photo.id: photo.category for photo in read_all("sketchx", chairs).photos if photo.split == "unlabelled"}
    assert added == {"unlabelled/shoe/Boots/1": "shoe", "unlabelled/chair/1": "chair"}
    write_photo(chairs / "unlabelled/sofas/1.jpg")
    with pytest.raises(
        DataError,
        match=r"sofas/1\.jpg: the set has 2 categories, so expected unlabelled/<category>/ .*; found 'sofas'",
    ):
        read_all("sketchx", chairs)


def test_links_to_folders_are_followed_once(chairs: Path, write_photo: Writer, read_all: Read, tmp_path: Path) -> None:
    write_photo(tmp_path / "elsewhere/a.jpg")
    (chairs / "unlabelled").mkdir()
    (chairs / "unlabelled/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "elsewhere")
    assert [photo.id for photo in read_all("sketchx", chairs).photos if photo.split == "unlabelled"] == [
        "unlabelled/link/a"
    ]


def test_bad_unlabelled_photos_are_skipped_and_reported_all_bad_ones_an_error(
    chairs: Path, write_photo: Writer, read_all: Read, caplog: pytest.LogCaptureFixture
) -> None:
    write_photo(chairs / "unlabelled/good.jpg")
    bad = write_photo(chairs / "unlabelled/bad.jpg")
    bad.write_bytes(bad.read_bytes()[:300])
    with caplog.at_level(logging.WARNING):
        source = read_all("sketchx", chairs)
    assert [photo.id for photo in source.photos if photo.split == "unlabelled"] == ["unlabelled/good"]
    assert [skipped.path for skipped in source.skipped] == [str(bad)] and "bad.jpg" in caplog.text
    (chairs / "unlabelled/good.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"unlabelled/bad\.jpg: .*\(and 1 more bad photos\)"):
        read_all("sketchx", chairs)


def test_two_unlabelled_photos_of_one_id_are_an_error(chairs: Path, write_photo: Writer, read_all: Read) -> None:
    write_photo(chairs / "unlabelled/b.jpg")
    write_photo(chairs / "unlabelled/b.png")
    with pytest.raises(DataError, match=r"b\.png: expected one photo of id 'unlabelled/b', found also b\.jpg"):
        read_all("sketchx", chairs)


def test_two_photos_of_one_id_are_an_error(chairs: Path, write_photo: Writer, read_all: Read) -> None:
    write_photo(chairs / "ChairV2/photo/a.jpg")
    with pytest.raises(DataError, match=r"photo/a\.png: expected one file of id 'a', found also a\.jpg"):
        read_all("sketchx", chairs)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_photo_bomb_is_refused_by_name(chairs: Path, read_all: Read) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = zlib.compress(bytes(12_000 * 1501))  # 12,000 x 12,000 of one bit
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 12_000, 12_000, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )
    assert len(bomb) < 100_000
    (chairs / "ChairV2/photo/a.png").write_bytes(bomb)
    with pytest.raises(
        DataError, match=r"photo/a\.png: expected at most 50 megapixels, found 12000 x 12000 \(144\.0 megapixels\)"
    ):
        read_all("sketchx", chairs, max_megapixels=50.0)


def test_the_size_limit_is_the_callers(chairs: Path, read_all: Read) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (200, 300)).save(buffer, "PNG")
    (chairs / "ChairV2/photo/a.png").write_bytes(buffer.getvalue())
    read_all("sketchx", chairs, max_megapixels=0.06)
    with pytest.raises(DataError, match=r"a\.png: expected at most 0\.0599 megapixels"):
        read_all("sketchx", chairs, max_megapixels=0.0599)


def test_validation_photos_are_training_photos_chosen_by_hash(
    chairs: Path, write_photo: Writer, read_all: Read
) -> None:
    photos = {f"p{k}": "train" for k in range(100)} | {"x": "test"}
    for photo in photos:
        write_photo(chairs / "ChairV2/photo" / f"{photo}.png")
    coordinates(chairs, photos)

    def splits(fraction: float) -> dict[str, set[str]]:
        source = read_all("sketchx", chairs, val_frac=fraction)
        return {split: {photo.id for photo in source.photos if photo.split == split} for split in SPLITS}

    none, small, large = splits(0.0), splits(0.1), splits(0.3)
    assert none["val"] == set() and small["val"] < large["val"]
    assert 3 <= len(small["val"]) <= 20 and 18 <= len(large["val"]) <= 45
    assert none["test"] == small["test"] == large["test"] == {"x"}
    assert none["train"] == small["train"] | small["val"] == large["train"] | large["val"] and len(none["train"]) == 100
    assert splits(0.1) == small


def test_unseen_categories_and_users_are_marked(chairs: Path, write_photo: Writer, read_all: Read) -> None:
    shoes = dict.fromkeys("mnopqrs", "train") | {"t": "test"}
    for photo in shoes:
        write_photo(chairs / "ShoeV2/photo" / f"{photo}.png")
    coordinates(chairs, shoes, "ShoeV2")
    write_photo(chairs / "unlabelled/shoe/1.jpg")
    users = {"chair/a_1": "anna", "chair/a_2": "ben", "shoe/s_1": "ben"}
    source = read_all("sketchx", chairs, unseen_categories=["shoe"], unseen_users=["anna"], users=users, val_frac=0.3)
    unseen = {photo.id for photo in source.photos if photo.unseen}
    assert unseen == {*(f"shoe/{shoe}" for shoe in shoes), "unlabelled/shoe/1"}
    marked = {sketch.id: sketch.user for sketch in source.sketches if sketch.unseen}
    nobody = dict.fromkeys((f"shoe/{shoe}_{k}" for shoe in shoes for k in (1, 2)), None)
    assert marked == nobody | {"chair/a_1": "anna", "shoe/s_1": "ben"}
    assert {photo.category for photo in source.photos if photo.split == "val"} == {"chair"}
    for options, message in (
        ({"unseen_categories": ["sofa"]}, "unseen category 'sofa': expected one of chair, shoe"),
        ({"unseen_users": ["zoe"], "users": users}, "unseen user 'zoe': expected one of anna, ben"),
        ({"unseen_users": ["anna"]}, "unseen user 'anna': expected one of none"),
    ):
        with pytest.raises(DataError, match=message):
            read_all("sketchx", chairs, **options)


def test_a_table_of_another_sets_users_is_an_error(chairs: Path, read_all: Read) -> None:
    with pytest.raises(
        DataError,
        match=r"user table: expected sketch ids of this set, as 'a_1'; found none among 1 rows, the first 'q_1'",
    ):
        read_all("sketchx", chairs, users={"q_1": "anna"})


def test_counts_are_compared_with_the_published_ones(
    chairs: Path, read_all: Read, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        read_all("sketchx", chairs)
    assert (
        "train_photos: found 6, published 300" in caplog.text and "test_sketches: found 4, published 323" in caplog.text
    )


def test_a_set_of_photos_that_all_are_bad_leaves_nothing(
    tmp_path: Path, write_photo: Writer, write_sketch: Writer
) -> None:
    write_photo(tmp_path / "photos/a.jpg").write_bytes(b"x")
    write_photo(tmp_path / "photos/b.jpg")
    write_sketch(tmp_path / "sketches/a.svg")
    with pytest.raises(DataError, match="expected photos with sketches, found none that can be used"):
        read("folder", tmp_path, val_frac=0.1, max_megapixels=1.0, trace_tolerance=1.0)


@pytest.mark.slow
def test_many_sketch_files_are_read_by_several_processes_as_by_one(tmp_path: Path, write_sketch: Writer) -> None:
    paths = [write_sketch(tmp_path / f"{k}{suffix}") for k in range(PARALLEL_FROM // 2) for suffix in (".png", ".json")]
    paths[7].write_bytes(b"x")
    together = read_sketch_files(paths, 1.0)
    alone = [result for path in paths for result in read_sketch_files([path], 1.0)]
    assert isinstance(together[7], DataError) and str(together[7]) == str(alone[7])
    for one, other in zip(together[:7] + together[8:], alone[:7] + alone[8:], strict=True):
        assert not isinstance(one, DataError) and not isinstance(other, DataError)
        assert np.array_equal(one[0], other[0])

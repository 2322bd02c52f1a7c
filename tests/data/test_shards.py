import hashlib
import math
import string
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from webdataset.compat import WebDataset

from fgsbir.data import shards
from fgsbir.data.records import DataError, Photo, Sketch, Source
from fgsbir.data.shards import ShardStore, escape_key, photos_in_each, write_shards

OPTIONS = {"name": "toy", "layout": "folder", "category": "chair", "photos_per_shard": 10}
KINDS = [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")]


def make_photo(path: Path, number: int, kind: str = "JPEG") -> None:
    pixels = np.random.default_rng(number).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, kind)


def make_strokes(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    strokes = np.zeros((int(rng.integers(2, 9)), 3), np.float32)
    strokes[:, :2] = rng.uniform(30, 220, strokes[:, :2].shape)
    strokes[-1, 2] = 1
    return strokes


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """25 train, 4 val, 5 test, 7 unlabelled photos of two categories; photo 3 has no sketch, the last one a long id."""
    raw = tmp_path / "raw"
    raw.mkdir()
    source = Source()
    splits = ["train"] * 25 + ["val"] * 4 + ["test"] * 5 + ["unlabelled"] * 7
    for number, split in enumerate(splits):
        category = "lamp" if number % 5 == 4 else "chair"
        path = raw / f"{number}.jpg"
        make_photo(path, number, KINDS[number % 3][0])
        id = f"{category}/é_{number}.x" if number < 40 else "brand/" * 60 + "1"
        source.photos.append(Photo(id, category, split, path, unseen=category == "lamp"))
        for k in range(1 + number % 3 if split != "unlabelled" and number != 3 else 0):
            user = None if number == 0 else f"u{k}"
            source.sketches.append(Sketch(f"{id}_{k}", id, user, make_strokes(10 * number + k), unseen=k == 2))
    return source


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_what_goes_in_comes_out_unchanged_and_in_any_order(source: Source, tmp_path: Path) -> None:
    written = write_shards(source, tmp_path / "shards", **OPTIONS)
    with ShardStore(tmp_path / "shards") as store:
        assert store.index == written
        photos = {photo.id: photo for photo in source.photos}
        assert [entry.id for entry in store.photos] == sorted(photos)
        for entry in reversed(store.photos):
            photo = photos[entry.id]
            assert (entry.category, entry.split, entry.unseen) == (photo.category, photo.split, photo.unseen)
            assert store.read_photo(entry) == photo.path.read_bytes()
            own = sorted((s for s in source.sketches if s.photo_id == entry.id), key=lambda sketch: sketch.id)
            assert [(s.id, s.user, s.unseen) for s in entry.sketches] == [(s.id, s.user, s.unseen) for s in own]
            for read, sketch in zip(store.read_strokes(entry), own, strict=True):
                assert read.dtype == np.float32
                np.testing.assert_array_equal(read, sketch.strokes)


def test_the_same_source_gives_the_same_bytes_and_one_changed_photo_changes_one_tar(
    source: Source, tmp_path: Path
) -> None:
    write_shards(source, tmp_path / "a", **OPTIONS)
    before = hashes(tmp_path / "a")
    assert len([file for file in before if file.startswith("train")]) > 1
    source.photos.reverse()
    source.sketches.reverse()
    for photo in source.photos:
        photo.path.touch()
    write_shards(source, tmp_path / "b", **OPTIONS)
    assert hashes(tmp_path / "b") == before
    make_photo(source.photos[-1].path, 999)
    write_shards(source, tmp_path / "b", **OPTIONS)
    after = hashes(tmp_path / "b")
    assert before.keys() == after.keys()
    assert len({file for file in before if before[file] != after[file]} - {"index.json"}) == 1


def test_plain_webdataset_reads_the_tars(source: Source, tmp_path: Path) -> None:
    write_shards(source, tmp_path / "shards", **OPTIONS)
    sketches = {sketch.id: sketch for sketch in source.sketches}
    urls = sorted(map(str, (tmp_path / "shards").glob("*.tar")))
    samples = list(WebDataset(urls, shardshuffle=False).decode("rgb8"))
    photos = {photo.id: photo for photo in source.photos}
    assert sorted(sample["json"]["id"] for sample in samples) == sorted(photos)
    for sample in samples:
        photo = photos[sample["json"]["id"]]
        assert sample["__key__"] == escape_key(photo.id) and sample["json"]["split"] == photo.split
        (extension,) = {"jpg", "png", "webp"} & sample.keys()
        with Image.open(photo.path) as image:
            assert extension == dict(KINDS)[image.format or ""], "the name follows the bytes, not the suffix"
            if extension != "webp":  # WebDataset leaves formats it has no decoder for as bytes
                np.testing.assert_array_equal(sample[extension], np.asarray(image.convert("RGB")))
        start = 0
        for sketch in sample["json"]["sketches"]:
            rows = sample["npy"][start : start + sketch["points"]]
            np.testing.assert_array_equal(rows, sketches[sketch["id"]].strokes)
            start += sketch["points"]
        assert start == len(sample.get("npy", []))
    for url in urls:
        with tarfile.open(url) as tar:
            for member in tar:  # nothing of the machine
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")


@given(st.text(min_size=1), st.text(min_size=1))
def test_keys_are_safe_and_of_one_id_each(a: str, b: str) -> None:
    assert set(escape_key(a)) <= set(string.ascii_letters + string.digits + "_-")
    assert (escape_key(b) == escape_key(a)) == (a == b)


def test_a_bad_source_is_refused_and_leaves_nothing(source: Source, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'shoe' is not in the set, which has: chair, lamp"):
        write_shards(source, tmp_path / "shards", **OPTIONS | {"category": "shoe"})
    source.photos[2].path.write_text("<html>")
    with pytest.raises(DataError, match=r"2\.jpg: expected a JPEG"):
        write_shards(source, tmp_path / "shards", **OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_truncated_altered_or_missing_tar_is_named(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    write_shards(source, folder, **OPTIONS)
    path = folder / "test-00000.tar"
    good = path.read_bytes()
    path.write_bytes(good[:-512])
    with pytest.raises(DataError, match=r"test-00000\.tar: expected \d+ bytes, found \d+: truncated"):
        ShardStore(folder)
    path.write_bytes(good[:700] + bytes([good[700] ^ 1]) + good[701:])
    store = ShardStore(folder)
    entry = next(photo for photo in store.photos if photo.shard == path.name)
    with pytest.raises(DataError, match=r"test-00000\.tar: altered"):
        store.read_photo(entry)
    path.unlink()
    with pytest.raises(DataError, match=r"test-00000\.tar: not found"):
        ShardStore(folder)


def test_a_tar_holds_no_more_bytes_than_a_bound_however_few_its_photos(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tars(bound: int, photos_per_shard: int = 1000) -> set[str]:
        monkeypatch.setattr(shards, "LARGEST_BYTES", bound)
        write_shards(source, tmp_path / "shards", **OPTIONS | {"photos_per_shard": photos_per_shard})
        return {path.name for path in (tmp_path / "shards").glob("train-*.tar")}

    assert shards.LARGEST_BYTES == 500_000_000
    train = sum(photo.path.stat().st_size for photo in source.photos if photo.split == "train")
    assert tars(train) == {"train-00000.tar"}
    assert tars(train - 1) == {"train-00000.tar", "train-00001.tar"}
    assert tars(train - 1, 10) == tars(train, 10)  # fewer photos in each than that bound asks for


def test_tars_of_a_large_split_are_larger_up_to_a_bound_and_stay_where_they_are_as_it_grows() -> None:
    assert [photos_in_each(10**power, 1000) for power in range(3, 8)] == [1000, 1000, 1000, 10_000, 10_000]
    assert photos_in_each(10**6, 50_000) == 50_000
    tars = {2 ** math.ceil(math.log2(count / photos_in_each(count, 1000))) for count in range(100_000, 1_000_001, 999)}
    assert tars == {128}

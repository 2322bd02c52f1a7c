import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from webdataset.compat import WebDataset

from fgsbir.data.records import DataError, Photo, Sketch, Source
from fgsbir.data.shards import ShardStore, escape_key, unescape_key, write_shards

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
    """25 train, 4 val, 5 test and 7 unlabelled photos of two categories; train photo 3 has no sketch."""
    raw = tmp_path / "raw"
    raw.mkdir()
    source = Source()
    splits = ["train"] * 25 + ["val"] * 4 + ["test"] * 5 + ["unlabelled"] * 7
    for number, split in enumerate(splits):
        category = "lamp" if number % 5 == 4 else "chair"
        path = raw / f"{number}.jpg"
        make_photo(path, number, KINDS[number % 3][0])
        photo = Photo(f"{category}/é_{number}.x", category, split, path, unseen=category == "lamp")
        source.photos.append(photo)
        if split != "unlabelled" and number != 3:
            for k in range(1 + number % 3):
                id = f"{photo.id}_{k}"
                user = None if number == 0 else f"u{k}"
                source.sketches.append(Sketch(id, photo.id, user, make_strokes(10 * number + k), unseen=k == 2))
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
            strokes = store.read_strokes(entry)
            assert len(strokes) == len(own)
            for read, sketch in zip(strokes, own, strict=True):
                assert read.dtype == np.float32
                np.testing.assert_array_equal(read, sketch.strokes)


def test_the_same_source_in_another_order_gives_the_same_bytes(source: Source, tmp_path: Path) -> None:
    write_shards(source, tmp_path / "a", **OPTIONS)
    source.photos.reverse()
    source.sketches.reverse()
    for photo in source.photos:
        photo.path.touch()
    write_shards(source, tmp_path / "b", **OPTIONS)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_one_changed_photo_changes_one_tar(source: Source, tmp_path: Path) -> None:
    write_shards(source, tmp_path / "a", **OPTIONS)
    before = hashes(tmp_path / "a")
    assert len([file for file in before if file.startswith("train")]) > 1
    make_photo(source.photos[0].path, 999)
    write_shards(source, tmp_path / "b", **OPTIONS)
    after = hashes(tmp_path / "b")
    changed = {file for file in before if before[file] != after[file]}
    assert before.keys() == after.keys()
    assert len(changed - {"index.json"}) == 1


def test_plain_webdataset_reads_the_tars(source: Source, tmp_path: Path) -> None:
    write_shards(source, tmp_path / "shards", **OPTIONS)
    sketches = {sketch.id: sketch for sketch in source.sketches}
    urls = [str(path) for path in sorted((tmp_path / "shards").glob("*.tar"))]
    samples = list(WebDataset(urls, shardshuffle=False).decode("rgb8"))
    photos = {photo.id: photo for photo in source.photos}
    assert sorted(sample["json"]["id"] for sample in samples) == sorted(photos)
    for sample in samples:
        photo = photos[sample["json"]["id"]]
        assert unescape_key(sample["__key__"]) == photo.id
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


def test_members_carry_nothing_of_the_machine(source: Source, tmp_path: Path) -> None:
    write_shards(source, tmp_path / "shards", **OPTIONS)
    for path in (tmp_path / "shards").glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")


def test_long_ids_are_kept(source: Source, tmp_path: Path) -> None:
    photo = source.photos[-1]
    long = Photo("brand/" * 60 + "1", photo.category, "unlabelled", photo.path)
    write_shards(Source(photos=[long]), tmp_path / "shards", **OPTIONS | {"category": None})
    with ShardStore(tmp_path / "shards") as store:
        assert store.read_photo(store.photos[0]) == photo.path.read_bytes()


@settings(deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_keys_are_reversible_and_safe(a: str, b: str) -> None:
    key = escape_key(a)
    assert unescape_key(key) == a
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert (escape_key(b) == key) == (a == b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.photos.clear(), "no photo"),
        (lambda s: s.photos.append(s.photos[0]), "another photo has the id 'chair/é_0.x'"),
        (lambda s: s.sketches.append(s.sketches[0]), "another sketch has the same id"),
        (lambda s: s.sketches.append(Sketch("a", "nowhere", None, make_strokes(1))), "'nowhere' is not in the set"),
        (lambda s: s.sketches.append(Sketch("a", s.photos[-1].id, None, make_strokes(1))), "in the split unlabelled"),
        (lambda s: s.photos[2].path.write_text("<html>"), "2.jpg: expected a JPEG"),
    ],
)
def test_bad_sources_are_refused_and_leave_nothing(source: Source, tmp_path: Path, change, message: str) -> None:
    change(source)
    with pytest.raises(DataError, match=message):
        write_shards(source, tmp_path / "shards", **OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_an_unknown_category_is_refused_with_those_there_are(source: Source, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'shoe' is not in the set, which has: chair, lamp"):
        write_shards(source, tmp_path / "shards", **OPTIONS | {"category": "shoe"})


def test_a_truncated_altered_or_missing_tar_is_named(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    write_shards(source, folder, **OPTIONS)
    path = folder / "test-00000.tar"
    good = path.read_bytes()

    path.write_bytes(good[:-512])
    with pytest.raises(DataError, match=r"test-00000\.tar: expected \d+ bytes, found \d+: truncated"):
        ShardStore(folder)
    path.write_bytes(good[:700] + bytes([good[700] ^ 1]) + good[701:])
    with pytest.raises(DataError, match=r"test-00000\.tar: altered"):
        ShardStore(folder)
    ShardStore(folder, verify=False).close()
    path.unlink()
    with pytest.raises(DataError, match=r"test-00000\.tar: not found"):
        ShardStore(folder)


def test_strokes_are_never_unpickled(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    write_shards(source, folder, **OPTIONS)
    with ShardStore(folder) as store:
        entry = next(entry for entry in store.photos if entry.strokes)
    assert entry.strokes is not None
    offset, size = entry.strokes
    bad = io.BytesIO()
    np.save(bad, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    tar = bytearray((folder / entry.shard).read_bytes())
    tar[offset : offset + size] = bad.getvalue()[:size].ljust(size, b"\0")
    (folder / entry.shard).write_bytes(tar)
    with ShardStore(folder, verify=False) as store, pytest.raises(DataError, match=f"{entry.key}.npy: expected a floa"):
        store.read_strokes(entry)


def test_the_json_of_a_sample_holds_no_strokes_and_matches_the_index(source: Source, tmp_path: Path) -> None:
    index = write_shards(source, tmp_path / "shards", **OPTIONS)
    for entry in index.photos:
        with tarfile.open(tmp_path / "shards" / entry.shard) as tar:
            record = json.load(tar.extractfile(f"{entry.key}.json"))  # type: ignore[arg-type]
            names = tar.getnames()
        assert record["id"] == entry.id
        assert record["split"] == entry.split
        assert [sketch["points"] for sketch in record["sketches"]] == [sketch.points for sketch in entry.sketches]
        assert (f"{entry.key}.npy" in names) == bool(entry.sketches)
        if entry.split == "unlabelled":
            assert not entry.sketches

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from fgsbir.data.index import PhotoEntry, Shard, SketchEntry, make_index, read_index, write_index
from fgsbir.data.records import DataError

SKETCHES = (SketchEntry("b_1", "u1", False, 7), SketchEntry("b_2", None, True, 3))
ENTRIES = [
    PhotoEntry("b", "b", "chair", "train", False, "train-00000.tar", (512, 100), (2048, 248), SKETCHES),
    PhotoEntry("a/1", "a_2f1", "boat", "test", True, "test-00000.tar", (512, 60), None, ()),
    PhotoEntry("c", "c", "chair", "train", False, "train-00000.tar", (4096, 90), None, ()),
]
SHARDS = [
    Shard("train-00000.tar", "train", "0" * 64, 10240, 2, 2),
    Shard("test-00000.tar", "test", "f" * 64, 10240, 1, 0),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index = make_index(name="toy", layout="qmul", category="chair", shards=SHARDS, photos=ENTRIES)
    write_index(index, tmp_path)
    assert read_index(tmp_path) == index
    return tmp_path


def test_the_index_sorts_counts_and_hashes(folder: Path) -> None:
    index = read_index(folder)
    assert [photo.id for photo in index.photos] == ["a/1", "b", "c"]
    assert index.counts == {
        "train": {"chair": {"photos": 2, "sketches": 2}},
        "val": {},
        "test": {"boat": {"photos": 1, "sketches": 0}},
        "unlabelled": {},
    }
    assert {name: category.unseen for name, category in index.categories.items()} == {"boat": True, "chair": False}
    text = '[["a/1", "test"], ["b", "train"], ["c", "train"]]'
    assert index.split_hash == hashlib.sha256(text.encode()).hexdigest()


DELETED = object()


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["format"], 2, "format: .* 1, found '2'"),
        (["photos"], DELETED, "photos"),
        (["photos", 1, "sketches", 0, "more"], 1, "photos.1.sketches.0.more: .*found '1'"),
        (["photos", 0, "key"], "a.1", "photos.0.key"),
        (["photos", 0, "photo"], [1, -1], "photos.0.photo.1"),
        (["photos", 1, "id"], "c", "photo id 'c' stands more than once"),
        (["photos", 1, "key"], "c", "key 'c' stands more than once"),
        (["photos", 1, "shard"], "test-00000.tar", "photo 'b' of split train points to shard 'test-00000.tar'"),
        (["photos", 1, "shard"], "train-00009.tar", "points to shard 'train-00009.tar'"),
        (["photos", 1, "photo"], [10000, 1000], "beyond the end of train-00000.tar"),
        (["photos", 1, "sketches"], [], "photo 'b' has 0 sketches"),
        (["shards", 0, "file"], "../../etc/passwd", "shards.0.file"),
        (["category"], "shoe", "category 'shoe' is not one of boat, chair"),
    ],
)
def test_a_bad_index_is_refused_and_its_place_named(folder: Path, keys: list[Any], value: Any, message: str) -> None:
    content = json.loads((folder / "index.json").read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    if value is DELETED:
        del inner[keys[-1]]
    (folder / "index.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"index.json: .*{message}"):
        read_index(folder)


@pytest.mark.parametrize("data", [b"", b'{"format": 1, "photos": [', b"[]", b"null", b"\x80"])
def test_what_is_no_index_is_refused(folder: Path, data: bytes) -> None:
    (folder / "index.json").write_bytes(data)
    with pytest.raises(DataError, match=r"index\.json: expected"):
        read_index(folder)
    (folder / "index.json").unlink()
    with pytest.raises(DataError, match=r"index\.json: not found"):
        read_index(folder)

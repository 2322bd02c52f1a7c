"""Tars on object storage: read as those of a folder, and what is missing, truncated, altered or slow is named."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fgsbir.data import shard_files
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore

boto3 = pytest.importorskip("boto3")
server = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")
ORIGIN = "s3://photos/shards"


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """An S3 server on this machine, and the objects of a bucket on it."""
    patch = pytest.MonkeyPatch()
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    values = {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    for name, value in (values | {"DEFAULT_REGION": "us-east-1"}).items():
        patch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="photos")
    yield client
    running.stop()
    patch.undo()


@pytest.fixture
def folder(toy_folder: Path, tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing but the index, and its tars in the bucket; fetches are tried again at once."""
    for path in (toy_folder / "shards").glob("*.tar"):
        bucket.put_object(Bucket="photos", Key=f"shards/{path.name}", Body=path.read_bytes())
    (tmp_path / "index.json").write_bytes((toy_folder / "shards" / "index.json").read_bytes())
    monkeypatch.setattr(shard_files, "WAIT", 0.01)
    monkeypatch.setattr(shard_files, "FETCHED", 1)  # so that tars go and come again
    return tmp_path


def test_photos_and_strokes_are_those_of_the_folder(toy_folder: Path, folder: Path) -> None:
    with pytest.raises(DataError, match="not found; the index lists it"):
        ShardStore(folder)
    here, there = ShardStore(toy_folder / "shards"), ShardStore(folder, ORIGIN)
    for entry in [*here.photos, *here.photos[::-1]]:
        assert there.read_photo(entry) == here.read_photo(entry)
        assert [s.tobytes() for s in there.read_strokes(entry)] == [s.tobytes() for s in here.read_strokes(entry)]
    assert [path.name for path in folder.iterdir()] == ["index.json"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered", "no bucket"])
def test_what_does_not_come_whole_is_named_after_some_tries(
    folder: Path, bucket: Any, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    origin = ORIGIN if damage != "no bucket" else "s3://nowhere/shards"
    store = ShardStore(folder, origin)
    entry = store.photos[0]
    key = {"Bucket": "photos", "Key": f"shards/{entry.shard}"}
    data = bucket.get_object(**key)["Body"].read()
    if damage == "missing":
        bucket.delete_object(**key)
    elif damage != "no bucket":
        bucket.put_object(**key, Body=data[:-512] if damage == "truncated" else data[:-1] + b"x")
    with pytest.raises(DataError, match=rf"{origin}/{entry.shard}: .*, 4 times"):
        store.read_photo(entry)
    assert len([record for record in caplog.records if "trying again" in record.message]) == 3
    if damage == "missing":  # nothing of what failed is kept
        bucket.put_object(**key, Body=data)
        assert store.read_photo(entry) in data


def test_a_tar_that_comes_too_slowly_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ShardStore(folder, ORIGIN)
    entry, blocks = store.photos[0], []
    monkeypatch.setattr(shard_files, "BLOCK", 1024)
    monkeypatch.setattr(shard_files, "GRACE", 0.05)
    monkeypatch.setattr(shard_files, "LEAST_RATE", 1e9)
    monotonic = time.monotonic
    monkeypatch.setattr(shard_files.time, "monotonic", lambda: blocks.append(1) or monotonic() + len(blocks))
    with pytest.raises(DataError, match=r"TimeoutError: 1024 of .* bytes came in"):
        store.read_photo(entry)


def test_more_tars_than_may_be_open_are_read(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_files, "OPEN", 1)
    store = ShardStore(toy_folder / "shards")
    assert len({entry.shard for entry in store.photos}) > 2
    for entry in store.photos:
        assert store.read_photo(entry).startswith(b"\x89PNG")

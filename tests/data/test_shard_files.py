"""Tars on object storage: read as those of a folder, and what is missing, truncated, altered or slow is named."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from fgsbir.data import shard_files
from fgsbir.data.index import Shard
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore

boto3 = pytest.importorskip("boto3")
server = pytest.importorskip("moto.server")
s3fs = pytest.importorskip("s3fs")
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
    s3fs.S3FileSystem.clear_instance_cache()  # it would ask the server of before
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


LARGE = 64 * 2**20


@pytest.fixture
def trickle() -> Iterator[ThreadingHTTPServer]:
    """A server of files of ``LARGE`` zeros, that counts what it has ``sent``."""

    class Zeros(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            first, last = map(int, self.headers.get("Range", f"bytes=0-{LARGE - 1}").removeprefix("bytes=").split("-"))
            self.send_response(206)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{last}/{LARGE}")
            self.send_header("Content-Length", str(last - first + 1))
            self.end_headers()
            if self.command == "GET":
                for _ in range(first, last + 1, 2**16):
                    self.wfile.write(bytes(min(2**16, last + 1 - first)))
                    server.sent += 2**16

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Zeros)
    server.sent = 0
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("rate", "blocks"), [(10_000, 1), (2**19, 61)])
def test_a_tar_that_comes_too_slowly_is_given_up(
    trickle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int, blocks: int
) -> None:
    pytest.importorskip("aiohttp")
    # Bytes come at that rate a second: after a minute and a bit less than a MiB, or than 61 MiB, came too few.
    clock = SimpleNamespace(monotonic=lambda: trickle.sent / rate, sleep=lambda _: None)
    monkeypatch.setattr(shard_files, "time", clock)
    url = f"http://127.0.0.1:{trickle.server_port}/a.tar"
    shard = Shard("train-00000.tar", "train", "0" * 64, LARGE, 1, 0)
    with (tmp_path / "a.tar").open("wb") as file, pytest.raises(DataError, match=rf"TimeoutError: {blocks * 2**20} of"):
        shard_files.fetch(url, shard, file)
    assert trickle.sent <= shard_files.ATTEMPTS * (blocks + 1) * 2**20


def test_more_tars_than_may_be_open_are_read_and_each_is_compared_once(
    toy_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared, file_digest = list[str](), shard_files.hashlib.file_digest
    monkeypatch.setattr(shard_files, "OPEN", 1)
    monkeypatch.setattr(
        shard_files.hashlib, "file_digest", lambda file, name: compared.append(file.name) or file_digest(file, name)
    )
    store = ShardStore(toy_folder / "shards")
    for entry in [*store.photos, *store.photos]:
        assert store.read_photo(entry).startswith(b"\x89PNG")
    tars = {str(toy_folder / "shards" / entry.shard) for entry in store.photos}
    assert len(tars) > 2 and sorted(compared) == sorted(tars)

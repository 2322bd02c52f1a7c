"""The remotes of docs/sharing.md, each on this machine: a folder, a server of SSH, a server of S3."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import asyncssh
import boto3
from moto.server import ThreadedMotoServer

KEYS = {"aws_access_key_id": "KEY", "aws_secret_access_key": "SECRET"}  # as the page has them


class Remote(Protocol):
    """A remote as its owner sees it. ``here`` is what the page's addresses are on this machine."""

    here: Mapping[str, str]

    def files(self) -> list[str]:
        """What lies in it."""

    def read(self, name: str) -> bytes:
        """A file."""

    def write(self, name: str, data: bytes) -> None:
        """Replace a file."""

    def delete(self, name: str) -> None:
        """Delete a file."""


@dataclass
class Folder:
    """A remote that is a folder, at least for its owner."""

    root: Path
    here: Mapping[str, str]

    def files(self) -> list[str]:
        return [str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()]

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        (self.root / name).chmod(0o644)
        (self.root / name).write_bytes(data)

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)


@dataclass
class Bucket:
    """A remote of S3: ``client`` is boto3's."""

    client: Any
    here: Mapping[str, str]

    def files(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix="fgsbir/")
        return [found["Key"].removeprefix("fgsbir/") for page in pages for found in page.get("Contents", [])]

    def read(self, name: str) -> bytes:
        data: bytes = self.client.get_object(Bucket="bucket", Key=f"fgsbir/{name}")["Body"].read()
        return data

    def write(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket="bucket", Key=f"fgsbir/{name}", Body=data)

    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket="bucket", Key=f"fgsbir/{name}")


@contextmanager
def folder(outside: Path) -> Iterator[Remote]:
    """A folder on a disk."""
    root = outside / "team"
    yield Folder(root, {"/mnt/team/fgsbir": str(root)})


@contextmanager
def ssh(outside: Path) -> Iterator[Remote]:
    """A folder behind a server that lets one key in and serves SFTP alone."""
    key, files = asyncssh.generate_private_key("ssh-ed25519"), outside / "files"
    (files / "srv").mkdir(parents=True)
    key.write_private_key(outside / "key")
    key.write_public_key(outside / "key.pub")
    (outside / "key").chmod(0o600)
    loop = asyncio.new_event_loop()
    listening = asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        authorized_client_keys=str(outside / "key.pub"),
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(files)),
    )
    server = loop.run_until_complete(listening)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    here = {"storage.example.org": "127.0.0.1", "Port 2222": f"Port {server.get_port()}"}
    try:
        yield Folder(files / "srv" / "fgsbir", here | {"~/.ssh/team": str(outside / "key")})
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@contextmanager
def s3(outside: Path) -> Iterator[Remote]:
    """A bucket of a store that is not Amazon's."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **KEYS)
        client.create_bucket(Bucket="bucket")
        yield Bucket(client, {"https://s3.example.org": address})
    finally:
        server.stop()


REMOTES = {"folder": folder, "ssh": ssh, "s3": s3}

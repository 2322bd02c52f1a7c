"""The tars of a data set, opened when they are first read: in a folder, or fetched from object storage.

Whatever is read has been compared with the index's SHA-256 of the whole tar. A set of ten million photos has more tars
than a process may hold open.
"""

import hashlib
import logging
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

from fgsbir.data.index import Shard
from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)

# Tars that are open at once; of fetched ones each takes its size on the disk meanwhile.
OPEN, FETCHED = 256, 4
# What is read before the rate is looked at again.
BLOCK = 2**20
# A fetch is tried so often, with longer and longer waits between, in seconds; it must bring so many bytes a second.
ATTEMPTS, WAIT, LEAST_RATE, GRACE = 4, 1.0, 2**20, 60.0
# Of a request that stalls, by the protocol that knows such options.
TIMEOUTS = {"s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 1}}}}


class Tar:
    """An open tar, read at any place by any thread or forked process; closed when nobody has it any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset`` on."""
        return os.pread(self._descriptor, size, offset)

    def __del__(self) -> None:
        os.close(self._descriptor)


class ShardFiles:
    """The tars ``shards``, by file name, in ``folder``; those that are not there at ``origin``, an address of fsspec.

    Raises DataError for one that is in neither, or has another size; on its first reading for one that was altered.
    """

    def __init__(self, folder: Path, shards: Mapping[str, Shard], origin: str | None = None) -> None:
        self._folder, self._shards, self._origin, self._lock = folder, shards, origin, Lock()
        for file, shard in shards.items():
            path = folder / file
            if not path.is_file():
                if origin is None:
                    raise DataError(f"{path}: not found; the index lists it")
            elif (size := path.stat().st_size) != shard.bytes:
                raise DataError(f"{path}: expected {shard.bytes} bytes, found {size}: truncated or altered")
        self._opened = lru_cache(OPEN if origin is None else FETCHED)(self._open)
        self._whole = set[str]()  # of those in the folder, which have been compared

    def tar(self, file: str) -> Tar:
        """The tar ``file``, whole and as the index knows it."""
        with self._lock:  # or else two threads would fetch it
            return self._opened(file)

    def close(self) -> None:
        """Close all that no one reads at the moment."""
        self._opened.cache_clear()

    def _open(self, file: str) -> Tar:
        shard, path = self._shards[file], self._folder / file
        if path.is_file() or self._origin is None:
            with path.open("rb") as opened:
                if file not in self._whole:
                    digest = hashlib.file_digest(opened, "sha256").hexdigest()
                    if digest != shard.sha256:
                        raise DataError(f"{path}: altered: expected the SHA-256 {shard.sha256}, found {digest}")
                    self._whole.add(file)
                return Tar(os.dup(opened.fileno()))
        with TemporaryFile() as opened:
            fetch(f"{self._origin.rstrip('/')}/{file}", shard, opened)
            return Tar(os.dup(opened.fileno()))


def fetch(url: str, shard: Shard, into: IO[bytes]) -> None:
    """Write the tar ``shard``, which lies at ``url``, to ``into``. Raises DataError if it does not come whole."""
    try:
        from fsspec import core
    except ModuleNotFoundError:
        raise DataError(f"{url}: fsspec is not installed: pip install 'fgsbir[s3]'") from None
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            logger.warning("%s: %s; trying again", url, reason)
            time.sleep(WAIT * 2 ** (attempt - 1))
        into.seek(0)
        into.truncate()
        digest, started = hashlib.sha256(), time.monotonic()
        try:
            system, path = core.url_to_fs(url, **TIMEOUTS.get(url.partition(":")[0], {}))
            # Uncached, or else more would come before a block is given.
            with system.open(path, "rb", block_size=BLOCK, cache_type="none") as source:
                while block := source.read(BLOCK):
                    into.write(block)
                    digest.update(block)
                    if time.monotonic() - started > GRACE + into.tell() / LEAST_RATE:
                        raise TimeoutError(f"{into.tell()} of {shard.bytes} bytes came in {GRACE:.0f} s")
        except ImportError as error:
            raise DataError(f"{url}: cannot be read ({error}): pip install 'fgsbir[s3]'") from None
        except Exception as error:  # each protocol has errors of its own
            reason = f"cannot be read ({type(error).__name__}: {error})"
            continue
        if into.tell() == shard.bytes and digest.hexdigest() == shard.sha256:
            into.flush()
            return
        reason = f"expected {shard.bytes} bytes of SHA-256 {shard.sha256}, found {into.tell()} bytes of others"
    raise DataError(f"{url}: {reason}, {ATTEMPTS} times")

"""Writing files and folders so that a reader sees the old ones or the new ones, never half of either."""

import errno
import fcntl
import json
import logging
import math
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)

DECIMALS = 6
# What a writer on another machine has not touched for so long, in seconds, is taken for a dead one's.
FORGOTTEN = 24 * 3600
# The host and the process that write.
_PARTIAL = re.compile(r"\..*\.(?P<host>[^.]*)-(?P<process>\d{1,9})-[0-9a-f]{8}\.partial(\.[^.]*)?", re.DOTALL)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # as some network file systems say
# The names of what this process is writing.
_in_hand = set[str]()


@contextmanager
def write_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty sibling of ``folder``, which replaces it as a whole when the block ends well.

    If the block raises, ``folder`` stays as it was. The next call clears what a killed process left. Of a link, the
    folder that it leads to is replaced.
    """
    folder = folder.resolve() if folder.is_symlink() else folder
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():  # killed between the two renames below
        old.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear(folder.parent)
    with _partial(folder) as partial:
        partial.mkdir()
        try:
            yield partial
            for path in partial.rglob("*"):
                if path.is_file():
                    _settle(path)  # or a loss of power could leave neither the new one nor the old
            # A folder that is not empty cannot be replaced in one call, so the old one steps aside first.
            if folder.exists():
                folder.replace(old)
            partial.replace(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            if old.exists() and not folder.exists():
                old.replace(folder)
            raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def write_file(path: Path) -> Iterator[Path]:
    """Yield a sibling of ``path``, of its suffix, which becomes ``path`` when the block ends well. Parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_once(path.parent)
    with _partial(path, path.suffix) as partial:
        try:
            yield partial
            _settle(partial)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _settle(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _partial(path: Path, suffix: str = "") -> Iterator[Path]:
    """Where this call alone writes what will be ``path``: another run's orphan may still be writing the same."""
    writer = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    partial = path.with_name(f".{path.name[:32]}.{writer}.partial{suffix}")
    _in_hand.add(partial.name)
    try:
        yield partial
    finally:
        _in_hand.discard(partial.name)


def _clear(folder: Path) -> None:
    """Remove what killed writers left half-written in ``folder``."""
    for path in folder.iterdir():
        found = _PARTIAL.fullmatch(path.name)
        if found is None or path.name in _in_hand or _is_written(path, found["host"], int(found["process"])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


# In a process: a folder may hold a million files.
_clear_once = lru_cache(1024)(_clear)


def _is_written(path: Path, host: str, process: int) -> bool:
    """Whether a process of that number on ``host`` may still write ``path``."""
    if host != _host():
        with suppress(FileNotFoundError):
            return time.time() - path.stat().st_mtime < FORGOTTEN
        return False
    if process == os.getpid():  # and what it writes is in hand
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _host() -> str:
    """This machine, or the container on it that numbers its own processes."""
    namespace = Path("/proc/self/ns/pid")
    number = f"-{namespace.stat().st_ino}" if namespace.exists() else ""
    return socket.gethostname()[:32].replace(".", "_") + number


def new_array(path: Path, dtype: np.dtype | type, shape: tuple[int, ...]) -> np.memmap:
    """A new file of NumPy's format as an array to be written, with its room on the disk (:func:`reserve`)."""
    array = npy.open_memmap(path, "w+", dtype, shape)
    with path.open("r+b") as file:
        reserve(file)
    return array


def reserve(file: IO[bytes]) -> None:
    """Have the disk keep the room of a sparse file. Raises OSError where it is full; without this, the system would
    kill the process that writes to a map of the file.
    """
    size = os.fstat(file.fileno()).st_size
    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a file a second name, or copy it where its file system cannot: a kill meanwhile loses nothing."""
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)


def hold(path: Path, whose: str) -> IO[bytes]:
    """Keep other processes from holding ``path``, until what is returned is closed or this process ends, however.

    It may be removed while it is held. Raises DataError, naming ``whose`` it is, while another one holds it. A file
    system without locks holds nothing, and a warning says so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise DataError(f"{path}: {whose} works here; let it end, or stop it") from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            logger.warning("%s: this file system has no locks, so start one run at a time", path)
            return file
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # who held it has removed it meanwhile


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` at once; on an error ``path`` stays as it was."""
    with write_file(path) as partial:
        partial.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, line ends as they are, to ``path`` at once."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any, *, indent: int | None = 2) -> None:
    """Write ``value`` as JSON: keys sorted, floats (numpy's too) rounded to 6 decimals; ``indent`` None packs it.

    Raises ValueError naming the key of a number that is NaN or infinite: JSON has neither.
    """
    separators = (",", ":") if indent is None else None
    rounded = _rounded(value, path.name)
    text = json.dumps(rounded, sort_keys=True, indent=indent, separators=separators, ensure_ascii=False)
    write_text(path, text + "\n")


def _rounded(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item, f"{name}: {key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item, f"{name}[{position}]") for position, item in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{name}: expected a finite number, found {value}")
        return round(value, DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0
    return value

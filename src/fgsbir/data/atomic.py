"""Writing files and folders so that a reader sees the old ones or the new ones, never half of either."""

import fcntl
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from fgsbir.data.records import DataError

DECIMALS = 6


@contextmanager
def write_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty sibling of ``folder``, which replaces it as a whole when the block ends well.

    If the block raises, ``folder`` stays as it was. The next call clears what a killed process left.
    """
    partial, old = _sibling(folder, "partial"), _sibling(folder, "old")
    if old.exists() and not folder.exists():  # killed between the two renames below
        old.replace(folder)
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
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
    partial = _sibling(path, "partial").with_suffix(path.suffix)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a file a second name, or copy it where its file system cannot: a kill meanwhile loses nothing."""
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)


def hold(path: Path, whose: str) -> IO[bytes]:
    """Keep other processes from holding ``path``, until what is returned is closed or this process ends, however.

    Raises DataError, naming ``whose`` it is, while another one holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DataError(f"{path}: {whose} works here; let it end, or stop it") from None
    return file


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


def _sibling(path: Path, role: str) -> Path:
    return path.with_name(f".{path.name}.{role}")

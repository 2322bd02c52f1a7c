"""Finding and reading files that anyone may have put there."""

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.records import DataError

MAX_PHOTO_BYTES = 256 << 20
_LINE = re.compile(r"(.+\.ndjson):([1-9]\d{0,8})", re.DOTALL)


def split_line(path: Path) -> tuple[Path, int | None]:
    """A file's path, and the number of a line in it where one is asked for, as in ``file.ndjson:12``."""
    named = _LINE.fullmatch(str(path))
    return (Path(named[1]), int(named[2])) if named else (path, None)


def read_file(path: Path, limit: int = MAX_PHOTO_BYTES, expected: str = "a photo") -> bytes:
    """The bytes of a file of at most ``limit`` bytes; ``expected`` says what it should be.

    Raises DataError naming ``path`` for one that is larger, is no file, or cannot be read.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would keep its reader waiting for ever
            raise DataError(f"{path}: cannot be read (expected {expected}, found no file)")
        if found.st_size > limit:
            raise DataError(f"{path}: expected {expected} of at most {limit:,} bytes, found {found.st_size:,}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def find_photos(roots: Sequence[Path]) -> list[Path]:
    """Every photo file in ``roots``, files or folders, at any depth, by path; hidden ones and links to folders are not.

    Raises DataError for a root that is not there.
    """
    found = set()
    for root in roots:
        if root.is_file():
            found.add(root.resolve())
        elif not root.is_dir():
            raise DataError(f"{root}: expected a photo or a folder of photos, found nothing")
        for folder, folders, files in os.walk(root.resolve()):
            folders[:] = [name for name in folders if not name.startswith(".")]
            photos = (name for name in files if Path(name).suffix.lower() in PHOTO_SUFFIXES)
            found.update(Path(folder, name) for name in photos if not name.startswith("."))
    return sorted(found)

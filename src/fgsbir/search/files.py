"""Reading a file that anyone may have put there."""

import stat
from pathlib import Path

from fgsbir.data.records import DataError


def read_file(path: Path, limit: int, expected: str) -> bytes:
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

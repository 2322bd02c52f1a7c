"""Who drew which sketch, for sets that do not say so themselves."""

import csv
import hashlib
import io
from pathlib import Path

from fgsbir.data.records import DataError

COLUMNS = ("sketch_id", "user")


def read_user_table(path: Path, sha256: str) -> dict[str, str]:
    """Read a CSV file with the columns ``sketch_id`` and ``user``: a dict from the one to the other.

    Raises DataError naming the file, and the row, for a missing file, one with another SHA-256 (in hex), other columns,
    an empty cell, or a sketch that is listed twice.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: expected a table of users, found none ({error.strerror})") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256.lower():
        raise DataError(f"{path}: expected SHA-256 {sha256.lower()}, found {found}")
    users: dict[str, str] = {}
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            raise DataError(f"{path}: expected the columns {', '.join(COLUMNS)}, found {rows.fieldnames}")
        for row in rows:
            name = f"{path}: row {rows.line_num}"
            sketch, user = ((row[column] or "").strip() for column in COLUMNS)
            if not sketch or not user:
                raise DataError(f"{name}: expected a sketch and a user, found {sketch!r}, {user!r}")
            if sketch in users:
                raise DataError(f"{name}: sketch {sketch!r} is listed twice")
            users[sketch] = user
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a CSV file in UTF-8, found damage ({error})") from None
    return users

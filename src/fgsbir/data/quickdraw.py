"""QuickDraw files: sketches without photos, for pre-training G.

Two public forms: ``.npz`` as sketch-rnn published it (object arrays of stroke-3 sketches: dx, dy, pen lifted) and
``.ndjson`` (a JSON object a line, its ``drawing`` a list of strokes [xs, ys, ...]).
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from fgsbir.data.records import DataError
from fgsbir.data.stroke_pickle import load_array_list
from fgsbir.data.strokes import centre, check_strokes, join_strokes

MAX_MEMBER_BYTES = 1 << 30
MAX_LINE_BYTES = 4 << 20


def read_quickdraw(path: Path) -> Iterator[np.ndarray]:
    """Yield a file's sketches in its order: canonical float32 (n, 3), centred.

    A drawing of fewer than two points is left out. Of an .npz file the part ``train`` comes first, then the others in
    the order of their names. Raises DataError naming the file and the line, or the part and position, of what is
    malformed.
    """
    readers = {".npz": _read_npz, ".ndjson": _read_ndjson}
    if path.suffix not in readers:
        raise DataError(f"{path}: expected a QuickDraw file, .npz or .ndjson")
    if not path.is_file():
        raise DataError(f"{path}: expected a QuickDraw file, found nothing")
    return (centre(strokes) for strokes in readers[path.suffix](path) if len(strokes) >= 2)


def read_verified(path: Path, sha256: str) -> list[np.ndarray]:
    """All sketches of a file whose SHA-256 must be ``sha256``; errors as in :func:`read_quickdraw`."""
    sketches = list(read_quickdraw(path))
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise DataError(f"{path}: expected sha256 {sha256}, found {found}")
    return sketches


def _read_npz(path: Path) -> Iterator[np.ndarray]:
    for member, data in _members(path):
        for position, rows in enumerate(load_array_list(data, f"{path}: {member}")):
            name = f"{path}: {member}: sketch {position}"
            if rows.ndim != 2 or rows.shape[1] != 3:
                raise DataError(f"{name}: expected stroke-3 rows (n, 3), found shape {rows.shape}")
            strokes = rows.astype(np.float64)
            strokes[:, :2] = np.cumsum(strokes[:, :2], axis=0)
            strokes[-1:, 2] = 1  # the format does not promise it
            yield check_strokes(strokes, name) if len(strokes) >= 2 else strokes


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each object array of the archive: its name, and its pickle, which is not read here."""
    try:
        with zipfile.ZipFile(path) as archive:
            for info in sorted(archive.infolist(), key=lambda info: (info.filename != "train.npy", info.filename)):
                name = f"{path}: {info.filename}"
                if info.file_size > MAX_MEMBER_BYTES:
                    raise DataError(f"{name}: expected at most {MAX_MEMBER_BYTES:,} bytes, found {info.file_size:,}")
                with archive.open(info) as file:
                    member = io.BytesIO(file.read(MAX_MEMBER_BYTES))
                if npy.read_magic(member) != (1, 0):  # an object array's short header never needs another
                    raise DataError(f"{name}: expected an array in format 1.0")
                dtype = npy.read_array_header_1_0(member)[2]
                if dtype.kind != "O":
                    raise DataError(f"{name}: expected an object array of sketches, found dtype {dtype}")
                yield info.filename.removesuffix(".npy"), member.read()
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, RuntimeError) as error:
        raise DataError(f"{path}: expected an .npz file of sketches, found damage ({error})") from None


def _read_ndjson(path: Path) -> Iterator[np.ndarray]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), 1):
            name = f"{path}: line {number}"
            if len(line) == MAX_LINE_BYTES:
                raise DataError(f"{name}: expected at most {MAX_LINE_BYTES:,} bytes, found more")
            if line.strip():
                yield _parse_line(line, name)


def _parse_line(line: bytes, name: str) -> np.ndarray:
    try:
        strokes = json.loads(line)["drawing"]
        parts = [np.array([stroke[0], stroke[1]], np.float64).T for stroke in strokes]
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f'{name}: expected {{"drawing": [[xs, ys], ...]}}, found damage ({reason:.120})') from None
    if any(part.ndim != 2 for part in parts):
        raise DataError(f'{name}: expected {{"drawing": [[xs, ys], ...]}} of numbers, found other values')
    drawn = join_strokes([part for part in parts if len(part)])
    return check_strokes(drawn, name) if len(drawn) >= 2 else drawn

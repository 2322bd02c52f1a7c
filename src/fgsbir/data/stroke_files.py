"""Files of strokes, one drawing or many: JSON, QuickDraw's lines, sketch-rnn's arrays. The content decides which it is.

* JSON: strokes ``[[[x, y], ...], ...]``, or an object that has them as ``strokes``, with ``canvas`` [width, height] and
  ``user`` if they are known; QuickDraw's object, whose ``drawing`` is ``[[xs, ys, ...], ...]``, raw or simplified.
* ``.ndjson``: such a value a line.
* ``.npz``: sketch-rnn's sketches as offsets, stroke-3 (dx, dy, pen lifted) or stroke-5 (dx, dy, pen down, pen lifted,
  end), each an array of an object array, or all of one length in a dense one.
* ``.npy``: one drawing, canonical (n, 3), x and y absolute, or stroke-5 (n, 5). Offsets (stroke-3) look
  like the former and must be summed before.

What follows x and y in a point (time, pressure) is dropped, and so is a stroke without points.
"""

import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy

from fgsbir.data.records import DataError
from fgsbir.data.stroke_pickle import load_array_list
from fgsbir.data.strokes import CANVAS, centre, check_strokes, join_strokes

STROKE_SUFFIXES = (".json", ".ndjson", ".npz", ".npy")
MAX_FILE_BYTES = 64 << 20  # of one JSON value, and of an array
MAX_MEMBER_BYTES = 1 << 30
MAX_LINE_BYTES = 4 << 20
_NPZ, _NPY = b"PK\x03\x04", b"\x93NUMPY"
_EXPECTED = 'expected strokes [[[x, y], ...], ...], {"strokes": ...} or {"drawing": [[xs, ys], ...]} as JSON'


class Strokes(NamedTuple):
    """A drawing of a file: canonical float32 (n, 3), perhaps fewer than two points; whether it is ``placed`` on the 256
    canvas; the ``user`` who drew it if the file says so; and its ``name`` in errors.
    """

    strokes: np.ndarray
    placed: bool
    user: str | None
    name: str

    def on_canvas(self) -> np.ndarray:
        """The strokes, centred where nothing says how they lie. Raises DataError for ones that are not canonical."""
        strokes = check_strokes(self.strokes, self.name)
        return strokes if self.placed else centre(strokes)


def is_stroke_file(data: bytes) -> bool:
    """Whether a file that begins with ``data`` is for :func:`read_strokes`."""
    return data.startswith((_NPZ, _NPY)) or data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{")


def read_strokes(file: BinaryIO, name: str, limit: int = MAX_MEMBER_BYTES) -> Iterator[Strokes]:
    """Each drawing of a file in its order.

    Of an .npz file the part ``train`` comes first, then the others in the order of their names; each has at most
    ``limit`` bytes. Raises DataError naming the file and the line, or the part and position, of what is malformed.
    """
    start = file.read(len(_NPY))
    file.seek(0)
    if start.startswith(_NPZ):
        yield from _read_npz(file, name, limit)
    elif start == _NPY:
        rows = _read_array(file, min(limit, MAX_FILE_BYTES), name)
        yield Strokes(_canonical(rows, name, offsets=False), _width(rows) == 3, None, name)
    else:
        yield from _read_json(file, name)


def read_quickdraw(path: Path) -> Iterator[np.ndarray]:
    """A file's drawings in its order: canonical float32 (n, 3), centred; those of fewer than two points are left out.

    Raises DataError as :func:`read_strokes` does.
    """
    try:
        with path.open("rb") as file:
            for drawing in read_strokes(file, str(path)):
                if len(drawing.strokes) >= 2:
                    yield centre(check_strokes(drawing.strokes, drawing.name))
    except OSError as error:
        raise DataError(f"{path}: expected a file of strokes, found none ({error.strerror})") from None


def read_verified(path: Path, sha256: str) -> list[np.ndarray]:
    """All sketches of a file whose SHA-256 must be ``sha256``; errors as in :func:`read_quickdraw`."""
    sketches = list(read_quickdraw(path))
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise DataError(f"{path}: expected sha256 {sha256}, found {found}")
    return sketches


def parse_strokes(value: Any, name: str) -> np.ndarray:
    """Turn parsed JSON ``[[[x, y], ...], ...]`` into a canonical (n, 3) sketch of at least two points. DataError."""
    return check_strokes(_joined(value, name), name)


def _joined(value: Any, name: str) -> np.ndarray:
    if not isinstance(value, list) or not value:
        raise DataError(f"{name}: expected a list of strokes, [[[x, y], ...], ...], found {value!r:.60}")
    parts = []
    for position, stroke in enumerate(value):
        try:
            points = np.array([point[:2] for point in stroke], np.float64)
        except (TypeError, ValueError, OverflowError, KeyError):
            points = np.zeros(1)
        if len(points) and (points.ndim != 2 or points.shape[1] != 2):
            raise DataError(f"{name}: stroke {position}: expected points [[x, y], ...], found {stroke!r:.60}")
        parts.append(points.reshape(-1, 2))
    return join_strokes([part for part in parts if len(part)])


def _read_json(file: BinaryIO, name: str) -> Iterator[Strokes]:
    first = _line(file, f"{name}: line 1")
    try:
        json.loads(first)
    except (ValueError, RecursionError):  # no line by itself: one value over several
        data = first + file.read(MAX_FILE_BYTES)
        if len(data) >= MAX_FILE_BYTES:
            raise DataError(f"{name}: expected at most {MAX_FILE_BYTES:,} bytes of JSON, found more") from None
        yield _parse(data, name)
        return
    for number in itertools.count(1):
        line = first if number == 1 else _line(file, f"{name}: line {number}")
        if not line:
            return
        if line.strip():
            yield _parse(line, f"{name}: line {number}")


def _line(file: BinaryIO, name: str) -> bytes:
    line = file.readline(MAX_LINE_BYTES)
    if len(line) == MAX_LINE_BYTES:
        raise DataError(f"{name}: expected at most {MAX_LINE_BYTES:,} bytes, found more")
    return line


def _parse(text: bytes, name: str) -> Strokes:
    try:
        value = json.loads(text)
        user, canvas = (value.get(key) for key in ("user", "canvas")) if isinstance(value, dict) else (None, None)
        if isinstance(value, dict) and "strokes" not in value:
            value = {"strokes": [list(zip(*stroke[:2], strict=True)) for stroke in value["drawing"]] or [[]]}
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{name}: {_EXPECTED}, found damage ({reason:.120})") from None
    strokes = _joined(value["strokes"] if isinstance(value, dict) else value, name)
    if user is not None and not (isinstance(user, str) and user):
        raise DataError(f"{name}: expected user as text, found {user!r:.60}")
    return Strokes(_placed(strokes, canvas, name), canvas is not None, user, name)


def _placed(strokes: np.ndarray, canvas: Any, name: str) -> np.ndarray:
    """Scale strokes from a ``canvas`` [width, height] to the 256 canvas; leave them where its size is not given."""
    if canvas is None:
        return strokes
    try:
        width, height = (float(side) for side in canvas)
    except (TypeError, ValueError, OverflowError):
        width = height = 0.0
    if not (0 < width < np.inf and 0 < height < np.inf):
        raise DataError(f"{name}: expected canvas as [width, height], found {canvas!r:.60}")
    scale = CANVAS / max(width, height)
    strokes[:, :2] = strokes[:, :2] * scale + (CANVAS - np.array([width, height]) * scale) / 2
    return strokes


def _read_npz(file: BinaryIO, name: str, limit: int) -> Iterator[Strokes]:
    for member, found in _members(file, name, limit):
        sketches = [found] if isinstance(found, np.ndarray) and found.ndim < 3 else found
        for position, rows in enumerate(sketches):
            place = f"{name}: {member}: sketch {position}"
            yield Strokes(_canonical(rows, place, offsets=True), False, None, place)


def _members(file: BinaryIO, name: str, limit: int) -> Iterator[tuple[str, np.ndarray | list[np.ndarray]]]:
    """Each array of the archive with its name: a numeric one, or the elements of an array of objects."""
    try:
        with zipfile.ZipFile(file) as archive:
            for info in sorted(archive.infolist(), key=lambda info: (info.filename != "train.npy", info.filename)):
                place = f"{name}: {info.filename}"
                if info.file_size > limit:
                    raise DataError(f"{place}: expected at most {limit:,} bytes, found {info.file_size:,}")
                with archive.open(info) as member:
                    yield info.filename.removesuffix(".npy"), _read_array(member, limit, place)
    except DataError:
        raise
    except Exception as error:  # each way of compressing has errors of its own
        raise DataError(f"{name}: expected an .npz file of sketches, found damage ({error!s:.120})") from None


def _read_array(file: Any, limit: int, name: str) -> np.ndarray | list[np.ndarray]:
    """A numeric array of at most ``limit`` bytes, or what an object array holds: its pickle is not unpickled."""
    try:
        data = io.BytesIO(file.read(limit))
        version = npy.read_magic(data)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"format {version[0]}.{version[1]}")
        shape, fortran, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(data)
        if dtype.kind == "O":
            return load_array_list(data.read(), name.removesuffix(".npy"))
        if dtype.kind not in "fiu":
            raise ValueError(f"dtype {dtype}")
        contents = np.frombuffer(data.read(), dtype)
        return contents.reshape(shape, order="F" if fortran else "C")
    except DataError:
        raise
    except Exception as error:  # numpy reads headers with Python's own tokenizer
        raise DataError(f"{name}: expected an array of strokes, found damage ({error!s:.120})") from None


def _canonical(rows: np.ndarray | list[np.ndarray], name: str, *, offsets: bool) -> np.ndarray:
    """Rows of stroke-3 or, where they are no ``offsets``, canonical ones; or of stroke-5, by their width."""
    if isinstance(rows, list) or _width(rows) not in (3, 5):
        found = "objects" if isinstance(rows, list) else f"shape {rows.shape}"
        expected = "stroke-3 rows (n, 3)" if offsets else "strokes as numbers of shape (n, 3)"
        raise DataError(f"{name}: expected {expected} or stroke-5 rows (n, 5), found {found}")
    if rows.shape[1] == 3 and not offsets:
        return check_strokes(rows, name)
    strokes = rows[:, :3].astype(np.float64)
    if rows.shape[1] == 5:
        ended = np.flatnonzero(rows[:, 4] > 0.5)
        strokes = strokes[: ended[0]] if len(ended) else strokes
        strokes[:, 2] = rows[: len(strokes), 3]
    else:
        # A dense array is filled up with rows of zeros.
        drawn = np.flatnonzero(strokes.any(1))
        strokes = strokes[: drawn[-1] + 1] if len(drawn) else strokes[:0]
    strokes[:, :2] = np.cumsum(strokes[:, :2], axis=0)
    strokes[-1:, 2] = 1  # the format does not promise it
    return strokes


def _width(rows: np.ndarray | list[np.ndarray]) -> int:
    return rows.shape[1] if isinstance(rows, np.ndarray) and rows.ndim == 2 else 0

"""Queries: from what a person has drawn, in whatever form, to canonical strokes."""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from fgsbir.data.readers.json_strokes import parse_strokes
from fgsbir.data.readers.sketch_files import read_sketch_file
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre, check_strokes
from fgsbir.data.svg import read_svg
from fgsbir.data.tracing import trace
from fgsbir.search.files import read_file, split_line
from fgsbir.search.paper import clean_paper

MAX_FILE_BYTES = 64 << 20
MAX_LINE_BYTES = 4 << 20
# Nobody draws more; and every one of them costs, in each step from here to the embedding.
MAX_POINTS = 100_000
# Beyond it float32, in which a sketch is placed and drawn, could no longer tell its points apart.
MAX_COORDINATE = 1e6
# Of the simplification of a traced drawing, canvas pixels: as the default set of params traces for training.
TRACE_TOLERANCE = 1.0

_MARKUP = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<", b"\0<")
_IMAGE = re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|BM|RIFF.{4}WEBP", re.DOTALL)


def read_query(path: Path) -> np.ndarray:
    """Read a sketch file: canonical strokes float32 (n, 3), for the most part on the 256 canvas.

    By suffix: ``.json`` as :func:`~fgsbir.data.readers.sketch_files.read_sketch_file` reads it; ``.ndjson`` QuickDraw's
    drawings (or this project's own, with ``strokes``), the first or, as ``file.ndjson:12``, that of line 12; ``.npy``
    an array (n, 3) in canonical form, x and y absolute: offsets (stroke-3) cannot be told from these and must be summed
    before. Any other file is read as :func:`read_query_bytes` does. Raises DataError naming ``path``.
    """
    file, line = split_line(path)
    with np.errstate(all="ignore"):  # huge numbers are found by _checked
        match file.suffix.lower():
            case ".ndjson":
                return _checked(_read_line(file, line or 1), str(path))
            case ".npy":
                return _checked(_read_array(file), str(path))
            case ".json":
                return _checked(read_sketch_file(file, TRACE_TOLERANCE)[0], str(path))
    return read_query_bytes(read_file(file, MAX_FILE_BYTES, "a sketch"), str(path))


def read_query_bytes(data: bytes, name: str) -> np.ndarray:
    """Read an SVG, or a raster drawing (a scan, a photo of paper), told apart by their content.

    Returns canonical strokes float32 (n, 3). A raster drawing's lines are traced, a photo's without the desk around
    the paper, shadows and rules (:mod:`fgsbir.search.paper`). Raises DataError naming ``name``.
    """
    if data.lstrip().startswith(_MARKUP):
        return _checked(read_svg(data, name), name)
    if _IMAGE.match(data):
        drawing = io.BytesIO()
        Image.fromarray(clean_paper(data, name)).save(drawing, "PNG", compress_level=1)
        return _checked(trace(drawing.getvalue(), name, TRACE_TOLERANCE), name)
    start = "an empty file" if not data else f"one that begins with {repr(data[:8])[1:]}"
    raise DataError(f"{name}: expected an SVG drawing or a JPEG, PNG, WebP, BMP or GIF image, found {start}")


def _read_line(path: Path, wanted: int) -> np.ndarray:
    name = f"{path}: line {wanted}"
    try:
        with path.open("rb") as file:
            for number in range(1, wanted + 1):
                line = file.readline(MAX_LINE_BYTES)
                if len(line) == MAX_LINE_BYTES:
                    raise DataError(f"{path}: line {number}: expected at most {MAX_LINE_BYTES:,} bytes, found more")
                if not line:
                    raise DataError(f"{name}: expected a drawing, found {number - 1} lines")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        value: Any = json.loads(line)
        if isinstance(value, dict) and "strokes" in value:
            strokes = value["strokes"]
        else:  # QuickDraw's: the xs of a stroke, its ys, and perhaps times
            strokes = [list(zip(*stroke[:2], strict=True)) for stroke in value["drawing"]]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f'{name}: expected {{"drawing": [[xs, ys], ...]}}, found damage ({reason:.120})') from None
    return centre(parse_strokes(strokes, name))


def _read_array(path: Path) -> np.ndarray:
    try:
        # Mapped: a header that promises more than the file holds is refused before anything is allocated, and
        # an array of objects, which is a pickle, cannot be.
        return np.asarray(npy.open_memmap(path, mode="r"))
    except (OSError, ValueError, TypeError, EOFError, OverflowError, RecursionError, MemoryError) as error:
        raise DataError(f"{path}: cannot be read as an array of strokes (n, 3) ({error!s:.120})") from None


def _checked(strokes: np.ndarray, name: str) -> np.ndarray:
    """``strokes`` as they are, if they are canonical and can be drawn."""
    if strokes.ndim and len(strokes) > MAX_POINTS:
        raise DataError(f"{name}: expected at most {MAX_POINTS:,} points, found {len(strokes):,}")
    strokes = check_strokes(strokes, name)
    largest = np.abs(strokes[:, :2]).max()
    if not largest <= MAX_COORDINATE:  # true for NaN as well
        raise DataError(f"{name}: expected coordinates of at most {MAX_COORDINATE:,.0f}, found {largest:g}")
    return strokes

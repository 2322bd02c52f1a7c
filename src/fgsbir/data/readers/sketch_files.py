"""Sketch files, one drawing a file: SVG, JSON strokes, or a raster image that is traced."""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.readers.json_strokes import parse_strokes
from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, centre
from fgsbir.data.svg import read_svg
from fgsbir.data.tracing import trace

# Where one drawing lies there in several forms, the first of these is read: strokes before pixels.
SKETCH_SUFFIXES = (".svg", ".json", *sorted(PHOTO_SUFFIXES))
MAX_FILE_BYTES = 64 << 20

# Starting processes costs a second or two; tracing a file takes a fiftieth of one.
PARALLEL_FROM = 500


def read_sketch_file(path: Path, trace_tolerance: float) -> tuple[np.ndarray, str | None]:
    """Read one sketch: canonical strokes on the 256 canvas, and the user if a JSON file names one.

    JSON is a list of strokes ``[[[x, y], ...], ...]``, or an object with ``strokes`` and, if known, ``canvas``
    [width, height] and ``user``. Without ``canvas`` the drawing is centred.
    """
    try:
        found = path.stat().st_size
        if found > MAX_FILE_BYTES:
            raise DataError(f"{path}: expected a sketch of at most {MAX_FILE_BYTES:,} bytes, found {found:,}")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    suffix = path.suffix.lower()
    if suffix == ".svg":
        return read_svg(data, str(path)), None
    if suffix == ".json":
        return _read_json(data, str(path))
    return trace(data, str(path), trace_tolerance), None


def read_sketch_files(paths: Sequence[Path], trace_tolerance: float) -> list[tuple[np.ndarray, str | None] | DataError]:
    """Read many sketches, in the order given; what is wrong with a file stands in its place.

    From 500 files on the processor's cores share them.
    """
    read = partial(_read_or_error, trace_tolerance=trace_tolerance)
    if len(paths) < PARALLEL_FROM:
        return [read(path) for path in paths]
    workers = min(8, len(os.sched_getaffinity(0)))
    # Forking a process with threads (torch's, Pillow's) can leave a lock held for ever.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        results = pool.map(read, paths, chunksize=32)
        return list(tqdm(results, "reading sketches", len(paths), disable=None))


def read_drawings(files: Mapping[str, Path], trace_tolerance: float) -> dict[str, np.ndarray]:
    """The strokes of many sketches under their ids; raises the DataError of the first bad file."""
    drawings = {}
    for id, found in zip(files, read_sketch_files(list(files.values()), trace_tolerance), strict=True):
        if isinstance(found, DataError):
            raise found
        drawings[id] = found[0]
    return drawings


def _read_or_error(path: Path, trace_tolerance: float) -> tuple[np.ndarray, str | None] | DataError:
    try:
        return read_sketch_file(path, trace_tolerance)
    except DataError as error:
        return error


def _read_json(data: bytes, name: str) -> tuple[np.ndarray, str | None]:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: expected strokes as JSON, found damage ({error})") from None
    if not isinstance(value, dict):
        return centre(parse_strokes(value, name)), None
    strokes = parse_strokes(value.get("strokes"), name)
    user, canvas = value.get("user"), value.get("canvas")
    if user is not None and not (isinstance(user, str) and user):
        raise DataError(f"{name}: expected user as text, found {user!r:.60}")
    if canvas is None:
        return centre(strokes), user
    try:
        width, height = (float(side) for side in canvas)
    except (TypeError, ValueError):
        width = height = 0.0
    if not (0 < width < np.inf and 0 < height < np.inf):
        raise DataError(f"{name}: expected canvas as [width, height], found {canvas!r:.60}")
    scale = CANVAS / max(width, height)
    strokes[:, :2] = strokes[:, :2] * scale + (CANVAS - np.array([width, height]) * scale) / 2
    return strokes, user

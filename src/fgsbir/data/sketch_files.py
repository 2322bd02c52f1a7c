"""Drawings in files of every form: SVG, strokes, or a raster image that is traced. The one way to read them."""

import io
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from tqdm import tqdm

from fgsbir.data.cores import available_cores, sharing_processes
from fgsbir.data.files import read_file
from fgsbir.data.paper import MAX_SIDE, greys, is_photo
from fgsbir.data.photos import PHOTO_SUFFIXES, Box, cropped, upright_picture
from fgsbir.data.records import DataError
from fgsbir.data.stroke_files import MAX_FILE_BYTES, MAX_MEMBER_BYTES, STROKE_SUFFIXES, is_stroke_file, read_strokes
from fgsbir.data.svg.reading import read_svg
from fgsbir.data.tracing import TextureError, trace_picture

# Where one drawing lies there in several forms, the first of these is read: strokes before pixels.
SKETCH_SUFFIXES = (".svg", ".svgz", *STROKE_SUFFIXES, *sorted(PHOTO_SUFFIXES))
# Starting processes costs a second or two; tracing a file takes a fiftieth of one.
PARALLEL_FROM = 500
_MARKUP = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<", b"\0<", b"\x1f\x8b")


class Drawing(NamedTuple):
    """Canonical ``strokes`` on the 256 canvas, and the ``user`` who drew them if the file says so.

    ``left_out`` says what of the file is not in them, as "a frame". ``picture`` is the file if it is an image, and
    ``crop`` the part of it with the drawing alone, where there is other ink beside it, such as notes. A photo of a
    thing has no strokes, float32 (0, 3).
    """

    strokes: np.ndarray
    user: str | None = None
    left_out: tuple[str, ...] = ()
    picture: bytes | None = None
    crop: Box | None = None


def read_drawing(
    data: bytes, name: str, tolerance: float, *, number: int = 1, crop: Box | None = None, or_photo: bool = False
) -> Drawing:
    """Read a drawing: an SVG, strokes (:mod:`~fgsbir.data.stroke_files`) or an image. Its content decides which.

    ``tolerance`` is that of the simplification of a traced drawing, in canvas pixels. ``number`` chooses one of a
    file's several drawings, from 1; ``crop`` the part of an image. With ``or_photo`` a photo of a thing is
    not traced. Raises DataError naming ``name``.
    """
    left_out: tuple[str, ...] = ()
    if data.lstrip().startswith(_MARKUP):
        svg = read_svg(data, name)
        left_out = svg.left_out
        if svg.picture is None:
            return Drawing(svg.strokes, None, left_out)
        data = svg.picture
    if is_stroke_file(data):
        return _chosen(io.BytesIO(data), name, number, MAX_FILE_BYTES)
    image = cropped(upright_picture(data, name, 4 * MAX_SIDE), crop)
    photo = Drawing(np.zeros((0, 3), np.float32), left_out=left_out, picture=data)
    if or_photo and is_photo(greys(image)[0]):
        return photo
    try:
        traced = trace_picture(image, name, tolerance)
    except TextureError:
        if or_photo:
            return photo
        raise
    left_out += ("a frame",) if traced.frame else ()
    return Drawing(traced.strokes, None, left_out, data, traced.drawing)


def read_drawing_file(path: Path, tolerance: float, *, number: int = 1, or_photo: bool = False) -> Drawing:
    """Read a drawing from a file, as :func:`read_drawing` does; strokes by its suffix, of many the one asked for."""
    if path.suffix.lower() in STROKE_SUFFIXES and path.is_file():
        try:
            with path.open("rb") as file:
                return _chosen(file, str(path), number, MAX_MEMBER_BYTES)
        except OSError as error:
            raise DataError(f"{path}: expected a sketch, which cannot be read ({error.strerror})") from None
    data = read_file(path, MAX_FILE_BYTES, "a sketch")
    return read_drawing(data, str(path), tolerance, number=number, or_photo=or_photo)


def read_sketch_files(paths: Sequence[Path], tolerance: float) -> list[Drawing | DataError]:
    """Read many sketches, in the order given; what is wrong with a file is there in its place.

    From 500 files on the processor's cores share them.
    """
    read = partial(_read_or_error, tolerance=tolerance)
    if len(paths) < PARALLEL_FROM:
        return [read(path) for path in paths]
    workers = min(8, available_cores())
    with sharing_processes(workers) as pool:
        results = pool.map(read, paths, chunksize=32)
        return list(tqdm(results, "reading sketches", len(paths), disable=None))


def read_drawings(files: Mapping[str, Path], tolerance: float) -> dict[str, np.ndarray]:
    """The strokes of many sketches under their ids; raises the DataError of the first bad file."""
    drawings = {}
    for id, found in zip(files, read_sketch_files(list(files.values()), tolerance), strict=True):
        if isinstance(found, DataError):
            raise found
        drawings[id] = found.strokes
    return drawings


def _read_or_error(path: Path, tolerance: float) -> Drawing | DataError:
    try:
        return read_drawing_file(path, tolerance)._replace(picture=None)  # of many, too much to keep
    except DataError as error:
        return error


def _chosen(file: BinaryIO, name: str, number: int, limit: int) -> Drawing:
    """The drawing ``number`` of a file of strokes."""
    with np.errstate(all="ignore"):  # huge numbers are found where strokes are checked
        drawings = read_strokes(file, name, limit)
        chosen = next(islice(drawings, number - 1, None), None)
        if chosen is None:
            raise DataError(f"{name}: expected a drawing {number}, found fewer")
        strokes = chosen.on_canvas()
    try:
        more = next(drawings, None) is not None
    except DataError:
        more = True
    return Drawing(strokes, chosen.user, (f"all drawings but number {number}",) if more else ())

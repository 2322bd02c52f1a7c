"""Queries: what a person searches by, in whatever form: a sketch as canonical strokes, or a photo."""

from pathlib import Path

import numpy as np

from fgsbir.data.files import numbered
from fgsbir.data.photos import Box
from fgsbir.data.records import DataError
from fgsbir.data.sketch_files import Drawing, read_drawing, read_drawing_file

# Nobody draws more; and every one of them costs, in each step from here to the embedding.
MAX_POINTS = 100_000
# Beyond it float32, in which a sketch is placed and drawn, could no longer tell its points apart.
MAX_COORDINATE = 1e6
# Of the simplification of a traced drawing, canvas pixels: as the default set of params traces for training.
TRACE_TOLERANCE = 1.0


def read_query(path: Path) -> Drawing:
    """Read a file as :func:`read_query_bytes` does; ``drawings.ndjson:12`` is the twelfth of its drawings."""
    file, number = numbered(path)
    return _checked(read_drawing_file(file, TRACE_TOLERANCE, number=number, or_photo=True), str(path))


def read_query_bytes(data: bytes, name: str, *, crop: Box | None = None, as_sketch: bool = False) -> Drawing:
    """Read a drawing of any form that :func:`~fgsbir.data.sketch_files.read_drawing` knows, or a photo of a thing.

    ``crop`` is the part of an image that is meant. A picture that looks like a photo is traced all the same with
    ``as_sketch``. Raises DataError naming ``name``.
    """
    return _checked(read_drawing(data, name, TRACE_TOLERANCE, crop=crop, or_photo=not as_sketch), name)


def _checked(drawing: Drawing, name: str) -> Drawing:
    """A drawing as it is, if it can be drawn."""
    points = drawing.strokes[:, :2]
    if len(points) > MAX_POINTS:
        raise DataError(f"{name}: expected at most {MAX_POINTS:,} points, found {len(points):,}")
    largest = np.abs(points).max(initial=0)
    if not largest <= MAX_COORDINATE:  # true for NaN as well
        raise DataError(f"{name}: expected coordinates of at most {MAX_COORDINATE:,.0f}, found {largest:g}")
    return drawing

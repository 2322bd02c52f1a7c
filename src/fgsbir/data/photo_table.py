"""The photos of a large set as a Parquet table, a row a photo, beside an ``index.json`` that lists none itself.

JSON of a million photos takes several times as long to read, and three times the memory.
"""

import gc
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fgsbir.data.index import PhotoEntry, SketchEntry
from fgsbir.data.records import SPLITS, DataError

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "photos.parquet"
# Photos of a row group.
PART = 65_536


def require_pyarrow() -> None:
    """Raise DataError where pyarrow is not installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise DataError("the data set is large, and its list needs pyarrow: pip install 'fgsbir[parquet]'")


def _schema() -> "pa.Schema":
    require_pyarrow()
    import pyarrow as pa

    sketch = pa.struct([("id", pa.string()), ("user", pa.string()), ("unseen", pa.bool_()), ("points", pa.int64())])
    types = {name: pa.string() for name in ("id", "key", "category", "split", "shard")} | {"unseen": pa.bool_()}
    types |= {f"{part}_{of}": pa.int64() for part in ("photo", "strokes") for of in ("offset", "size")}
    return pa.schema([*types.items(), ("sketches", pa.list_(sketch))])


def write_photo_table(photos: Iterable[PhotoEntry], path: Path) -> None:
    """Write ``photos`` to ``path``, part by part. Raises DataError where pyarrow is not installed."""
    schema = _schema()
    import pyarrow as pa
    from pyarrow import parquet

    def row(photo: PhotoEntry) -> dict[str, Any]:
        strokes = photo.strokes or (None, None)
        row = {name: getattr(photo, name) for name in ("id", "key", "category", "split", "shard", "unseen")}
        row |= {"photo_offset": photo.photo[0], "photo_size": photo.photo[1]}
        row |= {"strokes_offset": strokes[0], "strokes_size": strokes[1]}
        fields = ("id", "user", "unseen", "points")
        return row | {"sketches": [{name: getattr(sketch, name) for name in fields} for sketch in photo.sketches]}

    rows = list(photos)
    with parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, len(rows), PART):
            writer.write_table(pa.Table.from_pylist(list(map(row, rows[start : start + PART])), schema))


def read_photo_table(path: Path) -> tuple[PhotoEntry, ...]:
    """Read what :func:`write_photo_table` wrote. Raises DataError for a damaged file, or one with other values."""
    schema = _schema()
    import pyarrow as pa
    from pyarrow import parquet

    photos: list[PhotoEntry] = []
    try:
        # Read at once and not mapped: a file that shrinks meanwhile would kill the process.
        with parquet.ParquetFile(path) as file, _without_collection():
            if not file.schema_arrow.equals(schema):
                raise DataError(f"{path}: expected the columns {schema.names} of an index, found others")
            for batch in file.iter_batches(PART):
                photos += map(_entry, *(batch[name].to_pylist() for name in schema.names))
    except (pa.ArrowException, OSError, TypeError, KeyError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: expected the photos of an index, found damage ({error})") from None
    return tuple(photos)


def _entry(
    id: str,
    key: str,
    category: str,
    split: Any,
    shard: str,
    unseen: bool,
    offset: int,
    size: int,
    strokes_offset: int | None,
    strokes_size: int | None,
    sketches: list[dict[str, Any]],
) -> PhotoEntry:
    strokes = None if strokes_offset is None or strokes_size is None else (strokes_offset, strokes_size)
    if split not in SPLITS or min(offset, size, *(strokes or ())) < 0 or None in (id, key, category, shard, unseen):
        raise ValueError(f"photo {id!r} of split {split!r} at {offset}, {size}, strokes {strokes}")
    drawn = tuple(SketchEntry(**sketch) for sketch in sketches) if sketches else ()
    if any(sketch.id is None or sketch.points is None or sketch.points < 1 for sketch in drawn):
        raise ValueError(f"photo {id!r} has a sketch without points")
    category, split, shard = map(sys.intern, (category, split, shard))  # many photos share them
    return PhotoEntry(id, key, category, split, unseen, shard, (offset, size), strokes, drawn)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without going through all objects again and again for garbage, of which there is none: twice as fast."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

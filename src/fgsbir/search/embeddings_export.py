"""An index's embeddings as a Parquet table, which databases of vectors read."""

import importlib.util
import os
from pathlib import Path

from fgsbir.data.atomic import write_file
from fgsbir.data.records import DataError
from fgsbir.search.gallery import Gallery

# Rows of a row group: of 512 numbers each, 32 MB.
PART = 16_384


def export_embeddings(folder: Path, out: Path) -> tuple[int, int]:
    """Write the photos of the index in ``folder`` to ``out``, part by part; return their number and that of dimensions.

    The columns are ``id`` (16 hexadecimal digits), ``path`` (of the first copy, what is no UTF-8 in it replaced) and
    ``vector``, float32 (d,) of length 1. Squared distances and inner products rank as the index does. Raises DataError
    for a folder that is no index, and where pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise DataError("pyarrow is not installed; expected it for Parquet: pip install 'fgsbir[parquet]'")
    if out.is_dir():
        raise DataError(f"{out}: expected the name of a file, found a folder")
    import pyarrow as pa
    from pyarrow import parquet

    gallery = Gallery(folder)
    count, dimensions = gallery.embeddings.shape
    schema = pa.schema([("id", pa.string()), ("path", pa.string()), ("vector", pa.list_(pa.float32(), dimensions))])
    # The vector's bytes look random: compression would cost time and save nothing.
    with write_file(out) as partial, parquet.ParquetWriter(partial, schema, compression="NONE") as writer:
        for start in range(0, count, PART):
            rows = range(start, min(start + PART, count))
            paths = [os.fsencode(gallery.path(row)).decode("utf-8", "replace") for row in rows]
            vectors = pa.array(gallery.embeddings[rows.start : rows.stop].ravel())
            columns = [[gallery.id(row) for row in rows], paths]
            vector = pa.FixedSizeListArray.from_arrays(vectors, dimensions)
            writer.write_table(pa.table([*map(pa.array, columns), vector], schema))
    return count, dimensions

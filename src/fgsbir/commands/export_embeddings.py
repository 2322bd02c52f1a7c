"""``fgsbir export-embeddings``: the photos of an index as a Parquet table, for a database of vectors."""

import argparse
import sys
from pathlib import Path

from fgsbir.commands.options import require


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir export-embeddings my/index photos.parquet"
    parser.add_argument("index", type=Path, metavar="INDEX", help="folder that fgsbir index has written")
    parser.add_argument("out", type=Path, metavar="OUT.parquet", help="file to write")


def run(options: argparse.Namespace) -> None:
    """Export, and tell what the table holds. Raises DataError, with no file left."""
    require(options.index, "a folder that fgsbir index has written")

    from fgsbir.search.embeddings_export import export_embeddings

    rows, dimensions = export_embeddings(options.index, options.out)
    sys.stdout.write(f"{options.out}: {rows:,} photos: id, path, vector of {dimensions} numbers\n")

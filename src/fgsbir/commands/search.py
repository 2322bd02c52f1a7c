"""``fgsbir search``: finds the photos of an index that are nearest to a sketch or a photo."""

import argparse
import gc
import json
import logging
import sys
from pathlib import Path

from fgsbir.commands.options import number, require, table
from fgsbir.data.files import numbered

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir search my/drawing.svg --index my/index --sheet found.png"
    forms = (
        "SVG, scan or photo of a drawing, strokes as JSON, .npy or .npz, one of a file of many (file.ndjson:12), or a "
        "photo of what is searched for"
    )
    parser.add_argument("sketch", type=Path, metavar="SKETCH", help=forms)
    parser.add_argument("--index", type=Path, required=True, help="folder that fgsbir index has written")
    parser.add_argument("-k", type=number(int, 1, 1000), default=10, help="how many photos (default: %(default)s)")
    answer = "answer in JSON; into a file or a pipe the answer is always JSON"
    parser.add_argument("--json", action="store_true", help=answer)
    sheet = "contact sheet to write, of the sketch and the photos"
    parser.add_argument("--sheet", type=Path, metavar="OUT.png", help=sheet)


def run(options: argparse.Namespace) -> None:
    """Search, and write the answer to standard output, nearest first. Raises DataError."""
    require(numbered(options.sketch)[0], "a sketch")
    require(options.index, "a folder that fgsbir index has written")
    # One answer, and the process ends. While torch loads, the collector would walk what was loaded again and again.
    gc.disable()

    from fgsbir.data.photos import read_pixels
    from fgsbir.search.queries import read_query
    from fgsbir.search.searcher import Searcher

    query = read_query(options.sketch)
    for part in query.left_out:
        logger.info("%s: left out %s", options.sketch, part)
    searcher = Searcher.open(options.index)
    if query.picture is not None and not len(query.strokes):
        logger.info("%s: is a photo, and not traced; searching for photos like it", options.sketch)
        pixels = read_pixels(query.picture, str(options.sketch), searcher.encoder.spec.image_size)
        matches = searcher.search_photo(pixels, options.k)
    else:
        matches = searcher.search(query.strokes, options.k)
    if options.sheet:
        from fgsbir.search.contact_sheet import save_contact_sheet

        gallery = searcher.gallery
        save_contact_sheet(options.sheet, query, matches, lambda id: gallery.photo(gallery.row(id)))
    if options.json or not sys.stdout.isatty():
        found = [match._asdict() | {"path": str(match.path)} for match in matches]
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        rows = [[str(match.rank), f"{match.distance:.3f}", str(match.path)] for match in matches]
        sys.stdout.write(table([["rank", "distance", "photo"], *rows]))

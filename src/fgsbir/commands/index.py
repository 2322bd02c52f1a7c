"""``fgsbir index``: makes an index of photos, which is searched by drawing."""

import argparse
import sys
from pathlib import Path

from fgsbir.commands.options import add_model, left_out, not_read, number, printable, require


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir index my/photos --out my/index"
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTOS", help="photos, and folders of them")
    add_model(parser, "a retrieval model, or of several with it, as models/joint")
    adaptive = (
        "folder of an adaptive model, as models/adaptive/user/adaptive: corrections on the page train the head too "
        "(default: that of the index at INDEX, if it has one)"
    )
    parser.add_argument("--adaptive", type=Path, metavar="MODEL", help=adaptive)
    many = "with more photos a search goes through a part of them, by faiss (default: %(default)s)"
    parser.add_argument("--many", type=number(int, 1_000, 2**40), default=10**6, metavar="PHOTOS", help=many)
    out = "folder to write: it then holds PHOTOS and no others; those that it knew are not embedded again"
    parser.add_argument("--out", type=Path, required=True, metavar="INDEX", help=out)


def run(options: argparse.Namespace) -> None:
    """Index, and report on standard output. Raises DataError, with the old index as it was."""
    for photos in options.photos:
        require(photos, "a photo or a folder of photos")
    require(options.model, "a folder of a retrieval model")
    if options.adaptive:
        require(options.adaptive, "a folder of an adaptive model")

    from fgsbir.search.gallery import INDEX
    from fgsbir.search.indexing import index_photos

    indexed = index_photos(options.photos, options.model, options.out, adaptive=options.adaptive, many=options.many)
    if indexed is None:  # the first process tells what all have done
        return
    kept = indexed.photos - indexed.new
    lines = [f"{options.out}: {indexed.photos:,} photos, {indexed.new:,} of them new, {kept:,} kept"]
    if indexed.copies:
        lines.append(f"copies of photos that are in it already: {indexed.copies:,}")
    lines += left_out(list(indexed.skipped.values()), f"under skipped in {options.out / INDEX}")
    lines += not_read(indexed.others)
    if indexed.left is not None:
        lines.append(f"interrupted with {indexed.left:,} files to go; the same command goes on")
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
    if indexed.left is not None:
        raise KeyboardInterrupt

"""``fgsbir draw``: draws vector sketches of photos, and says how far the discriminator trusts each."""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fgsbir.commands.options import TRAINED, left_out, not_read, number, printable, require, table
from fgsbir.data.files import list_files, nfc
from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir draw my/photos/stool.jpg --svg stool.svg --animate stool.gif"
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photos, and folders of them")
    model = "folder of a generator, with a discriminator beside it, or of both (default: %(default)s)"
    parser.add_argument("--model", type=Path, default=TRAINED, help=model)
    parser.add_argument("--svg", type=Path, metavar="OUT", help="SVG file to write; a folder for several photos")
    animation = "GIF of the drawing to write; a folder for several photos"
    parser.add_argument("--animate", type=Path, metavar="OUT.gif", help=animation)
    parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0, help="another one draws another sketch")
    temperature = "0 draws greedily, 1 as variedly as G has learned"
    parser.add_argument("--temperature", type=number(float, 0, 10), default=0.4, help=temperature)


def run(options: argparse.Namespace) -> None:
    """Draw the photos; list those that cannot be read at the end. Raises DataError if none can be read."""
    for path in options.photos:
        require(path, "a photo or a folder of photos")
    if options.model == TRAINED and not TRAINED.exists():
        raise DataError(
            f"{TRAINED}: drawing needs a trained generator, and there is none; make repro, in a clone of the project, "
            "trains one in about ten minutes, or give another --model"
        )
    require(options.model, "a folder of a generator")

    from fgsbir.data.photos import PHOTO_SUFFIXES

    listing = list_files(options.photos, PHOTO_SUFFIXES)
    reasons = [f"{skipped.path}: {skipped.reason}" for skipped in listing.skipped]
    if not listing.files:
        found = reasons[0] if reasons else "none"
        raise DataError(f"{', '.join(map(str, options.photos))}: expected photos, found {found}")
    svgs, gifs = _outputs(listing.files, options.svg, ".svg"), _outputs(listing.files, options.animate, ".gif")

    from tqdm import tqdm

    from fgsbir.data.atomic import write_bytes, write_text
    from fgsbir.data.photos import photo_bytes, read_pixels
    from fgsbir.search.animation import SIDE, drawing_gif
    from fgsbir.search.sketching import PhotoSketcher
    from fgsbir.search.svg_writer import svg_of

    sketcher = PhotoSketcher.load(options.model)
    rows = [["photo", "points", "strokes", "certainty"]]
    shown = tqdm(listing.files, "drawing", unit=" photos", disable=None if len(listing.files) > 1 else True)
    for place, path in enumerate(shown):
        try:
            data = photo_bytes(path)
            sketch = sketcher.draw(data, str(path), seed=options.seed, temperature=options.temperature)
        except DataError as error:
            reasons.append(str(error))
            continue
        certainty = "-" if sketch.certainty is None else f"{sketch.certainty:.2f}"
        rows.append([path.name, str(len(sketch.strokes)), f"{sketch.strokes[:, 2].sum():.0f}", certainty])
        if svgs:
            write_text(svgs[place], svg_of(sketch.strokes))
        if gifs:
            write_bytes(gifs[place], drawing_gif(read_pixels(data, str(path), SIDE), sketch.strokes))
    if len(rows) == 1:
        raise DataError(reasons[0])
    sys.stdout.write(table(rows))
    for files in filter(None, (svgs, gifs)):
        logger.info("wrote %s", printable(str(files[0] if len(files) == 1 else files[0].parent)))
    for line in left_out(reasons, "not shown") + not_read(listing.others):
        logger.warning("%s", printable(line))


def _outputs(photos: Sequence[Path], out: Path | None, suffix: str) -> list[Path]:
    """The file to write for each photo: ``out`` itself for one, files in it for several, none without ``out``."""
    if out is None:
        return []
    if len(photos) == 1 and not out.is_dir():
        if out.suffix.lower() != suffix:
            raise DataError(f"{out}: expected a name that ends in {suffix}")
        return [out]
    if not out.is_dir() and (out.exists() or out.suffix.lower() == suffix):
        raise DataError(f"{out}: expected a folder for the sketches of {len(photos)} photos, found the name of a file")
    files = [out / f"{nfc(photo.stem)}{suffix}" for photo in photos]
    twice = [file for file, count in Counter(files).items() if count > 1]
    if twice:
        raise DataError(f"{min(twice)}: would be the sketch of two photos of that name; draw them into two folders")
    return files

"""``fgsbir adapt``: adapts a model to photos, to a few sketches, or to pairs of both."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from fgsbir.commands.options import add_model, printable, require
from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir adapt --support my/sketches --out models/mine"
    add_model(
        parser,
        "an adaptive model, as models/adaptive/category/adaptive, or a retrieval model",
    )
    given = parser.add_mutually_exclusive_group(required=True)
    support = "folder of sketches, or with photos/ and sketches/, alike in name"
    given.add_argument("--support", type=Path, help=support)
    alone = "adapt to photos without any sketch: a folder of those that will be searched, or an index of them"
    given.add_argument("--photos-only", type=Path, metavar="PHOTOS", help=alone)
    beside = "beside --support, the photos that will be searched: a folder, or an index"
    parser.add_argument("--photos", type=Path, help=beside)
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapted retrieval model, to be written")


def run(options: argparse.Namespace) -> None:
    """Adapt; the model that it starts from is only read. Raises DataError, with nothing written."""
    require(options.model, "a folder of a model")
    searched = options.photos_only or options.photos
    if options.photos_only and options.photos:
        raise DataError("--photos goes with --support: --photos-only names photos already")
    if options.support:
        require(options.support, "a folder of sketches, or with photos/ and sketches/")
    if searched:
        require(searched, "a folder of photos, or an index")

    from fgsbir.adaptation.support import SupportSet, adapt_to, far_from_photos, load_adaptive, read_support
    from fgsbir.retrieval.encoder import Encoder
    from fgsbir.runtime.model_folder import CONFIG, read_config, save_model
    from fgsbir.search.searcher import computing, model_folder

    again = options.out.exists()
    if again and not (options.out / CONFIG).is_file():
        raise DataError(f"{options.out}: exists and is no model folder; give another --out")
    if again and "adapted" not in read_config(options.out)["details"]:
        raise DataError(f"{options.out}: is a model that fgsbir adapt has not made; give another --out")
    folder = model_folder(options.model, "retrieval")
    model, pool = load_adaptive(folder)
    if options.photos_only and not model.form.edges:
        raise DataError(
            f"{folder}: this model cannot adapt to photos alone; use the model that ships with the package, or "
            "models/adaptive/category/photos"
        )
    if searched and not model.form.edges:
        logger.warning("%s: this model cannot adapt to photos; --photos changes nothing", folder)
    support, made = read_support(options.support) if options.support else SupportSet(), read_config(folder)
    for each in support.skipped:
        logger.warning("left out: %s: %s", printable(each.path), each.reason)
    if searched:
        support = replace(support, searched=some_photos(searched))
    encoder = Encoder(model.retrieval, computing())
    adapted = adapt_to(model, encoder, support, pool=pool)
    if far_from_photos(encoder, support):
        logger.warning("the sketches lie about as far from all photos as scribbles do: are they of other things?")
    origin = {"model": made["sha256"], "sketches": len(support.sketches), "support_sha256": support.sha256()}
    save_model(options.out, adapted, details=made["details"] | {"adapted": origin})
    did = "adapted again" if again else "adapted"
    photos = f"{len(support.photos)} photos" if support.photos else "photos that are not given"
    drawn = f"{len(support.sketches)} sketches of {photos}" if support.sketches else "photos without sketches"
    logger.info("%s: %s to %s", options.out, did, drawn)


def some_photos(place: Path) -> list[bytes]:
    """Some of the photos in a folder, or of an index; with a warning, without those that cannot be read. Raises
    DataError where none is left.
    """
    from fgsbir.adaptation.edge_side import some_of
    from fgsbir.adaptation.support import read_photos
    from fgsbir.data.files import list_files
    from fgsbir.data.photos import PHOTO_SUFFIXES
    from fgsbir.search.gallery import INDEX, Gallery

    if (place / INDEX).is_file():
        gallery = Gallery(place)
        paths = [gallery.path(row) for row in some_of(range(len(gallery)))]
    else:
        listing = list_files([place], PHOTO_SUFFIXES)
        paths = some_of(listing.files)
        for each in listing.skipped:
            logger.warning("left out: %s: %s", printable(each.path), each.reason)
    photos = []
    for path in paths:
        try:
            photos += read_photos([path])
        except DataError as error:
            logger.warning("left out: %s", printable(str(error)))
    if not photos:
        raise DataError(f"{place}: expected photos, found none that can be read")
    return photos

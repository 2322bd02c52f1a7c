"""``fgsbir adapt``: a few sketches, or pairs of sketch and photo, and a model to a model of one's own."""

import argparse
import logging
from pathlib import Path

from fgsbir.commands.options import add_model, require
from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir adapt --support my/sketches --out models/mine"
    add_model(
        parser,
        "an adaptive model, as models/adaptive/category/adaptive, or a retrieval model, which adapts to sketches alone",
    )
    support = "folder of sketches, or with photos/ and sketches/, alike in name"
    parser.add_argument("--support", type=Path, required=True, help=support)
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapted retrieval model, to be written")


def run(options: argparse.Namespace) -> None:
    """Adapt; the model that it starts from is only read. Raises DataError, with nothing written."""
    require(options.model, "a folder of a model")
    require(options.support, "a folder of sketches, or with photos/ and sketches/")

    from fgsbir.adaptation.support import adapt_to, load_adaptive, read_support
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
    support, made = read_support(options.support), read_config(folder)
    adapted = adapt_to(model, Encoder(model.retrieval, computing()), support, pool=pool)
    origin = {"model": made["sha256"], "sketches": len(support.sketches), "support_sha256": support.sha256()}
    save_model(options.out, adapted, details=made["details"] | {"adapted": origin})
    did = "adapted again" if again else "adapted"
    photos = f"{len(support.photos)} photos" if support.photos else "photos that are not given"
    logger.info("%s: %s to %d sketches of %s", options.out, did, len(support.sketches), photos)

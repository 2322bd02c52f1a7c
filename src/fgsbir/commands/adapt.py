"""``fgsbir adapt``: a trained adaptive model, and k pairs of sketch and photo, to a model of its own."""

import argparse
import hashlib
import logging
from pathlib import Path

from fgsbir.commands.options import require
from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir adapt --model models/adaptive/user/ours --support my/pairs --out models/mine"
    parser.add_argument(
        "--model", type=Path, required=True, help="folder of an adaptive model, as models/adaptive/user/ours"
    )
    parser.add_argument("--support", type=Path, required=True, help="folder with photos/ and sketches/, alike in name")
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapted retrieval model, to be written")


def run(options: argparse.Namespace) -> None:
    """Adapt; the model that it starts from is only read. Raises DataError, with nothing written."""
    require(options.model, "a folder of an adaptive model")
    require(options.support, "a folder with photos/ and sketches/")

    from fgsbir.adaptation.model import AdaptiveModel
    from fgsbir.adaptation.support import read_support
    from fgsbir.runtime.model_folder import CONFIG, load_model, read_config, save_model
    from fgsbir.search.encoder import line_width_of

    again = options.out.exists()
    if again and not (options.out / CONFIG).is_file():
        raise DataError(f"{options.out}: exists and is no model folder; give another --out")
    if again and "adapted" not in read_config(options.out)["details"]:
        raise DataError(f"{options.out}: is a model that fgsbir adapt has not made; give another --out")
    model = load_model(options.model, AdaptiveModel)
    if not model.adapts:
        raise DataError(f"{options.model}: was trained without adaptation, and has no step to adapt by")
    made = read_config(options.model)
    details = made["details"]
    if not isinstance(details.get("data"), dict):
        raise DataError(f"{options.model / CONFIG}: expected details.data, what the model was trained on")
    support = read_support(options.support)
    pool = details.get("negatives") == "pool"
    triplets = support.triplets(model.retrieval.image_size, line_width_of(options.model), pool=pool)
    adapted = model.eval().adapted(triplets)
    digest = hashlib.sha256(triplets.inputs.numpy().tobytes()).hexdigest()
    origin = {"model": made["sha256"], "pairs": len(support.sketches), "support_sha256": digest}
    save_model(options.out, adapted, details=details | {"adapted": origin})
    done = "adapted again" if again else "adapted"
    logger.info("%s: %s to %d pairs of %d photos", options.out, done, len(support.sketches), len(support.photos))

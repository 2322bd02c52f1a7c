"""``fgsbir export``: writes a retrieval model as an ONNX file, and compares the two."""

import argparse
import sys
from pathlib import Path

from fgsbir.commands.options import add_model, require
from fgsbir.data.records import DataError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir export --onnx retrieval.onnx"
    add_model(parser, "a retrieval model, or of several with it, as models/joint")
    parser.add_argument("--onnx", type=Path, required=True, metavar="OUT", help="ONNX file to write")


def run(options: argparse.Namespace) -> None:
    """Export, and tell how far the file's embeddings are from the model's. Raises DataError, with no file left."""
    require(options.model, "a folder of a retrieval model")

    from fgsbir.retrieval.encoder import search_dimensions
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.onnx_export import EMBEDDINGS, IMAGES, SKETCH, export_onnx
    from fgsbir.runtime.model_folder import load_model, read_config
    from fgsbir.search.searcher import model_folder

    if options.onnx.is_dir():
        raise DataError(f"{options.onnx}: expected the name of a file, found a folder")
    folder = model_folder(options.model, "retrieval")
    model = load_model(folder, RetrievalModel)
    config, size = read_config(folder), model.spec.image_size
    metadata = {
        "kind": str(config["kind"]),
        "sha256": str(config["sha256"]),
        "image_size": str(size),
        "line_width": f"{model.spec.line_width:g}",
        "input": "RGB in [0, 1]; photos padded to a square with white; sketches black on white, their longest side "
        "190 of 256 and centred, lines line_width of 256 wide; sketch says which of them are sketches",
    }
    difference = export_onnx(model, options.onnx, metadata)
    sys.stdout.write(
        f"{options.onnx}: {IMAGES} (n, 3, {size}, {size}) and {SKETCH} (n,) to {EMBEDDINGS} "
        f"(n, {search_dimensions(model)}); largest difference from torch {difference:.1e}\n"
    )

"""How well the ready model finds real photos: python -m benchmarks.ready_model CHAIRV2 [--products FOLDER].

CHAIRV2 is the folder of QMUL's ChairV2 (layout sketchx). Each sketch of the split asks for its photo among the photos
of that split, and among these and all photos below FOLDER.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path

import numpy as np

from fgsbir.data.files import list_files
from fgsbir.data.photos import PHOTO_SUFFIXES, read_pixels
from fgsbir.data.readers.sketchx import read_sketchx
from fgsbir.ready import READY_MODEL
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.ranking import acc_at, ranks
from fgsbir.search.searcher import computing

BATCH = 32
TRACE_TOLERANCE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ready_model", description=__doc__.partition(":")[0])
    parser.add_argument("chairs", type=Path, metavar="CHAIRV2", help="folder of ChairV2")
    parser.add_argument("--products", type=Path, metavar="FOLDER", help="other photos to search among")
    parser.add_argument("--split", choices=["train", "test"], default="test", help="default: %(default)s")
    parser.add_argument("--model", type=Path, default=READY_MODEL, help="folder of an F (default: the ready model)")
    options = parser.parse_args()
    encoder = Encoder.load(options.model, computing("float32"))
    sys.stdout.write(json.dumps(scores(encoder, options.chairs, options.split, options.products), indent=2) + "\n")


def scores(encoder: Encoder, chairs: Path, split: str, products: Path | None = None) -> dict[str, dict[str, float]]:
    """acc@1, @5 and @10 in percent, and the number, of a split's sketches, among its photos alone and with others."""
    source = read_sketchx(chairs, TRACE_TOLERANCE)
    photos = sorted((photo for photo in source.photos if photo.split == split), key=attrgetter("id"))
    row = {photo.id: number for number, photo in enumerate(photos)}
    sketches = [sketch for sketch in source.sketches if sketch.photo_id in row]
    truth = np.array([row[sketch.photo_id] for sketch in sketches])
    strokes = [sketch.strokes for sketch in sketches]
    starts = range(0, len(strokes), BATCH)
    queries = np.concatenate([encoder.sketches(strokes[start : start + BATCH]) for start in starts])
    gallery = embedded(encoder, [photo.path for photo in photos])
    found = {"alone": accuracies(ranks(queries, gallery, truth))}
    if products:
        more = np.concatenate([gallery, embedded(encoder, list_files([products], PHOTO_SUFFIXES).files)])
        found["among products"] = accuracies(ranks(queries, more, truth))
    return found


def accuracies(ranks: np.ndarray) -> dict[str, float]:
    return {f"acc@{k}": round(acc_at(ranks, k), 1) for k in (1, 5, 10)} | {"queries": len(ranks)}


def embedded(encoder: Encoder, paths: Sequence[Path]) -> np.ndarray:
    """Photos as F embeds them: float32 (n, d)."""

    def decoded(path: Path) -> np.ndarray:
        return read_pixels(path.read_bytes(), str(path), encoder.spec.image_size)

    with ThreadPoolExecutor(2) as pool:
        starts = range(0, len(paths), BATCH)
        batches = (np.stack(list(pool.map(decoded, paths[start : start + BATCH]))) for start in starts)
        return np.concatenate([encoder.photos(pixels) for pixels in batches])


if __name__ == "__main__":
    main()

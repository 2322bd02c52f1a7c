"""What other settings of `features` would find: python -m benchmarks.trunks CHAIRV2.

CHAIRV2 is the folder of QMUL's ChairV2 (layout sketchx). Its training and validation photos are cut into five parts: F
takes its statistics and axes from three, and learns from their pairs; a fourth chooses the epoch; the sketches of the
fifth ask for their photos among its own. So the test photos choose nothing.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.photos import read_pixels
from fgsbir.data.readers.sketchx import read_sketchx
from fgsbir.data.records import Source
from fgsbir.data.strokes import mirrored
from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.features.extraction import BATCH, Reader
from fgsbir.features.pictures import KeptInputs
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.trunk import build_trunk, depth_of, tap_channels
from fgsbir.features.weights import PACKAGED
from fgsbir.retrieval.encoder import embed_inputs
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import HumanPairs, PairStream
from fgsbir.retrieval.ranking import ranks
from fgsbir.retrieval.training import RetrievalSettings, pooled_rows, start_head, train_retrieval
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.streams import seed_weights
from fgsbir.search.searcher import computing
from pipeline.params import load

PARTS = 5
TRACE_TOLERANCE = 1.0
# What differs from params.yaml; all are compared with the first.
CHANGES: dict[str, dict[str, object]] = {
    "as in params.yaml": {},
    "192 pixels": {"image_size": 192},
    "256 pixels": {"image_size": 256},
    "288 pixels": {"image_size": 288},
    "320 pixels": {"image_size": 320},
    "3 x 3 places": {"places": 3},
    "5 x 5 places": {"places": 5},
    "6 x 6 places": {"places": 6},
    "blocks 10 and 15": {"taps": (10, 15)},
    "blocks 12 and 17": {"taps": (12, 17)},
    "blocks 10, 12 and 15": {"taps": (10, 12, 15)},
    "lines of 2 pixels": {"line_width": 2.0},
    "lines of 4 pixels": {"line_width": 4.0},
    "lite0, blocks 9 and 11": {"trunk": "tf_efficientnet_lite0", "taps": (9, 11), "map_block": 7},
}


class Found(NamedTuple):
    """Whether each sketch finds its photo first, by nothing trained and after training: bool (q,); and its photo."""

    start: np.ndarray
    trained: np.ndarray
    photo: np.ndarray


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trunks", description=__doc__.partition(":")[0])
    parser.add_argument("chairs", type=Path, metavar="CHAIRV2", help="folder of ChairV2")
    parser.add_argument("--only", nargs="+", choices=CHANGES, default=[*CHANGES], help="of these")
    options = parser.parse_args(arguments)
    source = read_sketchx(options.chairs, TRACE_TOLERANCE)
    usual = None
    sys.stdout.write("| | nothing trained | trained |\n|---|---|---|\n")
    for name in dict.fromkeys([next(iter(CHANGES)), *options.only]):
        found = measure(source, CHANGES[name])
        usual = usual or found
        cells = [difference(*pair, found.photo) for pair in zip(found[:2], usual[:2], strict=True)]
        sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


def difference(found: np.ndarray, usual: np.ndarray, photo: np.ndarray) -> str:
    """acc@1 in percent, and by how much it is above the usual one, with the 95 % interval over photos."""
    mean = f"{100 * found.mean():.1f}"
    if found is usual:
        return mean
    above = cluster_bootstrap((100.0 * (found * 1.0 - usual))[:, None], photo)
    return f"{mean} ({above.mean[0]:+.1f} [{above.low[0]:.1f}, {above.high[0]:.1f}])"


def measure(source: Source, changes: dict[str, object]) -> Found:
    """Read all pictures once, then train and search in each of the parts."""
    params, compute = load(Path("params.yaml")), computing()
    settings = params.pretrain_retrieval
    usual = params.features.model_dump(include=set(FeatureSpec.__dataclass_fields__))
    spec = FeatureSpec(**usual | changes)
    spec = replace(spec, weights_sha256=PACKAGED[spec.trunk].sha256)
    trunk = build_trunk(spec.trunk, depth_of(spec), "package")
    pictures = Pictures.read(source, Reader(trunk, spec, compute))
    order = np.random.default_rng(0).permutation(len(pictures.photos))
    parts = np.array_split(order, PARTS)

    found = []
    for number in range(PARTS):
        test, validation, *learned = parts[number:] + parts[:number]
        seed_weights(0, "retrieval")
        model = RetrievalModel(
            spec=spec.as_json(),
            channels=tap_channels(trunk, spec),
            embedding_dim=settings.embedding_dim,
            mirror=settings.mirror,
        )
        pairs, asked = pictures.pairs(np.concatenate(learned)), pictures.pairs(test)
        start_head(
            model,
            pooled_rows(model, pairs.photos, compute),
            pooled_rows(model, pairs.sketches, compute),
            whitening=settings.whitening,
        )
        start = finds(model, asked)
        with TemporaryDirectory() as scratch:
            train_retrieval(
                compute,
                model,
                PairStream(pairs, settings.batch_size, 0, "retrieval/pairs"),
                RetrievalValidation(pictures.pairs(validation), compute),
                RetrievalObjective(**settings.of(RetrievalObjective)),
                RetrievalSettings(**settings.of(RetrievalSettings), log_interval=params.runtime.log_interval),
                scratch=Scratch(Path(scratch)),
            )
        found.append(Found(start, finds(model, asked), test[asked.truth]))
    return Found(*map(np.concatenate, zip(*found, strict=True)))


def finds(model: RetrievalModel, pairs: HumanPairs) -> np.ndarray:
    """Whether each sketch finds its photo first among those of ``pairs``: bool (q,)."""
    sides = ((pairs.sketches, "sketch"), (pairs.photos, "photo"))
    queries, gallery = (embed_inputs(model, inputs, side, computing()).numpy() for inputs, side in sides)
    return ranks(queries, gallery, pairs.truth) == 1


class Pictures(NamedTuple):
    """Taps of n photos and of all their sketches, each beside its mirror image's; ``first`` as of a HumanPairs."""

    photos: list[str]
    of_photos: Tensor
    of_sketches: Tensor
    first: np.ndarray

    @classmethod
    def read(cls, source: Source, reader: Reader) -> "Pictures":
        """Those that F may learn from or be chosen by."""
        photos = sorted((photo for photo in source.photos if photo.split in ("train", "val")), key=attrgetter("id"))
        sketches = [[sketch.strokes for sketch in source.sketches if sketch.photo_id == photo.id] for photo in photos]
        shown = [read_pixels(photo.path.read_bytes(), photo.id, reader.spec.image_size) for photo in photos]
        batches = [np.stack(shown[start : start + BATCH]) for start in range(0, len(shown), BATCH)]
        drawn = list(chain.from_iterable(sketches))
        return cls(
            [photo.id for photo in photos],
            torch.stack(
                [torch.cat([reader.photos(form(batch)).taps for batch in batches]) for form in (np.array, flipped)]
            ),
            torch.stack([reader.sketches(form).taps for form in (drawn, [mirrored(each) for each in drawn])]),
            np.cumsum([0, *map(len, sketches)]),
        )

    def pairs(self, rows: np.ndarray) -> HumanPairs:
        """The photos ``rows``, int64 (n,), with their sketches."""
        counts = np.diff(self.first)[rows]
        drawn = np.concatenate([np.arange(self.first[row], self.first[row + 1]) for row in rows])
        return HumanPairs(
            [self.photos[row] for row in rows],
            np.zeros(len(rows), np.int64),
            KeptInputs(self.of_photos[:, torch.from_numpy(rows)]),
            np.cumsum([0, *counts]),
            KeptInputs(self.of_sketches[:, torch.from_numpy(drawn)]),
            variants=1,
        )


def flipped(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels[:, :, ::-1])


if __name__ == "__main__":
    main()

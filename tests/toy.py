"""A set of a dozen drawn shapes, read by the first blocks of a small trunk: what every training is tested on."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from fgsbir.data.edges import write_edges
from fgsbir.data.records import Photo, Sketch, Source
from fgsbir.data.selection import TrainingSplit, training_split
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.data.strokes import join_strokes
from fgsbir.features.extraction import Reader, write_features
from fgsbir.features.pictures import Level, Pictures
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import FeatureStore, layout_of
from fgsbir.features.trunk import packaged_trunk, tap_channels
from fgsbir.features.weights import PACKAGED
from fgsbir.generator.contour_model import ContourGenerator
from fgsbir.generator.model import Generator
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.training import pooled_rows, start_head
from fgsbir.runtime.compute import Compute

SIZE = 64
SPLITS = ["train"] * 6 + ["val"] * 3 + ["unlabelled"] * 5
TRUNK = "tf_efficientnet_lite0"
# At 64 pixels: 8 x 8 places and 40 channels after block 4, 16 x 16 and 24 after block 2.
SPEC = FeatureSpec(
    trunk=TRUNK,
    weights_sha256=PACKAGED[TRUNK].sha256,
    image_size=SIZE,
    line_width=6.0,
    taps=(2, 4),
    places=2,
    map_block=2,
)
MAP_CHANNELS = 24
FORM = {"simplify": 4.0, "max_points": 12, "reorder": True}


def shape(number: int, hand: int = 0) -> np.ndarray:
    """Canonical strokes of product ``number`` as drawn by a hand: a polygon and a line through it."""
    rng = np.random.default_rng(number)
    corners, shaky = int(rng.integers(3, 6)), np.random.default_rng([number, hand]).normal(0, 4, (7, 2))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    outline = 128 + rng.uniform(40, 100, (corners, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1)
    line = rng.uniform(40, 216, (2, 2))
    return join_strokes([part + shaky[: len(part)] for part in (outline, line)])


def draw_photo(path: Path, number: int) -> None:
    """A picture of product ``number``."""
    image = Image.new("RGB", (SIZE, SIZE), (235, 240, 230))
    pen, scale = ImageDraw.Draw(image), SIZE / 256
    outline, line = np.split(shape(number)[:, :2] * scale, [len(shape(number)) - 2])
    pen.polygon(outline.ravel().tolist(), fill=tuple(np.random.default_rng(number).integers(40, 160, 3).tolist()))
    pen.line(line.ravel().tolist(), fill=(20, 20, 20), width=2)
    image.save(path)


def write_toy_shards(folder: Path) -> Path:
    """Six labelled photos with two sketches each, three for validation, five unlabelled: all of one category.

    Two shards of unlabelled photos, one of each other split.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = Source()
    for number, split in enumerate(SPLITS):
        path, name = folder / f"{number}.png", f"{split}-{number:02d}"
        draw_photo(path, number)
        source.photos.append(Photo(name, "shape", split, path))
        hands = range(2 if split in ("train", "val") else 0)
        source.sketches += [Sketch(f"{name}-{hand}", name, None, shape(number, hand)) for hand in hands]
    write_shards(source, folder / "shards", name="toy", layout="folder", category="shape", photos_per_shard=6)
    return folder / "shards"


def write_toy_features(shards: Path, out: Path, *, spec: FeatureSpec = SPEC, sketch_maps: bool = True) -> Path:
    """Features of those shards, two variants of each training sketch."""
    trunk, scratch = packaged_trunk(spec), out.with_name(f"{out.name}.scratch")
    reader, layout = Reader(trunk, spec, cpu()), layout_of(trunk, spec, variants=2, sketch_maps=sketch_maps)
    write_features(reader, ShardStore(shards), layout, strength=1.0, scratch=scratch, out=out)
    return out


def write_toy_edges(shards: Path, out: Path) -> Path:
    """The edges in those photos."""
    scratch = out.with_name(f"{out.name}.scratch")
    write_edges(ShardStore(shards), tolerance=4.0, workers=1, processes=cpu(), scratch=scratch, out=out)
    return out


def cpu() -> Compute:
    """One process, float32."""
    return Compute(torch.device("cpu"))


def toy_generator(form: dict[str, Any] | None = None, *, seed: int | None = None, **sizes: Any) -> Generator:
    """A G of the toy set's maps that draws point by point, in evaluation mode; ``sizes`` are arguments of Generator.

    Without a ``seed`` it is of the random numbers that are next.
    """
    if seed is not None:
        torch.manual_seed(seed)
    small = {"encoder_width": 10, "latent": 6, "hidden": 16, "mixtures": 3, "attention": True, "attention_width": 8}
    settings = {"map_channels": MAP_CHANNELS, "pen_position": True} | small | sizes
    model = Generator(spec=SPEC.as_json(), form=FORM | (form or {}), **settings)
    model.offset_scale.fill_(20.0)
    return model.eval()


def toy_chooser(max_points: int = 60) -> ContourGenerator:
    """A G of the toy set's maps that chooses contours."""
    torch.manual_seed(0)
    form = FORM | {"simplify": 2.0, "max_points": max_points}
    return ContourGenerator(spec=SPEC.as_json(), form=form, map_channels=MAP_CHANNELS, hidden=16).eval()


class Toy:
    """The toy set opened: its pictures, its split, and small models of it, always the same ones."""

    def __init__(self, folder: Path, compute: Compute | None = None) -> None:
        self.compute = compute or cpu()
        shards = ShardStore(folder / "shards")
        self.pictures = Pictures(shards, FeatureStore(folder / "features", shards.index), edges=folder / "edges")
        self.split: TrainingSplit = training_split(shards.index, 1.0)

    def retrieval(self, seed: int = 0, level: Level = "taps", mirror: bool = False) -> RetrievalModel:
        """An F with its statistics and its principal axes, untrained."""
        torch.manual_seed(seed)
        trunk, entries = self.pictures.features.trunk(), self.split.labelled
        channels, tuned = tap_channels(trunk, SPEC), {"taps": 0, "map": 2, "pixels": "all"}[level]
        model = RetrievalModel(
            spec=SPEC.as_json(), channels=channels, embedding_dim=8, tuned_blocks=tuned, mirror=mirror
        )
        model.take_trunk(trunk)
        photos = self.pictures.photos(entries, model.level)
        sketches = self.pictures.sketches(entries, [range(2)] * len(entries), model.level)
        rows = [pooled_rows(model, inputs, self.compute) for inputs in (photos, sketches)]
        start_head(model, *rows, whitening=0.5)
        with torch.no_grad():
            model.head.weight.add_(0.01 * torch.randn(model.head.weight.shape))
        return model

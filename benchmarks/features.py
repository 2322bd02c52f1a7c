"""The stage features over four times the photos: its time should grow in proportion."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.ratio import Measured, Ratio, Workload
from fgsbir.data.records import Photo, Source
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.features.extraction import Reader, write_features
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import layout_of
from fgsbir.features.trunk import packaged_trunk
from fgsbir.features.weights import PACKAGED
from fgsbir.runtime.compute import Compute

PHOTOS, DISTINCT, PER_SHARD, TRUNK = 1000, 200, 500, "tf_efficientnet_lite0"


def prepare(work: Workload) -> Callable[[], Measured]:
    """Seconds for four times the photos, against four times the seconds.

    Photos are small, as is what is run of the trunk, so that the stage is measured and not the trunk.
    """
    paths = []
    for entry in [photo for photo in work.store.photos if photo.split == "unlabelled"][:DISTINCT]:
        paths.append(work.new_folder() / "photo.jpg")
        paths[-1].write_bytes(work.store.read_photo(entry))
    few, many = (_repeated(paths, count, work.new_folder()) for count in (PHOTOS, 4 * PHOTOS))
    spec = FeatureSpec(TRUNK, PACKAGED[TRUNK].sha256, image_size=64, line_width=6.0, taps=(2, 4), places=2, map_block=4)
    trunk = packaged_trunk(spec)
    reader = Reader(trunk, spec, Compute(torch.device("cpu")))
    layout = layout_of(trunk, spec, variants=1, sketch_maps=False)

    def seconds(store: ShardStore) -> float:
        folder, start = work.new_folder(), time.perf_counter()
        write_features(reader, store, layout, strength=0.0, scratch=folder / "scratch", out=folder / "features")
        return time.perf_counter() - start

    return lambda: Measured(seconds(many), 4 * seconds(few))


def _repeated(paths: list[Path], count: int, folder: Path) -> ShardStore:
    """Shards of ``count`` unlabelled photos, the same ones over and over."""
    chosen = itertools.islice(itertools.cycle(paths), count)
    source = Source([Photo(f"p{row:07d}", "chair", "unlabelled", path) for row, path in enumerate(chosen)])
    write_shards(source, folder / "shards", name="repeated", layout="folder", category=None, photos_per_shard=PER_SHARD)
    return ShardStore(folder / "shards")


RATIO = Ratio("features of 4,000 photos / four times those of 1,000", 1.1, prepare, speed=False)

"""The stage features over ever more photos: its time should grow in proportion, and its memory stay flat.

``python -m benchmarks.scale [--photos 12500 …]`` prints a table. Photos of the set are repeated under other ids, and
are small, as is what is run of the trunk, so that the stage is measured and not the trunk.
"""

import argparse
import itertools
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.ratio import Measured, Ratio, Workload, machine
from fgsbir.data.records import Photo, Source
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.features.extraction import Reader, write_features
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import layout_of
from fgsbir.features.trunk import packaged_trunk
from fgsbir.features.weights import PACKAGED
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.memory import keep_freed_memory

PHOTOS, DISTINCT, PER_SHARD, TRUNK = 1000, 200, 500, "tf_efficientnet_lite0"
SPEC = FeatureSpec(TRUNK, PACKAGED[TRUNK].sha256, image_size=64, line_width=6.0, taps=(2, 4), places=2, map_block=4)


def repeated(shards: Path, count: int, folder: Path) -> Path:
    """Shards in ``folder`` of ``count`` unlabelled photos, those of ``shards`` over and over."""
    with ShardStore(shards) as store:
        originals = [store.read_photo(photo) for photo in store.photos if photo.split == "unlabelled"][:DISTINCT]
    paths = [folder / f"{number}.jpg" for number in range(len(originals))]
    for path, data in zip(paths, originals, strict=True):
        path.write_bytes(data)
    chosen = itertools.islice(itertools.cycle(paths), count)
    source = Source([Photo(f"p{row:07d}", "chair", "unlabelled", path) for row, path in enumerate(chosen)])
    write_shards(source, folder / "shards", name="repeated", layout="folder", category=None, photos_per_shard=PER_SHARD)
    return folder / "shards"


def seconds(shards: Path, folder: Path) -> float:
    """Seconds of the stage on ``shards``, in an empty ``folder``."""
    store, trunk = ShardStore(shards), packaged_trunk(SPEC)
    reader = Reader(trunk, SPEC, Compute(torch.device("cpu")))
    layout = layout_of(trunk, SPEC, variants=1, sketch_maps=False)
    start = time.perf_counter()
    write_features(reader, store, layout, strength=0.0, scratch=folder / "scratch", out=folder / "features")
    return time.perf_counter() - start


def prepare(work: Workload) -> Callable[[], Measured]:
    """Seconds for four times the photos, against four times the seconds."""
    few, many = (repeated(work.store.folder, count, work.new_folder()) for count in (PHOTOS, 4 * PHOTOS))
    return lambda: Measured(seconds(many, work.new_folder()), 4 * seconds(few, work.new_folder()))


RATIO = Ratio("features of 4,000 photos / four times those of 1,000", 1.1, prepare, speed=False)


def measure(shards: Path, folder: Path) -> tuple[float, float]:
    """Seconds of the stage, and this process's largest memory beyond what it began with, MiB."""
    keep_freed_memory()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds(shards, folder), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, nargs="+", default=[12_500, 25_000, 50_000, 100_000])
    parser.add_argument("--shards", type=Path, default=Path("data/shards"), help="data (%(default)s)")
    options = parser.parse_args(arguments)
    sys.stdout.write("| photos | seconds | photos/s | memory beyond the start, MiB |\n|---|---|---|---|\n")
    for photos in options.photos:
        spawn = multiprocessing.get_context("spawn")
        with TemporaryDirectory() as folder, ProcessPoolExecutor(1, mp_context=spawn) as alone:
            shards = repeated(options.shards, photos, Path(folder))
            taken, memory = alone.submit(measure, shards, Path(folder)).result()
        sys.stdout.write(f"| {photos:,} | {taken:.1f} | {photos / taken:.0f} | {memory:.0f} |\n")
    sys.stdout.write("\n" + machine("float32"))


if __name__ == "__main__":
    main()

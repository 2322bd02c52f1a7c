"""The stage features over ever more photos: time and memory. ``python -m benchmarks.scale [--photos 12500 …]``.

Photos of the default set (``data/shards``) are repeated under other ids, at a small picture size and with the first
blocks of a small trunk, so that what is measured is the stage and not the trunk. The slope should be linear in the
photos, and memory flat. A table goes to standard output.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine
from fgsbir.data.records import Photo, Source
from fgsbir.data.selection import training_split
from fgsbir.data.shards import ShardStore, write_shards

PHOTOS = (12_500, 25_000, 50_000, 100_000)
PER_SHARD = 1000


def repeated(originals: list[bytes], photos: int, folder: Path) -> Path:
    """Shards of ``photos`` unlabelled photos, the originals over and over."""
    folder.mkdir(parents=True)
    paths = []
    for number, data in enumerate(originals):
        paths.append(folder / f"{number}.jpg")
        paths[-1].write_bytes(data)
    source = Source([Photo(f"p{row:07d}", "chair", "unlabelled", paths[row % len(paths)]) for row in range(photos)])
    write_shards(source, folder / "shards", name="repeated", layout="folder", category=None, photos_per_shard=PER_SHARD)
    return folder / "shards"


def measure(shards: Path, work: Path, answer: "multiprocessing.Queue[tuple[float, float]]") -> None:
    """Seconds of the stage on ``shards``, and the process's largest memory beyond what it began with, MiB."""
    import torch

    from fgsbir.features.extraction import Reader, write_features
    from fgsbir.features.spec import FeatureSpec
    from fgsbir.features.store import layout_of
    from fgsbir.features.trunk import packaged_trunk
    from fgsbir.features.weights import PACKAGED
    from fgsbir.runtime.compute import Compute
    from fgsbir.runtime.memory import keep_freed_memory

    keep_freed_memory()
    name = "tf_efficientnet_lite0"
    spec = FeatureSpec(name, PACKAGED[name].sha256, image_size=64, line_width=6.0, taps=(2, 4), places=2, map_block=4)
    trunk, store = packaged_trunk(spec), ShardStore(shards)
    reader, layout = (
        Reader(trunk, spec, Compute(torch.device("cpu"))),
        layout_of(trunk, spec, variants=1, sketch_maps=False),
    )
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    write_features(reader, store, layout, strength=0.0, scratch=work / "scratch", out=work / "features")
    answer.put((time.perf_counter() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def main() -> None:
    """Measure each number of photos in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, nargs="+", default=PHOTOS)
    asked = parser.parse_args()
    with ShardStore(Path("data/shards")) as store:
        entries = training_split(store.index, 1.0).unlabelled[:200]
        originals = [store.read_photo(entry) for entry in entries]
    lines = ["| photos | seconds | photos/s | memory beyond the start, MiB |", "|---|---|---|---|"]
    context = multiprocessing.get_context("spawn")
    for photos in asked.photos:
        with tempfile.TemporaryDirectory() as folder:
            shards, answer = repeated(originals, photos, Path(folder, "set")), context.Queue()
            process = context.Process(target=measure, args=(shards, Path(folder, "work"), answer))
            process.start()
            seconds, memory = answer.get()
            process.join()
        lines.append(f"| {photos:,} | {seconds:.1f} | {photos / seconds:.0f} | {memory:.0f} |")
    lines += ["", *(f"* {name}: {value}" for name, value in machine("float32").items())]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

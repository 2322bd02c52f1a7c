"""What is measured over ever more photos: each part prepares, and returns what is timed and the folder that it fills.

The photos are 200 of the set, over and over under other ids, each file with some bytes of its own. Where the trunk
would be measured and not the stage, pictures are read at 64 pixels by the first blocks of a small one.
"""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.vectors import Prepared, inverted_file, search_approximate, search_exact
from fgsbir.data.edges import write_edges
from fgsbir.data.index import PhotoEntry, Shard, make_index, read_index, write_index
from fgsbir.data.intake import Intake
from fgsbir.data.leaks import VIEW, LeakGuard, Look
from fgsbir.data.photos import read_pixels
from fgsbir.data.records import Photo, Sketch, Source, Split
from fgsbir.data.selection import training_split
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.features.extraction import Reader, write_features
from fgsbir.features.pictures import Pictures
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.store import FeatureStore, layout_of
from fgsbir.features.trunk import map_shape, packaged_trunk, tap_channels
from fgsbir.features.weights import PACKAGED
from fgsbir.generator.model import Generator
from fgsbir.joint.drawing import by_generator, draw_photos
from fgsbir.ready import READY_MODEL
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import PairStream, human_pairs
from fgsbir.retrieval.training import retrieval_loss
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.model_folder import save_model
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import computing

DISTINCT, PER_SHARD = 200, 500
TRUNK = "tf_efficientnet_lite0"
SPEC = FeatureSpec(TRUNK, PACKAGED[TRUNK].sha256, image_size=64, line_width=6.0, taps=(2, 4), places=2, map_block=4)
# Of 50 photos so many are held out, and so many have a sketch; their pictures are others than those of the rest.
SPLITS: tuple[Split, ...] = ("val", "test", *["train"] * 8, *["unlabelled"] * 40)
# Of the photos whose looks are compared one in so many is held out.
HELD_OUT = 10


def originals(shards: Path) -> tuple[list[bytes], list[np.ndarray]]:
    """Photos of the set ``shards``, and sketches."""
    with ShardStore(shards) as store:
        photos = [store.read_photo(photo) for photo in store.photos][:DISTINCT]
        drawn = itertools.islice((store.read_strokes(photo)[0] for photo in store.photos if photo.sketches), DISTINCT)
        return photos, list(drawn)


def files(shards: Path, folder: Path, count: int) -> list[Path]:
    """``count`` photos as files in folders of a thousand; the bytes of each are its own."""
    photos, _ = originals(shards)
    paths = [folder / f"{number // 1000:05d}" / f"{number:08d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if number % 1000 == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photos[number % len(photos)] + b"%d" % number)
    return paths


def source_of(shards: Path, folder: Path, count: int) -> Source:
    """``count`` photos in all splits, with sketches; held-out ones show other things than the rest."""
    photos, drawn = originals(shards)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(len(photos))]
    for path, data in zip(paths, photos, strict=True):
        path.write_bytes(data)
    held, source = max(1, len(paths) // 5), Source()
    for row in range(count):
        split = SPLITS[row % len(SPLITS)]
        mine = paths[:held] if split in ("val", "test") else paths[held:]
        source.photos.append(Photo(f"p{row:08d}", "chair", split, mine[row // len(SPLITS) % len(mine)]))
        if split != "unlabelled":
            source.sketches.append(Sketch(f"s{row:08d}", f"p{row:08d}", None, drawn[row % len(drawn)]))
    return source


def write_set(source: Source, out: Path) -> None:
    """As the stage shard."""
    guard = LeakGuard(hash_bits=6, correlation=0.98)
    intake = Intake(source, category="chair", max_megapixels=50.0, lenient=False, guard=guard)
    write_shards(source, out, name="n", layout="folder", category="chair", photos_per_shard=PER_SHARD, read=intake.read)


def shards_of(shards: Path, work: Path, count: int) -> Path:
    """The set of ``count`` photos, made if it is not there."""
    out = work / f"shards-{count}"
    if not out.exists():
        write_set(source_of(shards, work / "originals", count), out)
    return out


def alone() -> Compute:
    """One process, float32."""
    return Compute(torch.device("cpu"))


def run_features(shards: Path, reader: Reader, scratch: Path, out: Path) -> None:
    """As the stage features."""
    layout = layout_of(reader.trunk, SPEC, variants=1, sketch_maps=False)
    write_features(reader, ShardStore(shards), layout, strength=0.0, scratch=scratch, out=out)


def small_reader(compute: Compute | None = None) -> Reader:
    """The small trunk; reading its weights takes a second, whatever the number of photos."""
    return Reader(packaged_trunk(SPEC), SPEC, compute or alone())


def pictures_of(shards: Path, work: Path, count: int) -> Pictures:
    """The set of ``count`` photos with its features, made if they are not there."""
    folder, out = shards_of(shards, work, count), work / f"features-{count}"
    if not out.exists():
        run_features(folder, small_reader(), work / "scratch", out)
    store = ShardStore(folder)
    return Pictures(store, FeatureStore(out, store.index))


def shard(shards: Path, work: Path, count: int) -> Prepared:
    """Decoding, the leak guard and writing archives, of 256 pixels."""
    source, out = source_of(shards, work / "originals", count), work / f"shards-{count}"
    return Prepared(lambda: write_set(source, out), out)


def features(shards: Path, work: Path, count: int) -> Prepared:
    """Reading archives and storing features, with a small trunk."""
    folder, reader, out = shards_of(shards, work, count), small_reader(), work / f"features-{count}"
    return Prepared(lambda: run_features(folder, reader, work / "scratch", out), out)


def shared_features(processes: int) -> Callable[[Path, Path, int], Prepared]:
    """The same by ``processes`` of torchrun: the longest time, all CPU-seconds, and the most memory of one."""

    def prepare(shards: Path, work: Path, count: int) -> Prepared:
        folder, out, took = shards_of(shards, work, count), work / "shared", list[dict[str, float]]()
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command += ["-m", "benchmarks.shared", *map(str, (folder, work / "scratch", out))]

        def run() -> None:
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            took.extend(json.loads(line) for line in said.splitlines() if line.startswith("{"))

        def facts() -> dict[str, float]:
            each = {name: [one[name] for one in took] for name in ("seconds", "cpu_seconds", "peak_mib")}
            most = {name: max(each[name]) for name in ("seconds", "peak_mib")}
            return most | {"cpu_seconds": sum(each["cpu_seconds"]), "processes": len(took)}

        return Prepared(run, out, facts)

    return prepare


def edges(shards: Path, work: Path, count: int) -> Prepared:
    """Edges of all photos, by one worker."""
    folder, out = shards_of(shards, work, count), work / "edges"
    options = {"tolerance": 4.0, "workers": 1, "scratch": work / "scratch", "out": out}
    return Prepared(lambda: write_edges(ShardStore(folder), processes=alone(), **options), out)


def pseudo(shards: Path, work: Path, count: int) -> Prepared:
    """A sketch of each unlabelled photo by a small G, read by the small trunk."""
    pictures_of(shards, work, count)
    reader = small_reader()
    torch.manual_seed(0)
    sizes = {"encoder_width": 10, "latent": 6, "hidden": 16, "mixtures": 3, "attention": True}
    form = {"simplify": 4.0, "max_points": 24, "reorder": True}
    channels = map_shape(reader.trunk, SPEC)[0]
    g = Generator(
        spec=SPEC.as_json(), form=form, map_channels=channels, pen_position=True, attention_width=8, **sizes
    ).eval()
    g.offset_scale.fill_(20.0)

    def run() -> None:
        pictures = pictures_of(shards, work, count)
        entries = training_split(pictures.shards.index, 1.0).unlabelled
        drawer = by_generator(
            g,
            pictures.photos(entries, g.level),
            np.arange(len(entries)),
            "generator",
            samples=1,
            temperature=1.0,
            seed=0,
            compute=reader.compute,
        )
        draw_photos([entry.id for entry in entries], [drawer], reader, maps=False, scratch=work / "drawn")

    return Prepared(run, work / "drawn")


def train(shards: Path, work: Path, count: int) -> Prepared:
    """An epoch of F's head on stored features, of the training photos that have sketches, 8 of 50."""
    pictures_of(shards, work, count)
    trunk, compute = packaged_trunk(SPEC), alone()
    model = RetrievalModel(spec=SPEC.as_json(), channels=tap_channels(trunk, SPEC), embedding_dim=64)
    objective, numbers = RetrievalObjective("info_nce", 0.3, 0.05), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.head.parameters())  # the first one imports torch's compiler, for seconds

    def run() -> None:
        pictures = pictures_of(shards, work, count)
        entries = training_split(pictures.shards.index, 1.0).labelled
        stream = PairStream(human_pairs(pictures, entries, model.level), 32, 0, "scale")
        for step in range(len(entries) // 32):
            loss = retrieval_loss(compute, model, stream.batch(step), objective, None, numbers)
            compute.descend(optimizer, model, loss)

    return Prepared(run)


def trunk(shards: Path, work: Path, count: int) -> Prepared:
    """Photos through the ready model's trunk, once each, decoded before."""
    del work
    encoder = Encoder.load(READY_MODEL, computing())
    photos, size = originals(shards)[0], encoder.spec.image_size
    pixels = np.stack([read_pixels(photo, "photo", size) for photo in photos[:32]])

    def run() -> None:
        for _ in range(0, count, len(pixels)):
            encoder.pooled_photos(pixels)

    return Prepared(run)


def leaks(shards: Path, work: Path, count: int) -> Prepared:
    """Comparing looks, without decoding: random hashes, a tenth of them held out."""
    rng = np.random.default_rng(0)
    views = rng.integers(0, 256, (2, VIEW, VIEW, 3), dtype=np.uint8)
    hashes = rng.integers(0, 2**64, (count, 4), dtype=np.uint64)

    def run() -> None:
        guard = LeakGuard(hash_bits=6, correlation=0.98)
        order = sorted(range(count), key=lambda row: row % HELD_OUT > 0)
        for row in order:
            split: Split = "unlabelled" if row % HELD_OUT else "test"
            look = Look(b"%032d" % row, views, hashes[row])
            assert guard.leak(Photo(str(row), "chair", split, Path(str(row))), look) is None

    return Prepared(run)


def index(shards: Path, work: Path, count: int) -> Prepared:
    """``fgsbir index`` of files, with a small trunk."""
    folder, out, model_at = work / f"files-{count}", work / "index", work / "model"
    files(shards, folder, count)
    trunk = packaged_trunk(SPEC)
    model = RetrievalModel(spec=SPEC.as_json(), channels=tap_channels(trunk, SPEC), embedding_dim=512)
    model.take_trunk(trunk)
    save_model(model_at, model, details={})
    return Prepared(lambda: index_photos([folder], model_at, out), out)


def listing(shards: Path, work: Path, count: int) -> Prepared:
    """Reading the index of a set."""
    del shards
    sizes = np.diff([*range(0, count, 1000), count]).tolist()
    tars = [
        Shard(f"unlabelled-{place:05d}.tar", "unlabelled", "0" * 64, 10**9, size, 0) for place, size in enumerate(sizes)
    ]
    photos = [
        PhotoEntry(
            f"unlabelled/{row:08d}", f"{row}", "chair", "unlabelled", False, tars[row // 1000].file, (0, 9), None, ()
        )
        for row in range(count)
    ]
    out = work / f"listing-{count}"
    out.mkdir(exist_ok=True)
    write_index(make_index(name="n", layout="folder", category=None, shards=tars, photos=photos), out)
    del photos
    size = sum(file.stat().st_size for file in out.iterdir())
    return Prepared(lambda: read_index(out), facts=lambda: {"bytes": size})


# Each part, and the largest number of photos that it is measured with unless more are asked for by its name.
PARTS: dict[str, tuple[Callable[[Path, Path, int], Prepared], int]] = {
    "shard": (shard, 10**5),
    "features": (features, 10**5),
    "features, 2 processes": (shared_features(2), 10**4),
    "features, 3 processes": (shared_features(3), 10**4),
    "edges": (edges, 10**4),
    "pseudo": (pseudo, 10**5),
    "train": (train, 10**5),
    "trunk": (trunk, 10**3),
    "leaks": (leaks, 10**5),
    "index": (index, 10**5),
    "listing": (listing, 10**6),
    "search exact": (search_exact, 10**7),
    "inverted file": (inverted_file, 10**7),
    "search approximate": (search_approximate, 10**7),
}

"""Searching one's own photos: a query, indexing, and an index of a million photos, each against its bare minimum."""

import shutil
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.ratio import Measured, Ratio, Workload, alternate, unit_vectors
from fgsbir.data.atomic import write_json
from fgsbir.data.photos import decode_photo
from fgsbir.data.pixels import sketch_tensor
from fgsbir.features.extraction import Reader
from fgsbir.ready import READY_MODEL
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config
from fgsbir.search.gallery import FORMAT, INDEX, MODEL, Gallery, Photos, write_photos
from fgsbir.search.index_parts import BATCH
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher, computing

FEW, MANY, INDEXED = 1_000, 1_000_000, 400
FOUND = 10


def query(work: Workload) -> Callable[[], Measured]:
    """Drawing a sketch, embedding it and finding ten of a thousand photos, against the trunk's forward pass."""
    sketch = next(work.store.read_strokes(photo)[0] for photo in work.store.photos if photo.sketches)
    searcher = Searcher.open(index_of_nothing(work.new_folder(), FEW))
    model, compute = searcher.encoder.model, searcher.encoder.compute
    images = sketch_tensor(torch.from_numpy(model.spec.rasterise([sketch])).to(compute.device)).contiguous()

    def forward() -> None:
        with compute.scoring(model.trunk):
            model.trunk(images, model.spec)

    return lambda: alternate(lambda: searcher.search(sketch, FOUND), forward, times=50)


def indexing(work: Workload) -> Callable[[], Measured]:
    """Indexing a folder of photos, against decoding the same files and passing them through the trunk."""
    folder = work.new_folder()
    photos = [photo for photo in work.store.photos if photo.split != "unlabelled"][:INDEXED]
    paths = [folder / f"{number:05d}.jpg" for number in range(len(photos))]
    for path, photo in zip(paths, photos, strict=True):
        path.write_bytes(work.store.read_photo(photo))
    model, compute = load_model(READY_MODEL, RetrievalModel), computing()
    reader = Reader(model.trunk, model.spec, compute)

    def index() -> None:
        # In a new folder, where nothing of the last time is known.
        index_photos([folder], READY_MODEL, work.new_folder() / "index")

    def bare() -> None:
        for start in range(0, len(paths), BATCH):
            data = [path.read_bytes() for path in paths[start : start + BATCH]]
            reader.photos(np.stack([decode_photo(one, model.spec.image_size) for one in data]))

    return lambda: alternate(index, bare, times=1)


def many(work: Workload) -> Callable[[], Measured]:
    """Finding ten of a million photos, exactly, against the product of the query with all of them."""
    gallery = Gallery(index_of_nothing(work.new_folder(), MANY))
    rows, asked = gallery.embeddings, np.array(gallery.embeddings[0])
    return lambda: alternate(lambda: gallery.nearest(asked, FOUND), lambda: rows @ asked, times=5)


def opening(work: Workload) -> Callable[[], Measured]:
    """Opening an index of a million photos, against one second."""
    folder = index_of_nothing(work.new_folder(), MANY)
    return lambda: Measured(timeit.timeit(lambda: Gallery(folder), number=1), 1.0)


def index_of_nothing(folder: Path, photos: int) -> Path:
    """An index by the ready model of random unit vectors, of photos that are not there; returns ``folder``."""
    shutil.copytree(READY_MODEL, folder / MODEL)
    config = read_config(READY_MODEL)
    dimensions = int(config["architecture"]["embedding_dim"])
    hashes = np.zeros((photos, 32), np.uint8)
    hashes[:, :8] = np.arange(photos, dtype=">u8").view(np.uint8).reshape(-1, 8)
    write_photos(folder, Photos(hashes, [b"photo.jpg"] * photos, unit_vectors(0, photos, dimensions), None))
    about = {"format": FORMAT, "photos": photos, "dimensions": dimensions, "model": config["sha256"], "adaptive": None}
    write_json(folder / INDEX, about | {"precision": computing().precision, "skipped": {}})
    return folder


QUERY = Ratio("a query among 1,000 photos / the trunk's forward pass", 1.10, query, speed=False)
INDEXING = Ratio("decoding photos and passing them through the trunk / indexing them", 0.85, indexing)
NEAREST = Ratio("ten of a million photos / matrix product", 2.0, many, speed=False)
OPENING = Ratio("opening an index of a million photos / 1 s", 1.0, opening, speed=False)

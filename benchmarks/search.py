"""Searching one's own photos: a query, indexing, and an index of a million photos, each against its bare minimum."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.workload import Workload
from fgsbir.data.atomic import write_json
from fgsbir.data.photos import decode_photo
from fgsbir.data.pixels import photo_tensor, sketch_rasters, sketch_tensor
from fgsbir.retrieval.embedding import scoring
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config, save_model
from fgsbir.search.encoder import BATCH
from fgsbir.search.gallery import FORMAT, INDEX, MODEL, Gallery, Photos, write_photos
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher

CPU = torch.device("cpu")
FEW, MANY, INDEXED = 1_000, 1_000_000, 400
FOUND = 10


def query(work: Workload, settings: Mapping[str, Any]) -> Callable[[], Measured]:
    """Drawing a sketch, embedding it and finding ten of a thousand photos, against the forward pass of the model as
    its folder holds it.
    """
    sketch = next(strokes for choice in work.pairs(8).sketches for strokes in choice)
    # Kept as long as the round that is returned: the index is mapped.
    temporary = TemporaryDirectory()
    folder = Path(temporary.name)
    changed = work.params.pretrain_retrieval.model_copy(update=dict(settings))
    untrained_index(folder, replace(work, params=work.params.model_copy(update={"pretrain_retrieval": changed})), FEW)
    searcher = Searcher.open(folder)
    model = load_model(folder / MODEL, RetrievalModel)
    images = sketch_tensor(torch.from_numpy(sketch_rasters([sketch], model.image_size, changed.line_width)))

    def forward() -> None:
        with torch.inference_mode():
            model(images)

    def round() -> Measured:
        assert temporary
        return alternate(lambda: searcher.search(sketch, FOUND), forward, device=CPU, times=50)

    return round


def indexing(work: Workload) -> Callable[[], Measured]:
    """Indexing a folder of photos, against decoding and embedding the same files one after the other."""
    temporary = TemporaryDirectory()
    folder = Path(temporary.name)
    photos = [photo for photo in work.store.index.photos if photo.split != "unlabelled"][:INDEXED]
    (folder / "photos").mkdir()
    for number, photo in enumerate(photos):
        (folder / "photos" / f"{number:05d}.jpg").write_bytes(work.store.read_photo(photo))
    model, _ = untrained(folder / MODEL, work)
    paths = sorted((folder / "photos").iterdir())

    def index() -> None:
        # Nothing of the last time is known.
        with TemporaryDirectory() as out:
            index_photos([folder / "photos"], folder / MODEL, Path(out) / "index")

    def bare() -> None:
        with scoring(model, CPU, "float32"):
            for start in range(0, len(paths), BATCH):
                data = [path.read_bytes() for path in paths[start : start + BATCH]]
                pixels = np.stack([decode_photo(one, model.image_size) for one in data])
                model(photo_tensor(torch.from_numpy(pixels)))

    def round() -> Measured:
        assert temporary
        return alternate(index, bare, device=CPU, times=2)

    return round


def many(work: Workload) -> Callable[[], Measured]:
    """Finding ten of a million photos, exactly, against the product of the query with all of them."""
    temporary = TemporaryDirectory()
    untrained_index(Path(temporary.name), work, MANY)
    gallery = Gallery(Path(temporary.name))
    asked = np.array(gallery.embeddings[0])

    def round() -> Measured:
        assert temporary
        return alternate(lambda: gallery.nearest(asked, FOUND), lambda: gallery.embeddings @ asked, device=CPU, times=5)

    return round


def opening(work: Workload) -> Callable[[], Measured]:
    """Opening an index of a million photos, against one second."""
    temporary = TemporaryDirectory()
    untrained_index(Path(temporary.name), work, MANY)

    def round() -> Measured:
        start = time.perf_counter()
        Gallery(Path(temporary.name))
        return Measured(time.perf_counter() - start, 1.0)

    return round


def untrained(folder: Path, work: Workload) -> tuple[RetrievalModel, str]:
    """F without training, saved to ``folder``, and its SHA-256."""
    model, _ = work.retrieval()
    save_model(folder, model, details={"line_width": work.params.pretrain_retrieval.line_width})
    return model.to(CPU).eval(), read_config(folder)["sha256"]


def untrained_index(folder: Path, work: Workload, photos: int) -> None:
    """An index of unit vectors, of photos that are not there."""
    model, sha256 = untrained(folder / MODEL, work)
    dimensions = model.head.out_features
    rng = np.random.default_rng(work.params.seed)
    embeddings = rng.standard_normal((photos, dimensions), np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    hashes = np.zeros((photos, 32), np.uint8)
    hashes[:, :8] = np.arange(photos, dtype=">u8").view(np.uint8).reshape(-1, 8)
    write_photos(folder, Photos(hashes, [b"photo.jpg"] * photos, embeddings, None))
    about = {"format": FORMAT, "photos": photos, "dimensions": dimensions, "model": sha256, "adaptive": None}
    write_json(folder / INDEX, about | {"skipped": {}})


QUERY, QUERY_OF_PAPER = (
    Ratio(f"a query among 1,000 photos / forward pass, {name}", 1.10, partial(query, settings=settings), speed=False)
    for name, settings in (("default F", {}), ("paper's F", {"backbone": "inception_v3", "image_size": 256}))
)
INDEXING = Ratio("indexing photos / decoding and embedding them", 1.15, indexing, speed=False)
NEAREST = Ratio("ten of a million photos / matrix product", 2.0, many, speed=False)
OPENING = Ratio("opening an index of a million photos / 1 s", 1.0, opening, speed=False)

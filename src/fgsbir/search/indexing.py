"""Making an index: walk folders, embed every photo once, and only those that are new."""

import hashlib
import os
import shutil
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.data.atomic import write_folder, write_json
from fgsbir.data.files import list_files
from fgsbir.data.photos import PHOTO_SUFFIXES, photo_bytes, read_pixels
from fgsbir.data.records import DataError, as_text
from fgsbir.features.store import half
from fgsbir.retrieval.encoder import Encoder
from fgsbir.runtime.model_folder import load_model, read_config
from fgsbir.search.gallery import (
    ADAPTIVE,
    CORRECTIONS,
    FORMAT,
    INDEX,
    MANY,
    MODEL,
    Gallery,
    Photos,
    write_photos,
)
from fgsbir.search.searcher import computing, model_folder

# As in the stage features: the trunk is fastest so.
BATCH = 32
# Photos decoded ahead of the model: enough for all cores, few enough for the memory.
AHEAD = 256


class Indexed(NamedTuple):
    """Counts of the photos in the index, of those embedded now, and of files that are copies of another; each file left
    out with its reason; counts of the kinds of files that are not read. ``left`` counts the files that an interruption
    left undone; None without one.
    """

    photos: int
    new: int
    copies: int
    skipped: dict[str, str]
    others: dict[str, int]
    left: int | None = None


def index_photos(
    roots: Sequence[Path], model: Path, out: Path, *, adaptive: Path | None = None, many: int = MANY
) -> Indexed:
    """Index the photos in the files and folders ``roots`` by the F in ``model``, into the folder ``out``, at once.

    Photos whose bytes an index at ``out`` holds already are not embedded again; those no longer found are dropped;
    one that lies there twice is in it once, with all its paths. ``adaptive`` is the folder of an adaptive
    model whose features are kept beside, so that the index can be searched as adapted to a hand; by default that of
    the index at ``out``, if it has one. More than ``many`` photos are searched by an inverted file. Files that cannot
    be read are left out and listed.

    After KeyboardInterrupt the index holds what is done beside all that it held before; the same call goes on from
    there. Raises DataError where there is no photo, or for an ``out`` that is no index or one by another model; it
    leaves ``out`` unchanged then.
    """
    folder = model_folder(model, "retrieval")
    sha256 = read_config(folder)["sha256"]
    old = Gallery(out) if out.exists() else None
    if old and old.about.model != sha256:
        raise DataError(f"{out}: was made by another model; give another --out, or delete it first")
    encoder = Encoder.load(folder, computing(old.about.precision if old else "bf16"))
    if adaptive is None and old and old.about.adaptive:
        adaptive = old.folder / ADAPTIVE
    adaptive_sha256 = _adaptive(adaptive, encoder) if adaptive else None
    rows: dict[bytes, int] = {}  # of the photos that are known with the features of this adaptive model, by hash
    if old and old.about.adaptive == adaptive_sha256:
        rows = {hash.tobytes(): row for row, hash in enumerate(old.hashes)}

    listing = list_files([root.resolve() for root in roots], PHOTO_SUFFIXES)
    skipped = {skipped.path: f"{skipped.path}: {skipped.reason}" for skipped in listing.skipped}
    found, come_to, interrupted = dict[bytes, list[Path]](), 0, False
    waiting, embeddings, features = (dict[bytes, np.ndarray]() for _ in range(3))

    def embed() -> None:
        pooled = encoder.pooled_photos(np.stack(list(waiting.values())))
        if adaptive:
            features.update(zip(waiting, half(pooled), strict=True))
        embeddings.update(zip(waiting, encoder.from_pooled(pooled), strict=True))
        waiting.clear()

    try:
        with tqdm(desc="indexing", total=len(listing.files), unit=" photos", disable=None) as progress:
            for path, read in _read_all(listing.files, rows, encoder.spec.image_size):
                progress.update()
                come_to += 1
                if isinstance(read, DataError):
                    skipped[as_text(path)] = as_text(read)
                    continue
                hash, pixels = read
                if hash not in found and pixels is not None:
                    waiting[hash] = pixels
                found.setdefault(hash, []).append(path)
                if len(waiting) == BATCH:
                    embed()
            if waiting:
                embed()
    except KeyboardInterrupt:
        if not embeddings or (old and not rows):  # nothing to keep, or features that do not go with the old ones
            raise
        interrupted = True
        known = {hash: old.paths(row) for hash, row in rows.items()} if old else {}
        found = known | {hash: paths for hash, paths in found.items() if hash in embeddings or hash in rows}
    if not found:
        raise DataError(f"{', '.join(map(str, roots))}: expected photos, found none that can be read")

    new, order = len(embeddings), sorted(found)
    for hash in order:
        if old and hash in rows:
            embeddings[hash] = old.embeddings[rows[hash]]
            if old.features is not None:
                features[hash] = old.features[rows[hash]]
    photos = Photos(
        hashes=np.frombuffer(b"".join(order), np.uint8).reshape(-1, 32),
        paths=[b"\0".join(map(os.fsencode, found[hash])) for hash in order],
        embeddings=np.stack([embeddings[hash] for hash in order]),
        features=np.stack([features[hash] for hash in order]) if adaptive else None,
    )
    about = {"format": FORMAT, "photos": len(order), "dimensions": encoder.dimensions, "skipped": skipped}
    about |= {"model": sha256, "adaptive": adaptive_sha256, "precision": encoder.compute.precision}
    with write_folder(out) as partial:
        write_photos(partial, photos, old=old.folder if old else None, many=many)
        shutil.copytree(folder, partial / MODEL)
        if adaptive:
            shutil.copytree(adaptive, partial / ADAPTIVE)
        if (out / CORRECTIONS).is_file():
            shutil.copy(out / CORRECTIONS, partial / CORRECTIONS)
        write_json(partial / INDEX, about)
    copies = sum(map(len, found.values())) - len(order)
    left = len(listing.files) - come_to if interrupted else None
    return Indexed(len(order), new, copies, skipped, dict(listing.others), left)


def _adaptive(folder: Path, encoder: Encoder) -> str:
    """The SHA-256 of an adaptive model, which must read pictures as the F of ``encoder`` does."""
    model = load_model(folder, AdaptiveModel)
    if not model.adapts:
        raise DataError(f"{folder}: expected a model that adapts, as models/adaptive/user/adaptive")
    if encoder.model.level != "taps" or model.retrieval.spec != encoder.spec:
        raise DataError(
            f"{folder}: expected a model on the same stored taps as the other model's, {encoder.spec}, "
            f"found {model.retrieval.spec}"
        )
    return str(read_config(folder)["sha256"])


def _read_all(
    paths: Sequence[Path], known: Container[bytes], size: int
) -> Iterator[tuple[Path, tuple[bytes, np.ndarray | None] | DataError]]:
    """Each path with the photo's hash and its pixels, None if it is known; or with what is wrong with it."""

    def read(path: Path) -> tuple[Path, tuple[bytes, np.ndarray | None] | DataError]:
        try:
            data = photo_bytes(path)
            hash = hashlib.sha256(data).digest()
            return path, (hash, None if hash in known else read_pixels(data, str(path), size))
        except DataError as error:
            return path, error

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for start in range(0, len(paths), AHEAD):
            yield from pool.map(read, paths[start : start + AHEAD])

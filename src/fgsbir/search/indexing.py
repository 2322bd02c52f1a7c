"""Making an index: walk folders, embed every photo once, and only those that are new."""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.data.atomic import write_folder, write_json
from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.features.store import half
from fgsbir.retrieval.encoder import Encoder
from fgsbir.runtime.model_folder import load_model, read_config
from fgsbir.search.files import find_photos, read_file
from fgsbir.search.gallery import ADAPTIVE, FORMAT, INDEX, MODEL, Gallery, Photos, read_index, write_photos
from fgsbir.search.searcher import computing, model_folder

MAX_FILE_BYTES = 256 << 20
# As in the stage features: the trunk is fastest so.
BATCH = 32
# Photos read and decoded ahead of the model: enough for the workers, few enough for the memory.
AHEAD = 256


class Indexed(NamedTuple):
    """What came of it: photos in the index, those of them embedded now, files that are copies of another, and each
    file left out with its reason.
    """

    photos: int
    new: int
    copies: int
    skipped: dict[str, str]


class _Read(NamedTuple):
    path: bytes
    hash: bytes
    pixels: np.ndarray | None  # None: the photo is known


def index_photos(
    roots: Sequence[Path],
    model: Path,
    out: Path,
    *,
    adaptive: Path | None = None,
    workers: int | None = None,
) -> Indexed:
    """Index the photos in the files and folders ``roots`` by the F in ``model``, into the folder ``out``, at once.

    Photos whose bytes an index at ``out`` holds already are not embedded again; those no longer found are dropped;
    one that lies there twice is in it once, under the path that comes first. ``adaptive`` is the folder of an adaptive
    model whose features are kept beside, so that the index can be searched as adapted to a hand; by default that of
    the index at ``out``, if it has one. Files that cannot be read are left out and listed. Raises DataError where
    there is no photo, or for an ``out`` that is no index or one by another model; what stood at ``out`` is then as it
    was.
    """
    folder = model_folder(model, "retrieval")
    sha256 = read_config(folder)["sha256"]
    old = _old(out, sha256)
    encoder = Encoder.load(folder, computing(old.precision if old else "bf16"))
    if adaptive is None and old and old.adaptive_sha256:
        adaptive = old.folder / ADAPTIVE
    adaptive_sha256 = _adaptive(adaptive, encoder) if adaptive else None
    known = {row.tobytes(): number for number, row in enumerate(old.hashes)} if old else {}
    if old and old.adaptive_sha256 != adaptive_sha256:
        known = {}  # without the features of this adaptive model

    paths = find_photos(roots)
    found: dict[bytes, bytes] = {}
    skipped: dict[str, str] = {}
    new: list[bytes] = []
    rows: list[np.ndarray] = []
    features: list[np.ndarray] = []
    waiting: list[_Read] = []

    def embed() -> None:
        pixels = np.stack([read.pixels for read in waiting if read.pixels is not None])
        pooled = encoder.pooled_photos(pixels)
        rows.append(encoder.from_pooled(pooled))
        if adaptive:
            features.append(half(pooled))
        new.extend(read.hash for read in waiting)
        waiting.clear()

    with tqdm(desc="indexing", total=len(paths), unit=" photos", disable=None) as progress:
        for path, read in zip(paths, _read_all(paths, known.keys(), encoder.spec.image_size, workers), strict=True):
            progress.update()
            if isinstance(read, DataError):
                skipped[_text(path)] = _text(read)
            elif read.hash not in found:
                found[read.hash] = read.path
                if read.pixels is not None:
                    waiting.append(read)
                    if len(waiting) == BATCH:
                        embed()
        if waiting:
            embed()
    if not found:
        raise DataError(f"{', '.join(map(str, roots))}: expected photos, found none that can be read")

    order = sorted(found)
    of_old = [hash for hash in order if hash in known]
    kept = np.array([known[hash] for hash in of_old], np.int64)
    place = {hash: number for number, hash in enumerate([*of_old, *new])}
    take = np.array([place[hash] for hash in order])
    photos = Photos(
        hashes=np.frombuffer(b"".join(order), np.uint8).reshape(-1, 32),
        paths=[found[hash] for hash in order],
        embeddings=np.concatenate([*([old.embeddings[kept]] if old else []), *rows])[take],
        features=None
        if adaptive is None
        else np.concatenate([*([old.features[kept]] if old and old.features is not None else []), *features])[take],
    )
    about: dict[str, Any] = {
        "format": FORMAT,
        "photos": len(order),
        "dimensions": encoder.dimensions,
        "model": sha256,
        "adaptive": adaptive_sha256,
        "precision": encoder.compute.precision,
        "skipped": skipped,
    }
    with write_folder(out) as partial:
        write_photos(partial, photos)
        shutil.copytree(folder, partial / MODEL)
        if adaptive:
            shutil.copytree(adaptive, partial / ADAPTIVE)
        write_json(partial / INDEX, about)
    return Indexed(len(order), len(new), len(paths) - len(order) - len(skipped), skipped)


def _adaptive(folder: Path, encoder: Encoder) -> str:
    """The SHA-256 of an adaptive model, which must read pictures as the F of ``encoder`` does."""
    model = load_model(folder, AdaptiveModel)
    if not model.adapts:
        raise DataError(f"{folder}: expected a model that adapts, as models/adaptive/user/ours")
    if encoder.model.level != "taps" or model.retrieval.spec != encoder.spec:
        raise DataError(
            f"{folder}: expected a model on the same stored taps as the other model's, {encoder.spec}, "
            f"found {model.retrieval.spec}"
        )
    return str(read_config(folder)["sha256"])


def _old(out: Path, sha256: str) -> Gallery | None:
    """The index at ``out``, if there is one."""
    if not out.exists():
        return None
    if read_index(out)["model"] != sha256:
        raise DataError(f"{out}: was made by another model; give another --out, or delete it first")
    return Gallery(out)


def _read_all(
    paths: Sequence[Path], known: Sequence[bytes] | Any, size: int, workers: int | None
) -> Iterator[_Read | DataError]:
    """Each path's photo, or what is wrong with it, in the order of ``paths``, decoded in threads a little ahead."""
    ahead: deque[Future[_Read | DataError]] = deque()
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        for path in paths:
            ahead.append(pool.submit(_read, path, known, size))
            if len(ahead) == AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _text(value: object) -> str:
    """A path, or a message with one, as text that any file can hold: names need not be UTF-8."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def _read(path: Path, known: Any, size: int) -> _Read | DataError:
    try:
        data = read_file(path, MAX_FILE_BYTES, "a photo")
        hash = hashlib.sha256(data).digest()
        return _Read(os.fsencode(path), hash, None if hash in known else read_pixels(data, str(path), size))
    except DataError as error:
        return error

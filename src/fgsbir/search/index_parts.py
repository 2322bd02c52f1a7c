"""The work of making an index in parts: processes embed the files of parts in turn, and a merge sorts them by photo."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fgsbir.data.atomic import write_file
from fgsbir.data.cores import available_cores
from fgsbir.data.photos import photo_bytes, read_pixels
from fgsbir.data.records import DataError, as_text
from fgsbir.features.store import half
from fgsbir.retrieval.encoder import Encoder

# Files of a part, which is what a killed process loses; files that are decoded ahead of the model.
FILES, AHEAD = 4096, 256
# As in the stage features: the trunk is fastest so.
BATCH = 32


class Part(NamedTuple):
    """What was found in some files, by their order: ``hashes`` uint8 (n, 32), zeros where ``skipped`` says why.

    ``new`` uint8 (m, 32) are the hashes of those embedded: ``embeddings`` float32 (m, d) and, for an adaptive model,
    ``features`` float16 (m, forms, D), else (m, 0, 0).
    """

    hashes: np.ndarray
    new: np.ndarray
    embeddings: np.ndarray
    features: np.ndarray
    skipped: dict[str, str]


class Work:
    """The part that is in hand, with what is embedded of it so far; ``known`` tells photos that need not be."""

    def __init__(self, encoder: Encoder, known: Callable[[bytes], bool], *, features: bool) -> None:
        self._encoder, self._known, self._features = encoder, known, features
        self._begin()

    def _begin(self) -> None:
        self._hashes, self._skipped = list[bytes](), dict[str, str]()
        self._waiting = dict[bytes, np.ndarray]()
        # Hashes, embeddings and features go together: an interruption finds all three or none.
        self._done = list[tuple[list[bytes], np.ndarray, np.ndarray]]()

    def run(self, files: Sequence[Path], progress: Callable[[], object]) -> Part:
        """Embed what is new in ``files``."""
        self._begin()
        come = set[bytes]()
        for path, read in _read_all(files, self._known, self._encoder.spec.image_size):
            progress()
            if isinstance(read, DataError):
                self._skipped[as_text(path)] = as_text(read)
                self._hashes.append(bytes(32))
                continue
            hash, pixels = read
            if hash not in come and pixels is not None:
                self._waiting[hash] = pixels
            come.add(hash)
            self._hashes.append(hash)
            if len(self._waiting) == BATCH:
                self._embed()
        if self._waiting:
            self._embed()
        return self.part()

    def part(self) -> Part:
        """What is done of the files, those that wait for the model left out."""
        new = [hash for hashes, *_ in self._done for hash in hashes]
        waiting = self._waiting.keys() - set(new)
        none = np.zeros((0, self._encoder.dimensions), np.float32)
        return Part(
            _rows([bytes(32) if hash in waiting else hash for hash in self._hashes]),
            _rows(new),
            np.concatenate([none, *(embeddings for _, embeddings, _ in self._done)]),
            np.concatenate([features for *_, features in self._done] or [np.zeros((0, 0, 0), np.float16)]),
            self._skipped,
        )

    def _embed(self) -> None:
        pooled = self._encoder.pooled_photos(np.stack(list(self._waiting.values())))
        features = half(pooled) if self._features else np.zeros((len(pooled), 0, 0), np.float16)
        self._done.append((list(self._waiting), self._encoder.from_pooled(pooled), features))
        self._waiting.clear()


def _rows(hashes: Sequence[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


def _read_all(
    paths: Sequence[Path], known: Callable[[bytes], bool], size: int
) -> Iterator[tuple[Path, tuple[bytes, np.ndarray | None] | DataError]]:
    """Each path with the photo's hash and its pixels, None if it is known; or with what is wrong with it."""

    def read(path: Path) -> tuple[Path, tuple[bytes, np.ndarray | None] | DataError]:
        try:
            data = photo_bytes(path)
            hash = hashlib.sha256(data).digest()
            return path, (hash, None if known(hash) else read_pixels(data, str(path), size))
        except DataError as error:
            return path, error

    with ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, len(paths), AHEAD):
            yield from pool.map(read, paths[start : start + AHEAD])


def name_of(files: Sequence[Path], model: str) -> str:
    """A name that changes with a part's ``files``, their sizes and times, and with the ``model``."""
    digest = hashlib.sha256(model.encode())
    for path in files:
        try:
            found = path.stat()
            digest.update(b"%b\0%d %d\0" % (os.fsencode(path), found.st_size, found.st_mtime_ns))
        except OSError:
            digest.update(b"%b\0gone\0" % os.fsencode(path))
    return digest.hexdigest()[:32]


def write_part(path: Path, part: Part) -> None:
    """Write a part, whole or not at all."""
    with write_file(path) as partial:
        arrays = part._asdict() | {"skipped": np.array(json.dumps(part.skipped))}
        np.savez(partial, **arrays)


def read_part(path: Path) -> Part:
    """Read what :func:`write_part` wrote. Raises DataError for a damaged file."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            read = {name: arrays[name] for name in Part._fields}
            return Part(**read | {"skipped": json.loads(str(read["skipped"]))})
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: expected a part of an index, found damage ({error}); delete it") from None

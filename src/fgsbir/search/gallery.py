"""An index: a folder with the embeddings of a gallery's photos, opened without reading them, searched exactly.

A large one has an inverted file besides, which says among which photos to search exactly.

======================  =====================================================================================
``index.json``          :class:`About`
``embeddings.npy``      float32 (n, d), by the order of the photos' hashes
``half_norms.npy``      float32 (n,), half of each embedding's squared length
``hashes.npy``          uint8 (n, 32), the SHA-256 of each photo's file, rising; its first 8 bytes are the photo's id
``paths.bin``           the photos' paths, those of one photo's copies parted by NUL, and ``path_ends.npy`` int64 (n,)
                        where those of each photo end
``inverted.faiss``      where there are more than a million photos: see :mod:`fgsbir.search.inverted_file`
``model/``              the F that embedded them, so that the index can be searched wherever it is taken
``adaptive/``           if given: an adaptive model, and in ``features.npy`` float16 (n, forms, D) the pooled taps that
                        it reads, of each photo and, where F searches with mirror images, of its mirror image
``corrections.json``    if the page was corrected: drawings, and the photos that were meant
======================  =====================================================================================
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy
from pydantic import BaseModel, PositiveInt, ValidationError

from fgsbir.data.photos import photo_bytes
from fgsbir.data.records import DataError
from fgsbir.search.inverted_file import FILE as INVERTED
from fgsbir.search.inverted_file import InvertedFile, has_faiss, write_inverted

FORMAT = 2
INDEX, MODEL, ADAPTIVE = "index.json", "model", "adaptive"
CORRECTIONS = "corrections.json"
EMBEDDINGS, HALF_NORMS, HASHES = "embeddings.npy", "half_norms.npy", "hashes.npy"
PATHS, PATH_ENDS, FEATURES = "paths.bin", "path_ends.npy", "features.npy"
ID_BYTES = 8
_ID = re.compile(r"[0-9a-f]{16}")
# A gallery of more photos gets an inverted file. It proposes so many at least, and so many times those asked for; for
# more than it is asked for, and among less than a share of the photos, the search is exact.
MANY = 1_000_000
PROPOSED, TIMES, MOST, SHARE = 1024, 4, 1_000, 1 / 16
PART = 65_536


class About(BaseModel, strict=True):
    """The models' SHA-256, the precision of their arithmetic, and each file left out with its reason."""

    format: Literal[2]
    photos: PositiveInt
    dimensions: PositiveInt
    model: str
    adaptive: str | None
    precision: Literal["bf16", "float32"]
    skipped: dict[str, str]


class Photos(NamedTuple):
    """What an index holds of its photos, by rising hash: columns of :class:`Gallery`, all of one length."""

    hashes: np.ndarray
    paths: list[bytes]
    embeddings: np.ndarray
    features: np.ndarray | None


def version(folder: Path) -> str:
    """A name of what lies in an index's folder now: another once it has been indexed again. Raises DataError."""
    try:
        found = (folder / INDEX).stat()
    except OSError:
        raise DataError(f"{folder}: expected an index, made by fgsbir index; found no {INDEX}") from None
    return f"{found.st_mtime_ns:x}-{found.st_ino:x}"


class Gallery:
    """An opened index: ``embeddings`` float32 (n, d) and, if it can be adapted, ``features`` float16 (n, forms, D).

    Both are mapped, not read: opening takes no longer for a million photos than for a hundred. Raises DataError for a
    folder that is no index, or whose files do not fit together.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        # Taken before the files are opened: an index that takes this one's place meanwhile is another version.
        self.version = version(self.folder)
        self.about = read_about(folder)
        n, d = self.about.photos, self.about.dimensions
        self.embeddings = self._array(EMBEDDINGS, np.float32, (n, d))
        self._half_norms = self._array(HALF_NORMS, np.float32, (n,))
        self.hashes = self._array(HASHES, np.uint8, (n, 32))
        self._ends = self._array(PATH_ENDS, np.int64, (n,))
        self.features = self._array(FEATURES, np.float16, (n, None, None)) if self.about.adaptive else None
        self._paths = self._array(PATHS, np.uint8, (int(self._ends[-1]),))
        self._ids = ids_of(self.hashes)
        inverted = self.folder / INVERTED
        self._inverted = InvertedFile(inverted, n, d) if inverted.exists() and has_faiss() else None

    def __len__(self) -> int:
        return len(self.embeddings)

    def id(self, row: int) -> str:
        """The id of a photo, 16 hexadecimal digits: the beginning of its file's SHA-256."""
        return self.hashes[row, :ID_BYTES].tobytes().hex()

    def row(self, photo_id: str) -> int:
        """The row of a photo. Raises DataError for an id that the index does not have."""
        if _ID.fullmatch(photo_id):
            rows = self._rows(np.array([int(photo_id, 16)], np.uint64))
            if len(rows):
                return int(rows[0])
        raise DataError(f"{self.folder}: expected the id of a photo in the index, found {photo_id!r:.40}")

    def has(self, photo_id: str) -> bool:
        """Whether a photo is in the index."""
        try:
            return self.row(photo_id) >= 0
        except DataError:
            return False

    def find(self, hash: bytes) -> int | None:
        """The row of the photo whose file has this SHA-256, if there is one."""
        rows = self._rows(np.array([int.from_bytes(hash[:ID_BYTES], "big")], np.uint64))
        return int(rows[0]) if len(rows) and self.hashes[rows[0]].tobytes() == hash else None

    def path(self, row: int) -> Path:
        """Where the photo lay when it was indexed."""
        return self.paths(row)[0]

    def paths(self, row: int) -> list[Path]:
        """Where the photo and each identical copy of it lay, by path."""
        start = int(self._ends[row - 1]) if row else 0
        return [Path(os.fsdecode(path)) for path in self._paths[start : int(self._ends[row])].tobytes().split(b"\0")]

    def photo(self, row: int) -> bytes:
        """A photo's file, from the first of its paths that has it as it was indexed. DataError where none has."""
        reason = "is no longer where it was indexed"
        for path in self.paths(row):
            try:
                data = photo_bytes(path)
            except DataError:
                continue
            if hashlib.sha256(data).digest() == self.hashes[row].tobytes():
                return data
            reason = "has changed since it was indexed"
        raise DataError(f"the photo {reason}; index the photos again")

    def all_paths(self) -> list[list[bytes]]:
        """As :meth:`paths`, of every row, encoded."""
        data, ends = self._paths.tobytes(), self._ends.tolist()
        return [data[start:end].split(b"\0") for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def nearest(self, query: np.ndarray, k: int, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """As :func:`nearest`, of the photos; by an inverted file, nearly always the same."""
        counted = len(self) if among is None else int(among.sum())
        if self._inverted is None or k > MOST:
            return nearest(query, self.embeddings, k, self._half_norms, among)
        if among is not None and counted < SHARE * len(self):
            return self._nearest_of(np.flatnonzero(among), query, k)
        count = max(PROPOSED, TIMES * k) * len(self) // counted
        rows = self._rows(self._inverted.propose(np.asarray(query, np.float32), count))
        rows = rows if among is None else rows[among[rows]]
        if len(rows) < min(k, counted):
            return nearest(query, self.embeddings, k, self._half_norms, among)
        return by_distance(query, self.embeddings, rows, k)

    def _nearest_of(self, rows: np.ndarray, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The nearest k of ``rows``, exactly: part by part, since only their own embeddings are read."""
        parts = np.split(rows, range(PART, len(rows), PART))
        found = [part[nearest(query, self.embeddings[part], k, self._half_norms[part])[0]] for part in parts]
        return by_distance(query, self.embeddings, np.concatenate(found), k)

    def _rows(self, ids: np.ndarray) -> np.ndarray:
        """The rows int64 of those of ``ids`` uint64 that the index has, rising: by bisection, which reads few pages."""
        low, high = np.zeros(len(ids), np.int64), np.full(len(ids), len(self), np.int64)
        for _ in range(len(self).bit_length()):
            middle = np.minimum((low + high) // 2, len(self) - 1)
            below = self._ids[middle] < ids
            low, high = np.where(below & (low < high), middle + 1, low), np.where(below, high, middle)
        low = np.minimum(low, len(self) - 1)
        return np.unique(low[self._ids[low] == ids])

    def _array(self, name: str, dtype: type, shape: tuple[int | None, ...]) -> np.ndarray:
        """An array of the index, mapped; a side may be None for any."""
        path = self.folder / name
        try:
            # Of arrays alone: np.load would open archives, too. A plain view: a memmap's own methods are slow.
            mapped = npy.open_memmap(path, mode="r") if path.suffix == ".npy" else np.memmap(path, dtype, mode="r")
            array = np.asarray(mapped)
        except (ValueError, OSError, EOFError) as error:
            raise DataError(f"{path}: cannot be read ({error}); index the photos again") from None
        fits = len(shape) == array.ndim and all(side in (None, array.shape[axis]) for axis, side in enumerate(shape))
        if array.dtype != dtype or not fits:
            raise DataError(f"{path}: expected {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}")
        return array


def read_about(folder: Path) -> About:
    """What ``index.json`` says. Raises DataError if ``folder`` is no index of this format."""
    path = Path(folder) / INDEX
    try:
        return About.model_validate_json(path.read_bytes())
    except OSError:
        raise DataError(f"{folder}: expected an index, made by fgsbir index; found no {INDEX}") from None
    except ValidationError as error:
        first = error.errors()[0]
        reason = ".".join(map(str, (*first["loc"], ""))) + f" {first['msg']}"
        raise DataError(f"{path}: expected an index of format {FORMAT} ({reason}); index the photos again") from None


def write_photos(folder: Path, photos: Photos, *, old: Path | None = None, many: int = MANY) -> None:
    """Write the arrays of an index, without its models and ``index.json``.

    More than ``many`` photos get an inverted file, made from that of an ``old`` index where it has one.
    """
    _save(folder / EMBEDDINGS, photos.embeddings)
    np.save(folder / HALF_NORMS, half_norms(photos.embeddings))
    np.save(folder / HASHES, photos.hashes)
    np.save(folder / PATH_ENDS, np.cumsum([len(path) for path in photos.paths], dtype=np.int64))
    (folder / PATHS).write_bytes(b"".join(photos.paths))
    if photos.features is not None:
        _save(folder / FEATURES, photos.features)
    if len(photos.hashes) > many and has_faiss():
        inverted = old / INVERTED if old and (old / INVERTED).exists() else None
        write_inverted(photos.embeddings, ids_of(photos.hashes).astype(np.uint64), folder / INVERTED, inverted)


def _save(path: Path, values: np.ndarray) -> None:
    """Write ``values``, unless they are mapped there."""
    if isinstance(values, np.memmap) and values.filename and path.exists() and path.samefile(values.filename):
        values.flush()
    else:
        np.save(path, values)


def ids_of(hashes: np.ndarray) -> np.ndarray:
    """The ids as numbers that rise with the ``hashes`` uint8 (n, 32): a view, big-endian uint64 (n,)."""
    return hashes.view(">u8")[:, 0]


def half_norms(embeddings: np.ndarray) -> np.ndarray:
    """Half of each embedding's squared length: float32 (n,)."""
    return np.einsum("ij,ij->i", embeddings, embeddings) / np.float32(2)


def nearest(
    query: np.ndarray,
    embeddings: np.ndarray,
    k: int,
    half: np.ndarray | None = None,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` rows of ``embeddings`` (n, d) nearest to ``query`` (d,), int64 (k,), and their distances, float64 (k,).

    Nearest first; equal distances go by row; fewer if there are fewer. Exact: whatever float32 cannot tell from the
    k-th nearest is compared again in float64. ``half`` are the embeddings' :func:`half_norms`, if they are known;
    ``among``, bool (n,), the rows that count.
    """
    half = half_norms(embeddings) if half is None else half
    k = min(k, len(embeddings) if among is None else int(among.sum()))
    if not k:
        return np.zeros(0, np.int64), np.zeros(0)
    query = np.asarray(query, np.float32)
    # (|q|^2 - distance^2) / 2, less |q|^2 / 2: larger is nearer.
    closeness = embeddings @ query - half
    if among is not None:
        closeness[~among] = -np.inf
    bound = np.partition(closeness, len(closeness) - k)[len(closeness) - k]
    longest = float(np.sqrt(max(query @ query, 2 * half.max())))
    tolerance = np.float32(16 * np.sqrt(len(query) + 2) * 2.0**-24 * longest**2)
    return by_distance(query, embeddings, np.flatnonzero(closeness >= bound - tolerance), k)


def by_distance(query: np.ndarray, embeddings: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest k of ``rows``, any, by float64 distances; equal distances go by row."""
    distances = np.sqrt(np.square(embeddings[rows].astype(np.float64) - np.asarray(query, np.float64)).sum(1))
    order = np.argsort(distances, kind="stable")[:k]
    return rows[order].astype(np.int64), distances[order]

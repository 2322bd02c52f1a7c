"""Leak guard: photos of the training and unlabelled splits that also stand in the validation or test split.

The same file name, or a close perceptual hash, proposes a pair; pixels decide. A copy may have been resized,
recompressed, mirrored, cropped to the product or given a wider margin; another product or colour is no copy.
"""

import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass
from itertools import product, starmap
from tempfile import TemporaryFile

import numpy as np
from PIL import Image

from fgsbir.data.hash_index import HashIndex
from fgsbir.data.records import HELD_OUT, Photo

DECODE = 256  # pixels; the frame is found at this size, so that a wrong pixel moves a view by a quarter of one
VIEW = 64  # pixels of the views that are correlated
HASH = 32  # pixels of the grey image whose low frequencies make the hash
BACKGROUND_STEP = 16  # grey levels: what differs less from the border is background


@dataclass(frozen=True, slots=True)
class Leak:
    """Photo ``photo`` shows the held-out ``duplicate_of``; ``reason``: "same bytes", "same picture" or "mirrored"."""

    photo: str
    duplicate_of: str
    reason: str
    correlation: float


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a photo: its bytes and two views, whole and cut to the product."""

    digest: bytes  # SHA-256
    views: np.ndarray  # uint8 (2, VIEW, VIEW, 3)
    hashes: np.ndarray  # uint64 (4,), of the views and of their mirror images


def look_at(data: bytes, pixels: np.ndarray) -> Look:
    """The look of an encoded photo, from its ``pixels`` uint8 (DECODE, DECODE, 3)."""
    views = np.stack([_resize(image, VIEW) for image in (pixels, _cut_to_product(pixels))])
    greys = [_resize(np.asarray(Image.fromarray(view).convert("L")), HASH).astype(np.float64) for view in views]
    hashes = [perceptual_hash(grey) for grey in (*greys, *(grey[:, ::-1] for grey in greys))]
    return Look(hashlib.sha256(data).digest(), views, np.stack(hashes))


class LeakGuard:
    """Compares photos with the held-out ones that it has seen before them, whose views wait in a file, 25 kB each.

    ``hash_bits`` in [0, 64] is the largest Hamming distance of hashes that proposes a pair; ``correlation`` in [-1, 1]
    the smallest Pearson correlation of the RGB pixels that confirms one, in the best of their views at 64 x 64.
    """

    def __init__(self, *, hash_bits: int, correlation: float) -> None:
        self.hash_bits, self.correlation = hash_bits, correlation
        self._held: list[tuple[str, bytes, np.ndarray]] = []  # id, digest, hashes
        self._views = TemporaryFile()  # noqa: SIM115 - it lasts as long as the guard
        self._named: defaultdict[str, set[int]] = defaultdict(set)
        self._near: HashIndex | None = None

    def leak(self, photo: Photo, look: Look) -> Leak | None:
        """The best match of a training or unlabelled photo, if one is confirmed; a held-out one has none."""
        name = photo.path.stem.lower()
        if photo.split in HELD_OUT:
            self._named[name].add(len(self._held))
            self._held.append((photo.id, look.digest, look.hashes))
            self._views.write(look.views.tobytes())
            self._near = None
            return None
        if self._near is None:
            self._views.flush()
            hashes = np.array([hashes for *_, hashes in self._held], np.uint64).reshape(-1, 4)
            self._near = HashIndex(hashes, self.hash_bits)
        proposed = self._near.rows(look.hashes[:2]) | self._named.get(name, set())
        found = [_compare(photo.id, look, self._held[row][0], self._look(row)) for row in sorted(proposed)]
        best = max(found, key=lambda leak: leak.correlation, default=None)
        return best if best and best.correlation >= self.correlation else None

    def _look(self, row: int) -> Look:
        """The look of a held-out photo."""
        _, digest, hashes = self._held[row]
        shape = (2, VIEW, VIEW, 3)
        size = int(np.prod(shape))
        views = np.frombuffer(os.pread(self._views.fileno(), size, row * size), np.uint8).reshape(shape)
        return Look(digest, views, hashes)


def perceptual_hash(grey: np.ndarray) -> np.uint64:
    """The "pHash" of ``grey``, float (32, 32): which of its 63 lowest DCT-II coefficients exceed their median."""
    low = (_COSINES @ grey @ _COSINES.T).ravel()[1:]
    return np.uint64(np.packbits(np.append(low > np.median(low), False)).view(">u8")[0])


_COSINES = np.cos(np.pi / HASH * np.outer(np.arange(8), np.arange(HASH) + 0.5))


def _cut_to_product(image: np.ndarray) -> np.ndarray:
    """Cut away the even margin; the image as it is where there is none, or nothing but margin."""
    grey = np.asarray(Image.fromarray(image).convert("L"))
    margin = int(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    shown = (grey > margin + BACKGROUND_STEP) | (grey < margin - BACKGROUND_STEP)
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    if len(rows) == 0 or min(np.ptp(rows), np.ptp(columns)) < DECODE // 16:
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


def _compare(id: str, look: Look, held_id: str, held: Look) -> Leak:
    if look.digest == held.digest:
        return Leak(id, held_id, "same bytes", 1.0)
    # Every view with every other: what is left of a wider margin, once cut away, is the other's whole picture.
    plain = max(starmap(_correlation, product(look.views, held.views)))
    mirrored = max(starmap(_correlation, product(look.views[:, :, ::-1], held.views)))
    return Leak(id, held_id, "same picture" if plain >= mirrored else "mirrored", max(plain, mirrored))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of all values of two images; 0 where one of them is even."""
    x, y = a.astype(np.float32).ravel(), b.astype(np.float32).ravel()
    x, y = x - x.mean(), y - y.mean()
    norms = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / norms if norms > 0 else 0.0

"""Leak guard: photos of the training and unlabelled splits that also stand in the validation or test split.

Cheap signs propose pairs: the same file name, or a close perceptual hash. Pixels then decide, since product photos on
white look alike to any 64-bit hash. A copy may have been resized, recompressed, mirrored, cropped to the product or
given a wider margin; another product, or the same one in another colour, is no copy.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice, product, starmap

import numpy as np
from PIL import Image
from tqdm import tqdm

from fgsbir.data.photos import decode_photo
from fgsbir.data.records import Photo, Source

DECODE = 256  # pixels; the frame is found at this size, so that a wrong pixel moves a view by a quarter of one
VIEW = 64  # pixels of the views that are correlated
HASH = 32  # pixels of the grey image whose low frequencies make the hash
PAIRS_AT_ONCE = 1 << 22
BACKGROUND_STEP = 16  # grey levels: what differs less from the border is background


@dataclass(frozen=True, slots=True)
class Leak:
    """Photo ``photo`` shows the same picture as the held-out photo ``duplicate_of``.

    ``reason`` is "same bytes", "same picture" or "mirrored".
    """

    photo: str
    duplicate_of: str
    reason: str
    correlation: float


@dataclass(frozen=True, slots=True)
class _Look:
    """What is compared of a photo: its bytes and two views, whole and cut to the product."""

    digest: bytes  # SHA-256
    views: np.ndarray  # uint8 (2, VIEW, VIEW, 3)
    hashes: np.ndarray  # uint64 (2,)
    mirrored: np.ndarray  # uint64 (2,)


def find_leaks(photos: Sequence[Photo], *, hash_bits: int, correlation: float) -> list[Leak]:
    """Find the training and unlabelled photos that duplicate a validation or test photo.

    ``hash_bits`` in [0, 64] is the largest Hamming distance of perceptual hashes that proposes a pair; ``correlation``
    in [-1, 1] the smallest Pearson correlation of the RGB pixels that confirms one, in the best of their views at
    64 x 64 (whole, and cut to the product). Each photo is listed once, with its best match, in the order of the ids.
    """
    in_order = sorted(photos, key=lambda photo: photo.id)
    held = [photo for photo in in_order if photo.split in ("val", "test")]
    free = [photo for photo in in_order if photo.split in ("train", "unlabelled")]
    if not held or not free:
        return []
    with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter's lock
        looks = pool.map(_look, held + free)
        progress = iter(tqdm(looks, "leak guard", len(held) + len(free), unit="photo", disable=None))
        held_looks = list(islice(progress, len(held)))
        free_hashes = [look.hashes for look in progress]  # the views of many photos would fill the memory

    held_hashes = np.stack([np.concatenate([look.hashes, look.mirrored]) for look in held_looks])
    proposed = _propose_by_hash(held_hashes, np.stack(free_hashes), hash_bits)
    names = defaultdict(list)
    for i, photo in enumerate(held):
        names[photo.path.stem.lower()].append(i)
    for j, photo in enumerate(free):
        proposed[j].update(names[photo.path.stem.lower()])

    candidates = sorted(j for j, pairs in proposed.items() if pairs)
    leaks = []
    for j in tqdm(candidates, "confirming", unit="photo", disable=None):
        look = _look(free[j])
        found = [_compare(look, held_looks[i], free[j].id, held[i].id) for i in sorted(proposed[j])]
        best = max(found, key=lambda leak: leak.correlation)
        if best.correlation >= correlation:
            leaks.append(best)
    return leaks


def leave_out(source: Source, leaks: Sequence[Leak]) -> Source:
    """The source without the leaking photos and their sketches."""
    gone = {leak.photo for leak in leaks}
    return replace(
        source,
        photos=[photo for photo in source.photos if photo.id not in gone],
        sketches=[sketch for sketch in source.sketches if sketch.photo_id not in gone],
    )


def perceptual_hash(grey: np.ndarray) -> np.uint64:
    """The "pHash" of ``grey``, float (32, 32): which of its 63 lowest DCT-II coefficients exceed their median."""
    low = (_COSINES @ grey @ _COSINES.T).ravel()[1:]
    return np.uint64(np.packbits(np.append(low > np.median(low), False)).view(">u8")[0])


_COSINES = np.cos(np.pi / HASH * np.outer(np.arange(8), np.arange(HASH) + 0.5))


def _look(photo: Photo) -> _Look:
    data = photo.path.read_bytes()
    whole = decode_photo(data, DECODE)
    views = np.stack([_resize(image, VIEW) for image in (whole, _cut_to_product(whole))])
    greys = [_resize(np.asarray(Image.fromarray(view).convert("L")), HASH).astype(np.float64) for view in views]
    return _Look(
        hashlib.sha256(data).digest(),
        views,
        np.stack([perceptual_hash(grey) for grey in greys]),
        np.stack([perceptual_hash(grey[:, ::-1]) for grey in greys]),
    )


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


def _propose_by_hash(held: np.ndarray, free: np.ndarray, bits: int) -> defaultdict[int, set[int]]:
    """Row of ``free`` (m, hashes) -> rows of ``held`` (n, hashes) with a hash within ``bits`` of one of its own."""
    proposed = defaultdict(set)
    step = max(1, PAIRS_AT_ONCE // held.size)
    for column in free.T:
        for start in range(0, len(free), step):
            near = np.bitwise_count(column[start : start + step, None, None] ^ held) <= bits
            for j, i in np.argwhere(near.any(2)).tolist():
                proposed[start + j].add(i)
    return proposed


def _compare(look: _Look, held: _Look, id: str, held_id: str) -> Leak:
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

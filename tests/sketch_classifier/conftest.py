"""A small set of shards, with every kind of photo and sketch that a training stage must tell apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.records import Photo, Sketch, Source, Split
from fgsbir.data.shards import ShardStore, write_shards

# (split, category, whether the category is unseen, sketches by seen users), one photo a row.
PHOTOS: list[tuple[Split, str, bool, int]] = [
    *[("train", "chair", False, 2)] * 5,
    ("train", "lamp", False, 1),
    ("train", "chair", False, 0),
    ("val", "chair", False, 2),
    ("val", "lamp", False, 1),
    ("test", "chair", False, 2),
    ("unlabelled", "chair", False, 0),
    ("train", "boat", True, 2),
]


def scribble(number: int) -> np.ndarray:
    """A canonical sketch of two strokes; no two numbers give the same."""
    rng = np.random.default_rng(number)
    strokes = np.zeros((8, 3), np.float32)
    strokes[:, :2] = rng.uniform(30, 220, (8, 2))
    strokes[[3, 7], 2] = 1
    return strokes


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., ShardStore]:
    """Pack ``PHOTOS``, or those of one category; every drawn photo has one more sketch, by an unseen user.

    The sketches of photo ``i`` are ``scribble(10 * i)``, ``scribble(10 * i + 1)``, ..., the unseen one last.
    """

    def make(only: str | None = None) -> ShardStore:
        source = Source()
        for number, (split, category, unseen, sketches) in enumerate(PHOTOS):
            if only not in (None, category):
                continue
            path = tmp_path / f"{number}.png"
            pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8).repeat(4, 0).repeat(4, 1)
            Image.fromarray(pixels).save(path)
            photo = Photo(f"{category}-{number:02d}", category, split, path, unseen)
            source.photos.append(photo)
            for k in range(0 if split == "unlabelled" else sketches + 1):
                held_out = unseen or k == sketches
                source.sketches.append(
                    Sketch(f"{photo.id}-{k}", photo.id, f"u{k}", scribble(10 * number + k), held_out)
                )
        folder = tmp_path / f"shards-{only}"
        write_shards(source, folder, name="toy", layout="folder", category=None, photos_per_shard=100)
        return ShardStore(folder)

    return make

"""How far measurements without any training get on the default set: it must take more than those."""

import io
from functools import cache

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import centre, simplify
from fgsbir.data.synthetic.dataset import plan
from fgsbir.data.synthetic.instance import instance
from fgsbir.data.synthetic.photo import draw_photo, silhouette
from fgsbir.data.synthetic.sketch import draw_sketch
from fgsbir.evaluation.baselines import hog_on_edges, ink_statistics
from fgsbir.evaluation.ranking import acc_at, ranks

TEST_PHOTOS = 400


@cache
def queries(photos: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sketch rasters (q, 128, 128) of the default test photos, the photo each is of, and its points when simplified."""
    whole = plan(
        seed=0,
        labelled=100,
        sketches_per_photo=3,
        unlabelled=0,
        val=100,
        test=TEST_PHOTOS,
        other_categories=0,
        other_photos=40,
        users=30,
        unseen_users=6,
    )
    test = [photo for photo in whole.photos if photo.split == "test"][:photos]
    assert [photo.id for photo in test] == [f"chair-{i:05d}" for i in range(photos)]
    drawings = [(i, centre(draw_sketch(p.id, user, seed=0))) for i, p in enumerate(test) for user in p.users[:3]]
    rasters = np.stack([rasterise(strokes, 128) for _, strokes in drawings])
    counts = np.array([len(simplify(strokes, 3.0)) for _, strokes in drawings])
    return rasters, np.array([i for i, _ in drawings]), counts


def grey(photo: str) -> np.ndarray:
    with Image.open(io.BytesIO(draw_photo(photo, seed=0))) as picture:
        return np.asarray(picture.convert("L").resize((128, 128), Image.Resampling.BOX))


def test_a_sketch_is_of_its_own_photo() -> None:
    photos = 24
    rasters, truth, _ = queries(photos)
    gallery = hog_on_edges(np.stack([grey(f"chair-{i:05d}") for i in range(photos)]), drawn=False)
    found = ranks(hog_on_edges(rasters, drawn=True), gallery, truth)
    assert acc_at(found, 1) > 25.0  # chance: 4.2 %
    assert acc_at(found, 5) > 45.0  # chance: 20.8 %


@pytest.mark.slow
def test_aspect_area_and_centroid_do_not_find_the_photo() -> None:
    rasters, truth, counts = queries(TEST_PHOTOS)
    shapes = np.stack([silhouette(instance(0, f"chair-{i:05d}")) for i in range(TEST_PHOTOS)])
    found = ranks(ink_statistics(rasters < 128).astype(np.float32), ink_statistics(shapes).astype(np.float32), truth)
    assert len(truth) == 1200
    assert acc_at(found, 1) < 10.0
    assert (counts < 100).mean() >= 0.95
    assert ((counts >= 20) & (counts <= 80)).mean() > 0.8

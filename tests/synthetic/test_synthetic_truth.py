"""True sketches of unlabelled photos: what the data set's own users would have drawn."""

from dataclasses import replace

import numpy as np
import pytest

from fgsbir.data.readers.synthetic import read_synthetic
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.data.strokes import centre
from fgsbir.synthetic.dataset import synthesise
from fgsbir.synthetic.sketch import draw_sketch
from fgsbir.synthetic.truth import true_sketches

SIZES = {"labelled": 4, "sketches_per_photo": 2, "unlabelled": 6, "val": 2, "test": 2, "other_categories": 0}
SIZES |= {"other_photos": 2, "users": 6, "unseen_users": 2}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ShardStore:
    folder = tmp_path_factory.mktemp("truth")
    synthesise(folder / "raw", seed=5, size=32, **SIZES, jpeg_quality=80, workers=1)
    source = read_synthetic(folder / "raw", 1.0)
    write_shards(source, folder / "shards", name="toy", layout="synthetic", category="chair", photos_per_shard=100)
    return ShardStore(folder / "shards")


def test_they_are_drawn_by_the_users_of_the_training_photos(store: ShardStore) -> None:
    names = [photo.id for photo in store.index.photos if photo.split == "unlabelled"]
    seen = {sketch.user for photo in store.index.photos for sketch in photo.sketches if not sketch.unseen}
    found = true_sketches(store.index, names, seed=5)
    assert len(found) == 6 and all(len(choice) == 1 for choice in found)
    drawn_by = set()
    for name, (strokes,) in zip(names, found, strict=True):
        by = [user for user in seen if user and np.array_equal(strokes, centre(draw_sketch(name, user, seed=5)))]
        assert len(by) == 1
        drawn_by.add(by[0])
    assert len(drawn_by) > 1


def test_other_sets_have_none(store: ShardStore) -> None:
    with pytest.raises(DataError, match="true needs the default data set, found one of the layout folder"):
        true_sketches(replace(store.index, layout="folder"), [], seed=0)

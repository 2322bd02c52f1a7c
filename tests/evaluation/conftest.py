"""A set to be evaluated on, and a small model of it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.data.records import Photo, Sketch, Source
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.evaluation.search import Search, evaluation_set
from fgsbir.features.pictures import Pictures
from fgsbir.features.store import FeatureStore
from fgsbir.features.trunk import packaged_trunk, tap_channels
from fgsbir.retrieval.model import RetrievalModel
from tests.toy import SPEC, cpu, shape, write_toy_features

MakePictures = Callable[..., Pictures]


@pytest.fixture(scope="session")
def make_pictures(tmp_path_factory: pytest.TempPathFactory) -> MakePictures:
    """Make shards and features of 3 train and 9 test photos (6 chairs, 3 lamps) and 2 of an unseen category.

    Test photo i has i % 3 sketches by seen users, and one more by an unseen one. The same set is made once.
    """
    made: dict[tuple[str | None, bool], Pictures] = {}

    def make(category: str | None = None, sketches: bool = True) -> Pictures:
        if (category, sketches) in made:
            return made[category, sketches]
        folder, source = tmp_path_factory.mktemp("evaluated"), Source()
        rows = [("train", "chair")] * 2 + [("train", "lamp")] + [("test", "chair")] * 6 + [("test", "lamp")] * 3
        for number, (split, name) in enumerate([*rows, ("test", "sock"), ("test", "sock")]):
            path = folder / f"{number}.png"
            pixels = np.random.default_rng(number).integers(0, 256, (5, 5, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(pixels).save(path)
            photo = Photo(f"{name}-{number:02d}", name, split, path, unseen=name == "sock")
            source.photos.append(photo)
            for k in range((number % 3 if split == "test" else 1) + 1 if sketches else 0):
                unseen = k == number % 3 or photo.unseen
                source.sketches.append(Sketch(f"{photo.id}-{k}", photo.id, f"u{k}", shape(number, k), unseen))
        write_shards(source, folder / "shards", name="toy", layout="folder", category=category, photos_per_shard=100)
        features = write_toy_features(folder / "shards", folder / "features")
        shards = ShardStore(folder / "shards")
        made[category, sketches] = Pictures(shards, FeatureStore(features, shards.index))
        return made[category, sketches]

    return make


@pytest.fixture
def model() -> RetrievalModel:
    """A small F, untrained."""
    torch.manual_seed(0)
    channels = tap_channels(packaged_trunk(SPEC), SPEC)
    return RetrievalModel(spec=SPEC.as_json(), channels=channels, embedding_dim=8).eval()


@pytest.fixture
def search(make_pictures: MakePictures, model: RetrievalModel) -> Search:
    """That F on the six test photos of chairs and their six sketches."""
    return Search(model, evaluation_set(make_pictures("chair")), cpu())

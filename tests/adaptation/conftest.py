"""Toy categories and users to adapt to, and an untrained F."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.adaptation.episodes import EpisodeStream, TaskPictures
from fgsbir.adaptation.few_shot_methods import AdaptationSettings
from fgsbir.adaptation.tasks import Kind, Part, task_set
from fgsbir.data.records import Photo, Sketch, Source
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.data.strokes import join_strokes
from fgsbir.retrieval.model import RetrievalModel

SIZE, LINE = 32, 6.0
CATEGORIES = {"arch": False, "bowl": False, "coat": False, "dish": True}
SPLITS = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
SETTINGS = AdaptationSettings(
    support=2,
    queries=2,
    tasks_per_step=2,
    steps=4,
    learning_rate=1e-3,
    user_learning_rate=1e-3,
    new_learning_rate=1e-3,
    weight_decay=0.01,
    validate_every=2,
    embedding_dim=8,
    margin=0.3,
    inner_steps=1,
    inner_rate=0.3,
    all_rate=0.01,
    sign_rate=1e-4,
    first_order=False,
    predict_margin=True,
    margin_width=8,
    sharpness=0.1,
    lambda_domain=0.1,
    lambda_category=0.1,
    lambda_user=1.0,
    lambda_semantic=1.0,
    fine_tuning_rates=(0.01, 0.1),
    fine_tuning_steps=(1, 2),
    augment=1.0,
    one_hand=True,
    log_interval=2,
    seed=0,
)


def drawing(number: int, hand: int) -> np.ndarray:
    rng, shaky = np.random.default_rng(number), np.random.default_rng([number, hand]).normal(0, 4, (4, 2))
    return join_strokes([rng.uniform(40, 216, (4, 2)) + shaky, rng.uniform(40, 216, (3, 2)) + shaky[:3]])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ShardStore:
    """Three seen categories and an unseen one; "x" is an unseen user of the main category, "arch"."""
    folder = tmp_path_factory.mktemp("adaptation")
    source = Source()
    for place, (category, unseen) in enumerate(CATEGORIES.items()):
        for row, split in enumerate(SPLITS):
            number = 20 * place + row
            name, path = f"{category}-{row}", folder / f"{number}.png"
            pixels = np.random.default_rng(number).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
            Image.fromarray(pixels).save(path)
            source.photos.append(Photo(name, category, split, path, unseen))  # type: ignore[arg-type]
            for hand, user in enumerate("uvx" if category == "arch" else "uv"):
                marked = unseen or user == "x"
                source.sketches.append(Sketch(f"{name}-{user}", name, user, drawing(number, hand), marked))
    write_shards(source, folder / "shards", name="toy", layout="folder", category="arch", photos_per_shard=100)
    return ShardStore(folder / "shards")


Pictures = Callable[..., TaskPictures]


@pytest.fixture(scope="module")
def pictures(store: ShardStore) -> Pictures:
    def of(kind: Kind, part: Part, *, held_out: float = 0.34, pool: bool = True, **options: Any) -> TaskPictures:
        tasks = task_set(store.index, kind, part, labelled_frac=1.0, held_out=held_out, **options)
        return TaskPictures(store, tasks, size=SIZE, line_width=LINE, limit_gib=1, pool=pool)

    return of


@pytest.fixture(scope="module")
def supervised() -> RetrievalModel:
    torch.manual_seed(0)
    return RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=SIZE)


@pytest.fixture
def settings() -> AdaptationSettings:
    return SETTINGS


@pytest.fixture(scope="module")
def stream_of() -> Callable[..., EpisodeStream]:
    """Episodes of some pictures: two tasks a step, supports of two pairs and three queries, unless said."""

    def stream(pictures: TaskPictures, **changes: Any) -> EpisodeStream:
        return replace(EpisodeStream(pictures, seed=0, salt=1, tasks=2, k=2, queries=3, strength=1.0), **changes)

    return stream

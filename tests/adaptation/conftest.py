"""Toy categories and users to adapt to, with their features, and an untrained F."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fgsbir.adaptation.methods import METHODS, AdaptationSettings
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.pictures import EpisodeStream, TaskPictures
from fgsbir.adaptation.tasks import Kind, Part, task_set
from fgsbir.adaptation.training import train_method, untrained
from fgsbir.data.records import Photo, Sketch, Source
from fgsbir.data.shards import write_shards
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.run import Row
from tests.toy import Toy, cpu, draw_photo, shape, write_toy_features

CATEGORIES = {"arch": False, "bowl": False, "coat": False, "dish": True}
SPLITS = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
SETTINGS = AdaptationSettings(
    support=2, queries=2, tasks_per_step=2, steps=4, learning_rate=1e-3, user_learning_rate=1e-3,
    new_learning_rate=1e-3, weight_decay=0.01, validate_every=2, embedding_dim=8, margin=0.3, inner_steps=1,
    inner_rate=0.3, all_rate=0.01, sign_rate=1e-4, first_order=False, predict_margin=True, margin_width=8,
    sharpness=0.1, lambda_domain=0.1, lambda_category=0.1, lambda_user=1.0, lambda_semantic=1.0,
    ridge=10.0, fine_tuning_rates=(0.01, 0.1), fine_tuning_steps=(1, 2), log_interval=2, seed=0,
)  # fmt: skip
MakePictures = Callable[..., TaskPictures]
Train = Callable[..., tuple[AdaptiveModel, list[Row]]]


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Three seen categories and an unseen one; "x" is an unseen user of the main category, "arch"."""
    folder = tmp_path_factory.mktemp("adaptation")
    source = Source()
    for place, (category, unseen) in enumerate(CATEGORIES.items()):
        for row, split in enumerate(SPLITS):
            number, name = 20 * place + row, f"{category}-{row}"
            draw_photo(folder / f"{number}.png", number)
            source.photos.append(Photo(name, category, split, folder / f"{number}.png", unseen))  # type: ignore[arg-type]
            for hand, user in enumerate("uvx" if category == "arch" else "uv"):
                marked = unseen or user == "x"
                source.sketches.append(Sketch(f"{name}-{user}", name, user, shape(number, hand), marked))
    write_shards(source, folder / "shards", name="toy", layout="folder", category="arch", photos_per_shard=100)
    write_toy_features(folder / "shards", folder / "features")
    return Toy(folder)


@pytest.fixture(scope="session")
def supervised(stored: Toy) -> RetrievalModel:
    return stored.retrieval()


@pytest.fixture(scope="session")
def pictures(stored: Toy, supervised: RetrievalModel) -> MakePictures:
    def of(
        kind: Kind, part: Part, *, held_out: float = 0.34, f: RetrievalModel = supervised, **options: Any
    ) -> TaskPictures:
        tasks = task_set(stored.pictures.shards.index, kind, part, labelled_frac=1.0, held_out=held_out, **options)
        return TaskPictures(stored.pictures, tasks, f, cpu(), pool=True)

    return of


@pytest.fixture
def train(pictures: MakePictures, supervised: RetrievalModel, tmp_path: Path) -> Train:
    """Meta-train a method by name with changed settings, in a folder of its own unless ``scratch`` says."""

    def of(
        name: str, kind: Kind = "category", scratch: str = "scratch", **changes: Any
    ) -> tuple[AdaptiveModel, list[Row]]:
        method, settings = METHODS[name], replace(SETTINGS, **changes)
        model = untrained(cpu(), supervised, method, settings, kind)
        if not method.trained:
            return model, []
        learning = pictures(kind, "train", unseen_too=method.unseen_too)
        return model, train_method(
            cpu(), model, method, learning, pictures(kind, "val"), settings,
            kind=kind, name=name, words=None, scratch=Scratch(tmp_path / scratch),
        )  # fmt: skip

    return of


def stream_of(pictures: TaskPictures, **changes: Any) -> EpisodeStream:
    """Episodes of some pictures: two tasks a step, supports of two pairs and three queries, unless said."""
    return replace(EpisodeStream(pictures, seed=0, tasks=2, k=2, queries=3), **changes)

"""Meta-training and few-shot search on a toy set: what is learned from, chosen, kept, and found."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.data.augmentation import draw_changes
from fgsbir.data.episodes import EpisodeStream, TaskPictures, as_of_one_hand
from fgsbir.data.records import DataError, Photo, Sketch, Source
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.data.strokes import join_strokes
from fgsbir.data.tasks import Kind, Part, task_set
from fgsbir.data.triplets import Triplets
from fgsbir.evaluation.few_shot import FewShot
from fgsbir.models.retrieval import RetrievalModel
from fgsbir.training.adaptation import Regularisers, RegulariserWeights, episode_losses
from fgsbir.training.checkpoint import Scratch
from fgsbir.training.faults import TrainingInterrupted
from fgsbir.training.few_shot_methods import (
    METHODS,
    TRAINED_AS,
    AdaptationSettings,
    adaptive_model,
    fine_tuning,
    train_method,
)
from fgsbir.training.run import Run
from fgsbir.training.runtime import launch

SIZE, LINE = 32, 6.0
CPU = torch.device("cpu")
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
FABRIC = launch(SimpleNamespace(accelerator="cpu", devices=1, threads=0), "float32")


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
        tasks = task_set(store.index, kind, part, held_out=held_out, **options)
        return TaskPictures(store, tasks, size=SIZE, line_width=LINE, limit_gib=1, pool=pool)

    return of


@pytest.fixture(scope="module")
def supervised() -> RetrievalModel:
    torch.manual_seed(0)
    return RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=SIZE)


def stream_of(pictures: TaskPictures, **changes: Any) -> EpisodeStream:
    return replace(EpisodeStream(pictures, seed=0, salt=1, tasks=2, k=2, queries=3, strength=1.0), **changes)


def test_a_batch_is_a_function_of_its_step(pictures: Pictures) -> None:
    stream = stream_of(pictures("category", "train"))
    one, again, other = stream.batch(3, CPU), stream.batch(3, CPU), stream.batch(4, CPU)
    assert one.images.shape == (2 * (2 + 3) * 3, 3, SIZE, SIZE)
    assert one.support_negatives.shape == (2, 2, 4) and one.query_negatives.shape == (2, 3, 6)
    assert torch.equal(one.images, again.images) and torch.equal(one.task, again.task)
    assert not torch.equal(one.images, other.images)
    assert [stream.pictures.tasks.tasks[task].name for task in one.task] == stream.task_names(3)


def test_processes_share_the_tasks_of_a_step(pictures: Pictures) -> None:
    learning = pictures("category", "train", held_out=0)
    whole = stream_of(learning).batch(0, CPU)
    parts = [stream_of(learning, rank=rank, world=2).batch(0, CPU) for rank in range(2)]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    with pytest.raises(DataError, match="2 tasks a step cannot be shared evenly by 3 processes"):
        stream_of(learning, world=3)


def test_one_hand_draws_all_sketches_of_a_task() -> None:
    """What is another hand's is shared; where the pair stands, and what the photo looks like, is not."""
    rng = np.random.default_rng(0)
    changes, hand = draw_changes(rng, 5, 1.0), draw_changes(rng, 1, 1.0)
    found = as_of_one_hand(changes, hand)
    for field in fields(found):
        value, own, shared = (getattr(part, field.name) for part in (found, changes, hand))
        if field.name in ("sketch", "sketch_scale", "warp", "dropout_rate"):
            assert np.array_equal(value, np.repeat(shared, 5, axis=0)), field.name
        else:
            assert np.array_equal(value, own), field.name


@pytest.mark.parametrize("name", sorted(METHODS.keys() - TRAINED_AS.keys()))
def test_every_method_trains_and_searches(
    name: str, pictures: Pictures, supervised: RetrievalModel, tmp_path: Path
) -> None:
    method = METHODS[name]
    learning = pictures("category", "train", unseen_too=method.unseen_too)
    model, rows = train_method(
        FABRIC,
        supervised,
        method,
        learning,
        pictures("category", "val"),
        replace(SETTINGS, steps=2),
        kind="category",
        name=name,
        words=None,
        precision="float32",
        scratch=Scratch(tmp_path),
    )
    regularised = {"domain_loss", "category_loss"} if method.regularised else set()
    assert len(rows) == 1 and {"outer_loss", *regularised} == {key for key in rows[0] if key.endswith("_loss")}
    assert model.adapts == (method.scope != "none") and (model.margins is not None) == method.predicts_margin
    moved = [
        name
        for name, value in supervised.state_dict().items()
        if not torch.equal(value, model.retrieval.state_dict()[name])
    ]
    assert "head.weight" in moved and any(name.startswith("backbone.") for name in moved)
    found = FewShot(model, pictures("category", "test"), device=CPU, precision="float32").ranks(k=2, draws=3, seed=0)
    assert [task.name for task in found] == ["dish"]
    assert found[0].ranks.shape == (3 if model.adapts else 1, 4)
    assert found[0].ranks.min() >= 1 and found[0].ranks.max() <= 10


def test_training_goes_on_to_the_same_weights(pictures: Pictures, supervised: RetrievalModel, tmp_path: Path) -> None:
    def train(scratch: Scratch) -> dict[str, torch.Tensor]:
        learning, choosing = pictures("user", "train", held_out=0), pictures("user", "val", held_out=0)
        form = {"kind": "user", "name": "ours", "words": None, "precision": "float32"}
        model, _ = train_method(
            FABRIC,
            supervised,
            METHODS["ours"],
            learning,
            choosing,
            SETTINGS,
            scratch=scratch,
            **form,  # type: ignore[arg-type]
        )
        return model.state_dict()

    whole = train(Scratch(tmp_path / "whole"))
    real = Run.step_done

    def stop(self: Run, step: int, *arguments: Any) -> None:
        real(self, step, *arguments)
        if step == 2:
            self._save(step + 1)
            raise TrainingInterrupted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "step_done", stop)
        with pytest.raises(TrainingInterrupted):
            train(Scratch(tmp_path / "broken"))
    resumed = train(Scratch(tmp_path / "broken"))
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


@pytest.mark.parametrize("kind", ["category", "user"])
def test_what_is_new_learns_at_a_rate_of_its_own(
    kind: Kind, pictures: Pictures, supervised: RetrievalModel, tmp_path: Path
) -> None:
    """F and M stand still at a rate of almost 0, that of the kind of task; all else moves on."""
    still = {"learning_rate": 1e-12} if kind == "category" else {"user_learning_rate": 1e-12}
    settings = replace(SETTINGS, steps=2, weight_decay=0.0, **still)  # type: ignore[arg-type]
    model, _ = train_method(
        FABRIC,
        supervised,
        METHODS["ours"],
        pictures(kind, "train", held_out=0),
        pictures(kind, "val", held_out=0),
        settings,
        kind=kind,
        name="ours",
        words=None,
        precision="float32",
        scratch=Scratch(tmp_path),
    )
    for name, value in supervised.named_parameters():
        torch.testing.assert_close(model.retrieval.get_parameter(name), value, rtol=0, atol=1e-9)
    assert model.log_rate is not None and model.log_rate.item() != pytest.approx(np.log(settings.inner_rate), abs=1e-5)


def test_an_embedding_of_another_size_starts_with_a_head_of_its_own(supervised: RetrievalModel) -> None:
    same = adaptive_model(supervised, METHODS["ours"], SETTINGS).retrieval
    other = adaptive_model(supervised, METHODS["ours"], replace(SETTINGS, embedding_dim=5)).retrieval
    images = torch.rand(2, 3, SIZE, SIZE)
    torch.testing.assert_close(same(images), supervised(images))
    torch.testing.assert_close(other.pooled(images), supervised.pooled(images))
    assert other(images).shape == (2, 5)


def test_the_domain_loss_makes_photos_and_sketches_alike() -> None:
    """The head goes down the loss, F's features up: their gradients have opposite signs."""
    torch.manual_seed(0)
    part = Regularisers(6, 3, None, RegulariserWeights(domain=1.0), 0.3)
    features = torch.randn(2, 4, 3, 6, requires_grad=True)
    loss = part(features, torch.tensor([0, 1]))["domain"]
    (up,) = torch.autograd.grad(loss, features, retain_graph=True)
    with torch.no_grad():
        raised = part(features - 0.1 * up, torch.tensor([0, 1]))["domain"]
    assert raised > loss
    weights = list(part.parameters())
    slopes = torch.autograd.grad(loss, weights)
    with torch.no_grad():
        for weight, slope in zip(weights, slopes, strict=True):
            weight -= 0.01 * slope
        assert part(features, torch.tensor([0, 1]))["domain"] < loss


def test_regularisers_are_those_that_can_be_and_count_something() -> None:
    everything = RegulariserWeights(1.0, 1.0, 1.0, 1.0)
    features, task = torch.randn(2, 4, 3, 6), torch.tensor([0, 1])
    assert set(Regularisers(6, 3, torch.eye(3), everything, 0.3)(features, task)) == {
        "domain",
        "category",
        "user",
        "semantic",
    }
    assert set(Regularisers(6, 1, None, everything, 0.3)(features, task)) == {"domain", "user"}
    assert not Regularisers(6, 3, torch.eye(3), RegulariserWeights(), 0.3)(features, task)


def test_the_outer_loss_is_the_mean_over_tasks(pictures: Pictures, supervised: RetrievalModel) -> None:
    model, stream = adaptive_model(supervised, METHODS["ours"], SETTINGS), stream_of(pictures("category", "train"))
    batch = stream.batch(0, CPU)
    found = episode_losses(FABRIC, model, None, batch, k=2, margin=0.3)["outer"]
    features = model.inputs(batch.images).unflatten(0, (2, 5, 3))
    alone = [
        model.task_loss(
            Triplets(features[task, :2], batch.support_negatives[task]),
            Triplets(features[task, 2:], batch.query_negatives[task]),
            margin=0.3,
        )
        for task in range(2)
    ]
    torch.testing.assert_close(found, torch.stack(alone).mean())


def test_supports_are_the_same_for_every_method(pictures: Pictures, supervised: RetrievalModel) -> None:
    """A rate of almost 0 adapts to nothing: the ranks are those of no adaptation, whatever the draw."""
    still, slow = (
        FewShot(
            adaptive_model(supervised, METHODS[name], replace(SETTINGS, inner_rate=1e-12, all_rate=1e-12)),
            pictures("category", "test"),
            device=CPU,
            precision="float32",
        )
        for name in ("baseline", "anil")
    )
    expected = still.ranks(k=2, draws=2, seed=0)[0].ranks
    assert np.array_equal(slow.ranks(k=2, draws=2, seed=0)[0].ranks, np.repeat(expected, 2, 0))
    assert np.array_equal(slow.ranks(k=2, draws=2, seed=0, together=True)[0].ranks, np.repeat(expected, 2, 0))


def test_ours_without_a_step_is_compared_over_steps(pictures: Pictures, supervised: RetrievalModel) -> None:
    model = adaptive_model(supervised, METHODS["ours"], replace(SETTINGS, inner_steps=0))
    for steps in range(3):
        search = FewShot(model.with_steps(steps), pictures("category", "test"), device=CPU, precision="float32")
        assert search.ranks(k=2, draws=2, seed=0)[0].ranks.shape == (2 if steps else 1, 4)


def test_adaptation_to_the_queries_themselves_finds_them(pictures: Pictures, supervised: RetrievalModel) -> None:
    """The oracle: a support that holds every query, and many steps, must lift them to the front."""
    test = pictures("category", "test")
    (task,) = test.tasks.tasks
    test.tasks.tasks[0] = replace(task, support=task.query)
    model = adaptive_model(supervised, METHODS["anil"], replace(SETTINGS, inner_rate=3.0, embedding_dim=8))
    before, after = (
        FewShot(model.with_steps(steps), test, device=CPU, precision="float32").ranks(k=2, draws=4, seed=0)[0].ranks
        for steps in (0, 100)
    )
    test.tasks.tasks[0] = task
    assert (1 / after).mean() > (1 / before).mean() + 0.2


def test_fine_tuning_is_chosen_where_it_may_be(pictures: Pictures, supervised: RetrievalModel) -> None:
    model = adaptive_model(supervised, METHODS["baseline"], SETTINGS)
    chosen = fine_tuning(model, pictures("category", "val"), SETTINGS, precision="float32")
    assert chosen.loop.scope == "all" and chosen.loop.steps in SETTINGS.fine_tuning_steps and chosen.margins is None
    assert chosen.config()["rate"] in SETTINGS.fine_tuning_rates
    images = torch.rand(2, 3, SIZE, SIZE)
    assert torch.equal(chosen.retrieval(images), model.eval().retrieval(images))

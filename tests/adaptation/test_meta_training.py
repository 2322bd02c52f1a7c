"""Meta-training on toy tasks: what learns, at which rate, from which losses, and that it goes on where it stopped."""

import numpy as np
import pytest
import torch

from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.losses import Triplets
from fgsbir.adaptation.methods import METHODS, TRAINED_AS, adaptive_model
from fgsbir.adaptation.tasks import Kind
from fgsbir.adaptation.training import Regularisers, episode_losses
from fgsbir.retrieval.model import RetrievalModel
from tests.adaptation.conftest import SETTINGS, MakePictures, Train, stream_of
from tests.interruptions import broken_off_everywhere
from tests.toy import cpu

EVERYTHING = {"domain": 1.0, "category": 1.0, "user": 1.0, "semantic": 1.0}


@pytest.mark.parametrize("name", sorted(METHODS.keys() - TRAINED_AS.keys()))
def test_every_method_trains_and_searches(
    name: str, pictures: MakePictures, supervised: RetrievalModel, train: Train
) -> None:
    method = METHODS[name]
    model, rows = train(name, steps=2)
    regularised = {"domain_loss", "category_loss"} if method.regularised else set()
    assert len(rows) == method.trained
    for row in rows:
        assert {"outer_loss", *regularised} == {key for key in row if key.endswith("_loss")}
    assert model.adapts == (method.scope != "none" or method.statistics)
    assert (model.margins is not None) == method.predicts_margin
    after = model.retrieval.state_dict()
    moved = {name for name, value in supervised.state_dict().items() if not torch.equal(value, after[name])}
    assert moved == ({"head.weight", "head.bias"} if method.trained else set())
    (found,) = FewShot(model, pictures("category", "test"), cpu()).ranks([2], draws=3, seed=0)[2]
    assert found.name == "dish" and found.ranks.shape == (3 if model.adapts else 1, 4)
    assert found.ranks.min() >= 1 and found.ranks.max() <= 10


def test_training_goes_on_to_the_same_weights(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train("adaptive", "user", "whole")[0].state_dict()
    (resumed, _), stops = broken_off_everywhere(lambda: train("adaptive", "user", "broken"), monkeypatch)
    assert stops >= SETTINGS.steps
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.items())


@pytest.mark.parametrize("kind", ["category", "user"])
def test_what_is_new_learns_at_a_rate_of_its_own(kind: Kind, supervised: RetrievalModel, train: Train) -> None:
    """F and M stand still at a rate of almost 0, that of the kind of task; all else moves on."""
    still = "learning_rate" if kind == "category" else "user_learning_rate"
    model, _ = train("adaptive", kind, steps=2, weight_decay=0.0, **{still: 1e-12})
    torch.testing.assert_close(model.projection.weight, supervised.head.weight, rtol=0, atol=1e-9)
    torch.testing.assert_close(model.head.weight, torch.eye(8), rtol=0, atol=1e-9)
    assert model.log_rate is not None and model.log_rate.item() != pytest.approx(np.log(SETTINGS.inner_rate), abs=1e-5)


def test_the_inner_rate_does_not_decay(train: Train) -> None:
    """Four steps at 1e-3 move its logarithm by less than 0.005; a decay of 10 would by 0.036 more."""
    model, _ = train("anil", weight_decay=10.0, validate_every=4)
    assert model.log_rate is not None
    assert model.log_rate.item() == pytest.approx(np.log(SETTINGS.inner_rate), abs=0.005)


def test_the_domain_loss_makes_photos_and_sketches_alike() -> None:
    """The head goes down the loss, F's features up: their gradients have opposite signs."""
    torch.manual_seed(0)
    part = Regularisers(6, 3, None, {"domain": 1.0}, 0.3)
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
    features, task = torch.randn(2, 4, 3, 6), torch.tensor([0, 1])
    assert set(Regularisers(6, 3, torch.eye(3), EVERYTHING, 0.3)(features, task)) == set(EVERYTHING)
    assert set(Regularisers(6, 1, None, EVERYTHING, 0.3)(features, task)) == {"domain", "user"}
    assert not Regularisers(6, 3, torch.eye(3), dict.fromkeys(EVERYTHING, 0.0), 0.3)(features, task)


def test_regularisers_are_the_losses_of_the_paper() -> None:
    """Of 2 tasks of 4 triplets: every image of a task has its category, and photos and sketches their places."""
    torch.manual_seed(0)
    words = torch.randn(3, 5)
    part = Regularisers(6, 3, words, EVERYTHING, 0.3)
    features, task = torch.randn(2, 4, 3, 6), torch.tensor([2, 0])
    found = part(features, task)
    assert part.category is not None and part.decoder is not None and part.domain is not None
    category, user, semantic, domain = [], [], [], []
    for of_task, number in zip(features, task, strict=True):
        for triplet in of_task:
            unit = torch.nn.functional.normalize(triplet, dim=-1)
            away = [(unit[0] - unit[place]).norm() for place in (1, 2)]
            user.append((0.3 + away[0] - away[1]).clamp(min=0))
            for place, image in enumerate(triplet):
                category.append(-part.category(image).log_softmax(0)[number])
                said = part.decoder(image)
                semantic.append((1 - said @ words[number] / said.norm() / words[number].norm()) / 2)
                photo = part.domain(image).sigmoid().squeeze()
                domain.append(-(photo if place else 1 - photo).log())
    for name, values in (("category", category), ("user", user), ("semantic", semantic), ("domain", domain)):
        torch.testing.assert_close(found[name], torch.stack(values).mean(), atol=1e-5, rtol=1e-5)


def test_the_outer_loss_is_the_mean_over_tasks(pictures: MakePictures, supervised: RetrievalModel) -> None:
    model = adaptive_model(supervised, METHODS["adaptive"], SETTINGS)
    batch = stream_of(pictures("category", "train")).batch(0)
    found = episode_losses(cpu(), model, None, batch, k=2, margin=0.3)["outer"]
    alone = []
    for task in range(2):
        side = model.sketch_side(batch.taps[task, :2, 0])
        features = model.inputs(model.standardise(batch.taps[task], side))
        support = Triplets(features[:2], batch.support_negatives[task])
        alone.append(model.task_loss(support, Triplets(features[2:], batch.query_negatives[task]), margin=0.3))
    torch.testing.assert_close(found, torch.stack(alone).mean())

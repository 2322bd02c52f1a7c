"""The adaptive model: what a step does, what gradients reach, tasks at once against one by one."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from fgsbir.adaptation.edge_side import SeenEdges
from fgsbir.adaptation.losses import Triplets, inner_loss, negatives_of, outer_loss
from fgsbir.adaptation.model import AdaptiveModel, guessed, met, shrinkage
from fgsbir.adaptation.ridge import ridge_head
from fgsbir.features.statistics import Standardise
from fgsbir.retrieval.losses import triplet_loss
from tests.toy import SPEC

D, CHANNELS, DIMENSIONS = 256, 6, 4
# Two taps of 24 and 40 channels, 2 x 2 places each.
RETRIEVAL = {"spec": SPEC.as_json(), "channels": [24, 40], "embedding_dim": CHANNELS}


def make(scope: str = "head", embedding_dim: int = DIMENSIONS, **changes: Any) -> AdaptiveModel:
    torch.manual_seed(0)
    form = {"steps": 1, "first_order": False, "rate": 0.1, "margin_width": 8 if scope == "head" else None, **changes}
    return AdaptiveModel(retrieval=RETRIEVAL, embedding_dim=embedding_dim, scope=scope, **form).double()


def triplets(*shape: int, seed: int = 1, channels: int = CHANNELS) -> Triplets:
    """Inputs of n triplets of as many photos, the last of ``shape``; tasks in front of it."""
    inputs = torch.randn(*shape, 3, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rows = torch.arange(2 * shape[-1]).expand(*shape[:-1], -1)
    return Triplets(inputs, negatives_of(*rows.chunk(2, -1), pool=True).double())


def test_the_paper_counts_a_sketchs_own_other_photo_alone() -> None:
    embedded = torch.randn(7, 3, DIMENSIONS, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(14)
    found = outer_loss(embedded, negatives_of(rows[:7], rows[7:], pool=False), 0.3)
    torch.testing.assert_close(found, triplet_loss(*embedded.unbind(1), 0.3).mean())


def test_in_the_pool_every_other_photo_of_the_category_counts_as_much() -> None:
    """Photos 1 and 2, and as others 2 and 3: the first sketch has 2, 2 and 3 as negatives, the second 1 and 3.

    Where rows 0 and 1 are of one category, 2 and 3 of another, each sketch has its own other photo alone.
    """
    found = negatives_of(torch.tensor([1, 2]), torch.tensor([2, 3]), pool=True)
    torch.testing.assert_close(found, torch.tensor([[0, 1, 1, 1], [1.5, 0, 0, 1.5]]) / 6)
    category = torch.tensor([7, 7, 8, 8])
    found = negatives_of(torch.tensor([0, 2]), torch.tensor([1, 3]), pool=True, category=category)
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.5]]))


def test_the_inner_loss_tends_to_the_triplet_loss_as_it_sharpens() -> None:
    embedded, negatives = (
        torch.randn(6, 3, DIMENSIONS, generator=torch.Generator().manual_seed(0)),
        triplets(6).negatives,
    )
    hinge = outer_loss(embedded, negatives.float(), 0.3)
    far, near = (inner_loss(embedded, negatives.float(), torch.tensor(0.3), sharpness) for sharpness in (0.1, 1e-4))
    assert far > hinge
    torch.testing.assert_close(near, hinge, atol=1e-4, rtol=0)


def test_a_step_goes_down_the_inner_loss_at_the_learned_rate() -> None:
    model, support = make(), triplets(5)
    head = copy.deepcopy(model.head)
    embedded = torch.nn.functional.normalize(head(support.inputs), dim=-1)
    margin = model.margin_of(support.inputs).detach()
    (5 * inner_loss(embedded, support.negatives, margin, model.form.sharpness)).backward()
    adapted = model.adapt(support)
    for name, value in head.named_parameters():
        assert value.grad is not None and value.grad.any()
        torch.testing.assert_close(adapted[f"head.{name}"], value - 0.1 * value.grad)


@pytest.mark.parametrize("scope", ["none", "head", "all"])
@pytest.mark.parametrize("statistics", [False, True])
def test_an_adapted_model_is_a_retrieval_model_that_embeds_alike(scope: str, statistics: bool) -> None:
    """The projection, M and the statistics as one layer and one side; the model itself stays as it is."""
    model = make(scope=scope, steps=2, statistics=statistics).float()
    taps = triplets(4, channels=D)
    pairs = Triplets(2 + taps.inputs.float(), taps.negatives.float())
    before = copy.deepcopy(model.state_dict())
    weights, sketch = model.meet(pairs.inputs[:, 0], pairs)
    adapted = model.with_weights(weights, sketch)
    found = [adapted.embed(pairs.inputs[:, place], side) for place, side in enumerate(("sketch", "photo"))]  # type: ignore[arg-type]
    inputs = model.inputs(model.standardise(pairs.inputs, sketch))
    torch.testing.assert_close(torch.stack(found, 1), model.embed(inputs, weights)[:, :2])
    assert (adapted.sides["sketch"].mean.abs().sum() > 0) == statistics and not adapted.sides["photo"].mean.any()
    plain = model.with_weights(model.weights(), model.sketch_side(pairs.inputs[:0, 0]))
    assert torch.equal(plain.head.weight, adapted.head.weight) == (scope == "none")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_m_starts_as_the_identity() -> None:
    """On F's embedding, or on its leading dimensions; a model that does not adapt is F."""
    taps = triplets(5, channels=D).inputs[:, 1]
    for size in (DIMENSIONS, CHANNELS):
        model = make(scope="none", embedding_dim=size)
        expected = torch.nn.functional.normalize(model.projection(taps)[:, :size], dim=-1)
        torch.testing.assert_close(model.embed(model.inputs(taps), model.weights()), expected)
    assert not model.adapts and make(scope="none", statistics=True).adapts


def test_a_model_trained_without_a_step_can_take_some_later_and_more_lower_the_loss() -> None:
    model, support = make(steps=0), triplets(4)
    assert all(torch.equal(value, model.adapt(support)[name]) for name, value in model.weights().items())
    course = model.course(support, 3)
    assert all(torch.equal(value, course[2][name]) for name, value in make(steps=2).adapt(support).items())
    margin = model.margin_of(support.inputs)
    losses = [
        inner_loss(model.embed(support.inputs, weights), support.negatives, margin, 0.1).item() for weights in course
    ]
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[-1]


@pytest.mark.parametrize("first_order", [False, True])
def test_every_part_is_reached_by_the_outer_gradient(first_order: bool) -> None:
    """The margin network too: a smoothed inner loss is there for nothing else. The trunk's statistics are not."""
    model, support, query = make(first_order=first_order), triplets(4, channels=D), triplets(6, seed=2, channels=D)
    parts = [part._replace(inputs=model.inputs(part.inputs)) for part in (support, query)]
    model.task_loss(*parts, margin=1.0).backward()
    everything = {name for name, value in model.named_parameters() if value.requires_grad}
    reached = {name for name, value in model.named_parameters() if value.grad is not None and value.grad.any()}
    # The first-order gradient takes the inner step as given, and so the margin that it was made with.
    assert reached == ({name for name in everything if not name.startswith("margins.")} if first_order else everything)


def test_the_gradient_of_the_margin_network_is_that_of_finite_differences() -> None:
    model, support, query = make(rate=3.0), triplets(4), triplets(6, seed=2)
    assert model.margins is not None
    bias = model.margins.rho.bias

    def loss(value: Tensor) -> Tensor:
        with torch.no_grad():
            bias.copy_(value)
        return model.task_loss(support, query, margin=1.0)

    start = bias.detach().clone()
    found = torch.autograd.grad(loss(start), bias)[0].item()
    expected = (loss(start + 1e-5) - loss(start - 1e-5)).item() / 2e-5
    assert found == pytest.approx(expected, rel=1e-4) and abs(found) > 1e-6


@pytest.mark.parametrize("sign", [False, True])
def test_all_weights_adapt_by_the_gradient_or_its_signs(sign: bool) -> None:
    model = make(scope="all", sign=sign, rate=1e-3)
    adapted = model.adapt(triplets(3, channels=D))
    moved = {name: (adapted[name] - value).abs() for name, value in model.weights().items()}
    assert moved.keys() == {f"{part}.{name}" for part in ("projection", "head") for name in ("weight", "bias")}
    for change in moved.values():
        assert change.any()
        if sign:
            torch.testing.assert_close(change, torch.where(change > 0, 1e-3, 0.0).double(), atol=1e-9, rtol=0)


@pytest.mark.parametrize(("scope", "steps"), [("head", 0), ("head", 3), ("all", 1)])
def test_tasks_at_once_are_tasks_one_by_one(scope: str, steps: int) -> None:
    model, channels = make(scope=scope, steps=steps), CHANNELS if scope == "head" else D
    support, query = triplets(4, 5, channels=channels), triplets(4, 7, seed=2, channels=channels)
    together = model.task_losses(support, query, margin=0.3)
    tasks = zip(*support, *query, strict=True)
    alone = torch.stack([model.task_loss(Triplets(*task[:2]), Triplets(*task[2:]), margin=0.3) for task in tasks])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)
    weights = [value for value in model.parameters() if value.requires_grad]
    for one, other in zip(
        torch.autograd.grad(together.sum(), weights, allow_unused=True, materialize_grads=True),
        torch.autograd.grad(alone.sum(), weights, allow_unused=True, materialize_grads=True),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


def test_the_margin_is_the_supports_whatever_its_order() -> None:
    """Features of length 1 would move it by less than a thousandth, so all tasks would get nearly the same margin."""
    model, support = make(margin_width=64), triplets(6).inputs
    margin = model.margin_of(support)
    assert margin.shape == () and 0 < margin.item() < 1
    for same in (support.flip(0), 1000 * support):
        torch.testing.assert_close(model.margin_of(same), margin)
    assert torch.stack([model.margin_of(triplets(5, seed=seed).inputs) for seed in range(10)]).std() > 0.004
    assert make(margin_width=None).margin_of(support) == 0.3


def test_equal_embeddings_have_finite_gradients() -> None:
    model, support = make(steps=2), triplets(2)
    equal = support._replace(inputs=support.inputs[:1, :1].expand(2, 3, CHANNELS))
    model.task_loss(equal, equal, margin=0.3).backward()
    assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())


def test_the_share_by_hand() -> None:
    """Two rows of four numbers whose mean is 3 deviations away: 1 - 1.2 * (4 / 2) / 36. Near ones do not count."""
    rows = torch.tensor([[2.0], [4.0]]).expand(2, 4)
    assert shrinkage(Standardise(4), rows) == pytest.approx(1 - 1.2 * 2 / 36)
    assert shrinkage(Standardise(4), rows / 10) == 0
    assert shrinkage(Standardise(4), rows[:0]) == 0 and shrinkage(Standardise(4), torch.zeros(3, 4)) == 0


def test_sketches_are_guessed_to_differ_as_edges_do_and_not_by_chance() -> None:
    """Edges 5 deviations away move the mean by nearly as much; those of the same photos by nothing."""
    rng = torch.Generator().manual_seed(0)
    side, seen = Standardise(50), SeenEdges(torch.full((50,), 2.0), 64)
    edges = 2 + torch.randn(40, 50, generator=rng)
    side.mean.fill_(1.0)
    assert guessed(side, seen, edges) is side
    moved = guessed(side, seen, edges + 5)
    share = shrinkage(Standardise(50), edges + 3, of=64)
    assert 0.9 < share < shrinkage(Standardise(50), edges + 3)
    torch.testing.assert_close(moved.mean, 1 + share * (edges.mean(0) + 3))
    fewer = guessed(side, seen._replace(photos=20), edges + 5)
    assert 0 < (moved.mean - fewer.mean).mean() < 1  # the mean of fewer says less of all
    assert torch.equal(moved.deviation, side.deviation) and torch.equal(side.mean, torch.ones(50))
    model = make(scope="none", statistics=True, edges=True).float()
    assert model.sketch_side(torch.zeros(0, D), torch.full((40, D), 9.0)).mean.min() > 5
    assert model.sketch_side(torch.zeros(0, D), None) is model.retrieval.side("sketch")


def test_the_closed_form_is_the_least_of_its_loss() -> None:
    """By gradients; no pair at all, and a large weight, leave everything as it is."""
    rng = torch.Generator().manual_seed(0)
    sketches, photos = (torch.nn.functional.normalize(torch.randn(5, 7, generator=rng).double()) for _ in range(2))
    moved = ridge_head(sketches, photos, 0.3).requires_grad_(True)
    errors = (sketches @ moved.T - photos).square().sum() + (photos @ moved.T - photos).square().sum()
    loss = errors + 0.3 * (moved - torch.eye(7)).square().sum()
    loss.backward()
    assert moved.grad is not None and moved.grad.abs().max() < 1e-10
    torch.testing.assert_close(ridge_head(sketches, photos, 1e9), torch.eye(7).double())
    torch.testing.assert_close(ridge_head(sketches[:0], photos[:0], 1.0), torch.eye(7).double())


def test_the_shrunk_mean_errs_less_than_either() -> None:
    """Than that of the few sketches and that of the side, over kinds that lie near, apart and far."""
    random = torch.Generator().manual_seed(0)
    for shift in (0.1, 0.5, 1.0):
        errors = torch.zeros(3)
        for _ in range(200):
            mean = shift * torch.randn(60, generator=random)
            rows = mean + torch.randn(3, 60, generator=random)
            guesses = torch.stack([met(Standardise(60), rows).mean, rows.mean(0), torch.zeros(60)])
            errors += (guesses - mean).square().sum(1)
        assert errors[0] <= 1.1 * min(errors[1:])


def test_a_kind_that_is_far_gets_a_side_of_its_own() -> None:
    side = Standardise(3)
    rows = 10 + torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    found = met(side, rows)
    torch.testing.assert_close(found.mean, rows.mean(0), atol=0.1, rtol=0)
    assert torch.equal(side.mean, torch.zeros(3)) and met(side, rows[:0]) is side

"""The adaptive model: what a step does, what gradients reach, tasks at once against one by one."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from fgsbir.adaptation.losses import inner_loss, outer_loss
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.triplets import Triplets, negatives_of
from fgsbir.retrieval.losses import triplet_loss

CHANNELS, DIMENSIONS, SIZE = 256, 4, 32


def make(seed: int = 0, **changes: Any) -> AdaptiveModel:
    torch.manual_seed(seed)
    settings = {
        "retrieval": {"backbone": "small", "embedding_dim": DIMENSIONS, "attention": True, "image_size": SIZE},
        "scope": "head",
        "steps": 1,
        "first_order": False,
        "sign": False,
        "rate": 0.1,
        "margin": 0.3,
        "margin_width": 8,
        "sharpness": 0.1,
    }
    return AdaptiveModel(**{**settings, **changes}).double()


def triplets(*shape: int, seed: int = 1, pool: bool = True) -> Triplets:
    """Features of n triplets of as many photos, the last of ``shape``; tasks in front of it."""
    features = torch.randn(*shape, 3, CHANNELS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rows = torch.arange(2 * shape[-1]).expand(*shape[:-1], -1)
    return Triplets(features, negatives_of(*rows.chunk(2, -1), pool=pool).double())


def pictures(n: int, seed: int = 1) -> Triplets:
    images = torch.rand(n, 3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Triplets(images, triplets(n).negatives)


def test_the_paper_counts_a_sketchs_own_other_photo_alone() -> None:
    embedded = torch.randn(7, 3, DIMENSIONS, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(14)
    found = outer_loss(embedded, negatives_of(rows[:7], rows[7:], pool=False), 0.3)
    torch.testing.assert_close(found, triplet_loss(*embedded.unbind(1), 0.3).mean())


def test_in_the_pool_every_other_photo_counts_as_much() -> None:
    """Photos 1 and 2, and as others 2 and 3: the first sketch has 2, 2 and 3 as negatives, the second 1 and 3."""
    found = negatives_of(torch.tensor([1, 2]), torch.tensor([2, 3]), pool=True)
    torch.testing.assert_close(found, torch.tensor([[0, 1, 1, 1], [1.5, 0, 0, 1.5]]) / 6)


def test_photos_of_another_category_are_no_negatives() -> None:
    """Rows 0 and 1 are of one category, 2 and 3 of another: each sketch has its own other photo alone."""
    category = torch.tensor([7, 7, 8, 8])
    found = negatives_of(torch.tensor([0, 2]), torch.tensor([1, 3]), pool=True, category=category)
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.5]]))
    one = [
        negatives_of(torch.tensor([0, 2]), torch.tensor([1, 3]), pool=True, category=of) for of in (None, category * 0)
    ]
    assert torch.equal(*one)


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
    head = copy.deepcopy(model.retrieval.head)
    embedded = torch.nn.functional.normalize(head(support.inputs), dim=-1)
    margin = model.margin_of(support.inputs).detach()
    (5 * inner_loss(embedded, support.negatives, margin, model.sharpness)).backward()
    adapted = model.adapt(support)
    for name, value in head.named_parameters():
        assert value.grad is not None and value.grad.any()
        torch.testing.assert_close(adapted[name], value - 0.1 * value.grad)


def test_a_step_about_the_centre_is_one_of_a_layer_that_reads_what_lies_beyond_it() -> None:
    model, support, others = make(margin_width=None, rate=2.0), triplets(5), triplets(7, seed=2).inputs
    centre = torch.randn(CHANNELS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    model.follow(centre)
    head = copy.deepcopy(model.retrieval.head)
    with torch.no_grad():
        head.bias += head.weight @ centre

    def embed(features: Tensor) -> Tensor:
        return torch.nn.functional.normalize(head(features - centre), dim=-1)

    torch.testing.assert_close(embed(others), model.embed(others, dict(model.retrieval.head.named_parameters())))
    (5 * inner_loss(embed(support.inputs), support.negatives, torch.tensor(0.3), model.sharpness)).backward()
    with torch.no_grad():
        for value in head.parameters():
            assert value.grad is not None
            value -= 2.0 * value.grad
    torch.testing.assert_close(model.embed(others, model.adapt(support)), embed(others))


def test_the_centre_is_the_mean_of_the_first_batches_and_then_follows() -> None:
    model = make()
    for value in (1.0, 2.0, 3.0):
        model.follow(torch.full((CHANNELS,), value, dtype=torch.float64))
    torch.testing.assert_close(model.centre, torch.full((CHANNELS,), 2.0, dtype=torch.float64))
    for _ in range(200):
        model.follow(torch.zeros(CHANNELS, dtype=torch.float64))
    assert model.centre.abs().max() < 1e-3


@pytest.mark.parametrize("scope", ["head", "all"])
def test_adapting_one_task_changes_neither_the_model_nor_another_task(scope: str) -> None:
    model = make(scope=scope, margin_width=8 if scope == "head" else None, steps=2).float()
    one, other = (Triplets(part.inputs.float(), part.negatives.float()) for part in (pictures(2), pictures(2, seed=2)))
    before, images = copy.deepcopy(model.state_dict()), one.inputs[:, 0]
    first = model.adapted(one)(images)
    second = model.adapted(other)(images)
    assert torch.equal(model.adapted(one)(images), first) and not torch.equal(first, second)
    assert not torch.equal(first, model.retrieval(images))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_model_that_does_not_adapt_is_f() -> None:
    model, support = make(scope="none", margin_width=None).float(), pictures(2)
    images = support.inputs[:, 1].float()
    adapted = model.adapted(Triplets(support.inputs.float(), support.negatives.float()))
    assert not model.adapts and torch.equal(adapted(images), model.retrieval(images))


@pytest.mark.parametrize("scope", ["none", "head", "all"])
def test_what_adaptation_starts_from_gives_fs_embedding(scope: str) -> None:
    model = make(scope=scope, margin_width=None).float()
    images = pictures(2).inputs.float()
    inputs = model.inputs(images.flatten(0, 1)).unflatten(0, (2, 3))
    found = model.embed(inputs, dict((model.retrieval if scope == "all" else model.retrieval.head).named_parameters()))
    torch.testing.assert_close(found.flatten(0, 1), model.retrieval(images.flatten(0, 1)))


def test_a_model_trained_without_a_step_can_take_some_later() -> None:
    without, support = make(steps=0), triplets(4)
    assert all(
        torch.equal(value, without.adapt(support)[name]) for name, value in without.retrieval.head.named_parameters()
    )
    found, expected = (model.adapt(support) for model in (without.with_steps(2), make(steps=2)))
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_more_steps_lower_the_inner_loss() -> None:
    model, support = make(), triplets(4)
    margin = model.margin_of(support.inputs)
    losses = [
        inner_loss(tried.embed(support.inputs, tried.adapt(support)), support.negatives, margin, 0.1).item()
        for tried in (model.with_steps(steps) for steps in range(4))
    ]
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[-1]


@pytest.mark.parametrize("first_order", [False, True])
def test_every_part_is_reached_by_the_outer_gradient(first_order: bool) -> None:
    """The margin network too: a smoothed inner loss is there for nothing else."""
    model, support, query = make(first_order=first_order), triplets(4), triplets(6, seed=2)
    model.task_loss(support, query._replace(inputs=query.inputs.requires_grad_()), margin=1.0).backward()
    assert query.inputs.grad is not None and query.inputs.grad.any()
    everything = {name for name, _ in model.named_parameters() if not name.startswith("retrieval.")} | {
        f"retrieval.head.{name}" for name in ("weight", "bias")
    }
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
    model, support = make(scope="all", margin_width=None, sign=sign, rate=1e-3).float(), pictures(2)
    adapted = model.adapt(Triplets(support.inputs.float(), support.negatives.float()))
    moved = {name: (adapted[name] - value).abs() for name, value in model.retrieval.named_parameters()}
    # The attention's bias is the same at every place, so its softmax does not feel it.
    assert all(change.any() for name, change in moved.items() if name != "attention.score.bias")
    if sign:
        for change in moved.values():
            torch.testing.assert_close(change, torch.where(change > 0, 1e-3, 0.0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_tasks_at_once_are_tasks_one_by_one(steps: int) -> None:
    model = make(steps=steps)
    support, query = triplets(8, 5), triplets(8, 7, seed=2)
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


def test_the_margin_is_in_range_and_does_not_depend_on_the_order_of_the_support() -> None:
    model, support = make(), triplets(6).inputs
    margin = model.margin_of(support)
    assert margin.shape == () and 0 < margin.item() < 1
    torch.testing.assert_close(model.margin_of(support.flip(0)), margin)
    assert model.margin_of(triplets(6, seed=5).inputs) != margin
    assert make(margin_width=None).margin_of(support) == 0.3


def test_margins_of_different_supports_differ_from_the_start() -> None:
    """Features of length 1 would move them by less than a thousandth, and tasks would hardly be told apart."""
    model = make(margin_width=64)
    margins = torch.stack([model.margin_of(triplets(5, seed=seed).inputs) for seed in range(10)])
    assert margins.std() > 0.004
    torch.testing.assert_close(model.margin_of(1000 * triplets(5).inputs), model.margin_of(triplets(5).inputs))


def test_equal_embeddings_have_finite_gradients() -> None:
    model, support = make(steps=2), triplets(2)
    equal = support._replace(inputs=support.inputs[:1, :1].expand(2, 3, CHANNELS))
    model.task_loss(equal, equal, margin=0.3).backward()
    assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())

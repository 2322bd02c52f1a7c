"""Eq. 7: what each pair weighs, and what the teacher holds."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.joint.noise_tolerance import freeze, semi_supervised_losses, weighted_sum
from fgsbir.retrieval.losses import distance, info_nce_loss
from fgsbir.retrieval.pairs import PairBatch, PairStream, human_pairs
from tests.joint.toy_joint import OBJECTIVE
from tests.toy import Toy

OMEGA = torch.tensor([0.1, 0.9, 0.0, 0.5])
NUMBERS = [np.array([0, 1, 2, 3]), np.array([4, 2, 5, 0])]


@pytest.fixture
def batches(toy: Toy) -> list[PairBatch]:
    pairs = human_pairs(toy.pictures, toy.split.labelled, "taps")
    return [PairStream(pairs, 4, 0, name).batch(0) for name in ("labelled", "pseudo")]


def losses(
    toy: Toy,
    model: Any,
    teacher: Any,
    batches: list[PairBatch],
    omega: torch.Tensor,
    distillation: Any,
    keep: Any = None,
) -> dict[str, torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)
    return semi_supervised_losses(
        toy.compute,
        model,
        teacher,
        *batches,
        NUMBERS,
        omega,
        OBJECTIVE,
        distillation,
        keep=keep,
        generator=numbers,
    )


def embeddings(model: Any, batches: list[PairBatch], keep: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
    photo, sketch = (torch.cat([getattr(batch, side) for batch in batches]) for side in ("photo", "sketch"))
    return model.embed(photo, "photo", keep), model.embed(sketch, "sketch", keep)


def per_pair(model: Any, batches: list[PairBatch], keep: Any = None) -> torch.Tensor:
    """The objective of every pair among all photos of both batches, two rows of a photo being no negatives."""
    photo, sketch = embeddings(model, batches, keep)
    numbers, rows = torch.from_numpy(np.concatenate(NUMBERS)), torch.arange(8)
    return info_nce_loss(sketch, photo, rows, numbers, torch.zeros(8, dtype=torch.int64), 0.1)


def test_the_pseudo_pairs_weigh_their_certainty(toy: Toy, batches: list[PairBatch]) -> None:
    model = toy.retrieval()
    keep = torch.ones(model.dimensions)
    keep[::3] = 0
    for mask in (None, keep):
        found, each = losses(toy, model, model, batches, OMEGA, "none", mask), per_pair(model, batches, mask)
        assert found.keys() == {"labelled", "pseudo"}
        torch.testing.assert_close(found["labelled"], each[:4].mean())
        torch.testing.assert_close(found["pseudo"], (OMEGA * each[4:]).mean())


def test_a_pair_without_certainty_gives_no_gradient_of_its_own(toy: Toy, batches: list[PairBatch]) -> None:
    def gradient(omega: torch.Tensor) -> torch.Tensor:
        model = toy.retrieval()
        losses(toy, model, model, batches, omega, "none")["pseudo"].backward()
        assert model.head.weight.grad is not None
        return model.head.weight.grad

    assert gradient(torch.zeros(4)).abs().max() == 0
    one_by_one = sum(gradient(OMEGA * torch.eye(4)[row]) for row in range(4))
    torch.testing.assert_close(gradient(OMEGA), one_by_one, atol=1e-5, rtol=1e-3)


def test_the_sum_is_eq_7() -> None:
    terms = {"labelled": torch.tensor(2.0), "pseudo": torch.tensor(0.5), "teacher": torch.tensor(3.0)}
    assert weighted_sum(terms, 0.1).item() == pytest.approx(2.8)
    assert weighted_sum({name: terms[name] for name in ("labelled", "pseudo")}, 0.1).item() == 2.5


def test_the_teachers_terms(toy: Toy, batches: list[PairBatch]) -> None:
    model, teacher = toy.retrieval(), freeze(toy.retrieval(seed=9))
    photo, sketch = embeddings(model, batches)
    taught_photo, taught_sketch = embeddings(teacher, batches)
    expected = {
        "relative": (distance(taught_photo, taught_sketch) - distance(photo, sketch)).abs(),
        "absolute": (distance(taught_photo, photo) + distance(taught_sketch, sketch)) / 2,
    }
    for distillation, each in expected.items():
        found = losses(toy, model, teacher, batches, OMEGA, distillation)["teacher"]
        torch.testing.assert_close(found, each[:4].mean() + each[4:].mean())
        found.backward()
        assert all(weights.grad is None for weights in teacher.parameters())
        own = losses(toy, model, freeze(copy.deepcopy(model)), batches, OMEGA, distillation)["teacher"]
        assert own.item() == pytest.approx(0, abs=1e-5)


def test_without_a_teacher_it_is_not_asked(toy: Toy, batches: list[PairBatch], monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = toy.retrieval()
    monkeypatch.setattr(teacher, "embed", lambda *given: pytest.fail("the teacher was asked"))
    losses(toy, toy.retrieval(), teacher, batches, OMEGA, "none")


def test_freezing_is_for_good(toy: Toy) -> None:
    model = toy.retrieval().train()
    assert freeze(model) is model and not model.training
    assert not any(weights.requires_grad for weights in model.parameters())

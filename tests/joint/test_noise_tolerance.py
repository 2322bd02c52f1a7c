"""Eq. 7: what each pair weighs, and what the relative (Eq. 6) and the absolute teacher hold."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fgsbir.joint.noise_tolerance import semi_supervised_losses, teacher_loss, weighted_sum
from fgsbir.retrieval.losses import info_nce_loss, negative_mask
from fgsbir.retrieval.pairs import PairBatch, PairStream, human_pairs
from tests.joint.toy_joint import OBJECTIVE
from tests.toy import Toy

OMEGA = torch.tensor([0.1, 0.9, 0.0, 0.5])
NUMBERS = [np.array([0, 1, 2, 3]), np.array([4, 2, 5, 0])]
both_teachers = pytest.mark.parametrize("form", ["relative", "absolute"])


@pytest.fixture
def batches(toy: Toy) -> list[PairBatch]:
    pairs = human_pairs(toy.pictures, toy.split.labelled, "taps")
    return [PairStream(pairs, 4, 0, name).batch(0) for name in ("labelled", "pseudo")]


def losses(
    toy: Toy, model: Any, teacher: Any, batches: list[PairBatch], form: Any, keep: Tensor | None = None
) -> dict[str, Tensor]:
    numbers = torch.Generator().manual_seed(0)
    return semi_supervised_losses(toy.compute, model, teacher, batches, NUMBERS, OMEGA, OBJECTIVE, form, keep, numbers)


def embeddings(model: Any, batches: list[PairBatch], keep: Any = None) -> tuple[Tensor, Tensor]:
    photo, sketch = (torch.cat([getattr(batch, side) for batch in batches]) for side in ("photo", "sketch"))
    return model.embed(photo, "photo", keep), model.embed(sketch, "sketch", keep)


@pytest.mark.parametrize("dropped", [False, True])
def test_the_pseudo_pairs_weigh_their_certainty(toy: Toy, batches: list[PairBatch], dropped: bool) -> None:
    """The objective of every pair is taken among all photos of both batches, two rows of a photo being no negatives."""
    model = toy.retrieval()
    keep = (torch.arange(model.dimensions) % 3 > 0).float() if dropped else None
    photo, sketch = embeddings(model, batches, keep)
    numbers = torch.from_numpy(np.concatenate(NUMBERS))
    each = info_nce_loss(sketch, photo, negative_mask(numbers, torch.zeros(8, dtype=torch.int64)), 0.1)
    found = losses(toy, model, None, batches, "none", keep)
    assert found.keys() == {"labelled", "pseudo"}
    torch.testing.assert_close(found["labelled"], each[:4].mean())
    torch.testing.assert_close(found["pseudo"], (OMEGA * each[4:]).mean())


def test_the_sum_is_eq_7() -> None:
    terms = {"labelled": torch.tensor(2.0), "pseudo": torch.tensor(0.5), "teacher": torch.tensor(3.0)}
    assert weighted_sum(terms, 0.1).item() == pytest.approx(2.8)
    assert weighted_sum({name: terms[name] for name in ("labelled", "pseudo")}, 0.1).item() == 2.5


@both_teachers
def test_the_teachers_term_is_the_mean_of_each_kind(toy: Toy, batches: list[PairBatch], form: Any) -> None:
    model, teacher = toy.retrieval(), toy.retrieval(seed=9)
    each = teacher_loss(form, *embeddings(teacher, batches), *embeddings(model, batches))
    found = losses(toy, model, teacher, batches, form)["teacher"]
    torch.testing.assert_close(found, each[:4].mean() + each[4:].mean())
    found.backward()
    assert all(weights.grad is None for weights in teacher.parameters())


def random_embeddings() -> list[Tensor]:
    """Photos and sketches of the teacher, then of F."""
    return list(torch.randn(4, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64))


@pytest.mark.parametrize(("form", "loss"), [("relative", 2.0), ("absolute", 1.0)])
def test_worked_values(form: Any, loss: float) -> None:
    """The teacher's pair is 5 apart, the student's 3, each of its ends 1 away from the teacher's."""
    ends = torch.tensor([[[0.0, 0.0]], [[3.0, 4.0]], [[0.6, 0.8]], [[2.4, 3.2]]])
    assert teacher_loss(form, *ends).item() == pytest.approx(loss)


def test_relative_allows_what_absolute_forbids() -> None:
    """Moving photo and sketch together leaves their distance alone."""
    photo, sketch, shift, _ = random_embeddings()
    given = (photo, sketch, photo + shift, sketch + shift)
    assert teacher_loss("relative", *given).abs().max() < 1e-9
    torch.testing.assert_close(teacher_loss("absolute", *given), shift.norm(dim=1))


@both_teachers
def test_finite_differences_and_no_gradient_for_the_teacher(form: Any) -> None:
    taught_photo, taught_sketch, photo, sketch = (value.requires_grad_() for value in random_embeddings())
    taught = (taught_photo, taught_sketch)
    assert torch.autograd.gradcheck(lambda *mine: teacher_loss(form, *taught, *mine), (photo, sketch))
    teacher_loss(form, *taught, photo, sketch).sum().backward()
    assert taught_photo.grad is None and taught_sketch.grad is None


@both_teachers
def test_a_student_equal_to_its_teacher_gets_a_zero_gradient(form: Any) -> None:
    """Joint training starts here, so a NaN would end it at once."""
    photo, sketch = (value.requires_grad_() for value in random_embeddings()[:2])
    value = teacher_loss(form, photo, sketch, photo, sketch)
    value.sum().backward()
    assert value.abs().max() < 2e-6 and not photo.grad.any() and not sketch.grad.any()

"""Eq. 7: what each pair weighs, and what the teacher holds."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from fgsbir.data.pairs import PairBatch
from fgsbir.runtime.processes import step_generator

from fgsbir.joint.noise_tolerance import freeze, semi_supervised_losses, weighted_sum
from fgsbir.retrieval.losses import distance, info_nce_loss

OMEGA = torch.tensor([0.1, 0.9, 0.0, 0.5])


@pytest.fixture
def batches(toy: Any) -> list[PairBatch]:
    photos, _, stored = toy.unlabelled()
    photos.sketches = list(stored.strokes.values())
    return [toy.stream(toy.labelled()).batch(0), toy.stream(photos, salt=2).batch(0)]


def losses(toy: Any, model: Any, teacher: Any, batches: list[PairBatch], omega: Any, distillation: str) -> Any:
    return semi_supervised_losses(
        toy.fabric,
        model,
        teacher,
        batches,
        omega,
        toy.objective,
        distillation,  # type: ignore[arg-type]
        generator=step_generator(0, 0),
    )


def embeddings(model: Any, batches: list[PairBatch]) -> tuple[torch.Tensor, torch.Tensor]:
    images = [batch.images(torch.device("cpu")) for batch in batches]
    return model(torch.cat([photo for photo, _ in images])), model(torch.cat([sketch for _, sketch in images]))


def per_pair(toy: Any, model: Any, batches: list[PairBatch]) -> torch.Tensor:
    """The objective of every pair of the batch, labelled ones first; two photos are the same only in one set."""
    photo, sketch = embeddings(model, batches)
    names = [(place, row) for place, batch in enumerate(batches) for row in batch.rows]
    numbers = torch.tensor([sorted(set(names)).index(name) for name in names])
    rows = torch.arange(len(names))
    return info_nce_loss(sketch, photo, rows, numbers, torch.zeros(len(names), dtype=torch.int64), 0.1)


def test_the_pseudo_pairs_weigh_their_certainty(toy: Any, batches: list[PairBatch]) -> None:
    model = toy.retrieval()
    found = losses(toy, model, model, batches, OMEGA, "none")
    each = per_pair(toy, model, batches)
    assert found.keys() == {"labelled", "pseudo"}
    torch.testing.assert_close(found["labelled"], each[:4].mean())
    torch.testing.assert_close(found["pseudo"], (OMEGA * each[4:]).mean())
    assert abs(found["pseudo"] - each[4:].mean()) > 0.1  # weight 1 is another number


def test_a_pair_without_certainty_gives_no_gradient_of_its_own(toy: Any, batches: list[PairBatch]) -> None:
    """The gradient is linear in the certainties, and theirs is none."""

    def gradient(omega: torch.Tensor) -> torch.Tensor:
        model = toy.retrieval()
        losses(toy, model, model, batches, omega, "none")["pseudo"].backward()
        return torch.cat([weights.grad.flatten() for weights in model.parameters()])

    whole = gradient(torch.ones(4))
    torch.testing.assert_close(gradient(torch.full((4,), 0.25)), 0.25 * whole, atol=2e-5, rtol=1e-2)
    assert gradient(torch.zeros(4)).abs().max() == 0
    parts = gradient(OMEGA)
    one_by_one = sum(gradient(OMEGA * torch.eye(4)[row]) for row in range(4))
    torch.testing.assert_close(parts, one_by_one, atol=2e-5, rtol=1e-2)


def test_the_sum_is_eq_7() -> None:
    terms = {"labelled": torch.tensor(2.0), "pseudo": torch.tensor(0.5), "teacher": torch.tensor(3.0)}
    assert weighted_sum(terms, 0.1).item() == pytest.approx(2.8)
    assert weighted_sum({"labelled": torch.tensor(2.0)}, 0.1).item() == 2.0
    assert weighted_sum({name: terms[name] for name in ("labelled", "teacher")}, 10.0).item() == 32.0


def test_the_teachers_terms(toy: Any, batches: list[PairBatch]) -> None:
    model, teacher = toy.retrieval(), freeze(toy.retrieval(seed=9))
    photo, sketch = embeddings(model, batches)
    taught_photo, taught_sketch = embeddings(teacher, batches)
    expected = {
        "relative": (distance(taught_photo, taught_sketch) - distance(photo, sketch)).abs(),
        "absolute": (distance(taught_photo, photo) + distance(taught_sketch, sketch)) / 2,
    }
    for distillation, each in expected.items():
        alone = losses(toy, model, teacher, batches[:1], None, distillation)
        torch.testing.assert_close(alone["teacher"], each[:4].mean())
        found = losses(toy, model, teacher, batches, OMEGA, distillation)
        torch.testing.assert_close(found["teacher"], each[:4].mean() + each[4:].mean())
        assert found["teacher"] > 0.01
        found["teacher"].backward()
        assert all(weights.grad is None for weights in teacher.parameters())
    assert "teacher" not in losses(toy, model, teacher, batches, OMEGA, "none")


def test_a_student_that_is_its_teacher_loses_nothing(toy: Any, batches: list[PairBatch]) -> None:
    model = toy.retrieval()
    for distillation in ("relative", "absolute"):
        found = losses(toy, model, freeze(copy.deepcopy(model)), batches, OMEGA, distillation)
        assert found["teacher"].item() == pytest.approx(0, abs=1e-5)


def test_without_a_teacher_it_is_not_asked(toy: Any, batches: list[PairBatch]) -> None:
    teacher = toy.retrieval()
    teacher.register_forward_pre_hook(lambda model, given: pytest.fail("the teacher was asked"))
    losses(toy, toy.retrieval(), teacher, batches, OMEGA, "none")


def test_the_control_is_the_mean_over_its_labelled_pairs(toy: Any) -> None:
    model = toy.retrieval()
    batch = toy.stream(toy.labelled(), 8).batch(1)
    found = losses(toy, model, freeze(toy.retrieval(seed=9)), [batch], None, "relative")
    assert found.keys() == {"labelled", "teacher"}
    torch.testing.assert_close(found["labelled"], per_pair(toy, model, [batch]).mean())


def test_photos_of_both_sets_are_each_others_negatives(toy: Any, batches: list[PairBatch]) -> None:
    """Row numbers that are equal in the two sets are still two photos."""
    same = replace(batches[1], rows=batches[0].rows.copy())
    model = toy.retrieval()
    found = losses(toy, model, model, [batches[0], same], OMEGA, "none")
    torch.testing.assert_close(found["labelled"], per_pair(toy, model, [batches[0], same])[:4].mean())


def test_freezing_is_for_good(toy: Any) -> None:
    model = toy.retrieval().train()
    assert freeze(model) is model and not model.training
    assert not any(weights.requires_grad for weights in model.parameters())

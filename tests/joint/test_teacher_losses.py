"""The relative (Eq. 6) and the absolute teacher."""

import pytest
import torch

from fgsbir.joint.teacher import absolute_teacher_loss, relative_teacher_loss


def embeddings(seed=0, n=4, d=3):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, d, generator=generator, dtype=torch.float64) for _ in range(4)]


def test_relative_worked_value():
    origin = torch.zeros(1, 2)
    # The teacher's pair is 5 apart, the student's 3.
    loss = relative_teacher_loss(origin, torch.tensor([[3.0, 4.0]]), origin, torch.tensor([[0.0, 3.0]]))
    torch.testing.assert_close(loss, torch.tensor([2.0]))


def test_absolute_worked_value():
    origin = torch.zeros(1, 2)
    loss = absolute_teacher_loss(origin, origin, torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(loss, torch.tensor([3.0]))


def test_relative_allows_what_absolute_forbids():
    """Moving photo and sketch together leaves their distance alone."""
    teacher_photo, teacher_sketch, shift, _ = embeddings()
    moved = (teacher_photo + shift, teacher_sketch + shift)
    zero = torch.zeros(4, dtype=torch.float64)
    torch.testing.assert_close(relative_teacher_loss(teacher_photo, teacher_sketch, *moved), zero, atol=1e-9, rtol=0)
    torch.testing.assert_close(absolute_teacher_loss(teacher_photo, teacher_sketch, *moved), shift.norm(dim=1))


@pytest.mark.parametrize("loss", [relative_teacher_loss, absolute_teacher_loss])
def test_finite_differences_and_no_gradient_for_the_teacher(loss):
    teacher_photo, teacher_sketch, photo, sketch = embeddings()
    photo.requires_grad_()
    sketch.requires_grad_()
    assert torch.autograd.gradcheck(lambda p, s: loss(teacher_photo, teacher_sketch, p, s), (photo, sketch))
    teacher_photo.requires_grad_()
    teacher_sketch.requires_grad_()
    loss(teacher_photo, teacher_sketch, photo, sketch).sum().backward()
    assert teacher_photo.grad is None
    assert teacher_sketch.grad is None


@pytest.mark.parametrize("loss", [relative_teacher_loss, absolute_teacher_loss])
def test_a_student_equal_to_its_teacher_gets_a_zero_gradient(loss):
    """Joint training starts here, so a NaN would end it at once."""
    teacher_photo, teacher_sketch, *_ = embeddings()
    photo, sketch = teacher_photo.clone().requires_grad_(), teacher_sketch.clone().requires_grad_()
    value = loss(teacher_photo, teacher_sketch, photo, sketch)
    value.sum().backward()
    assert value.abs().max() < 2e-6
    assert torch.equal(photo.grad, torch.zeros_like(photo))
    assert torch.equal(sketch.grad, torch.zeros_like(sketch))

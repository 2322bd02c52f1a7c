"""Equation 5 against torch's own binary cross-entropy, finite differences and worked values."""

import math

import torch
from torch.nn import functional

from fgsbir.certainty.loss import discriminator_loss


def test_equals_binary_cross_entropy():
    real, fake = torch.randn(4, 3, 3, dtype=torch.float32), torch.randn(6, 3, 3, dtype=torch.float32)
    expected = functional.binary_cross_entropy(real.sigmoid(), torch.ones_like(real))
    expected = expected + functional.binary_cross_entropy(fake.sigmoid(), torch.zeros_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


def test_undecided_costs_two_log_two_and_the_right_answer_nothing():
    zeros = torch.zeros(2, 4)
    torch.testing.assert_close(discriminator_loss(zeros, zeros), torch.tensor(2 * math.log(2)))
    torch.testing.assert_close(discriminator_loss(zeros + 50, zeros - 50), torch.tensor(0.0))
    torch.testing.assert_close(discriminator_loss(zeros - 50, zeros + 50), torch.tensor(100.0))


def test_a_mean_over_each_kind_so_numbers_do_not_matter():
    real, fake = torch.randn(2, 4), torch.randn(3, 4)
    torch.testing.assert_close(discriminator_loss(real, fake), discriminator_loss(real.repeat(5, 1), fake))


def test_gradient_pushes_real_up_and_fake_down():
    real = torch.randn(3, 2, requires_grad=True)
    fake = torch.randn(4, 2, requires_grad=True)
    discriminator_loss(real, fake).backward()
    torch.testing.assert_close(real.grad, (real.detach().sigmoid() - 1) / real.numel())
    torch.testing.assert_close(fake.grad, fake.detach().sigmoid() / fake.numel())

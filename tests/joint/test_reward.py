"""Equations 8 and 9: worked values, and the gradient's expectation against an exact enumeration."""

import math

import pytest
import torch

from fgsbir.generator.losses import Mixture
from fgsbir.generator.sampling import Output, draw_randomness, draw_rows
from fgsbir.joint.reward import policy_gradient_loss, reward, tempered


def test_reward_worked_values_and_detached():
    loss = torch.tensor([0.5, 0.0], requires_grad=True)
    certainty = torch.tensor([0.25, 1.0], requires_grad=True)
    value = reward(loss, certainty, 2.0, 3.0)
    torch.testing.assert_close(value, torch.tensor([-0.25, 3.0]))
    assert not value.requires_grad


def test_loss_worked_value():
    loss = policy_gradient_loss(
        torch.tensor([-10.0, -4.0]), torch.tensor([1.0, 0.0]), torch.tensor(0.5), torch.tensor([5, 2])
    )
    # -(1 - 0.5) * -10 / 5 and -(0 - 0.5) * -4 / 2
    torch.testing.assert_close(loss, torch.tensor([1.0, -1.0]))


def test_a_descent_step_makes_a_rewarded_drawing_likelier():
    logits = torch.zeros(3, requires_grad=True)
    log_probability = logits.log_softmax(0)[:2]
    gain = torch.tensor([1.0, 0.0])
    policy_gradient_loss(log_probability, gain, gain.mean(), torch.ones(2)).sum().backward()
    assert logits.grad[0] < 0 < logits.grad[1]


def test_no_gradient_through_reward_or_baseline():
    log_probability = torch.tensor([-1.0, -2.0], requires_grad=True)
    gain = torch.tensor([1.0, 3.0], requires_grad=True)
    policy_gradient_loss(log_probability, gain, gain.mean(), torch.ones(2)).sum().backward()
    assert gain.grad is None
    torch.testing.assert_close(log_probability.grad, torch.tensor([1.0, -1.0]))


def test_expected_gradient_is_that_of_the_expected_reward_and_a_baseline_does_not_bias_it():
    logits = torch.tensor([0.3, -0.2, 0.9, 0.0], dtype=torch.float64, requires_grad=True)
    gain = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    (true,) = torch.autograd.grad((logits.softmax(0) * gain).sum(), logits)
    for baseline in (0.0, 1.7):
        # Every action once, weighted by its probability: the exact expectation of the estimate.
        loss = policy_gradient_loss(logits.log_softmax(0), gain, baseline, torch.ones(4))
        (estimate,) = torch.autograd.grad((logits.softmax(0).detach() * loss).sum(), logits)
        torch.testing.assert_close(-estimate, true)


def one_output() -> tuple[Mixture, torch.Tensor]:
    """Three components, far apart, and a pen that is as often up as down and seldom ends."""
    fields = [
        [0.0, 1.0, -0.5],
        [-20.0, 0.0, 20.0],
        [5.0, -5.0, 0.0],
        [0.1, -0.3, 0.5],
        [-0.4, 0.2, 0.0],
        [0.3, -0.6, 0.9],
    ]
    return Mixture(*torch.tensor(fields)), torch.tensor([0.2, -0.3, -1.5])


def test_at_temperature_1_it_is_gs_own_output():
    mixture, pen = one_output()
    same, pens = tempered(mixture, pen, 1.0)
    for field, other in zip(mixture, same, strict=True):
        torch.testing.assert_close(field, other)
    torch.testing.assert_close(pens.softmax(-1), pen.softmax(-1))


@pytest.mark.parametrize("temperature", [0.25, 1.0, 1.7])
def test_g_draws_from_it(temperature):
    """A hundred thousand points of the sampler against the distribution: components, their spread, and the pen."""
    mixture, pen = one_output()
    n = 100_000
    noise = draw_randomness(n, 1, 1, 3, temperature, torch.Generator().manual_seed(0), torch.device("cpu"))
    output = Output(
        mixture.weight_logits.expand(n, 3),
        # The sampler clamps the correlation's tanh itself.
        torch.cat([*mixture[1:5], torch.atanh(mixture.rho / 0.95)]).expand(n, 15),
        (pen[1] - pen[0]).expand(n, 1),
        (pen[2] - pen[0]).expand(n, 1),
        torch.zeros(n, 1),
    )
    rows = draw_rows(output, noise.component[0], noise.pen[0], noise.offset[0])
    policy, pens = tempered(mixture, pen, temperature)
    torch.testing.assert_close(rows[:, 2:].mean(0), pens.softmax(-1), atol=0.006, rtol=0)
    nearest = (rows[:, :1] - mixture.mean_x).abs().argmin(1)
    shares = torch.bincount(nearest, minlength=3) / n
    torch.testing.assert_close(shares, policy.weight_logits.softmax(-1), atol=0.006, rtol=0)
    for component in range(3):
        x, y = rows[nearest == component][:, :2].T
        spread = torch.stack([policy.log_sigma_x, policy.log_sigma_y])[:, component].exp()
        torch.testing.assert_close(torch.stack([x.std(), y.std()]), spread, atol=0, rtol=0.04)
        found = torch.corrcoef(torch.stack([x, y]))[0, 1]
        assert float(found) == pytest.approx(float(policy.rho[component]), abs=0.05)


def test_a_lift_is_tempered_and_an_end_is_not():
    _, pens = tempered(*one_output(), 0.25)
    down, up, end = pens.softmax(-1).tolist()
    of_all = [math.exp(value) for value in (0.2, -0.3, -1.5)]
    assert end == pytest.approx(of_all[2] / sum(of_all))
    assert up / down == pytest.approx(math.exp((-0.3 - 0.2) / 0.25))

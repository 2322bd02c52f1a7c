"""Equations 8 and 9: worked values, and the gradient's expectation against an exact enumeration."""

import torch

from fgsbir.losses.policy_gradient import policy_gradient_loss, reward


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

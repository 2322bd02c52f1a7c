"""REINFORCE for the generator G: a drawing is good if F finds its photo and D_C believes in it."""

import math

import torch

from fgsbir.generator.losses import Mixture


def reward(retrieval_loss: torch.Tensor, certainty: torch.Tensor, lambda_r1: float, lambda_r2: float) -> torch.Tensor:
    """-lambda_r1 * L_trip + lambda_r2 * D_C, one value a drawing: (n,), without gradient. Paper 1, Eq. 8."""
    return -lambda_r1 * retrieval_loss.detach() + lambda_r2 * certainty.detach()


def policy_gradient_loss(
    log_probability: torch.Tensor, reward: torch.Tensor, baseline: torch.Tensor | float, lengths: torch.Tensor
) -> torch.Tensor:
    """-(R - b) / T * sum_t [log p(offset_t) + log p(pen_t)], one value a drawing: (n,). Paper 1, Eq. 9.

    ``log_probability`` (n,) is summed over a drawing's ``lengths`` (n,) >= 1 steps. The paper has
    neither the baseline nor the division; without them its weight of 10 is unstable, as a long drawing
    moves the weights more than a short one, whatever it earned.
    """
    baseline = baseline.detach() if isinstance(baseline, torch.Tensor) else baseline
    advantage = reward.detach() - baseline
    return -advantage * log_probability / lengths.to(log_probability.dtype)


def tempered(mixture: Mixture, pen_logits: torch.Tensor, temperature: float) -> tuple[Mixture, torch.Tensor]:
    """What G draws from at ``temperature`` > 0, in the form of its own output: a mixture and pen logits (..., 3).

    The components' logits are divided by it and the variances multiplied with it. Whether the pen is lifted is decided
    at it too, whether the drawing ends at 1, as in :class:`fgsbir.generator.sampling.Randomness`. The paper draws at 1.
    """
    spread = 0.5 * math.log(temperature)
    drawn = mixture._replace(
        weight_logits=mixture.weight_logits / temperature,
        log_sigma_x=mixture.log_sigma_x + spread,
        log_sigma_y=mixture.log_sigma_y + spread,
    )
    moves, end = pen_logits.split([2, 1], -1)
    goes_on = moves.logsumexp(-1, keepdim=True)
    return drawn, torch.cat([goes_on + (moves / temperature).log_softmax(-1), end], -1)

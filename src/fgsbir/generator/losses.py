"""Losses of G, the photo-to-sketch generator (paper 1, Eq. 3), on float32 tensors."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Mixture(NamedTuple):
    """M bivariate Gaussians per point, each field float32 (..., M); offsets are in G's scaled units.

    The model clamps ``log_sigma_x`` and ``log_sigma_y``, and keeps the correlation ``rho`` away from -1 and 1.
    """

    weight_logits: Tensor
    mean_x: Tensor
    mean_y: Tensor
    log_sigma_x: Tensor
    log_sigma_y: Tensor
    rho: Tensor


def bivariate_log_density(mixture: Mixture, offsets: Tensor) -> Tensor:
    """Log density of ``offsets`` (..., 2) under a mixture (..., M): (...).

    A log-sum-exp over the components, so that a point far from all of them gives a finite number.
    """
    x = (offsets[..., 0, None] - mixture.mean_x) * torch.exp(-mixture.log_sigma_x)
    y = (offsets[..., 1, None] - mixture.mean_y) * torch.exp(-mixture.log_sigma_y)
    uncorrelated = 1 - mixture.rho.square()
    distance = (x.square() + y.square() - 2 * mixture.rho * x * y) / uncorrelated
    log_normaliser = mixture.log_sigma_x + mixture.log_sigma_y + 0.5 * torch.log(uncorrelated) + math.log(2 * math.pi)
    return torch.logsumexp(mixture.weight_logits.log_softmax(-1) - 0.5 * distance - log_normaliser, -1)


def tempered(mixture: Mixture, pen_logits: Tensor, temperature: float) -> tuple[Mixture, Tensor]:
    """What G draws from at ``temperature`` > 0, in the form of its own output: a mixture and pen logits (..., 3).

    The components' logits are divided by it and the variances multiplied with it. Whether the pen is lifted is decided
    at it too, whether the drawing ends at 1: an end is unlikely at every point, so a low temperature would never let a
    drawing end. The paper draws at 1.
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


def sequence_log_probability(mixture: Mixture, pen_logits: Tensor, sequences: Tensor, lengths: Tensor) -> Tensor:
    """Log probability of whole drawings: sum over t of log p(offset_t) + log p(pen_t), (n,).

    ``mixture`` and ``pen_logits`` (n, T, 3) predict the rows of ``sequences`` (n, T, 5); ``lengths`` (n,) counts a
    drawing's rows up to and including its end, of which only the pen counts.
    """
    drawn = torch.arange(sequences.shape[1], device=sequences.device) < lengths[:, None]
    moved = drawn & (sequences[..., 4] < 0.5)
    # torch.where and not a product, before and after: what stands in the rows beyond the end must not leak in,
    # nor its gradient.
    nothing = sequences.new_zeros(())
    offset = bivariate_log_density(mixture, torch.where(moved.unsqueeze(-1), sequences[..., :2], nothing))
    pen = (pen_logits.log_softmax(-1) * sequences[..., 2:]).sum(-1)
    return (torch.where(moved, offset, nothing) + torch.where(drawn, pen, nothing)).sum(1)


def reconstruction_loss(mixture: Mixture, pen_logits: Tensor, sequences: Tensor, lengths: Tensor) -> Tensor:
    """L_R of each drawing: minus its log probability, per row of its own length: (n,) (paper 1, Eq. 3)."""
    return -sequence_log_probability(mixture, pen_logits, sequences, lengths) / lengths.clamp(min=1)


def kl_loss(mu: Tensor, log_sigma: Tensor, floor: float = 0.0) -> Tensor:
    """L_kl: divergence of N(mu, sigma) from N(0, 1), mean over the batch and the latent dimensions (n, d): scalar.

    Not less than ``floor``, where the gradient is zero ("free bits"): the latent is not squeezed to nothing.
    """
    divergence = 0.5 * (mu.square() + torch.exp(2 * log_sigma) - 1 - 2 * log_sigma)
    return divergence.mean().clamp(min=floor)

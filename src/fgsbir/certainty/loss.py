"""Loss of the discriminator D_C, whose output becomes the certainty of a pseudo pair."""

import torch
from torch.nn import functional


def discriminator_loss(real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
    """-E[log D(real)] - E[log(1 - D(fake))] from patch logits of any shape: a scalar. Paper 1, Eq. 5.

    Real pairs are labelled photos with their human sketches, fakes are photos with generated ones.
    Each expectation is a mean of its own, so the balance does not depend on how many there are of each.
    """
    # -log sigmoid(x) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(x), without overflow.
    return functional.softplus(-real_logits.float()).mean() + functional.softplus(fake_logits.float()).mean()

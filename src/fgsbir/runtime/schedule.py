"""Learning rates over the steps of a run."""

import math

import torch

# The share of all steps in which a rate rises.
WARMUP = 0.05


def warmup_cosine(step: int, steps: int, peak: float) -> float:
    """Linear from 0 to ``peak`` over the first ``WARMUP`` of ``steps``, then a half cosine down to 0."""
    rise = max(1, int(steps * WARMUP))
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def set_rate(optimizer: torch.optim.Optimizer, *rates: float) -> None:
    """Give each parameter group its rate, or all of them the only one."""
    groups = optimizer.param_groups
    for group, rate in zip(groups, rates if len(rates) > 1 else rates * len(groups), strict=False):
        group["lr"] = rate

"""Triplets of a task, and what counts as whose negative (paper 2)."""

from typing import NamedTuple

import torch
from torch import Tensor


class Triplets(NamedTuple):
    """Triplets of a task: ``inputs`` (n, 3, ...) are of sketch, its photo, and another photo of its category.

    ``negatives`` float32 (n, 2 n), of sum 1, is how much each of the n photos and then the n other photos counts as a
    negative of each sketch; see :func:`negatives_of`.
    """

    inputs: Tensor
    negatives: Tensor


def negatives_of(photo: Tensor, other: Tensor, *, pool: bool, category: Tensor | None = None) -> Tensor:
    """What counts as whose negative, float32 (..., n, 2 n), from the rows of photos and other photos, int64 (..., n).

    A sketch's own other photo alone, as in the paper, or with ``pool`` every photo of the set that is not its own.
    Where the rows are of several categories, ``category`` int64 is that of each row: a gallery never mixes them, so
    that photos of another one are no negatives.
    """
    shown = torch.cat([photo, other], -1)
    if pool:
        counted = (photo.unsqueeze(-1) != shown.unsqueeze(-2)).float()
        if category is not None:
            counted = counted * (category[photo].unsqueeze(-1) == category[shown].unsqueeze(-2))
    else:
        own = torch.eye(photo.shape[-1], device=photo.device).expand(*photo.shape, -1)
        counted = torch.cat([torch.zeros_like(own), own], -1)
    return counted / counted.sum(-1, keepdim=True) / photo.shape[-1]

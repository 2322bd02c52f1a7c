"""Triplets of a task (paper 2): what counts as whose negative, and their loss inside and outside the adaptation."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fgsbir.retrieval.losses import distance


class Triplets(NamedTuple):
    """Triplets of a task: ``inputs`` (n, 3, ...) are of sketch, its photo, and another photo of its category.

    ``negatives`` float32 (n, 2 n), of sum 1: how much each photo, then each other photo, is a sketch's negative.
    """

    inputs: Tensor
    negatives: Tensor


def negatives_of(photo: Tensor, other: Tensor, *, pool: bool, category: Tensor | None = None) -> Tensor:
    """What counts as whose negative, float32 (..., n, 2 n), from the rows of photos and other photos, int64 (..., n).

    A sketch's own other photo alone, as in the paper, or with ``pool`` every photo of the set that is not its own and
    of its ``category``, int64 by row, if that is given: a gallery never mixes them.
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


def outer_loss(embedded: Tensor, negatives: Tensor, margin: float) -> Tensor:
    """L_T over the query set: mean of max(0, margin + beta+ - beta-), a scalar; arguments as in :class:`Triplets`."""
    return (negatives * functional.relu(_violations(embedded, margin))).sum()


def inner_loss(embedded: Tensor, negatives: Tensor, margin: Tensor, sharpness: float) -> Tensor:
    """L_T over the support set with a predicted margin, smoothed: mean of s softplus((margin + beta+ - beta-) / s).

    The gradient of a hinge depends on the margin only through which triplets are active, so the margin would get none
    through the adaptation. ``sharpness`` s, in distances, tends to the hinge as it goes to 0.
    """
    return (negatives * sharpness * functional.softplus(_violations(embedded, margin) / sharpness)).sum()


def _violations(embedded: Tensor, margin: Tensor | float) -> Tensor:
    """margin + beta+ - beta- of each sketch of triplets (n, 3, d) and every photo of them: (n, 2 n)."""
    # Differences written out: torch.cdist has no second derivative for few rows, and the gradient of the adaptation
    # is one.
    sketch, photo, other = embedded.unbind(-2)
    away = distance(sketch.unsqueeze(-2), torch.cat([photo, other], -2).unsqueeze(-3))
    return margin + distance(sketch, photo).unsqueeze(-1) - away

"""Losses of adaptive FG-SBIR (paper 2): the triplet loss inside and outside the adaptation, and the regularisers."""

import torch
from torch import Tensor
from torch.nn import functional

from fgsbir.retrieval.losses import distance


def violations(embedded: Tensor, margin: Tensor | float) -> Tensor:
    """margin + beta+ - beta- of each sketch of triplets (n, 3, d) and every photo of them: (n, 2 n)."""
    # Differences written out: torch.cdist has no second derivative for few rows, and the gradient of the adaptation
    # is one.
    sketch, photo, other = embedded.unbind(-2)
    away = distance(sketch.unsqueeze(-2), torch.cat([photo, other], -2).unsqueeze(-3))
    return margin + distance(sketch, photo).unsqueeze(-1) - away


def outer_loss(embedded: Tensor, negatives: Tensor, margin: float) -> Tensor:
    """L_T over the query set: mean of max(0, margin + beta+ - beta-), a scalar.

    ``embedded`` (n, 3, d) and ``negatives`` (n, 2 n) are of :class:`fgsbir.adaptation.triplets.Triplets`.
    """
    return (negatives * functional.relu(violations(embedded, margin))).sum()


def inner_loss(embedded: Tensor, negatives: Tensor, margin: Tensor, sharpness: float) -> Tensor:
    """L_T over the support set with a predicted margin, smoothed: mean of s softplus((margin + beta+ - beta-) / s).

    As :func:`outer_loss`, ``margin`` a scalar. The gradient of a hinge depends on the
    margin only through which triplets are active, so the margin would get none through the adaptation.
    ``sharpness`` s, in distances, tends to the hinge as it goes to 0.
    """
    return (negatives * sharpness * functional.softplus(violations(embedded, margin) / sharpness)).sum()


def domain_loss(logits: Tensor, is_photo: Tensor) -> Tensor:
    """L_D: how well the domain of each image is told from its features; binary cross-entropy, a scalar.

    ``logits`` (n,) of features that came through :func:`reverse_gradient`, ``is_photo`` bool (n,): the classifier
    learns to tell photos from sketches, F to make them alike.
    """
    return functional.binary_cross_entropy_with_logits(logits, is_photo.float())


def semantic_loss(decoded: Tensor, words: Tensor) -> Tensor:
    """L_S: mean of (1 - cos) / 2 of decoded features (n, w) and the word vectors of their categories (n, w)."""
    return ((1 - functional.cosine_similarity(decoded, words, dim=1)) / 2).mean()


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return -gradient


def reverse_gradient(x: Tensor) -> Tensor:
    """x itself, whose gradient is turned round: what follows is minimised by its own weights, and maximised by x's."""
    return _Reversed.apply(x)

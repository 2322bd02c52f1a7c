"""Losses of the retrieval model F: paper 1's triplet (Eq. 4), how its negative is chosen, and InfoNCE.

Of a batch ``sketch`` and ``photo`` (n, d) are embeddings, row i of both one pair. ``negatives`` bool (n, n) says which
photo rows are negatives of which sketch. Losses are one value a sketch, so that pseudo pairs can be weighted by their
certainty; a sketch without any negative contributes exactly 0, and no gradient.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

LossName = Literal["triplet", "hardest", "semi_hard", "info_nce"]
# Under the root, so that the gradient of a zero distance is 0 and not NaN.
DISTANCE_EPSILON = 1e-12


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Plain L2 distance between rows (n, d) and (n, d): (n,). The gradient at distance 0 is 0."""
    return ((a - b).square().sum(-1) + DISTANCE_EPSILON).sqrt()


def triplet_loss(sketch: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """max(0, margin + d(sketch, positive) - d(sketch, negative)), each (n, d): (n,). Paper 1, Eq. 4."""
    return functional.relu(margin + distance(sketch, positive) - distance(sketch, negative))


def negative_mask(photo_index: Tensor, category: Tensor) -> Tensor:
    """Which photo rows are negatives of which sketch, bool (n, n): those of other photos of its category.

    ``photo_index`` int64 (n,) says which photo a row shows, and two rows may show the same one; ``category`` int64 (n,)
    is its category. A gallery never mixes categories.
    """
    return (category[:, None] == category) & (photo_index[:, None] != photo_index)


def random_negative(negatives: Tensor, generator: torch.Generator) -> Tensor:
    """A row of each sketch's negatives drawn uniformly: int64 (n,).

    Drawn on the generator's device, so that a CPU generator gives the same triplets on every accelerator.
    """
    keys = torch.rand(negatives.shape, generator=generator, device=generator.device).to(negatives.device)
    return keys.masked_fill(~negatives, -1.0).argmax(1)


@torch.no_grad()
def hardest_negative(sketch: Tensor, photo: Tensor, negatives: Tensor) -> Tensor:
    """The row of each sketch's nearest negative: int64 (n,)."""
    return torch.cdist(sketch.float(), photo.float()).masked_fill(~negatives, torch.inf).argmin(1)


@torch.no_grad()
def semi_hard_negative(sketch: Tensor, photo: Tensor, negatives: Tensor) -> Tensor:
    """The row of each sketch's nearest negative that is farther than its own photo: int64 (n,).

    Where all are nearer, the farthest one (FaceNet's rule as commonly implemented), lest a bad sketch be skipped.
    """
    distances = torch.cdist(sketch.float(), photo.float())
    farther = negatives & (distances > distances.diagonal()[:, None])
    nearest_farther = distances.masked_fill(~farther, torch.inf).argmin(1)
    return torch.where(farther.any(1), nearest_farther, distances.masked_fill(~negatives, -torch.inf).argmax(1))


def info_nce_loss(sketch: Tensor, photo: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """Symmetric InfoNCE: the mean of both cross-entropies, sketch among photos and photo among sketches: (n,).

    Similarities are dot products of embeddings of length 1, over ``temperature``. Each softmax runs over the partner
    and the negatives, so another row of the same photo counts neither for nor against.
    """
    similarity = sketch @ photo.T / temperature
    left_out = ~(negatives | torch.eye(len(sketch), dtype=torch.bool, device=sketch.device))
    to_photos = similarity.masked_fill(left_out, -torch.inf)
    to_sketches = similarity.T.masked_fill(left_out.T, -torch.inf)
    return 0.5 * (to_photos.logsumexp(1) + to_sketches.logsumexp(1)) - similarity.diagonal()


@dataclass(frozen=True, slots=True)
class RetrievalObjective:
    """``triplet`` is paper 1's Eq. 4 with a random other photo as negative; the others use every photo of the batch.

    ``margin`` is mu of Eq. 4; ``temperature`` divides the cosine similarities of ``info_nce``.
    """

    loss: LossName
    margin: float
    temperature: float

    def __call__(
        self, sketch: Tensor, photo: Tensor, photo_index: Tensor, category: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Loss of each pair: float32 (n,) from embeddings (n, d), photo numbers (n,) and categories (n,).

        Row i of ``photo`` is the true photo of row i of ``sketch``. ``generator`` draws the negatives of ``triplet``.
        """
        negatives = negative_mask(photo_index, category)
        if self.loss == "info_nce":
            return info_nce_loss(sketch, photo, negatives, self.temperature)
        if self.loss == "triplet":
            row = random_negative(negatives, generator)
        elif self.loss == "hardest":
            row = hardest_negative(sketch, photo, negatives)
        else:
            row = semi_hard_negative(sketch, photo, negatives)
        loss = triplet_loss(sketch, photo, photo[row], self.margin)
        return torch.where(negatives.any(1), loss, torch.zeros_like(loss))

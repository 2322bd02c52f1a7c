"""The retrieval objective: which loss F minimises, chosen by name."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fgsbir.retrieval.losses import (
    hardest_negative,
    info_nce_loss,
    negative_mask,
    random_negative,
    semi_hard_negative,
    triplet_loss,
)

LossName = Literal["triplet", "hardest", "semi_hard", "info_nce"]


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

"""The retrieval objective: which loss F minimises, chosen by name, one value per anchor sketch."""

from dataclasses import dataclass
from typing import Literal

import torch

from fgsbir.retrieval.losses import (
    hardest_negative_triplet_loss,
    info_nce_loss,
    random_negative_triplet_loss,
    semi_hard_negative_triplet_loss,
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
        self,
        sketch: torch.Tensor,
        photo: torch.Tensor,
        photo_index: torch.Tensor,
        category: torch.Tensor,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """Loss of each pair: float32 (n,) from embeddings (n, d), photo numbers (n,) and categories (n,).

        Row i of ``photo`` is the true photo of row i of ``sketch``. ``generator`` draws the
        negatives of ``triplet``; the others do not use it.
        """
        rows = (sketch, photo, torch.arange(len(sketch), device=sketch.device), photo_index, category)
        if self.loss == "triplet":
            return random_negative_triplet_loss(*rows, self.margin, generator)
        if self.loss == "hardest":
            return hardest_negative_triplet_loss(*rows, self.margin)
        if self.loss == "semi_hard":
            return semi_hard_negative_triplet_loss(*rows, self.margin)
        return info_nce_loss(*rows, self.temperature)

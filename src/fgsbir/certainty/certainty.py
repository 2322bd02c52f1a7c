"""From photos and sketches to D_C's certainty: the one way in, for training, evaluation and drawing."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fgsbir.certainty.discriminator import Discriminator, certainty
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs
from fgsbir.runtime.compute import Compute

BATCH = 128


def certainties(
    model: Discriminator, photos: Inputs, rows: np.ndarray, sketches: Sequence[np.ndarray], *, compute: Compute
) -> np.ndarray:
    """omega = D_C(p, s), float32 (n,) in [0, 1], of the photos ``rows`` with canonical ``sketches``, both as they are.

    ``photos`` are inputs of the model's level.
    """
    reader, scores = Reader(model.trunk, model.spec, compute), [torch.zeros(0)]
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        drawn = reader.sketches_as(model.level, sketches[part])
        scores.append(batch_certainty(model, photos(rows[part]), drawn, compute))
    return torch.cat(scores).numpy()


def batch_certainty(model: Discriminator, photos: Tensor, sketches: Tensor, compute: Compute) -> Tensor:
    """omega of pairs given as inputs of the model's level: float32 (n,) on the CPU."""
    with compute.scoring(model):
        return certainty(model(photos.to(compute.device), sketches.to(compute.device))).cpu()

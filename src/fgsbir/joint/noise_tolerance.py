"""Eq. 7 of paper 1: F learns from labelled pairs and, as far as they are to be trusted, from pseudo pairs.

The frozen teacher F_T keeps F near its supervised self meanwhile.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from fgsbir.retrieval.losses import RetrievalObjective, distance
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import PairBatch
from fgsbir.runtime.compute import Compute

Teacher = Literal["none", "relative", "absolute"]


def teacher_loss(form: Teacher, taught_photo: Tensor, taught_sketch: Tensor, photo: Tensor, sketch: Tensor) -> Tensor:
    """L_KD of embeddings (n, d), the teacher's and F's: (n,). No gradient reaches the teacher.

    "relative": |d(F_T(p), F_T(s)) - d(F(p), F(s))|, paper 1, Eq. 6; F may move both embeddings of a pair together.
    "absolute", the ablation's alternative: the mean of d(F_T(p), F(p)) and d(F_T(s), F(s)).
    """
    taught_photo, taught_sketch = taught_photo.detach(), taught_sketch.detach()
    if form == "relative":
        return (distance(taught_photo, taught_sketch) - distance(photo, sketch)).abs()
    return 0.5 * (distance(taught_photo, photo) + distance(taught_sketch, sketch))


def semi_supervised_losses(
    compute: Compute,
    model: RetrievalModel,
    teacher: RetrievalModel,
    batches: Sequence[PairBatch],
    numbers: Sequence[np.ndarray],
    weights: Tensor,
    objective: RetrievalObjective,
    distillation: Teacher,
    keep: Tensor | None,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The terms of Eq. 7 over the batches of all processes, float32 scalars equal on each of them.

    ``batches`` are n labelled and m pseudo pairs; ``numbers`` int64 (n,) and (m,) say which photo a row of each shows.
    ``labelled``: mean objective of the labelled pairs; ``pseudo``: of the pseudo pairs, each times its omega in
    ``weights``, float32 (m,); ``teacher``: mean L_KD of the labelled pairs plus that of the pseudo pairs. Every photo
    of either batch is a negative for every sketch of its category. ``keep`` is F's dropout mask.
    """
    sketches = torch.cat([batch.sketch for batch in batches]).to(compute.device)
    photos = torch.cat([batch.photo for batch in batches]).to(compute.device)
    with compute.autocast():
        sketch, photo = model.embed(sketches, "sketch", keep), model.embed(photos, "photo", keep)
    sizes = [len(batch.rows) for batch in batches]
    of_all = [size * compute.world for size in sizes]

    def gathered(rows: Tensor) -> Tensor:
        """The labelled rows of all processes, then the pseudo rows: the order of one process."""
        return torch.cat([compute.gather(part) for part in rows.to(compute.device).split(sizes)])

    shown = gathered(torch.from_numpy(np.concatenate(numbers)))
    categories = gathered(torch.from_numpy(np.concatenate([batch.categories for batch in batches])))
    loss = objective(gathered(sketch), gathered(photo), shown, categories, generator)
    on_labelled, on_pseudo = loss.split(of_all)
    losses = {"labelled": on_labelled.mean(), "pseudo": (compute.gather(weights.to(compute.device)) * on_pseudo).mean()}
    if distillation != "none":
        with torch.no_grad(), compute.autocast():
            taught_sketch, taught_photo = teacher.embed(sketches, "sketch"), teacher.embed(photos, "photo")
        gaps = gathered(teacher_loss(distillation, taught_photo, taught_sketch, photo, sketch)).split(of_all)
        losses["teacher"] = torch.stack([gap.mean() for gap in gaps]).sum()
    return losses


def weighted_sum(losses: dict[str, Tensor], lambda_kd: float) -> Tensor:
    """L = L_trip(labelled) + omega L_trip(pseudo) + lambda_kd L_KD (paper 1, Eq. 7); omega is in the second term."""
    return losses["labelled"] + losses["pseudo"] + lambda_kd * losses.get("teacher", losses["labelled"].new_zeros(()))

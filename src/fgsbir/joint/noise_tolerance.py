"""Eq. 7 of paper 1: F learns from labelled pairs and, as far as they are to be trusted, from pseudo pairs."""

from collections.abc import Sequence
from typing import Literal

import torch
from lightning_fabric import Fabric

from fgsbir.data.pairs import PairBatch
from fgsbir.joint.teacher import absolute_teacher_loss, relative_teacher_loss
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.runtime.processes import gather_live

Teacher = Literal["none", "relative", "absolute"]


def semi_supervised_losses(
    fabric: Fabric,
    model: RetrievalModel,
    teacher: RetrievalModel,
    batches: Sequence[PairBatch],
    weights: torch.Tensor | None,
    objective: RetrievalObjective,
    distillation: Teacher,
    *,
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    """The terms of Eq. 7 over the batches of all processes, float32 scalars equal on each of them.

    ``batches`` are the labelled pairs and the pseudo pairs, whose omega is in ``weights``, float32 (n,); or
    labelled pairs alone and None. ``labelled``: mean objective of the labelled pairs; ``pseudo``: of
    the pseudo pairs, each times its weight; ``teacher``: mean L_KD of the labelled pairs plus that of the pseudo
    pairs, so that a labelled pair is held to its teacher as firmly where there are none. Terms that do not apply are
    left out. Every photo of either batch is a negative for every sketch of its category.
    """
    images = [batch.images(fabric.device) for batch in batches]
    photos = torch.cat([photo for photo, _ in images])
    sketches = torch.cat([sketch for _, sketch in images])
    with fabric.autocast():
        sketch, photo = model(torch.cat([sketches, photos])).float().chunk(2)

    # Rows of the two pair sets are numbered apart: even for labelled photos, odd for unlabelled ones.
    numbers = torch.cat([torch.from_numpy(batch.rows) * 2 + place for place, batch in enumerate(batches)])
    categories = torch.cat([torch.from_numpy(batch.categories) for batch in batches])
    sizes = [len(batch.rows) for batch in batches]

    def gathered(rows: torch.Tensor) -> torch.Tensor:
        """The labelled rows of all processes, then the pseudo rows: the order of one process."""
        return torch.cat([gather_live(fabric, part) for part in rows.to(fabric.device).split(sizes)])

    loss = objective(gathered(sketch), gathered(photo), gathered(numbers), gathered(categories), generator)
    on_labelled, on_pseudo = loss.tensor_split([sizes[0] * fabric.world_size])
    losses = {"labelled": on_labelled.mean()}
    if weights is not None:
        losses["pseudo"] = (gather_live(fabric, weights.to(fabric.device)) * on_pseudo).mean()

    if distillation != "none":
        with torch.no_grad(), fabric.autocast():
            teacher_sketch, teacher_photo = teacher(torch.cat([sketches, photos])).float().chunk(2)
        distil = relative_teacher_loss if distillation == "relative" else absolute_teacher_loss
        gaps = gathered(distil(teacher_photo, teacher_sketch, photo, sketch)).split(
            [size * fabric.world_size for size in sizes]
        )
        losses["teacher"] = torch.stack([gap.mean() for gap in gaps]).sum()
    return losses


def weighted_sum(losses: dict[str, torch.Tensor], lambda_kd: float) -> torch.Tensor:
    """L = L_trip(labelled) + omega L_trip(pseudo) + lambda_kd L_KD (paper 1, Eq. 7); omega is in the second term."""
    zero = losses["labelled"].new_zeros(())
    return losses["labelled"] + losses.get("pseudo", zero) + lambda_kd * losses.get("teacher", zero)


def freeze(model: RetrievalModel) -> RetrievalModel:
    """Make F_T of a supervised F: evaluation mode and no gradients, for good. Returns the same model."""
    return model.eval().requires_grad_(False)

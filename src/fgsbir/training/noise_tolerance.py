"""Eq. 7 of paper 1: F learns from labelled pairs and, as far as they are to be trusted, from pseudo pairs."""

from typing import Literal

import torch
from lightning_fabric import Fabric

from fgsbir.data.pairs import PairBatch
from fgsbir.losses.teacher import absolute_teacher_loss, relative_teacher_loss
from fgsbir.models.retrieval import RetrievalModel
from fgsbir.training.objective import RetrievalObjective
from fgsbir.training.runtime import gather_live

Teacher = Literal["none", "relative", "absolute"]


def semi_supervised_losses(
    fabric: Fabric,
    model: RetrievalModel,
    teacher: RetrievalModel,
    labelled: PairBatch,
    pseudo: PairBatch | None,
    certainty: torch.Tensor | None,
    objective: RetrievalObjective,
    distillation: Teacher,
    *,
    line_width: float,
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    """The terms of Eq. 7 over the batches of all processes, float32 scalars equal on each of them.

    ``labelled``: mean objective of the labelled pairs; ``pseudo``: of the pseudo pairs, each times
    its ``certainty`` omega, float32 (n,); ``teacher``: L_KD over both. Terms that do not apply are
    left out. Every photo of either batch is a negative for every sketch of its category.
    """
    batches = [labelled] if pseudo is None else [labelled, pseudo]
    images = [batch.images(model.image_size, line_width, fabric.device) for batch in batches]
    photos = torch.cat([photo for photo, _ in images])
    sketches = torch.cat([sketch for _, sketch in images])
    with fabric.autocast():
        sketch, photo = model(torch.cat([sketches, photos])).float().chunk(2)

    from_pseudo = torch.cat([torch.full((len(batch.rows),), place) for place, batch in enumerate(batches)])
    # Rows of the two pair sets are numbered apart: even for labelled photos, odd for unlabelled ones.
    numbers = torch.cat([torch.from_numpy(batch.rows) * 2 + place for place, batch in enumerate(batches)])
    categories = torch.cat([torch.from_numpy(batch.categories) for batch in batches])
    loss = objective(
        gather_live(fabric, sketch),
        gather_live(fabric, photo),
        gather_live(fabric, numbers.to(fabric.device)),
        gather_live(fabric, categories.to(fabric.device)),
        generator,
    )
    from_pseudo = gather_live(fabric, from_pseudo.to(fabric.device))
    # One mask and one sum for each half: the device is never asked how many rows it chose.
    share = 1.0 / (len(labelled.rows) * fabric.world_size)
    losses = {"labelled": (loss * (from_pseudo == 0)).sum() * share}
    if pseudo is not None and certainty is not None:
        omega = torch.cat([torch.zeros(len(labelled.rows), device=fabric.device), certainty.to(fabric.device)])
        losses["pseudo"] = (gather_live(fabric, omega) * loss).sum() / (len(pseudo.rows) * fabric.world_size)

    if distillation != "none":
        with torch.no_grad(), fabric.autocast():
            teacher_sketch, teacher_photo = teacher(torch.cat([sketches, photos])).float().chunk(2)
        distil = relative_teacher_loss if distillation == "relative" else absolute_teacher_loss
        losses["teacher"] = gather_live(fabric, distil(teacher_photo, teacher_sketch, photo, sketch)).mean()
    return losses


def weighted_sum(losses: dict[str, torch.Tensor], lambda_kd: float) -> torch.Tensor:
    """L = L_trip(labelled) + omega L_trip(pseudo) + lambda_kd L_KD (paper 1, Eq. 7); omega is in the second term."""
    zero = losses["labelled"].new_zeros(())
    return losses["labelled"] + losses.get("pseudo", zero) + lambda_kd * losses.get("teacher", zero)


def freeze(model: RetrievalModel) -> RetrievalModel:
    """Make F_T of a supervised F: evaluation mode and no gradients, for good. Returns the same model."""
    return model.eval().requires_grad_(False)

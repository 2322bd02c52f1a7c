"""Losses that keep F near its supervised self, the frozen teacher F_T, while it learns from noisy pseudo pairs."""

import torch

from fgsbir.retrieval.losses import distance


def relative_teacher_loss(
    teacher_photo: torch.Tensor, teacher_sketch: torch.Tensor, photo: torch.Tensor, sketch: torch.Tensor
) -> torch.Tensor:
    """|d(F_T(p), F_T(s)) - d(F(p), F(s))| for embeddings (n, d): (n,). Paper 1, Eq. 6.

    Only the distance within a pair is held, so F may move both embeddings together. No gradient
    reaches the teacher.
    """
    teacher = distance(teacher_photo.detach(), teacher_sketch.detach())
    return (teacher - distance(photo, sketch)).abs()


def absolute_teacher_loss(
    teacher_photo: torch.Tensor, teacher_sketch: torch.Tensor, photo: torch.Tensor, sketch: torch.Tensor
) -> torch.Tensor:
    """Mean of d(F_T(p), F(p)) and d(F_T(s), F(s)) for embeddings (n, d): (n,).

    The ablation's alternative to Eq. 6: it holds the embeddings themselves.
    """
    return 0.5 * (distance(teacher_photo.detach(), photo) + distance(teacher_sketch.detach(), sketch))

"""M in closed form, from pairs alone: a ridge regression that holds M near to what it was."""

import torch
from torch import Tensor


def ridge_head(differences: Tensor, weight: float) -> Tensor:
    """The matrix A (d, d) to put after M, from the ``differences`` (n, d), n >= 0, of embedded drawings and photos.

    Drawing and photo of a pair should be one point, so what they differ by says nothing about the thing drawn. A
    minimises sum |A (s - p)|^2 + ``weight`` |A - 1|^2, so that it shortens these directions and leaves the others: the
    relevant component analysis of Bar-Hillel et al. (2005), with a proximal term. Both sides get the same A.
    """
    rows = differences.double()
    # (1 + X'X / w)^-1 = 1 - X' (w + X X')^-1 X: n numbers in place of d.
    small = rows @ rows.T + weight * torch.eye(len(rows), dtype=rows.dtype, device=rows.device)
    identity = torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
    return (identity - rows.T @ torch.linalg.solve(small, rows)).to(differences.dtype)

"""M in closed form, from pairs alone: ridge regression towards the M that there is."""

import torch
from torch import Tensor


def ridge_head(sketches: Tensor, photos: Tensor, weight: float) -> Tensor:
    """The matrix A (d, d) to put after M, from embeddings of length 1 of k > 0 sketches and their photos, each (k, d).

    It minimises |A s - p|^2 + |A p - p|^2, summed over the pairs, + ``weight`` |A - 1|^2: a sketch is led to its photo,
    a photo stays, and so does what no pair speaks of.
    """
    given, wanted = torch.cat([sketches, photos]).double(), torch.cat([photos, photos]).double()
    # (X'X + w)^-1 X' = X' (X X' + w)^-1: 2 k numbers in place of d.
    small = given @ given.T + weight * torch.eye(len(given), dtype=given.dtype, device=given.device)
    identity = torch.eye(given.shape[1], dtype=given.dtype, device=given.device)
    return (identity + (wanted - given).T @ torch.linalg.solve(small, given)).to(sketches.dtype)

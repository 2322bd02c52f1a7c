"""Standardisation: photos and sketches differ most in what all photos have and no sketch has, which it takes away."""

import torch
from torch import Tensor, nn

# A deviation counts as at least this share of the side's median deviation: a feature that never changed so far must
# not blow up when it does.
LEAST_DEVIATION = 0.1


class Standardise(nn.Module):
    """x to (x - mean) / deviation, number by number; both float32 (D,). At first it changes nothing."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(dimensions))
        self.register_buffer("deviation", torch.ones(dimensions))

    def forward(self, x: Tensor) -> Tensor:
        """Rows (..., D), float32."""
        return (x - self.mean) / self.deviation

    def fit(self, rows: Tensor) -> None:
        """Take mean and deviation from rows (n, D), n >= 1."""
        rows = rows.double()
        self.set(rows.mean(0), rows.std(0, correction=0))

    def set(self, mean: Tensor, deviation: Tensor) -> None:
        """Take ``mean`` and ``deviation`` (D,), the latter kept from 0; where nothing varies at all, each is 1."""
        usual = deviation.median()
        least = LEAST_DEVIATION * usual if usual > 0 else torch.ones_like(usual)
        self.mean.copy_(mean)
        self.deviation.copy_(deviation.clamp(min=least))

    def mix(self, rows: Tensor, prior: float) -> None:
        """Take the statistics of a pool of those there are and ``rows`` (n, D), which count n / (n + ``prior``)."""
        if not len(rows):
            return
        rows, share = rows.double(), len(rows) / (len(rows) + prior)
        mean = torch.lerp(self.mean.double(), rows.mean(0), share)
        square = torch.lerp(self.mean.double() ** 2 + self.deviation.double() ** 2, rows.square().mean(0), share)
        self.set(mean, (square - mean**2).clamp(min=0).sqrt())


def principal_axes(rows: Tensor, dimensions: int, whitening: float) -> Tensor:
    """The head that nothing trains: principal axes of standardised ``rows`` (n, D) as a matrix (``dimensions``, D).

    Axis i is divided by (s_i / s_1) ** ``whitening``, s its singular value: 0 keeps distances, 1 makes all axes
    count alike. Rows of few photos have fewer axes than ``dimensions``; the others are 0.
    """
    centred = (rows.float() - rows.float().mean(0)).double()
    rank = min(dimensions, *centred.shape)
    # Of a tall or wide matrix the smaller product is decomposed: far faster, in float64 as exact.
    wide = len(centred) < centred.shape[1]
    values, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    order = values.argsort(descending=True)[:rank]
    singular, axes = values[order].clamp(min=0).sqrt(), vectors[:, order]
    if wide:
        axes = (centred.T @ axes) / singular.clamp(min=1e-9 * float(singular[0]) + 1e-30)
    axes = axes.T
    # Signs are the decomposition's own choice: the largest number of an axis is made positive.
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
    strength = (singular / singular[0].clamp(min=1e-30)).clamp(min=1e-6)
    kept = strength > 1e-5
    out = torch.zeros(dimensions, rows.shape[1])
    out[:rank] = (axes * (strength**-whitening * kept)[:, None]).float()
    return out

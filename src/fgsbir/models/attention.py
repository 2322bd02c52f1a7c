"""The two attentions of paper 1: over the retrieval model's map, and the generator's 2-D attention (Eq. 2)."""

import torch
from torch import Tensor, nn


class SpatialAttention(nn.Module):
    """Soft spatial attention, then global average pooling: the mean over positions of F' + F' * f_attn(F').

    ``forward`` takes a map (n, c, h, w) and gives float32 (n, c). f_attn is a 1x1 convolution with a
    softmax over the h * w positions.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, 1)

    def weights(self, features: Tensor) -> Tensor:
        """Attention of each position, float32 (n, h, w), summing to 1 over the positions."""
        scores = self.score(features).float().squeeze(1)
        return scores.flatten(1).softmax(1).view_as(scores)

    def forward(self, features: Tensor) -> Tensor:
        # F' (1 + attention), averaged, is one weighted sum: the attended map is never written out.
        weights = (1 + self.weights(features)) / features[0, 0].numel()
        return torch.einsum("nchw,nhw->nc", features.float(), weights)


class MapAttention(nn.Module):
    """Weights of the 2-D attention over the photo's map (paper 1, Eq. 2): softmax of W_a tanh(W_B * B + W_S h).

    Its steps are :func:`fgsbir.models.recurrence.advance`.
    """

    def __init__(self, channels: int, hidden: int, width: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, width, 3, padding=1)
        self.query = nn.Linear(hidden, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, features: Tensor) -> Tensor:
        """W_B * B of a map (n, c, h, w), which no step changes: float32 (n, h * w, width)."""
        return self.key(features).float().flatten(2).transpose(1, 2).contiguous()

"""The soft spatial attention of F (paper 1, section 3.1)."""

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

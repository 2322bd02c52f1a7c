"""The 2-D attention of G (paper 1, Eq. 2)."""

import torch
from torch import Tensor, nn


class MapAttention(nn.Module):
    """Where on the photo's map B the next point is looked for (paper 1, Eq. 2)."""

    def __init__(self, channels: int, hidden: int, width: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, width, 3, padding=1)
        self.query = nn.Linear(hidden, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, features: Tensor) -> Tensor:
        """2 W_B * B of a map (n, c, h, w), which no step changes: float32 (n, h * w, width)."""
        return 2 * self.key(features).float().flatten(2).transpose(1, 2).contiguous()

    def forward(self, keys: Tensor, features: Tensor, hidden: Tensor, near: Tensor | float) -> tuple[Tensor, Tensor]:
        """One step: the attention alpha (n, p), which sums to 1, and what it sees of the map, g (n, c).

        ``features`` (n, p, c) is B, place by place, ``keys`` its :meth:`keys`, ``hidden`` (n, H) the decoder's state s.
        ``near`` (n, p), not in the paper, is added to the scores.
        """
        # J = tanh(W_B * B + W_S s), as 2 sigmoid(2 x) - 1, which takes a tenth of the time; softmax drops the constant.
        joint = (keys + 2 * self.query(hidden).unsqueeze(1)).sigmoid_()
        attention = (2 * self.score(joint).squeeze(2) + near).softmax(1)  # alpha = softmax(W_a J)
        return attention, torch.einsum("np,npc->nc", attention, features)  # g = sum of alpha B

"""The 2-D attention of G (paper 1, Eq. 2)."""

import torch
from torch import Tensor, nn


class MapAttention(nn.Module):
    """Where on the photo's map the next point is looked for (paper 1, Eq. 2).

    Calling it does one step as the paper prints it. Training and sampling take many steps over one map, and do the
    same by :func:`fgsbir.generator.recurrence.advance`, with what no step changes made once.
    """

    def __init__(self, channels: int, hidden: int, width: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, width, 3, padding=1)
        self.query = nn.Linear(hidden, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, features: Tensor, hidden: Tensor, near: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One step: the attention (n, h, w), which sums to 1, and what it sees of the map, g (n, c).

        ``features`` (n, c, h, w) is the map B and ``hidden`` (n, H) the decoder's state. ``near`` (n, h * w), not in
        the paper, is added to the scores.
        """
        joint = torch.tanh(self.key(features) + self.query(hidden)[:, :, None, None])  # J = tanh(W_B * B + W_S s)
        scores = self.score(joint.movedim(1, -1)).flatten(1)  # W_a J
        attention = (scores if near is None else scores + near).softmax(1).view(len(scores), *features.shape[2:])
        return attention, torch.einsum("nhw,nchw->nc", attention, features)  # g = sum of alpha B

    def keys(self, features: Tensor) -> Tensor:
        """W_B * B of a map (n, c, h, w), which no step changes: float32 (n, h * w, width)."""
        return self.key(features).float().flatten(2).transpose(1, 2).contiguous()

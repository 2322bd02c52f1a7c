"""The 2-D attention of G (paper 1, Eq. 2)."""

from torch import Tensor, nn


class MapAttention(nn.Module):
    """Weights of the 2-D attention over the photo's map (paper 1, Eq. 2): softmax of W_a tanh(W_B * B + W_S h).

    Its steps are :func:`fgsbir.generator.recurrence.advance`.
    """

    def __init__(self, channels: int, hidden: int, width: int) -> None:
        super().__init__()
        self.key = nn.Conv2d(channels, width, 3, padding=1)
        self.query = nn.Linear(hidden, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, features: Tensor) -> Tensor:
        """W_B * B of a map (n, c, h, w), which no step changes: float32 (n, h * w, width)."""
        return self.key(features).float().flatten(2).transpose(1, 2).contiguous()

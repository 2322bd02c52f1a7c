"""Drawing points from G's mixtures: the random numbers, one step for a batch, and the finished drawings."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

# log sigma of an offset in scaled units: 0.02 to 20 times the data's standard deviation.
LOG_SIGMA = (-4.0, 3.0)
RHO_LIMIT = 0.95
CHECK_EVERY = 8


class Drawing(NamedTuple):
    """A batch of drawn sketches.

    ``sequences`` float32 (n, T, 5), offsets in G's scaled units, every row after a drawing's end
    (0, 0, 0, 0, 1); ``lengths`` int64 (n,) counts rows up to and including the end; ``ended`` bool (n,) is
    False where ``max_points`` cut the drawing off; ``hidden`` (n, T, H) the decoder's states;
    ``attention`` (n, T, h', w') or None. T is at most ``max_points``, less where all ended early.
    """

    sequences: Tensor
    lengths: Tensor
    ended: Tensor
    hidden: Tensor
    attention: Tensor | None


class Randomness(NamedTuple):
    """Everything random in a batch of drawings, drawn before the first point.

    ``component`` (T, n, M) and ``pen`` (T, n, 3) are Gumbel noise times the temperature: the argmax of
    logits plus it is a draw from softmax(logits / temperature), and at 0 the likeliest. ``offset``
    (T, n, 2) is normal noise times the temperature's square root, as in sketch-RNN.
    """

    component: Tensor
    pen: Tensor
    offset: Tensor


def draw_randomness(
    n: int, steps: int, mixtures: int, temperature: float, generator: torch.Generator | None, device: torch.device
) -> Randomness:
    """Draw the numbers for ``n`` drawings of at most ``steps`` points; uniform ones first, drawing by drawing."""
    source = generator.device if generator is not None else device
    uniform = torch.rand(n, steps, mixtures + 5, generator=generator, device=source).to(device).transpose(0, 1)
    # torch.rand is a multiple of 2 ** -24 and may be 0.
    uniform = uniform.clamp(min=2.0**-25)
    gumbel = -torch.log(-torch.log(uniform[..., : mixtures + 3])) * temperature
    radius = torch.sqrt(-2 * torch.log(uniform[..., -2])) * math.sqrt(temperature)
    angle = 2 * math.pi * uniform[..., -1]
    return Randomness(
        gumbel[..., :mixtures].contiguous(),
        gumbel[..., mixtures:].contiguous(),
        torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], -1),
    )


def latent_noise(
    n: int, latent: int, temperature: float, generator: torch.Generator | None, device: torch.device
) -> Tensor:
    """Noise of the latent, (n, latent): normal, or zero for greedy drawings."""
    if temperature == 0:
        return torch.zeros(n, latent, device=device)
    source = generator.device if generator is not None else device
    return torch.randn(n, latent, generator=generator, device=source).to(device)


def draw_rows(raw: Tensor, randomness: Randomness, step: int, ended: Tensor) -> Tensor:
    """One point of every drawing from the last layer's output, float32 (n, 6 M + 3): rows (n, 5).

    ``ended`` (n, 1) marks drawings that are over: they get one more end row.
    """
    parameters = raw[:, :-3].unflatten(1, (6, -1))
    component = (parameters[:, 0] + randomness.component[step]).argmax(1)
    chosen = parameters[:, 1:].gather(2, component[:, None, None].expand(-1, 5, 1)).squeeze(2)
    sigma = chosen[:, 2:4].clamp(*LOG_SIGMA).exp()
    rho = chosen[:, 4].tanh() * RHO_LIMIT
    x, y = randomness.offset[step].unbind(1)
    offset = chosen[:, :2] + sigma * torch.stack([x, rho * x + torch.sqrt(1 - rho.square()) * y], 1)
    pen = (raw[:, -3:] + randomness.pen[step]).argmax(1, keepdim=True).masked_fill(ended, 2)
    one_hot = pen == torch.arange(3, device=raw.device)
    return torch.cat([offset.masked_fill(one_hot[:, 2:], 0.0), one_hot.to(raw.dtype)], 1)


def start_token(n: int, device: torch.device) -> Tensor:
    """The row before a drawing's first: (0, 0, 1, 0, 0), pen down at the canvas centre; (n, 5)."""
    token = torch.zeros(n, 5, device=device)
    token[:, 2] = 1
    return token


def finish(sequences: Tensor, hidden: Tensor, attention: Tensor | None) -> Drawing:
    """Count each drawing's rows and tell which ended by themselves."""
    over = sequences[..., 4] > 0.5
    ended = over[:, -1]
    # Rows after the first end are ends too, so all but one of them lie beyond the drawing.
    lengths = (~over).sum(1) + ended.long()
    return Drawing(sequences, lengths, ended, hidden, attention)

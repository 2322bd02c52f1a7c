"""Drawing point by point: a batch of drawings, the random numbers of it, and the choice of a point."""

from typing import NamedTuple

import torch
from torch import Tensor

from fgsbir.generator.losses import Mixture


class Drawing(NamedTuple):
    """A batch of drawn sketches.

    ``sequences`` float32 (n, T, 5), offsets in G's scaled units, every row after a drawing's end (0, 0, 0, 0, 1);
    ``lengths`` int64 (n,) counts rows up to and including the end; ``ended`` bool (n,) is False where ``max_points``
    cut the drawing off; ``hidden`` (n, T, H) the decoder's states h_t and ``attention`` (n, T, h', w') or None, both
    unspecified after the end. T is at most ``max_points``, less where all ended early.
    """

    sequences: Tensor
    lengths: Tensor
    ended: Tensor
    hidden: Tensor
    attention: Tensor | None


class Noise(NamedTuple):
    """Everything random in a batch of drawings, drawn before the first point.

    ``latent`` (n, d) and ``offset`` (T, n, 2) are normal. ``component`` (T, n, M) is Gumbel noise: the argmax of logits
    plus it is a draw from their softmax. ``pen`` (T, n, 2) is logistic: the log odds of a lift and of an end are held
    against it.
    """

    latent: Tensor
    component: Tensor
    pen: Tensor
    offset: Tensor


def draw_noise(
    n: int, steps: int, latent: int, mixtures: int, generator: torch.Generator | None, device: torch.device
) -> Noise:
    """The noise of ``n`` drawings of at most ``steps`` points, drawing by drawing.

    With a ``generator`` on the CPU a drawing's numbers depend on its place alone, not on what follows it.
    """
    source = generator.device if generator is not None else device
    uniform = torch.rand(n, latent + steps * (mixtures + 4), generator=generator, device=source)
    # torch.rand gives multiples of 2 ** -24, 0 among them: moved off 0 and 1, whose logarithms are none.
    uniform = (uniform + 2.0**-26).clamp(max=1 - 2.0**-24).to(device)
    of_latent, of_steps = uniform[:, :latent], uniform[:, latent:].unflatten(1, (steps, mixtures + 4)).transpose(0, 1)
    component, pen, offset = of_steps.split([mixtures, 2, 2], 2)
    normal = torch.special.ndtri
    return Noise(normal(of_latent), -torch.log(-torch.log(component)), torch.logit(pen), normal(offset))


def draw_rows(mixture: Mixture, pen_logits: Tensor, component: Tensor, pen: Tensor, offset: Tensor) -> Tensor:
    """One point of every drawing, (n, 5), from G's output, fields (n, M) and (n, 3), and one step of noise."""
    likeliest = (mixture.weight_logits + component).argmax(1, keepdim=True)
    mean_x, mean_y, log_sigma_x, log_sigma_y, rho = (field.gather(1, likeliest) for field in mixture[1:])
    x, y = offset.split(1, 1)
    along = rho * x + torch.sqrt(1 - rho.square()) * y
    moved = [mean_x + log_sigma_x.exp() * x, mean_y + log_sigma_y.exp() * along]
    down, lift, end = pen_logits.split(1, 1)
    lift_noise, end_noise = pen.split(1, 1)
    # The end against both others, the lift against pen down.
    over = end - torch.logaddexp(down, lift) > end_noise
    lifted = (lift - down > lift_noise) & ~over
    return torch.cat([*moved, ~(lifted | over), lifted, over], 1)


def start_token(n: int, device: torch.device) -> Tensor:
    """The row before a drawing's first: (0, 0, 1, 0, 0), pen down at the canvas centre; (n, 5)."""
    return torch.tensor([0.0, 0, 1, 0, 0], device=device).repeat(n, 1)

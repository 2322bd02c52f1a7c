"""Drawing sketches with G: the random numbers, one point of a batch, and the loop over points."""

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from fgsbir.models.recurrence import Weights, advance, exponential

if TYPE_CHECKING:
    from fgsbir.models.generator import Encoding, Generator

# log sigma of an offset in scaled units: 0.02 to 20 times the data's standard deviation.
LOG_SIGMA = (-4.0, 3.0)
RHO_LIMIT = 0.95
# Asking how many drawings go on makes the host wait for the device, so it is asked every few points only.
CHECK_EVERY = 8
# Ended drawings leave the batch when they are at least a quarter of it; moving the rest costs a copy of their maps.
KEEP_SHARE = 0.75


class Drawing(NamedTuple):
    """A batch of drawn sketches.

    ``sequences`` float32 (n, T, 5), offsets in G's scaled units, every row after a drawing's end
    (0, 0, 0, 0, 1); ``lengths`` int64 (n,) counts rows up to and including the end; ``ended`` bool (n,) is
    False where ``max_points`` cut the drawing off; ``hidden`` (n, T, H) the decoder's states h_t and
    ``attention`` (n, T, h', w') or None, both unspecified after the end. T is at most ``max_points``,
    less where all ended early.
    """

    sequences: Tensor
    lengths: Tensor
    ended: Tensor
    hidden: Tensor
    attention: Tensor | None


class Randomness(NamedTuple):
    """Everything random in a batch of drawings, drawn before the first point.

    ``latent`` (n, d) and ``offset`` (T, n, 2) are normal noise times the temperature's square root, as
    sketch-RNN does for offsets. ``component`` (T, n, M) is Gumbel noise times the temperature: the argmax
    of logits plus it is a draw from softmax(logits / temperature), and at temperature 0 the likeliest.
    ``pen`` (T, n, 2) is logistic noise, against which the log odds of a lift and of an end are held. The
    first column is times the temperature; the second is 0 at temperature 0 and else as it is: the chance
    of an end is small at every point, so a low temperature would never let a drawing end.
    """

    latent: Tensor
    component: Tensor
    pen: Tensor
    offset: Tensor

    def rows(self, index: Tensor) -> "Randomness":
        """The same for some of the drawings."""
        return Randomness(self.latent[index], self.component[:, index], self.pen[:, index], self.offset[:, index])


def draw_randomness(
    n: int,
    steps: int,
    latent: int,
    mixtures: int,
    temperature: float,
    generator: torch.Generator | None,
    device: torch.device,
) -> Randomness:
    """Draw the numbers for ``n`` drawings of at most ``steps`` points, drawing by drawing.

    With a ``generator`` on the CPU a drawing's numbers depend on its place alone, not on what follows it.
    """
    of_step = mixtures + 4
    source = generator.device if generator is not None else device
    uniform = torch.rand(n, 2 * latent + steps * of_step, generator=generator, device=source)
    # torch.rand gives multiples of 2 ** -24, 0 among them: moved off 0 and 1, whose logarithms are none.
    uniform = (uniform + 2.0**-26).clamp(max=1 - 2.0**-24).to(device)
    of_latent, of_steps = uniform.split([2 * latent, steps * of_step], 1)
    component, pen, offset = of_steps.unflatten(1, (steps, of_step)).transpose(0, 1).split([mixtures, 2, 2], 2)
    spread = math.sqrt(temperature)
    return Randomness(
        box_muller(*of_latent.chunk(2, 1))[0] * spread,
        -torch.log(-torch.log(component)) * temperature,
        torch.logit(pen) * pen.new_tensor([temperature, float(temperature > 0)]),
        torch.stack(box_muller(*offset.unbind(2)), 2) * spread,
    )


def box_muller(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Two independent normal tensors of two uniform ones in (0, 1]."""
    radius, angle = torch.sqrt(-2 * torch.log(first)), 2 * math.pi * second
    return radius * torch.cos(angle), radius * torch.sin(angle)


def draw_rows(raw: Tensor, component: Tensor, pen: Tensor, offset: Tensor, ended: Tensor) -> Tensor:
    """One point of every drawing from the last layer's output, float32 (n, 6 M + 3): rows (n, 5).

    ``component`` (n, M), ``pen`` (n, 2) and ``offset`` (n, 2) are one step's noise (:class:`Randomness`);
    ``ended`` bool (n, 1) marks drawings that are over: they get one more end row.
    """
    parameters = raw[:, :-3].unflatten(1, (6, -1))
    likeliest = (parameters[:, 0] + component).argmax(1, keepdim=True)
    chosen = parameters.gather(2, likeliest.unsqueeze(2).expand(-1, 6, 1)).squeeze(2)
    sigma = chosen[:, 3:5].clamp(*LOG_SIGMA).exp_()
    rho = chosen[:, 5:].tanh().mul_(RHO_LIMIT)
    x, y = offset.split(1, 1)
    along = torch.addcmul(rho * x, torch.sqrt(1 - rho * rho), y)
    moved = torch.addcmul(chosen[:, 1:3], sigma, torch.cat([x, along], 1))
    down, lift, end = raw[:, -3:].split(1, 1)
    lift_noise, end_noise = pen.split(1, 1)
    over = ended | (end - torch.logaddexp(down, lift) > end_noise)
    lifted = (lift - down > lift_noise) & ~over
    return torch.cat([moved.masked_fill(over, 0.0), ~(lifted | over), lifted, over], 1)


def start_token(n: int, device: torch.device) -> Tensor:
    """The row before a drawing's first: (0, 0, 1, 0, 0), pen down at the canvas centre; (n, 5)."""
    token = torch.zeros(n, 5, device=device)
    token[:, 2] = 1
    return token


def reading_weights(model: "Generator") -> tuple[Weights, Tensor]:
    """G's weights with those of the last point beside those of h, one product for both, and the gates' biases."""
    weights = model.weights()
    of_point, bias = model.point_weights()
    no_query = of_point.new_zeros(len(weights.score), of_point.shape[1])
    return weights._replace(hidden=torch.cat([weights.hidden, torch.cat([of_point, no_query])], 1)), bias


@torch.no_grad()
def sample_drawings(
    model: "Generator",
    encoding: "Encoding",
    state: tuple[Tensor, Tensor],
    randomness: Randomness,
    *,
    precision: torch.dtype,
    return_attention: bool,
) -> Drawing:
    """Draw one sketch for every row of ``encoding`` from the states (h0, c0); see :meth:`Generator.sample`.

    The recurrence's products are made in ``precision``, the mixtures and all else in float32.
    Drawings that have ended leave the batch, so the cost follows the points drawn and not the longest drawing.
    """
    n, steps, device = len(encoding.mu), len(randomness.pen), encoding.mu.device
    weights, bias = reading_weights(model)
    weights = weights.cast(precision)
    towards, base = model.nearness(encoding.grid)
    towards = towards.t().contiguous()
    h, c = state
    keys, features = exponential(encoding.keys), encoding.features
    buffer = torch.empty_like(keys)
    row, position = start_token(n, device), h.new_zeros(n, 2 * model.pen_position)
    ended = torch.zeros(n, 1, dtype=torch.bool, device=device)
    sequences = row.new_tensor([0, 0, 0, 0, 1]).repeat(n, steps, 1)
    hidden = h.new_zeros(n, steps, h.shape[1])
    attention = h.new_zeros(n, steps, *encoding.grid) if return_attention and model.attention else None
    active = torch.arange(n, device=device)
    stop = 0
    while stop < steps and len(active):
        start, stop = stop, min(stop + CHECK_EVERY, steps)
        rows, states, looks = [], [], []
        for step in range(start, stop):
            read = torch.cat([h, row, position], 1)
            near = torch.addmm(base, position, towards)
            h, c, memory = advance(bias, near, read, c, keys, features, weights, buffer)
            noise = (randomness.component[step], randomness.pen[step], randomness.offset[step])
            row = draw_rows(model.output_layer(h), *noise, ended)
            ended = row[:, 4:] > 0.5
            if model.pen_position:
                position = position + row[:, :2]
            rows.append(row)
            states.append(h)
            looks.append(memory.attention)
        sequences[active, start:stop] = torch.stack(rows, 1)
        hidden[active, start:stop] = torch.stack(states, 1)
        if attention is not None:
            attention[active, start:stop] = torch.stack(looks, 1).unflatten(2, encoding.grid)
        going = (~ended.squeeze(1)).nonzero().squeeze(1)
        if len(going) <= KEEP_SHARE * len(active):
            active, randomness = active[going], randomness.rows(going)
            h, c, keys, features = h[going], c[going], keys[going], features[going]
            row, position, ended = row[going], position[going], ended[going]
    over = sequences[:, :stop, 4] > 0.5
    ended_itself = over.any(1)
    # Rows after the first end are ends too, so all but one of them lie beyond the drawing.
    lengths = (~over).sum(1) + ended_itself
    return Drawing(
        sequences[:, :stop], lengths, ended_itself, hidden[:, :stop], None if attention is None else attention[:, :stop]
    )

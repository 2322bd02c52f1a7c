"""Drawing sketches with G: the random numbers, one point of a batch, and the loop over points."""

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fgsbir.generator.recurrence import advance, exponential

if TYPE_CHECKING:
    from fgsbir.generator.model import Encoding, Generator

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


class Output(NamedTuple):
    """One step's share of :func:`output_weights`, float32: all that the next point needs.

    ``logits`` (n, M) of the components, ``fields`` (n, 5 M) the means, log sigmas and correlations, ``lift`` and
    ``end`` (n, 1) the pen's logits less that of pen down, ``query`` (n, A) is W_S h.
    """

    logits: Tensor
    fields: Tensor
    lift: Tensor
    end: Tensor
    query: Tensor


def draw_rows(output: Output, component: Tensor, pen: Tensor, offset: Tensor) -> Tensor:
    """One point of every drawing: rows (n, 5), of drawings that have ended too, which mean nothing there.

    ``component`` (n, M), ``pen`` (n, 2) and ``offset`` (n, 2) are one step's noise (:class:`Randomness`).
    """
    likeliest = (output.logits + component).argmax(1, keepdim=True)
    fields = output.fields.view(len(likeliest), 5, -1)
    mean, log_sigma, correlation = (
        fields.gather(2, likeliest.unsqueeze(1).expand(-1, 5, -1)).squeeze(2).split((2, 2, 1), 1)
    )
    sigma = log_sigma.clamp(*LOG_SIGMA).exp_()
    rho = correlation.tanh().mul_(RHO_LIMIT)
    x, y = offset.split(1, 1)
    along = torch.addcmul(rho * x, torch.sqrt(1 - rho * rho), y)
    moved = torch.addcmul(mean, sigma, torch.cat([x, along], 1))
    lift, end = output.lift, output.end
    lift_noise, end_noise = pen.split(1, 1)
    # The end against both others, the lift against pen down.
    over = end - functional.softplus(lift) > end_noise
    lifted = (lift > lift_noise) > over
    down = lifted == over
    return torch.cat([moved, torch.cat([down, lifted, over], 1)], 1)


def end_rows(rows: Tensor, ended: Tensor) -> Tensor:
    """``rows`` (n, k, 5) of consecutive points, in place: (0, 0, 0, 0, 1) after a drawing's end.

    ``ended`` bool (n,) marks drawings that were over before. Returns whether each is now.
    """
    over = (rows[..., 4] > 0.5).cummax(1).values | ended.unsqueeze(1)
    rows.masked_fill_(over.unsqueeze(2), 0.0)
    rows[..., 4].masked_fill_(over, 1.0)
    return over[:, -1]


def start_token(n: int, device: torch.device) -> Tensor:
    """The row before a drawing's first: (0, 0, 1, 0, 0), pen down at the canvas centre; (n, 5)."""
    token = torch.zeros(n, 5, device=device)
    token[:, 2] = 1
    return token


def output_weights(model: "Generator") -> tuple[Tensor, Tensor]:
    """What takes h to all that the next point needs, one product: a matrix (H, 6 M + 2 + A) and a vector.

    The mixture's fields, the logits of a lift and of an end less that of pen down, and the query W_S h.
    """
    (weight, bias), query = (model.output_layer.weight, model.output_layer.bias), model.weights().query
    matrix = torch.cat([weight[:-3], weight[-2:] - weight[-3], query])
    return matrix.t().contiguous(), torch.cat([bias[:-3], bias[-2:] - bias[-3], bias.new_zeros(len(query))])


def put(out: Tensor, active: Tensor, steps: list[Tensor]) -> None:
    """Write ``steps``, each (a, ...), into ``out`` (n, k, ...): in the rows ``active`` int64 (a,), 0 elsewhere."""
    if len(active) == len(out):
        torch.stack(steps, 1, out=out)
    else:
        out.zero_().index_copy_(0, active, torch.stack(steps, 1))


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
    weights, (of_point, bias) = model.weights(), model.point_weights()
    gates = torch.cat([weights.gates, of_point], 1).to(precision)
    towards, base = model.nearness(encoding.grid)
    towards = towards.t().contiguous()
    matrix, vector = output_weights(model)
    sizes = (model.mixtures, 5 * model.mixtures, 1, 1, len(weights.score))
    h, c = state
    query = h @ weights.query.t()
    keys, features = exponential(encoding.keys), encoding.features
    buffer = torch.empty_like(keys)
    row, position = start_token(n, device), h.new_zeros(n, 2 * model.pen_position)
    ended = torch.zeros(n, dtype=torch.bool, device=device)
    sequences = row.new_tensor([0, 0, 0, 0, 1]).repeat(n, steps, 1)
    hidden = h.new_empty(n, steps, h.shape[1])
    attention = h.new_empty(n, steps, *encoding.grid) if return_attention and model.attention else None
    active = torch.arange(n, device=device)
    stop = 0
    while stop < steps and len(active):
        start, stop = stop, min(stop + CHECK_EVERY, steps)
        rows, states, looks = [], [], []
        block = (part[start:stop].unbind(0) for part in (randomness.component, randomness.pen, randomness.offset))
        for noise in zip(*block, strict=True):
            near = torch.addmm(base, position, towards)
            read = (h, row, position)
            h, c, memory = advance(bias, near, query, read, c, keys, features, gates, weights.score, buffer)
            output = Output(*torch.addmm(vector, h, matrix).split(sizes, 1))
            query, row = output.query, draw_rows(output, *noise)
            if model.pen_position:
                position = position + row[:, :2]
            rows.append(row)
            states.append(h)
            looks.append(memory.attention)
        drawn = torch.stack(rows, 1)
        ended = end_rows(drawn, ended)
        sequences[:, start:stop].index_copy_(0, active, drawn)
        put(hidden[:, start:stop], active, states)
        if attention is not None:
            put(attention[:, start:stop], active, [look.unflatten(1, encoding.grid) for look in looks])
        going = (~ended).nonzero().squeeze(1)
        if len(going) <= KEEP_SHARE * len(active):
            active, randomness = active[going], randomness.rows(going)
            h, c, query, keys, features = h[going], c[going], query[going], keys[going], features[going]
            row, position, ended = row[going], position[going], ended[going]
    over = sequences[:, :stop, 4] > 0.5
    ended_itself = over.any(1)
    # Rows after the first end are ends too, so all but one of them lie beyond the drawing.
    lengths = (~over).sum(1) + ended_itself
    return Drawing(
        sequences[:, :stop], lengths, ended_itself, hidden[:, :stop], None if attention is None else attention[:, :stop]
    )

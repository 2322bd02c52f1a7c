"""G's recurrence: an LSTM that looks at the photo's map at every step (paper 1, Eq. 2), as one autograd function.

Written out, with its gradient, because the steps are many and small. What no step needs before the end
(the gradients of the weights and of the map) is one product over all steps, and drawings that have ended
take no part: training is about three times as fast on a CPU as the same loop left to autograd.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# tanh is 1 to the last bit of float32 far below this; it keeps the product of two exponentials finite.
LARGEST = 30.0


class Weights(NamedTuple):
    """The recurrence's matrices, in the precision that its products are made in.

    ``gates`` (4 H, c + H) takes g_t and h to the gates, in the order of :class:`torch.nn.LSTMCell`; ``query``
    (A, H) is Eq. 2's W_S and ``score`` (A,), always float32, its W_a.
    """

    gates: Tensor
    query: Tensor
    score: Tensor

    def cast(self, precision: torch.dtype) -> "Weights":
        """The same with the matrices in ``precision``."""
        return Weights(self.gates.to(precision), self.query.to(precision), self.score)


class Memory(NamedTuple):
    """What one step keeps for its gradient: the gates, c before and tanh c after, the query, attention and g.

    ``new`` is (1 + the candidate) / 2, in (0, 1) like the three others.
    """

    write: Tensor
    keep: Tensor
    new: Tensor
    out: Tensor
    c_before: Tensor
    tanh_c: Tensor
    query: Tensor
    attention: Tensor
    seen: Tensor


def product_precision(device: torch.device) -> torch.dtype:
    """What matrix products are made in: autocast's type where it is on, else float32."""
    kind = device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32


def plan(sequences: Tensor) -> tuple[Tensor, list[int]]:
    """The order of ``sequences`` (n, T, 5) by falling length, int64 (n,), and how many of them each step needs.

    Off the CPU every step takes them all: to count, the host would have to wait for the device, and
    there a step's time hardly depends on the rows.
    """
    n, steps = sequences.shape[:2]
    if sequences.device.type != "cpu":
        return torch.arange(n, device=sequences.device), [n] * steps
    needed = ((sequences[..., 4] < 0.5).sum(1) + 1).clamp(max=steps)
    counts = (needed > torch.arange(steps).unsqueeze(1)).sum(1).tolist()
    return needed.argsort(descending=True, stable=True), counts


def product(x: Tensor, matrix: Tensor) -> Tensor:
    """x @ matrix in the matrix's precision, given in x's."""
    return (x.to(matrix.dtype) @ matrix).to(x.dtype)


def exponential(x: Tensor) -> Tensor:
    """exp(-2 x): Eq. 2's tanh(k + q) is 2 / (1 + exp(-2 k) exp(-2 q)) - 1, whose first factor no step changes."""
    return (-2 * x).clamp_(-LARGEST, LARGEST).exp_()


def join(keys: Tensor, query: Tensor, buffer: Tensor) -> Tensor:
    """J' = (J + 1) / 2 of Eq. 2, (n, p, A), from :func:`exponential` of both sides, into ``buffer``.

    One buffer for all steps: a fresh one at each costs more than the arithmetic.
    """
    factor = exponential(query).unsqueeze(1)
    return torch.addcmul(keys.new_ones(()), keys, factor, out=buffer[: len(keys)]).reciprocal_()


def advance(
    points: Tensor,
    near: Tensor,
    query: Tensor,
    read: Sequence[Tensor],
    c: Tensor,
    keys: Tensor,
    features: Tensor,
    gates: Tensor,
    score: Tensor,
    buffer: Tensor,
) -> tuple[Tensor, Tensor, Memory]:
    """One step for a batch: the next h and c, each (n, H), and what was computed on the way.

    ``query`` (n, A) is W_S h. ``gates`` (4 H, c + r) takes g and ``read``, h and what else has weights there, r
    columns in all, to the gates; ``points`` (n, 4 H) or (4 H,) is added to them: the share of the last point where
    it does not stand in ``read``, and the biases.
    ``near`` (n, p) is added to the attention's scores. ``keys`` (n, p, A) is :func:`exponential` of W_B * B,
    ``features`` (n, p, c) is B and ``score`` (A,) is W_a. ``buffer`` is overwritten; it has at least the rows of
    ``keys``.
    """
    joint = join(keys, query, buffer)
    # The softmax drops the constant of J = 2 J' - 1, so W_a J becomes 2 W_a J'.
    scores = torch.addmv(near.flatten(), joint.flatten(0, 1), score, alpha=2)
    attention = scores.view(near.shape).softmax(1)
    seen = torch.bmm(attention.unsqueeze(1), features).squeeze(1)
    total = product(torch.cat([seen, *read], 1), gates.t()).add_(points)
    write, keep, new, out = total.chunk(4, 1)
    # The candidate's tanh as 2 sigmoid(2 x) - 1, so that one pass serves all four gates.
    new.mul_(2)
    total.sigmoid_()
    c_after = torch.addcmul(keep * c - write, write, new, value=2)
    tanh_c = c_after.tanh()
    return out * tanh_c, c_after, Memory(write, keep, new, out, c, tanh_c, query, attention, seen)


class Recurrence(torch.autograd.Function):
    """Teacher-forced decoding: the states of all steps; see :func:`recur`."""

    @staticmethod
    def forward(
        ctx: Any,
        points: Tensor,
        near: Tensor,
        h: Tensor,
        c: Tensor,
        keys: Tensor,
        features: Tensor,
        gates: Tensor,
        of_query: Tensor,
        score: Tensor,
        counts: Sequence[int],
        precision: torch.dtype,
    ) -> Tensor:
        weights = Weights(gates, of_query, score).cast(precision)
        factors, buffer = exponential(keys), torch.empty_like(keys)
        states = points.new_zeros(len(counts) + 1, *h.shape)
        states[0] = h
        kept: list[Tensor] = []
        for step, n in enumerate(counts):
            h, c = h[:n], c[:n]
            query = product(h, weights.query.t())
            inputs = (points[step, :n], near[step, :n], query, (h,), c, factors[:n], features[:n])
            h, c, memory = advance(*inputs, weights.gates, score, buffer)
            states[step + 1, :n] = h
            kept += memory
        ctx.save_for_backward(states, factors, features, *weights, *kept)
        ctx.counts = counts
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor | None, ...]:
        states, factors, features, gates, of_query, score, *kept = ctx.saved_tensors
        counts, size = ctx.counts, states.shape[2]
        (steps, rows), (positions, channels) = d_states.shape[:2], features.shape[1:]
        memories = [Memory(*kept[start : start + 9]) for start in range(0, len(kept), 9)]
        d_h, d_c = torch.zeros_like(states[0]), torch.zeros_like(states[0])
        # At all steps; rows that take no part stay 0.
        d_gates = states.new_zeros(steps, rows, 4 * size)
        d_query = states.new_zeros(steps, rows, len(score))
        d_seen = states.new_zeros(steps, rows, channels)
        attention, seen = states.new_zeros(steps, rows, positions), torch.zeros_like(d_seen)
        d_near = torch.zeros_like(attention)
        d_keys, d_score = torch.zeros_like(factors), torch.zeros_like(score)
        buffer, slopes = torch.empty_like(factors), torch.empty_like(factors)
        for step in range(steps - 1, -1, -1):
            n, memory = counts[step], memories[step]
            write, keep, new, out, c_before, tanh_c, query, weights, saw = memory
            dh = d_h[:n] + d_states[step, :n]
            dc = d_c[:n] + dh * out * (1 - tanh_c.square())
            torch.cat(
                [
                    dc * (2 * new - 1) * write * (1 - write),
                    dc * c_before * keep * (1 - keep),
                    dc * write * 4 * new * (1 - new),
                    dh * tanh_c * out * (1 - out),
                ],
                1,
                out=d_gates[step, :n],
            )
            d_c[:n] = dc * keep
            # Eq. 2, backwards: the softmax, then J' = sigmoid(2 (k + q)), whose gradient is J' (1 - J').
            d_saw, dh = product(d_gates[step, :n], gates).split([channels, size], 1)
            d_weights = torch.bmm(d_saw.unsqueeze(1), features[:n].transpose(1, 2)).squeeze(1)
            d_near[step, :n] = weights * (d_weights - (weights * d_weights).sum(1, keepdim=True))
            d_scores = 2 * d_near[step, :n]
            joint = join(factors[:n], query, buffer)
            d_score += torch.mv(joint.flatten(0, 1).t(), d_scores.flatten())
            slope = torch.addcmul(joint, joint, joint, value=-1, out=slopes[:n])
            d_query[step, :n] = 2 * score * torch.bmm(d_scores.unsqueeze(1), slope).squeeze(1)
            d_keys[:n].addcmul_(slope, d_scores.unsqueeze(2))
            d_h[:n] = dh + product(d_query[step, :n], of_query)
            d_seen[step, :n], attention[step, :n], seen[step, :n] = d_saw, weights, saw
        low = gates.dtype
        before = states[:-1].flatten(0, 1).to(low)
        read = torch.cat([seen.flatten(0, 1).to(low), before], 1)
        return (
            d_gates,
            d_near,
            d_h,
            d_c,
            d_keys * (2 * score),
            torch.bmm(attention.permute(1, 2, 0), d_seen.transpose(0, 1)),
            (d_gates.flatten(0, 1).to(low).t() @ read).to(states.dtype),
            (d_query.flatten(0, 1).to(low).t() @ before).to(states.dtype),
            d_score,
            None,
            None,
        )


def recur(
    points: Tensor,
    near: Tensor,
    h: Tensor,
    c: Tensor,
    keys: Tensor,
    features: Tensor,
    weights: Weights,
    counts: Sequence[int],
    precision: torch.dtype,
) -> Tensor:
    """The states h_t after reading ``points``, their share of the gates, float32 (T, n, 4 H): (T, n, H).

    Starts from (h, c), each (n, H); ``keys`` (n, p, A) is W_B * B and ``features`` (n, p, c) is B, and
    ``near`` (T, n, p) is added to the attention's scores. At step t only the first ``counts[t]`` rows take
    part, which must not grow with t; a row's states after its last step are 0. Matrix products are made in
    ``precision``, everything else in float32. The gradient reaches every tensor; it cannot be
    differentiated again.
    """
    return Recurrence.apply(points, near, h, c, keys, features, *weights, counts, precision)

"""The written-out recurrence, and its gradient, against a plain loop of library modules."""

import pytest
import torch
from torch import Tensor, nn

from fgsbir.generator.recurrence import Weights, recur

STEPS, ROWS, HIDDEN, WIDTH, CHANNELS, POSITIONS = 5, 4, 6, 3, 7, 9
SHAPES = {
    "points": (STEPS, ROWS, 4 * HIDDEN),
    "near": (STEPS, ROWS, POSITIONS),
    "h": (ROWS, HIDDEN),
    "c": (ROWS, HIDDEN),
    "keys": (ROWS, POSITIONS, WIDTH),
    "features": (ROWS, POSITIONS, CHANNELS),
    "gates": (4 * HIDDEN, CHANNELS + HIDDEN),
    "query": (WIDTH, HIDDEN),
    "score": (WIDTH,),
}


def inputs(dtype: torch.dtype, scale: float = 1.0) -> dict[str, Tensor]:
    numbers = torch.Generator().manual_seed(0)
    made = {name: torch.randn(shape, generator=numbers, dtype=dtype) for name, shape in SHAPES.items()}
    return {name: (scale * value).requires_grad_() for name, value in made.items()}


def states(given: dict[str, Tensor], counts: list[int]) -> Tensor:
    weights = Weights(given["gates"], given["query"], given["score"])
    start = [given[name] for name in ("points", "near", "h", "c", "keys", "features")]
    return recur(*start, weights, counts, given["h"].dtype)


def plain_states(given: dict[str, Tensor], counts: list[int]) -> Tensor:
    """Eq. 2 as printed, the keys computed anew at every step, and torch's own LSTMCell."""
    cell = nn.LSTMCell(CHANNELS + 4 * HIDDEN, HIDDEN, bias=False, dtype=given["h"].dtype)
    # The points' share of the gates reaches the cell as further inputs, taken as they are.
    taken = torch.eye(4 * HIDDEN, dtype=given["h"].dtype)
    of_input, of_state = given["gates"].split([CHANNELS, HIDDEN], 1)
    parameters = {"weight_ih": torch.cat([of_input, taken], 1), "weight_hh": of_state}
    out, h, c = [], given["h"], given["c"]
    for step, n in enumerate(counts):
        query = h @ given["query"].T
        joint = torch.tanh(given["keys"] + query[:, None])
        attention = (joint @ given["score"] + given["near"][step]).softmax(1)
        seen = torch.einsum("np,npc->nc", attention, given["features"])
        read = torch.cat([seen, given["points"][step]], 1)
        h, c = torch.func.functional_call(cell, parameters, (read, (h, c)))
        going = (torch.arange(ROWS) < n).unsqueeze(1)
        h, c = h * going, c * going
        out.append(h)
    return torch.stack(out)


@pytest.mark.parametrize("counts", [[ROWS] * STEPS, [4, 3, 3, 1, 0]])
def test_states_and_gradients_equal_autograd_through_a_loop_over_library_modules(counts: list[int]) -> None:
    given = inputs(torch.float64)
    found, expected = states(given, counts), plain_states(given, counts)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    pull = torch.randn(STEPS, ROWS, HIDDEN, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    ours, theirs = (torch.autograd.grad((out * pull).sum(), list(given.values())) for out in (found, expected))
    torch.testing.assert_close(
        dict(zip(given, ours, strict=True)), dict(zip(given, theirs, strict=True)), rtol=1e-10, atol=1e-12
    )


def test_extreme_inputs_stay_finite() -> None:
    given = inputs(torch.float32, scale=1e4)
    out = states(given, [ROWS] * STEPS)
    out.sum().backward()
    assert out.isfinite().all()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in given.values())

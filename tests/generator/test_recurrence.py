"""The written-out recurrence against a plain loop of library modules, and its gradient against both."""

import pytest
import torch
from torch import Tensor, nn

from fgsbir.generator.recurrence import Weights, advance, exponential, plan, product_precision, recur

STEPS, ROWS, HIDDEN, WIDTH, CHANNELS, POSITIONS = 5, 4, 6, 3, 7, 9


def inputs(dtype: torch.dtype, seed: int = 0, scale: float = 1.0) -> dict[str, Tensor]:
    numbers = torch.Generator().manual_seed(seed)
    shapes = {
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
    return {
        name: (torch.randn(shape, generator=numbers, dtype=dtype) * scale).requires_grad_()
        for name, shape in shapes.items()
    }


def states(given: dict[str, Tensor], counts: list[int]) -> Tensor:
    weights = Weights(given["gates"], given["query"], given["score"])
    start = [given[name] for name in ("points", "near", "h", "c", "keys", "features")]
    return recur(*start, weights, counts, given["h"].dtype)


def plain_states(given: dict[str, Tensor], counts: list[int]) -> Tensor:
    """Eq. 2 as printed, the keys computed anew at every step, and torch's own LSTMCell."""
    cell = nn.LSTMCell(CHANNELS + 4 * HIDDEN, HIDDEN, bias=False, dtype=given["h"].dtype)
    # The points' share of the gates reaches the cell as further inputs, taken as they are.
    taken = torch.eye(4 * HIDDEN, dtype=given["h"].dtype)
    parameters = {
        "weight_ih": torch.cat([given["gates"][:, :CHANNELS], taken], 1),
        "weight_hh": given["gates"][:, CHANNELS:],
    }
    out = []
    h, c = given["h"], given["c"]
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
def test_states_equal_a_loop_over_library_modules(counts: list[int]) -> None:
    given = inputs(torch.float64)
    torch.testing.assert_close(states(given, counts), plain_states(given, counts), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("counts", [[ROWS] * STEPS, [4, 3, 3, 1, 0]])
def test_gradients_equal_autograd_through_the_loop(counts: list[int]) -> None:
    given = inputs(torch.float64)
    pull = torch.randn(STEPS, ROWS, HIDDEN, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    found = torch.autograd.grad((states(given, counts) * pull).sum(), list(given.values()))
    expected = torch.autograd.grad((plain_states(given, counts) * pull).sum(), list(given.values()))
    for name, ours, theirs in zip(given, found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12, msg=lambda text, name=name: f"{name}: {text}")


def test_gradients_equal_finite_differences() -> None:
    given = inputs(torch.float64, scale=0.7)
    names = list(given)
    assert torch.autograd.gradcheck(
        lambda *values: states(dict(zip(names, values, strict=True)), [4, 3, 3, 1, 0]),
        tuple(given.values()),
        fast_mode=True,
    )


def test_attention_sums_to_one_and_is_that_of_tanh() -> None:
    given = {name: value.detach() for name, value in inputs(torch.float32, scale=2.0).items()}
    query = given["h"] @ given["query"].T
    expected = (torch.tanh(given["keys"] + query[:, None]) @ given["score"] + given["near"][0]).softmax(1)
    buffer = torch.empty_like(given["keys"])
    read = [given["points"][0], given["near"][0], query, (given["h"],), given["c"], exponential(given["keys"])]
    found = advance(*read, given["features"], given["gates"], given["score"], buffer)[2].attention
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.sum(1), torch.ones(ROWS))


def test_extreme_inputs_stay_finite() -> None:
    given = inputs(torch.float32, scale=1e4)
    out = states(given, [ROWS] * STEPS)
    out.sum().backward()
    assert out.isfinite().all()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in given.values())


def test_low_precision_products_stay_near_float32() -> None:
    given = inputs(torch.float32, scale=0.3)
    weights = Weights(given["gates"], given["query"], given["score"])
    start = [given[name] for name in ("points", "near", "h", "c", "keys", "features")]
    start += [weights, [ROWS] * STEPS]
    low, full = recur(*start, torch.bfloat16), recur(*start, torch.float32)
    assert low.dtype == torch.float32
    assert 0 < (low - full).abs().max() < 0.02
    gradients = torch.autograd.grad(low.sum(), list(given.values()))
    assert all(gradient.dtype == torch.float32 for gradient in gradients)


def test_plan_orders_by_length_and_counts_what_each_step_needs() -> None:
    sequences = torch.zeros(3, 6, 5)
    for row, end in enumerate((2, 9, 4)):  # the second never ends
        sequences[row, end:, 4] = 1
    order, counts = plan(sequences)
    assert order.tolist() == [1, 2, 0]
    # The first needs its rows 0, 1 and its end's; the third five; the second all six.
    assert counts == [3, 3, 3, 2, 2, 1]


def test_product_precision_follows_autocast() -> None:
    cpu = torch.device("cpu")
    assert product_precision(cpu) == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert product_precision(cpu) == torch.bfloat16

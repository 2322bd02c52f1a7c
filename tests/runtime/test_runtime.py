"""Where a run computes: precision, threads, and what one process gathers and sums; named random streams."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from fgsbir.runtime.compute import Compute, launch
from fgsbir.runtime.precision import autocast, working_precision
from fgsbir.runtime.streams import seed_weights, stream, stream_seed, torch_stream


@dataclass(frozen=True)
class Here:
    accelerator: str = "cpu"
    devices: int = 1
    threads: int = 0


@pytest.mark.parametrize(
    ("precision", "there", "dtype"),
    [("bf16", True, torch.bfloat16), ("bf16", False, torch.float32), ("float32", True, torch.float32)],
)
def test_the_precision_of_a_run(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    precision: str,
    there: bool,
    dtype: torch.dtype,
) -> None:
    monkeypatch.setattr("fgsbir.runtime.precision.multiplies_bf16", lambda _: there)
    compute = launch(Here(), precision)
    assert (compute.world, compute.rank, compute.is_main, compute.device.type) == (1, 0, True, "cpu")
    for arithmetic in (compute.autocast(), autocast(compute.device, precision)):
        with arithmetic:
            assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype
    assert working_precision(precision, compute.device) == {torch.bfloat16: "bf16", torch.float32: "float32"}[dtype]
    assert ("no bf16 arithmetic" in caplog.text) == (precision == "bf16" and not there)


def test_the_threads_of_a_run() -> None:
    before = torch.get_num_threads()
    try:
        launch(Here(threads=1), "float32")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("compute", [Compute.alone(accelerator="cpu"), launch(Here(), "float32")])
def test_one_process_gathers_and_sums_nothing(compute: Compute) -> None:
    rows = torch.ones(3, 2, requires_grad=True)
    assert compute.gather(rows) is rows and compute.reduce(rows, "sum") is rows
    model = nn.Linear(2, 1)
    compute.place(model)
    model(rows).sum().backward()
    before = model.weight.grad.clone()
    compute.sum_gradients(model)
    assert torch.equal(model.weight.grad, before)


def test_scoring_leaves_every_model_in_its_mode() -> None:
    learning, judging = nn.Linear(1, 1).train(), nn.Linear(1, 1).eval()
    with Compute.alone().scoring(learning, judging):
        assert not learning.training and not torch.is_grad_enabled()
    assert learning.training and not judging.training and torch.is_grad_enabled()


def test_a_stream_is_its_seed_its_name_and_its_place() -> None:
    seeds = [
        stream_seed(0, "joint/pseudo", 3),
        stream_seed(1, "joint/pseudo", 3),
        stream_seed(0, "joint/labelled", 3),
        stream_seed(0, "joint/pseudo", 4),
        stream_seed(0, "joint/pseudo", 3, 0),
    ]
    assert len(set(seeds)) == 5 and all(0 <= seed < 2**63 for seed in seeds)
    assert np.array_equal(stream(0, "a", 1).random(4), stream(0, "a", 1).random(4))
    assert torch.equal(torch.rand(4, generator=torch_stream(0, "a")), torch.rand(4, generator=torch_stream(0, "a")))


def test_each_part_has_initial_weights_of_its_own() -> None:
    weights = []
    for seed, name in ((0, "generator"), (0, "generator"), (0, "discriminator"), (1, "generator")):
        seed_weights(seed, name)
        weights.append(nn.Linear(3, 3).weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2]) and not torch.equal(weights[0], weights[3])

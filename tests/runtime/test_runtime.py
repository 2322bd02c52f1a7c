"""Where a run computes; named random streams; learning rates."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from fgsbir.data.records import DataError
from fgsbir.runtime.compute import Compute, launch
from fgsbir.runtime.schedule import warmup_cosine
from fgsbir.runtime.streams import seed_weights, stream, stream_seed, torch_stream


@pytest.mark.parametrize(
    ("precision", "there", "used"), [("bf16", True, "bf16"), ("bf16", False, "float32"), ("float32", True, "float32")]
)
def test_the_precision_of_a_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, precision: str, there: bool, used: str
) -> None:
    monkeypatch.setattr("fgsbir.runtime.precision.multiplies_bf16", lambda _: there)
    compute = launch(SimpleNamespace(accelerator="cpu", devices=1, threads=0), precision)
    assert (compute.world, compute.rank, compute.is_main, compute.device.type) == (1, 0, True, "cpu")
    assert compute.precision == used and ("no bf16 arithmetic" in caplog.text) == (used != precision)
    with compute.autocast():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == {"bf16": torch.bfloat16, "float32": torch.float32}[used]


def test_a_gpu_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DataError, match=r"runtime\.accelerator: cuda, and torch finds no GPU here"):
        launch(SimpleNamespace(accelerator="cuda", devices=1, threads=0), "float32")


def test_the_threads_of_a_run() -> None:
    before = torch.get_num_threads()
    try:
        launch(SimpleNamespace(accelerator="cpu", devices=1, threads=1), "float32")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_scoring_leaves_every_model_in_its_mode() -> None:
    learning, judging = nn.Linear(1, 1).train(), nn.Linear(1, 1).eval()
    with Compute.alone().scoring(learning, judging):
        assert not learning.training and not torch.is_grad_enabled()
    assert learning.training and not judging.training and torch.is_grad_enabled()


def test_a_stream_is_its_seed_its_name_and_its_place() -> None:
    places = [(0, "joint/pseudo", 3), (1, "joint/pseudo", 3), (0, "joint/labelled", 3), (0, "joint/pseudo", 3, 0)]
    seeds = {stream_seed(*place) for place in places}
    assert len(seeds) == 4 and all(0 <= seed < 2**63 for seed in seeds)
    assert np.array_equal(stream(0, "a", 1).random(4), stream(0, "a", 1).random(4))
    assert torch.equal(torch.rand(4, generator=torch_stream(0, "a")), torch.rand(4, generator=torch_stream(0, "a")))
    seed_weights(0, "generator")
    assert torch.initial_seed() == stream_seed(0, "weights/generator")


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    rates = [warmup_cosine(step, 100, 2.0) for step in range(100)]
    assert rates[:6] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0, 2.0])
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[5:]))
    assert rates[5 + 95 // 2] == pytest.approx(1 + math.cos(math.pi * 47 / 95))
    assert 0 < rates[-1] < 0.01
    for steps in (1, 2, 5):
        assert all(0 < warmup_cosine(step, steps, 1.0) <= 1 for step in range(steps))

"""Checkpoints, interruption, the guard against NaN, and the choice of the best epoch, on a model of one number."""

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
import torch
from torch import nn

from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.faults import TrainingDiverged, TrainingInterrupted
from fgsbir.runtime.run import Row, Run, write_curve
from tests.toy import cpu

NAN = float("nan")


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch")


class One(nn.Module):
    """A model of one number."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))


def train(
    scratch: Scratch,
    *,
    losses: Callable[[int], float] = float,
    scores: Callable[[int], float] = float,
    during: Callable[[int, One], None] = lambda step, model: None,
    steps: int = 8,
    epoch_steps: int = 3,
    log_interval: int = 100,
    unit: int = 1,
) -> tuple[One, list[Row]]:
    """A run in which the model's number is the number of steps done."""
    model = One()
    with Run(
        "toy", cpu(), scratch, steps=steps, epoch_steps=epoch_steps, log_interval=log_interval,
        parts={"model": model}, selected={"model": model}, unit=unit,
        describe=lambda step: [f"photo-{step}a", f"photo-{step}b"],
    ) as run:  # fmt: skip
        for step in range(run.first, steps):
            with torch.no_grad():
                model.value += 1
            during(step, model)
            run.step_done(
                step, {"toy": torch.tensor(losses(step))}, {"speed": torch.tensor(2.0 * step)}, {"bin": torch.ones(())}
            )
            if run.epoch_ends(step):
                run.epoch_done(step, {"accuracy": scores(step)}, score=scores(step))
    return model, run.rows


def kept(scratch: Scratch) -> tuple[int, float, int]:
    """The step and the model's number of the last good checkpoint, and how many epochs it has seen."""
    state = scratch.load()
    assert state is not None
    return state["step"], float(state["parts"]["model"]["value"]), len(state["rows"])


def signal_in(step: int, number: signal.Signals = signal.SIGINT) -> Callable[[int, One], None]:
    return lambda now, model: os.kill(os.getpid(), number) if now == step else None


def test_a_row_holds_the_means_of_its_epoch(scratch: Scratch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    model, rows = train(scratch)
    assert rows == [
        {"step": 3.0, "toy_loss": 1.0, "speed": 2.0, "bin": 1.0, "accuracy": 2.0},
        {"step": 6.0, "toy_loss": 4.0, "speed": 8.0, "bin": 1.0, "accuracy": 5.0},
        {"step": 8.0, "toy_loss": 6.5, "speed": 13.0, "bin": 1.0, "accuracy": 7.0},
    ]
    assert caplog.messages[0] == "toy step 3 toy_loss 1 speed 2 accuracy 2", "a histogram is not logged"
    assert [row["step"] for row in train(Scratch(tmp_path / "b"), unit=5)[1]] == [15, 30, 40]
    done: list[int] = []
    again, same_rows = train(scratch, during=lambda step, model: done.append(step))
    assert again.value == model.value and same_rows == rows and not done, "a finished run is not run again"


@pytest.mark.parametrize(("scores", "best"), [((1, 5, 3), 6), ((4, 4, 1), 3), ((1, 2, 3), 8), ((-5, -2, -9), 6)])
def test_the_best_epoch_is_kept_the_first_of_equals(scratch: Scratch, scores: tuple[float, ...], best: int) -> None:
    model, _ = train(scratch, scores=lambda step: float(scores[step // 3]))
    assert model.value.item() == best


def test_the_best_epoch_is_remembered_by_a_resumed_run(scratch: Scratch) -> None:
    def killed(step: int, model: One) -> None:
        if step == 6:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(scratch, scores=lambda step: -float(step), during=killed)
    model, rows = train(scratch, scores=lambda step: -float(step))
    assert model.value.item() == 3 and [row["step"] for row in rows] == [3, 6, 8]


@pytest.mark.parametrize(
    ("bad", "form", "message"),
    [
        ({4: NAN}, {}, r"at step 4 \(photos photo-4a, photo-4b\); the last good checkpoint is .*Try a lower learning"),
        ({4: float("inf"), 5: NAN}, {}, "at step 4 "),
        ({4: NAN}, {"during": signal_in(4)}, "at step 4 "),
        # A finite loss may have a gradient that is not, at the very last step before a checkpoint.
        ({}, {"during": lambda step, model: model.value.data.mul_(NAN if step == 5 else 1)}, "at step 5 "),
    ],
)
def test_numbers_that_are_not_finite_stop_the_run_and_are_not_saved(
    scratch: Scratch, bad: dict[int, float], form: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingDiverged, match=message):
        train(scratch, losses=lambda step: bad.get(step, 1.0), **form)
    assert kept(scratch) == (3, 3, 1)


def test_numbers_are_looked_at_every_few_steps(scratch: Scratch) -> None:
    done: list[int] = []
    with pytest.raises(TrainingDiverged, match=r"at step 20 .*no checkpoint was saved before it"):
        train(
            scratch, losses=lambda step: -float("inf") if step == 2 else 1.0, epoch_steps=50, log_interval=5, unit=10,
            during=lambda step, model: done.append(step),
        )  # fmt: skip
    assert done == [0, 1, 2, 3, 4] and not scratch.path.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_its_step(scratch: Scratch, tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingInterrupted):
        train(scratch, during=signal_in(4, number))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert kept(scratch) == (5, 5, 1)
    model, rows = train(scratch)
    assert model.value == 8 and rows == train(Scratch(tmp_path / "whole"))[1]


def test_a_signal_at_the_end_of_an_epoch_waits_for_the_validation_and_one_in_the_last_step_is_too_late(
    scratch: Scratch,
) -> None:
    with pytest.raises(TrainingInterrupted):
        train(scratch, during=signal_in(5))
    assert kept(scratch) == (6, 6, 2)
    model, rows = train(scratch, during=signal_in(7))
    assert model.value == 8 and len(rows) == 3


def test_a_checkpoint_comes_back_and_can_be_cleared(scratch: Scratch) -> None:
    assert scratch.load() is None
    state = {"step": 3, "parts": {"model": {"value": torch.tensor(3)}}, "rows": [{"step": 1.0}], "best": {}}
    scratch.save(state)
    assert scratch.load() == state
    assert [path.name for path in scratch.path.parent.iterdir()] == ["checkpoint.pt"]
    for _ in range(2):
        scratch.clear()
        assert not scratch.path.parent.exists()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "cut at the end": lambda data: data[:-40],
    "text": lambda data: b"not a checkpoint at all\n",
    "flipped": lambda data: data[:300] + bytes(255 - byte for byte in data[300:500]) + data[500:],
    "zeros": lambda data: bytes(len(data)),
    "another zip": lambda data: b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_unreadable_checkpoint_is_a_fresh_start_with_a_warning(
    scratch: Scratch, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    train(scratch, steps=3)
    scratch.path.write_bytes(DAMAGE[damage](scratch.path.read_bytes()))
    model, rows = train(scratch)
    assert f"{scratch.path} cannot be read" in caplog.text and "starting from the beginning" in caplog.text
    assert model.value == 8 and len(rows) == 3


def test_a_checkpoint_runs_no_code(scratch: Scratch, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    scratch.path.parent.mkdir()
    torch.save({"step": 1, "parts": Payload()}, scratch.path)
    assert scratch.load() is None and not (tmp_path / "harm").exists()


def test_a_full_disk_leaves_the_old_checkpoint(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(state: object, file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    scratch.save({"step": 1})
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(torch, "save", full)
        scratch.save({"step": 2})
    assert scratch.load() == {"step": 1}


def test_a_curve_is_written_in_the_first_rows_order(tmp_path: Path) -> None:
    rows = [{"step": 3.0, "loss": 1 / 3}, {"loss": 2e-9, "step": 123456.0}]
    write_curve(tmp_path / "curve.csv", rows)
    assert (tmp_path / "curve.csv").read_text() == "step,loss\n3,0.333333\n123456,2e-09\n"

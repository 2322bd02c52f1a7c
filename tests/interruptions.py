"""Trainings that are broken off wherever they can be."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from fgsbir.runtime.checkpoint import Interruption
from fgsbir.runtime.faults import TrainingInterrupted
from fgsbir.runtime.run import Run

Result = TypeVar("Result")


def broken_off_everywhere(train: Callable[[], Result], monkeypatch: pytest.MonkeyPatch) -> tuple[Result, int]:
    """What ``train`` gives at last, and how often it was broken off.

    It is asked to stop after every step, and killed in each after the weights have changed.
    """
    done, killed, stops = Run.step_done, set[int](), 0

    def kill(self: Run, step: int, *given: Any) -> None:
        if step not in killed:
            killed.add(step)
            raise MemoryError("killed")
        done(self, step, *given)

    monkeypatch.setattr(Run, "step_done", kill)
    monkeypatch.setattr(Interruption, "requested", lambda self: True)
    while True:
        try:
            return train(), stops
        except (MemoryError, TrainingInterrupted):
            stops += 1

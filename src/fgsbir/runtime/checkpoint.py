"""What a training run needs to be stopped at any moment: a checkpoint, and a request to stop that waits."""

import logging
import pickle
import shutil
import signal
from pathlib import Path
from typing import Any

import torch

from fgsbir.data.atomic import write_file
from fgsbir.runtime.compute import Compute

logger = logging.getLogger(__name__)

State = dict[str, Any]


class Scratch:
    """One resumable checkpoint in a folder of its own.

    A state holds tensors, numbers, strings, lists and dicts only, so that no general unpickler reads it back.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.pt"

    def load(self) -> State | None:
        """The last saved state, or None for a fresh start. An unreadable file counts as none, with a warning."""
        if not self.path.exists():
            return None
        try:
            state: State = torch.load(self.path, map_location="cpu", weights_only=True)
            step = state["step"]
        except (RuntimeError, ValueError, LookupError, EOFError, OSError, pickle.UnpicklingError) as error:
            logger.warning("%s cannot be read (%s): starting from the beginning", self.path, error)
            return None
        logger.info("resuming from %s at step %d", self.path, step)
        return state

    def save(self, state: State) -> None:
        """Replace the checkpoint in one move: a kill leaves the old one or the new one, never a piece."""
        with write_file(self.path) as partial, partial.open("wb") as file:  # torch would keep the path's name
            torch.save(state, file)

    def clear(self) -> None:
        """Remove the folder; called once the stage's outputs are in place."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


class Interruption:
    """Turns SIGINT and SIGTERM into a request that the loop reads at the end of a step."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._requested = False

    def __enter__(self) -> "Interruption":
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, *signalled: object) -> None:
        self._requested = True

    def requested(self) -> bool:
        """Whether any process was asked to stop. Processes must agree, so all of them call this together."""
        flag = torch.tensor(float(self._requested), device=self._compute.device)
        return self._requested if self._compute.world == 1 else bool(self._compute.summed(flag) > 0)

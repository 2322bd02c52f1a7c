"""The state of one training run: what is summed, logged, selected, saved and resumed, the same for every stage."""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from tqdm import tqdm

from fgsbir.data.atomic import write_text
from fgsbir.runtime.checkpoint import Interruption, Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.faults import TrainingDiverged, TrainingInterrupted

logger = logging.getLogger(__name__)

Row = dict[str, float]


class Stateful(Protocol):
    """Models and optimisers."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


class Run:
    """Counts the steps of a run from where its checkpoint stands.

    ``parts`` is everything with a state that the steps change (models and optimisers; random numbers are functions of
    the step). ``selected`` are the models of which the best epoch is kept, all of ``parts`` if not given.
    ``describe(step)`` names the photos of a step, for the message about a NaN. An epoch is ``epoch_steps`` steps; rows
    and messages count steps times ``unit``. A checkpoint is written at each epoch's end and when the run is asked to
    stop.
    """

    def __init__(
        self,
        name: str,
        compute: Compute,
        scratch: Scratch,
        *,
        steps: int,
        epoch_steps: int,
        log_interval: int,
        parts: dict[str, Stateful],
        describe: Callable[[int], Sequence[str]],
        selected: dict[str, nn.Module] | None = None,
        unit: int = 1,
    ) -> None:
        self.name, self.steps, self.rows = name, steps, list[Row]()
        self.first, self._unit = 0, unit
        models = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
        self._compute, self._scratch, self._parts, self._selected = compute, scratch, parts, selected or models
        self._epoch_steps, self._log_interval, self._describe = epoch_steps, log_interval, describe
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: dict[str, int] = {}
        self._silent: dict[str, torch.Tensor] = {}
        self._best: dict[str, dict[str, torch.Tensor]] = {}
        self._best_score = -float("inf")
        # The first step with a number that was not finite, kept on the device so that watching costs no wait.
        self._bad_step = torch.full((), -1, dtype=torch.int64, device=compute.device)
        self._interruption = Interruption(compute)

    def __enter__(self) -> "Run":
        if state := self._scratch.load():
            for name, part in self._parts.items():
                part.load_state_dict(state["parts"][name])
            self.first, self.rows = state["step"], state["rows"]
            self._best, self._best_score = state["best"], state["best_score"]
            self._sums = {name: value.to(self._compute.device) for name, value in state["sums"].items()}
            self._counts = state["counts"]
        self._interruption.__enter__()
        hidden = None if self._compute.is_main else True
        self._progress = tqdm(total=self.steps, initial=self.first, desc=self.name, unit="step", disable=hidden)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._progress.close()
        self._interruption.__exit__()
        if kind is None:
            for name, model in self._selected.items():
                model.load_state_dict(self._best[name])

    def count_the_start(self, score: Callable[[], float]) -> None:
        """Let the models as they are before the first step be one of the epochs that the best is chosen from."""
        if self.first == 0:
            self._keep_if_best(score())

    def step_done(
        self,
        step: int,
        losses: dict[str, torch.Tensor],
        measures: dict[str, torch.Tensor] | None = None,
        histogram: dict[str, torch.Tensor] | None = None,
    ) -> None:
        """Note the scalar losses of a step, and other scalars; those of a ``histogram`` are not logged.

        Raises TrainingDiverged and TrainingInterrupted.
        """
        self._silent = histogram or {}
        scalars = {f"{name}_loss": loss for name, loss in losses.items()} | (measures or {}) | self._silent
        self._watch(step, scalars.values())
        for name, scalar in scalars.items():
            self._sums[name] = self._sums.get(name, torch.zeros((), device=self._compute.device)) + scalar.detach()
            self._counts[name] = self._counts.get(name, 0) + 1
        self._progress.update()
        ends, checks = self.epoch_ends(step), (step + 1) % self._log_interval == 0
        if ends or checks:
            self._stop_if_diverged(step)
        # Several processes must wait for each other to agree, so they ask less often; at an epoch's end all ask.
        if not ends and (checks or self._compute.world == 1) and self._interruption.requested():
            self._stop_if_diverged(step)
            self._save(step + 1)
            raise TrainingInterrupted

    def epoch_ends(self, step: int) -> bool:
        """Whether ``step`` is the last of an epoch, or of the run."""
        return (step + 1) % self._epoch_steps == 0 or step + 1 == self.steps

    def epoch_done(self, step: int, scores: dict[str, float], *, score: float) -> None:
        """Log and keep one row (step, means over the epoch, ``scores``); keep the models if ``score`` is the best."""
        row = {"step": float((step + 1) * self._unit)}
        row |= {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        row |= scores
        self._sums, self._counts = {}, {}
        self.rows.append(row)
        shown = (f"{name} {value:.4g}" for name, value in row.items() if name not in self._silent)
        logger.info("%s %s", self.name, " ".join(shown))
        self._keep_if_best(score)
        self._save(step + 1)
        if step + 1 < self.steps and self._interruption.requested():
            raise TrainingInterrupted

    def _keep_if_best(self, score: float) -> None:
        if score > self._best_score:
            self._best_score = score
            self._best = {
                name: {key: value.detach().clone() for key, value in model.state_dict().items()}
                for name, model in self._selected.items()
            }

    def _save(self, step: int) -> None:
        if not self._compute.is_main:
            return
        state = {
            "step": step,
            "parts": {name: part.state_dict() for name, part in self._parts.items()},
            "rows": self.rows,
            "best": self._best,
            "best_score": self._best_score,
            "sums": self._sums,
            "counts": self._counts,
        }
        self._scratch.save(state)

    def _watch(self, step: int, numbers: Iterable[torch.Tensor]) -> None:
        finite = torch.stack([torch.isfinite(tensor.detach()).all() for tensor in numbers]).all()
        self._bad_step = torch.where((self._bad_step < 0) & ~finite, step, self._bad_step)

    def _stop_if_diverged(self, step: int) -> None:
        # A finite loss can have a gradient that is not: then the weights show it before the next loss does.
        self._watch(step, [weights for model in self._selected.values() for weights in model.parameters()])
        bad = int(self._bad_step)
        if bad < 0:
            return
        path = self._scratch.path
        kept = f"the last good checkpoint is {path}" if path.exists() else "no checkpoint was saved before it"
        raise TrainingDiverged(
            f"{self.name}: a loss or a weight became NaN or infinite at step {bad * self._unit} "
            f"(photos {', '.join(self._describe(bad))}); {kept}. Try a lower learning rate, or precision: float32."
        )


def write_curve(path: Path, rows: list[Row]) -> None:
    """Write rows as CSV with the first row's columns, numbers to 6 significant digits."""
    lines = [",".join(rows[0]), *(",".join(f"{row[name]:.6g}" for name in rows[0]) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")

"""Trainers without their loader, validation and checkpoints, so that what is timed is their steps."""

from dataclasses import dataclass, field
from pathlib import Path

from fgsbir.data.pairs import PairBatch, PairStream
from fgsbir.retrieval.validation import RetrievalValidation, Scores
from fgsbir.runtime.checkpoint import Scratch, State


@dataclass(frozen=True, slots=True)
class ReadyStream(PairStream):
    """The same batches as PairStream's, each made once and then given again."""

    made: dict[tuple[int, int], PairBatch] = field(default_factory=dict)

    def batch(self, step: int) -> PairBatch:
        """This process's share of the batch of ``step``."""
        key = id(self.pairs), step
        if key not in self.made:
            self.made[key] = PairStream.batch(self, step)
        return self.made[key]


class NoCheckpoint(Scratch):
    """Keeps nothing."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))

    def load(self) -> State | None:
        """There is never a state to go on from."""
        return None

    def save(self, state: State) -> None:
        """Nothing is written."""


class NoValidation(RetrievalValidation):
    """Scores of 0, at no cost."""

    def __init__(self, precision: str) -> None:
        self.precision = precision

    def scores(self, model: object) -> Scores:
        """Of human sketches."""
        return {"mean_reciprocal_rank": 0.0}

    def generated_scores(self, model: object, sketches: object) -> Scores:
        """Of generated sketches."""
        return {"mean_reciprocal_rank": 0.0}


def ready(stream: PairStream) -> ReadyStream:
    """The stream with its batches kept."""
    values = {name: getattr(stream, name) for name in PairStream.__dataclass_fields__}
    return ReadyStream(**values)

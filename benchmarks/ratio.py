"""A ratio: how it is named, what it should be, what it is measured on, and how it is timed."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import numpy as np
import torch

from fgsbir.data.shards import ShardStore
from fgsbir.runtime.compute import Compute
from pipeline.sections import Params


class Workload(NamedTuple):
    """Settings, device and data of a measurement, and a folder that lasts as long."""

    params: Params
    compute: Compute
    store: ShardStore
    temporary: Path

    def new_folder(self) -> Path:
        return Path(mkdtemp(dir=self.temporary))


class Measured(NamedTuple):
    """One round: what was measured and its floor, both in seconds, or both counts."""

    value: float
    floor: float


class Ratio(NamedTuple):
    """One line of the table.

    ``prepare`` does once what is not to be timed, and returns the round: a call that measures both sides. ``speed``
    ratios are floor / value, 1 being as fast as the floor, and should be at least ``target``; the others are
    value / floor and should be at most ``target``. ``on_cuda`` ratios are measured on a GPU as well, if there is one.
    """

    name: str
    target: float
    prepare: Callable[[Workload], Callable[[], Measured]]
    speed: bool = True
    on_cuda: bool = False

    def of(self, round: Measured) -> float:
        return round.floor / round.value if self.speed else round.value / round.floor

    def holds(self, ratio: float) -> bool:
        return ratio >= self.target if self.speed else ratio <= self.target


def unit_vectors(seed: int, rows: int, dimensions: int) -> np.ndarray:
    """Random vectors of length 1, float32 (rows, dimensions)."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dimensions), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def alternate(
    value: Callable[[], object], floor: Callable[[], object], *, device: torch.device, times: int
) -> Measured:
    """Seconds of ``times`` calls of each, in turn and in changing order: a busy machine slows both sides alike."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    seconds = {value: 0.0, floor: 0.0}
    for number in range(times):
        for call in (value, floor) if number % 2 == 0 else (floor, value):
            wait()
            start = time.perf_counter()
            call()
            wait()
            seconds[call] += time.perf_counter() - start
    return Measured(seconds[value], seconds[floor])

"""A ratio: how it is named, what it should be, what it is measured on, and how it is timed."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import numpy as np
import torch

from fgsbir.data.cores import available_cores
from fgsbir.data.shards import ShardStore
from fgsbir.evaluation.protocol import processor
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.precision import working_precision
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
    value / floor and should be at most ``target``.
    """

    name: str
    target: float
    prepare: Callable[[Workload], Callable[[], Measured]]
    speed: bool = True

    def of(self, round: Measured) -> float:
        return round.floor / round.value if self.speed else round.value / round.floor

    def holds(self, ratio: float) -> bool:
        return ratio >= self.target if self.speed else ratio <= self.target


def unit_vectors(seed: int, rows: int, dimensions: int) -> np.ndarray:
    """Random vectors of length 1, float32 (rows, dimensions)."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dimensions), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def alternate(value: Callable[[], object], floor: Callable[[], object], *, times: int) -> Measured:
    """Seconds of ``times`` calls of each, in turn and in changing order: a busy machine slows both sides alike."""

    def wait() -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    seconds = {value: 0.0, floor: 0.0}
    for number in range(times):
        for call in (value, floor) if number % 2 == 0 else (floor, value):
            wait()
            start = time.perf_counter()
            call()
            wait()
            seconds[call] += time.perf_counter() - start
    return Measured(seconds[value], seconds[floor])


def cores() -> str:
    """The processor and its cores, in words."""
    return f"{processor()}, {available_cores()} cores"


def machine(precision: str) -> str:
    """Processor, memory, accelerator, threads, the CPU's precision, versions and load: one line of Markdown each."""
    facts = {
        "processor": cores(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": f"{torch.get_num_threads()} of torch",
        "precision on the CPU": working_precision(precision, torch.device("cpu")),
        "software": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, "
        f"{platform.system()}",
        "load": f"{os.getloadavg()[0]:.1f} processes",
    }
    return "".join(f"* {name}: {value}\n" for name, value in facts.items())

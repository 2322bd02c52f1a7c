"""Measures every ratio and writes one table: ``python -m benchmarks.run [--rounds 5] [--out benchmarks/results.md]``.

The rounds of all ratios are interleaved, and a ratio is the median over its rounds. An idle machine
gives steadier numbers; the table says how busy it was.
"""

import argparse
import logging
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks import features, page, ranking, sampler, search
from benchmarks.machine import machine
from benchmarks.ratio import Measured, Ratio, Workload
from fgsbir.data.shards import ShardStore
from fgsbir.runtime.compute import launch
from pipeline.params import load
from pipeline.sections import Params

logger = logging.getLogger("benchmarks")

RATIOS = [sampler.FLOAT32, sampler.BF16, ranking.RATIO, features.RATIO]
RATIOS += [search.QUERY, search.INDEXING, search.NEAREST, search.OPENING, page.RATIO]


@dataclass(slots=True)
class Line:
    """One line of the table: a ratio on a device, and its rounds; none where it could not be measured."""

    ratio: Ratio
    device: str
    rounds: list[Measured] = field(default_factory=list)

    def cells(self) -> list[str]:
        """The cells of the line; seconds and ratio are medians, the bounds are the rounds' extremes."""
        target = f"{'≥' if self.ratio.speed else '≤'} {self.ratio.target:.2f}"
        if not self.rounds:
            return [self.ratio.name, self.device, "not measured", "", "", target, ""]
        found = [self.ratio.of(round) for round in self.rounds]
        middle = statistics.median(found)
        value, floor = (statistics.median(side) for side in zip(*self.rounds, strict=True))
        return [
            self.ratio.name,
            self.device,
            f"**{middle:.2f}**",
            f"{min(found):.2f} to {max(found):.2f}",
            f"{value:.3g} / {floor:.3g}",
            target,
            "yes" if self.ratio.holds(middle) else "no",
        ]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logger.setLevel(logging.INFO)
    params = load(options.params)
    on = machine(params.precision)
    lines = measure(params, options.shards, rounds=options.rounds, names=options.only)
    text = "\n".join(page_of(lines, on, options.rounds)) + "\n"
    options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def measure(params: Params, shards: Path, *, rounds: int, names: str) -> list[Line]:
    """Measure the ratios whose names hold ``names``: one round of each, and again, ``rounds`` times."""
    chosen = [ratio for ratio in RATIOS if names in ratio.name]
    lines = [Line(ratio, device) for device in ("cpu", "cuda") for ratio in chosen if device == "cpu" or ratio.on_cuda]
    with TemporaryDirectory() as temporary, ShardStore(shards) as store:
        prepared = []
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            runtime = params.runtime.model_copy(update={"accelerator": device, "devices": 1})
            work = Workload(params, launch(runtime, params.precision), store, Path(temporary))
            prepared += [(line, line.ratio.prepare(work)) for line in lines if line.device == device]
        for line, round in prepared:
            logger.info("warming up: %s, %s", line.ratio.name, line.device)
            round()
        for number in range(rounds):
            logger.info("round %d of %d", number + 1, rounds)
            for line, round in prepared:
                line.rounds.append(round())
    return lines


def page_of(lines: Iterable[Line], on: dict[str, str], rounds: int) -> Iterator[str]:
    """The lines as a page of Markdown with the machine's description."""
    yield f"""# Speed, as ratios

Medians of {rounds} interleaved rounds; floors timed in the same run. With ≥, a ratio is the floor's time over ours: \
1 is as fast as the floor. With ≤, it is ours over the floor's.

| ratio | device | median | rounds | ours / floor, s or photos | target | holds |
|---|---|---|---|---|---|---|"""
    yield from (f"| {' | '.join(line.cells())} |" for line in lines)
    yield ""
    yield from (f"* {name}: {value}" for name, value in on.items())
    yield "\nMade by `python -m benchmarks.run`."


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds that the medians are over (%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="measure the ratios whose name holds this text")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results.md"), help="the table (%(default)s)")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="settings (%(default)s)")
    parser.add_argument("--shards", type=Path, default=Path("data/shards"), help="data (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

"""Measures every ratio and writes one table: ``python -m benchmarks.run [--rounds 5] [--out benchmarks/results.md]``.

The rounds of all ratios are interleaved, and a ratio is the median over its rounds. An idle machine gives steadier
numbers; the table says how busy it was.
"""

import argparse
import logging
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import page, ranking, scale, search, start
from benchmarks.ratio import Measured, Ratio, Workload, machine
from fgsbir.data.shards import ShardStore
from fgsbir.runtime.compute import launch
from pipeline.params import load
from pipeline.sections import Params

logger = logging.getLogger("benchmarks")

RATIOS = [
    ranking.RATIO,
    scale.RATIO,
    search.QUERY,
    search.INDEXING,
    search.NEAREST,
    search.OPENING,
    start.HELP,
    start.SEARCH,
    start.SERVE,
    page.OVER_HTTP,
    page.RATIO,
    page.OVER_FILES,
    page.THUMBNAIL_OVER_HTTP,
]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds that the medians are over (%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="measure the ratios whose name holds this text")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results.md"), help="the table (%(default)s)")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="settings (%(default)s)")
    parser.add_argument("--shards", type=Path, default=Path("data/shards"), help="data (%(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logger.setLevel(logging.INFO)
    params = load(options.params)
    on = machine(params.precision)
    found = measure(params, options.shards, options.rounds, [ratio for ratio in RATIOS if options.only in ratio.name])
    text = f"""# Speed, as ratios

Medians of {options.rounds} interleaved rounds; floors timed in the same run. With ≥, a ratio is the floor's time over \
ours: 1 is as fast as the floor. With ≤, it is ours over the floor's.

| ratio | median | rounds | ours / floor, s or photos | target | holds |
|---|---|---|---|---|---|
"""
    text += "".join(f"| {' | '.join(cells(ratio, rounds))} |\n" for ratio, rounds in found.items())
    text += f"\n{on}\nMade by `python -m benchmarks.run`.\n"
    options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def measure(params: Params, shards: Path, rounds: int, ratios: Sequence[Ratio]) -> dict[Ratio, list[Measured]]:
    """The rounds of each ratio: one of each to warm up, then one of each again, ``rounds`` times."""
    with TemporaryDirectory() as temporary, ShardStore(shards) as store:
        runtime = params.runtime.model_copy(update={"accelerator": "cpu", "devices": 1})
        work = Workload(params, launch(runtime, params.precision), store, Path(temporary))
        prepared = [(ratio, ratio.prepare(work)) for ratio in ratios]
        found: dict[Ratio, list[Measured]] = {ratio: [] for ratio in ratios}
        for number in range(rounds + 1):
            logger.info("round %d of %d", number, rounds)
            for ratio, round in prepared:
                one = round()
                found[ratio] += [one] if number else []
    return found


def cells(ratio: Ratio, rounds: Sequence[Measured]) -> list[str]:
    """A line of the table; seconds and ratio are medians, the bounds are the rounds' extremes."""
    target = f"{'≥' if ratio.speed else '≤'} {ratio.target:.2f}"
    found = [ratio.of(round) for round in rounds]
    middle = statistics.median(found)
    extremes = f"{min(found):.2f} to {max(found):.2f}"
    both = " / ".join(f"{statistics.median(side):.3g}" for side in zip(*rounds, strict=True))
    return [ratio.name, f"**{middle:.2f}**", extremes, both, target, "yes" if ratio.holds(middle) else "no"]


if __name__ == "__main__":
    main()

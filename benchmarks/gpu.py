"""What a machine with a GPU does with the project: ``python -m benchmarks.gpu``, at most 8 minutes, one table.

It needs torch and the library, and no DVC. What is measured is kept in ``--work`` and not measured again: the same
command goes on after a kill, and measures what no time was left for.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import torch

from benchmarks import gpu_parts
from benchmarks.gpu_parts import Bench, Line
from benchmarks.ratio import machine
from fgsbir.data.atomic import write_text
from fgsbir.runtime.compute import Compute
from pipeline.params import load
from pipeline.sections import Params

logger = logging.getLogger("benchmarks")

# A set as large as ChairV2: 272 chairs with sketches, 254 without, 28 to choose by, 100 to test on.
CHAIRS = {"labelled": 272, "sketches_per_photo": 3, "unlabelled": 254, "val": 28, "test": 100}
CHAIRS |= {"seen_categories": 4, "seen_photos": 10, "unseen_categories": 0, "unseen_users": 0}
# Cheap ones first; features reads the set that run makes. With the seconds that a part is let begin with.
PARTS: dict[str, tuple[Callable[[Bench], Iterator[Line]], int]] = {
    "trunk": (gpu_parts.trunk, 90),
    "tuned": (gpu_parts.tuned, 30),
    "generator": (gpu_parts.generator, 90),
    "run": (gpu_parts.run, 120),
    "features": (gpu_parts.features, 120),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="measure these parts")
    parser.add_argument("--skip", nargs="+", choices=PARTS, default=[], help="leave these parts out")
    parser.add_argument("--seconds", type=float, default=480, help="no part begins that could end later (%(default)s)")
    parser.add_argument("--work", type=Path, default=Path(".scratch/gpu"), help="what is kept (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/gpu.md"), help="the table (%(default)s)")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logger.setLevel(logging.INFO)
    params = load()
    options.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(as_large_as_chairs(params), Compute.alone(params.precision), options.work.resolve())
    lines = measure(bench, [part for part in options.only if part not in options.skip], options.seconds)
    text = table(lines) + "\n" + machine(params.precision) + "\nMade by `python -m benchmarks.gpu`.\n"
    write_text(options.out, text)
    sys.stdout.write(text)


def as_large_as_chairs(params: Params) -> Params:
    """``params`` with a set of the size of ChairV2."""
    values = params.model_dump(mode="json") | {"labelled_frac": 1.0}
    return Params.model_validate(values | {"synthesise": values["synthesise"] | CHAIRS})


def measure(bench: Bench, parts: Collection[str], seconds: float) -> dict[str, list[Line]]:
    """The lines of each part of ``PARTS``; of one that failed those before it did, of one that did not begin none."""
    known = bench.work / "measured.json"
    begin, found, failed = time.perf_counter(), dict[str, list[Line]](), dict[str, list[Line]]()
    if known.exists():
        found = {part: [tuple(line) for line in lines] for part, lines in json.loads(known.read_text()).items()}
    for part, (lines, takes) in PARTS.items():
        left = seconds - (time.perf_counter() - begin)
        if part not in parts or part in found:
            continue
        if left < takes:
            logger.info(
                "%s: not begun: %.0f s are left, and it may take %d; the same command goes on", part, left, takes
            )
            continue
        logger.info("%s: begun", part)
        measured: list[Line] = []
        try:
            for line in lines(bench):
                measured.append(line)
            found[part] = measured
        except Exception:  # what a machine cannot do must not hide what it can
            logger.exception("%s: failed", part)
            failed[part] = measured
        if bench.compute.device.type == "cuda":
            torch.cuda.empty_cache()
        write_text(known, json.dumps(found))
    return {part: (failed | found).get(part, []) for part in PARTS}


def table(lines: dict[str, list[Line]]) -> str:
    """One row for each line, and one for each part without any."""
    rows = ["| part | what | value | unit |", "|---|---|---|---|"]
    for part, measured in lines.items():
        rows += [f"| {part} | {what} | {value:,.4g} | {unit} |" for what, value, unit in measured]
        rows += [] if measured else [f"| {part} | | not measured | |"]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()

"""Every part over ever more photos: its time should grow in proportion, and its memory stay flat.

``python -m benchmarks.scale [--photos 1000 10000 …] [--only shard index …]`` writes ``benchmarks/scale.json``, an array
of ``{"what", "n", "seconds", "peak_mib", "cpu_seconds", "bytes", "processor"}``, a row at a time: what is in it is not
measured again. One thread, on a machine that does nothing else. ``--page docs/scale.md`` writes the page.
"""

import argparse
import json
import logging
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import PeakMemory
from benchmarks.ratio import Measured, Ratio, Workload, cores, machine
from benchmarks.scale_page import page
from benchmarks.scale_parts import PARTS, features, shards_of
from fgsbir.data.atomic import write_text
from fgsbir.runtime.memory import keep_freed_memory

logger = logging.getLogger("benchmarks")
PHOTOS = 1000
Row = dict[str, Any]


def prepare(work: Workload) -> Callable[[], Measured]:
    """Seconds of the stage features for four times the photos, against four times the seconds."""
    few, many = work.new_folder(), work.new_folder()
    for folder, count in ((few, PHOTOS), (many, 4 * PHOTOS)):
        shards_of(work.store.folder, folder, count)

    def seconds(folder: Path, count: int) -> float:
        prepared, start = features(work.store.folder, folder, count), time.perf_counter()
        prepared.run()
        return time.perf_counter() - start

    return lambda: Measured(seconds(many, 4 * PHOTOS), 4 * seconds(few, PHOTOS))


RATIO = Ratio("features of 4,000 photos / four times those of 1,000", 1.1, prepare, speed=False)


def measure(what: str, count: int, shards: Path, work: Path) -> Row:
    """A row of the table, in a process that has done nothing else. ``peak_mib`` includes what it had loaded before."""
    torch.set_num_threads(1)
    keep_freed_memory()
    prepared = PARTS[what][0](shards, work, count)
    _clear(work / "scratch")
    if prepared.out is not None:
        _clear(prepared.out)
    start, own, cpu = time.perf_counter(), time.process_time(), os.times()
    with PeakMemory() as peak:
        prepared.run()
    seconds, busy, after = time.perf_counter() - start, time.process_time() - own, os.times()
    out = [prepared.out] if prepared.out else []
    size = sum(file.stat().st_size for path in out for file in (path, *path.rglob("*")) if file.is_file())
    busy += after.children_user + after.children_system - cpu.children_user - cpu.children_system
    row: Row = {"what": what, "n": count, "seconds": seconds, "peak_mib": peak.mib, "cpu_seconds": busy, "bytes": size}
    row |= prepared.facts() | {"processor": cores()}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}


def _clear(path: Path) -> None:
    path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="numbers (%(default)s)")
    parser.add_argument("--only", nargs="+", default=[], choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--shards", type=Path, default=Path("data/shards"), help="data (%(default)s)")
    parser.add_argument("--work", type=Path, default=Path(".scratch/scale"), help="folder to work in (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/scale.json"), help="the table (%(default)s)")
    parser.add_argument("--page", type=Path, help="write the table with slopes and costs there, as docs/scale.md")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logger.setLevel(logging.INFO)
    rows: list[Row] = json.loads(options.out.read_text()) if options.out.exists() else []
    options.work.mkdir(parents=True, exist_ok=True)
    for count in options.photos:
        for what, (_, most) in PARTS.items():
            if any((row["what"], row["n"]) == (what, count) for row in rows):
                continue
            if what in options.only if options.only else count <= most:
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as one:
                    rows.append(one.submit(measure, what, count, options.shards, options.work).result())
                logger.info("%s", rows[-1])
                rows.sort(key=lambda row: (list(PARTS).index(row["what"]), row["n"]))
                lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
                write_text(options.out, f"[\n{lines}\n]\n")
    if options.page:
        torch.set_num_threads(1)  # as in what was measured
        write_text(options.page, page(rows, machine("float32")))


if __name__ == "__main__":
    main()

"""How soon a command of ``fgsbir`` has its answer, or says what it does, from the start of its process."""

import json
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.ratio import Measured, Ratio, Workload
from benchmarks.search import FEW, FOUND, index_of_nothing
from fgsbir.data.strokes import split_strokes


def timed(*arguments: str, first_line: bool = False) -> float:
    """Seconds until ``fgsbir`` with these arguments ends, or until the ``first_line`` that it says."""
    command = [sys.executable, "-m", "fgsbir", *arguments]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        said = process.stdout.readline() if first_line else process.stdout.read()
        seconds = time.perf_counter() - start
        if first_line:
            process.terminate()
    if not said or (process.returncode and not first_line):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said}")
    return seconds


def helping(work: Workload) -> Callable[[], Measured]:
    """What it says of itself, against half a second."""
    return lambda: Measured(timed("--help"), 0.5)


def searching(work: Workload) -> Callable[[], Measured]:
    """By a sketch in a file, among a thousand photos, against three seconds."""
    folder = work.new_folder()
    strokes = next(work.store.read_strokes(photo)[0] for photo in work.store.photos if photo.sketches)
    sketch, index = folder / "sketch.json", str(index_of_nothing(folder, FEW))
    sketch.write_text(json.dumps([part.astype(float).tolist() for part in split_strokes(strokes)]))
    return lambda: Measured(timed("search", str(sketch), "--index", index, "-k", str(FOUND)), 3.0)


def serving(work: Workload) -> Callable[[], Measured]:
    """Until it says what it does, against a second."""
    index = str(index_of_nothing(work.new_folder(), FEW))
    return lambda: Measured(timed("serve", "--index", index, "--port", "0", first_line=True), 1.0)


HELP = Ratio("fgsbir --help / 0.5 s", 1.0, helping, speed=False)
SEARCH = Ratio("fgsbir search, among 1,000 photos / 3 s", 1.0, searching, speed=False)
SERVE = Ratio("fgsbir serve, until it says what it does / 1 s", 1.0, serving, speed=False)

"""The stage features by the processes of torchrun: ``torchrun … -m benchmarks.shared SHARDS SCRATCH OUT``.

Each process prints a line: the seconds, CPU-seconds and MiB that the stage took it, without its start.
"""

import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from benchmarks.memory import PeakMemory
from benchmarks.scale_parts import run_features, small_reader
from fgsbir.runtime.compute import launch


def main() -> None:
    shards, scratch, out = map(Path, sys.argv[1:])
    reader = small_reader(launch(SimpleNamespace(accelerator="cpu", devices=1, threads=1), "float32"))
    reader.compute.wait_for_all()
    start, own = time.perf_counter(), time.process_time()
    with PeakMemory() as peak:
        run_features(shards, reader, scratch, out)
    took = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - own, "peak_mib": peak.mib}
    # One write: lines of several processes must not mix.
    os.write(sys.stdout.fileno(), f"{json.dumps(took)}\n".encode())


if __name__ == "__main__":
    main()

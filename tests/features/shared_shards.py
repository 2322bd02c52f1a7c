"""The stages features and edges on the processes of torchrun: ``shared_shards.py SHARDS OUT KILLED``.

Each process writes into ``OUT/begun`` which shard it begins, and its number. The one that writes line ``KILLED``, from
1, kills itself there; 0 kills none.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fgsbir.data.edges import write_edges
from fgsbir.data.shards import ShardStore
from fgsbir.features import extraction
from fgsbir.features.store import layout_of
from fgsbir.features.trunk import packaged_trunk
from fgsbir.runtime.compute import launch
from tests.toy import SPEC


def main() -> None:
    shards, out, killed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    write_shard = extraction._write_shard

    def told(*given: Any) -> None:
        begun = os.open(out / "begun", os.O_RDWR | os.O_APPEND | os.O_CREAT)
        os.write(begun, f"{given[2][0].shard.removesuffix('.tar')} {os.getpid()}\n".encode())
        lines = os.pread(begun, os.lseek(begun, 0, os.SEEK_CUR), 0).count(b"\n")  # up to its own
        os.close(begun)
        if lines == killed:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.3)
        write_shard(*given)

    extraction._write_shard = told
    compute = launch(SimpleNamespace(accelerator="cpu", devices=1, threads=1), "float32")
    store, trunk = ShardStore(shards), packaged_trunk(SPEC)
    reader, layout = extraction.Reader(trunk, SPEC, compute), layout_of(trunk, SPEC, variants=2, sketch_maps=True)
    extraction.write_features(
        reader, store, layout, strength=1.0, scratch=out / "scratch/features", out=out / "features"
    )
    write_edges(store, tolerance=4.0, workers=1, processes=compute, scratch=out / "scratch/edges", out=out / "edges")


if __name__ == "__main__":
    main()

"""What is measured on: the settings of params.yaml, and the data set in data/shards or a small stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fgsbir.data.readers import read
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.runtime.compute import Compute
from fgsbir.synthetic.categories import MAIN
from fgsbir.synthetic.dataset import synthesise
from pipeline.sections import Params


@dataclass(frozen=True, slots=True)
class Workload:
    """Settings, device and data of a measurement."""

    params: Params
    compute: Compute
    store: ShardStore


@contextmanager
def open_store(folder: Path, params: Params) -> Iterator[ShardStore]:
    """The shards in ``folder``; if there are none, those of a small set drawn for the occasion."""
    if (folder / "index.json").is_file():
        with ShardStore(folder) as store:
            yield store
        return
    sizes = params.synthesise
    with TemporaryDirectory() as temporary:
        raw, shards = Path(temporary, "raw"), Path(temporary, "shards")
        smaller = {
            "labelled": min(64, sizes.labelled),
            "unlabelled": 0,
            "val": min(4, sizes.val),
            "test": min(48, sizes.test),
            "other_categories": 0,
        }
        synthesise(raw, **(sizes.model_dump() | smaller), workers=params.runtime.workers)
        source = read(
            "synthetic",
            raw,
            val_frac=params.dataset.val_frac,
            max_megapixels=params.dataset.max_megapixels,
            trace_tolerance=params.shard.trace_tolerance,
        )
        write_shards(
            source,
            shards,
            name="stand-in",
            layout="synthetic",
            category=MAIN,
            photos_per_shard=params.shard.photos_per_shard,
        )
        with ShardStore(shards) as store:
            yield store

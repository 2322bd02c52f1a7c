"""What is measured on: the settings of params.yaml, and the data set in data/shards or a small stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from fgsbir.data.readers import read
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.runtime.compute import Compute
from fgsbir.synthetic.categories import MAIN
from fgsbir.synthetic.dataset import synthesise
from pipeline.sections import Params


@dataclass(frozen=True, slots=True)
class Workload:
    """Settings, device and data of a measurement, and a folder that lasts as long."""

    params: Params
    compute: Compute
    store: ShardStore
    temporary: Path

    def new_folder(self) -> Path:
        """An empty folder of one's own."""
        return Path(mkdtemp(dir=self.temporary))


@contextmanager
def open_store(folder: Path, params: Params) -> Iterator[ShardStore]:
    """The shards in ``folder``; if there are none, those of a small set drawn for the occasion."""
    if (folder / "index.json").is_file():
        with ShardStore(folder) as store:
            yield store
        return
    sizes, smaller = params.synthesise, {"unlabelled": 0, "other_categories": 0}
    smaller |= {"labelled": min(64, sizes.labelled), "val": min(4, sizes.val), "test": min(48, sizes.test)}
    with TemporaryDirectory() as temporary:
        raw, shards = Path(temporary, "raw"), Path(temporary, "shards")
        synthesise(raw, **(sizes.model_dump() | smaller), workers=params.runtime.workers)
        val_frac, max_megapixels = params.dataset.val_frac, params.dataset.max_megapixels
        tolerance, per_shard = params.shard.trace_tolerance, params.shard.photos_per_shard
        source = read("synthetic", raw, val_frac=val_frac, max_megapixels=max_megapixels, trace_tolerance=tolerance)
        about = {"name": "stand-in", "layout": "synthetic", "category": MAIN}
        write_shards(source, shards, **about, photos_per_shard=per_shard)
        with ShardStore(shards) as store:
            yield store

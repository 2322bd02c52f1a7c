"""What is measured on: the settings of params.yaml, and the data set in data/shards or a small stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lightning_fabric import Fabric

from fgsbir.data.pairs import PairSet, PairStream, labelled_pairs
from fgsbir.data.readers import read
from fgsbir.data.selection import training_split
from fgsbir.data.shards import ShardStore, write_shards
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.runtime.processes import place, seed_weights
from fgsbir.synthetic.categories import MAIN
from fgsbir.synthetic.dataset import synthesise
from pipeline.sections import Params


@dataclass(frozen=True, slots=True)
class Workload:
    """Settings, device and data of a measurement; ``steps`` training steps are timed at a time."""

    params: Params
    fabric: Fabric
    store: ShardStore
    steps: int

    def pairs(self, size: int, *, in_memory: bool = True) -> PairSet:
        """The labelled training pairs at an image size; decoded once, or again each time that they are asked for."""
        labelled = training_split(self.store.index, self.params.labelled_frac).labelled
        return labelled_pairs(self.store, labelled, size, self.params.runtime.photo_cache_gib if in_memory else 0)

    def stream(self, *, in_memory: bool = True) -> PairStream:
        """The batches that F is trained on."""
        settings = self.params.pretrain_retrieval
        pairs = self.pairs(settings.image_size, in_memory=in_memory)
        return PairStream(
            pairs,
            batch_size=settings.batch_size,
            seed=self.params.seed,
            salt=1,
            strength=settings.augment,
            line_width=settings.line_width,
        )

    def retrieval(self) -> tuple[RetrievalModel, RetrievalObjective]:
        """F, untrained, and its objective."""
        settings = self.params.pretrain_retrieval
        seed_weights(self.params.seed, "retrieval")
        model = RetrievalModel(
            backbone=settings.backbone,
            embedding_dim=settings.embedding_dim,
            attention=settings.attention,
            image_size=settings.image_size,
        )
        place(self.fabric, model)
        return model, RetrievalObjective(settings.loss, settings.margin, settings.temperature)


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

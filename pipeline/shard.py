"""Stage shard: a data set of any layout as shards, without duplicates of held-out photos. Run by ``dvc repro``."""

import logging
from pathlib import Path

from pipeline.params import load
from pipeline.stage import hold_stage, run

logger = logging.getLogger(__name__)

SHARDS = Path("data/shards")
METRICS = Path("metrics/data.json")


def main() -> None:
    params = load()
    hold_stage("shard", Path(".scratch/shard").resolve())
    from fgsbir.data import readers
    from fgsbir.data.atomic import write_json
    from fgsbir.data.intake import Intake
    from fgsbir.data.leaks import LeakGuard
    from fgsbir.data.readers.user_table import read_user_table
    from fgsbir.data.shards import write_shards
    from fgsbir.data.summary import summarise

    dataset, shard = params.dataset, params.shard
    users = None
    if dataset.user_table is not None and dataset.user_table_sha256 is not None:
        users = read_user_table(dataset.user_table, dataset.user_table_sha256)
    source = readers.read(
        dataset.layout,
        dataset.root,
        unseen_categories=dataset.unseen_categories,
        unseen_users=dataset.unseen_users,
        users=users,
        val_frac=dataset.val_frac,
        trace_tolerance=shard.trace_tolerance,
    )
    intake = Intake(
        source,
        category=dataset.category,
        max_megapixels=dataset.max_megapixels,
        lenient=dataset.layout == "folder",
        guard=LeakGuard(hash_bits=shard.duplicate_hash_bits, correlation=shard.duplicate_correlation),
    )
    index = write_shards(
        source,
        SHARDS,
        name=dataset.name,
        layout=dataset.layout,
        category=dataset.category,
        photos_per_shard=shard.photos_per_shard,
        read=intake.read,
    )
    write_json(METRICS, summarise(index, source, intake.leaks, dataset.root))
    sketches = sum(written.sketches for written in index.shards)
    logger.info("packed %d photos with %d sketches into %d shards", len(index.photos), sketches, len(index.shards))


if __name__ == "__main__":
    run(main)

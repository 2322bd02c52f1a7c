"""Stage pretrain_retrieval: F learns from the labelled pairs (paper 1, Eq. 4). Run by ``dvc repro``."""

from pathlib import Path

from pipeline.params import load
from pipeline.stage import open_data, run, save_trained, scratch_folder

# Photos that the statistics and the principal axes are taken from, at most: 20,000 are 0.4 GB of taps.
MOST = 20_000


def main() -> None:
    params = load()
    settings = params.pretrain_retrieval

    from fgsbir.data.records import DataError
    from fgsbir.data.selection import training_split
    from fgsbir.features.trunk import tap_channels
    from fgsbir.ready import READY_MODEL
    from fgsbir.retrieval.losses import RetrievalObjective
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.pairs import PairStream, human_pairs
    from fgsbir.retrieval.training import RetrievalSettings, pooled_rows, start_from, start_head, train_retrieval
    from fgsbir.retrieval.validation import RetrievalValidation
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model
    from fgsbir.runtime.streams import seed_weights
    from fgsbir.runtime.training_data import training_data

    compute, pictures = open_data(params.runtime, params.precision, "data/shards", "data/features")
    index = pictures.shards.index
    split = training_split(index, params.labelled_frac)

    seed_weights(params.seed, "retrieval")
    trunk = pictures.features.trunk()
    model = RetrievalModel(
        spec=pictures.spec.as_json(),
        channels=tap_channels(trunk, pictures.spec),
        embedding_dim=settings.embedding_dim,
        tuned_blocks=settings.tune_blocks,
        pooling=settings.pooling,
        standardise=settings.standardise,
        mirror=settings.mirror,
    )
    model.take_trunk(trunk)
    compute.place(model)
    labelled = human_pairs(pictures, split.labelled, model.level, settings.augment)
    # Statistics of photos need no sketch: unlabelled photos count, whether joint training may use them or not.
    # Of a large set every so many-th, in the order of the ids: more would not change them, and not fit into memory.
    entries = [*split.labelled, *split.unlabelled]
    photos = pictures.photos(entries[:: max(1, -(-len(entries) // MOST))], model.level)
    rows = pooled_rows(model, photos, compute), pooled_rows(model, labelled.sketches, compute)
    if settings.start == "ready":
        if index.layout == "synthetic":
            raise DataError("pretrain_retrieval.start ready: the ready model has learned the default set's labels")
        start_from(model, load_model(READY_MODEL, RetrievalModel), *rows)
    else:
        start_head(model, *rows, whitening=settings.whitening)
    scratch = Scratch(scratch_folder("pretrain_retrieval"))
    curve = train_retrieval(
        compute,
        model,
        PairStream(labelled, settings.batch_size, params.seed, "retrieval/pairs", compute.rank, compute.world),
        RetrievalValidation(human_pairs(pictures, split.validation, model.level), compute),
        RetrievalObjective(**settings.of(RetrievalObjective)),
        RetrievalSettings(**settings.of(RetrievalSettings), log_interval=params.runtime.log_interval),
        scratch=scratch,
    )

    if compute.is_main:
        details = settings.model_dump(include={"weight_decay", "dropout", "head", "augment"})
        details |= {"objective": settings.of(RetrievalObjective)}
        details |= training_data(index, params.labelled_frac, params.seed, len(labelled))
        save_trained(Path("models/retrieval"), model, curve, details, scratch)


if __name__ == "__main__":
    run(main)

"""Stage pretrain_retrieval: F learns from the labelled pairs (paper 1, Eq. 4). Run by ``dvc repro``."""

from pathlib import Path

from pipeline.params import load
from pipeline.stage import run, scratch_folder


def main() -> None:
    params = load()
    settings = params.pretrain_retrieval

    from fgsbir.data.pairs import PairStream, labelled_pairs
    from fgsbir.data.selection import training_split
    from fgsbir.data.shards import ShardStore
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.objective import RetrievalObjective
    from fgsbir.retrieval.training import train_retrieval
    from fgsbir.retrieval.validation import RetrievalValidation
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import save_model
    from fgsbir.runtime.processes import launch, place, seed_weights
    from fgsbir.runtime.provenance import provenance
    from fgsbir.runtime.run import write_curve

    fabric = launch(params.runtime, params.precision)
    store = ShardStore(Path("data/shards"))
    split = training_split(store.index, params.labelled_frac)
    size, cache = settings.image_size, params.runtime.photo_cache_gib
    labelled = labelled_pairs(store, split.labelled, size, cache)
    validation = labelled_pairs(store, split.validation, size, cache)

    seed_weights(params.seed, "retrieval")
    model = RetrievalModel(
        backbone=settings.backbone,
        embedding_dim=settings.embedding_dim,
        attention=settings.attention,
        image_size=size,
        weights=settings.weights,
        weights_sha256=settings.weights_sha256,
    )
    place(fabric, model)
    objective = RetrievalObjective(settings.loss, settings.margin, settings.temperature)
    scratch = Scratch(scratch_folder("pretrain_retrieval"))
    curve = train_retrieval(
        fabric,
        model,
        PairStream(
            labelled,
            batch_size=settings.batch_size,
            seed=params.seed,
            salt=1,
            strength=settings.augment,
            line_width=settings.line_width,
            rank=fabric.global_rank,
            world=fabric.world_size,
        ),
        RetrievalValidation(
            validation, line_width=settings.line_width, device=fabric.device, precision=params.precision
        ),
        objective,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        validate_every=settings.validate_every,
        log_interval=params.runtime.log_interval,
        scratch=scratch,
    )

    if fabric.is_global_zero:
        details = {
            "image_size": size,
            "line_width": settings.line_width,
            "augment": settings.augment,
            "weight_decay": settings.weight_decay,
            "objective": {"loss": settings.loss, "margin": settings.margin, "temperature": settings.temperature},
            **provenance(store.index, params.labelled_frac, params.seed, len(labelled)),
        }
        save_model(Path("models/retrieval"), model, details=details)
        write_curve(Path("models/retrieval/curve.csv"), curve)
        scratch.clear()


if __name__ == "__main__":
    run(main)

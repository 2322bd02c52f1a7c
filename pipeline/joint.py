"""Stage joint: F, G and D_C train each other on labelled and pseudo pairs (Algorithm 1). Run by ``dvc repro``."""

import logging
from functools import partial
from pathlib import Path

from pipeline.params import load
from pipeline.stage import run, scratch_folder

logger = logging.getLogger(__name__)


def main() -> None:
    params = load()
    settings = params.joint

    from fgsbir.data.pairs import PairStream, at_size, labelled_pairs, photo_set
    from fgsbir.runtime.processes import launch, place
    from fgsbir.runtime.provenance import provenance

    from fgsbir.certainty.discriminator import Discriminator
    from fgsbir.data.selection import training_split, unlabelled_subset
    from fgsbir.data.shards import ShardStore
    from fgsbir.generator.model import Generator
    from fgsbir.generator.sequences import sequence_pairs
    from fgsbir.joint.drawn_photos import labelled_to_draw, pseudo_pairs
    from fgsbir.joint.policy_gradient import RewardForm
    from fgsbir.joint.pseudo_sketches import read_pseudo
    from fgsbir.joint.training import JointModels, JointSettings, train_joint
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.objective import RetrievalObjective
    from fgsbir.retrieval.validation import RetrievalValidation
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model, read_config, save_model
    from fgsbir.runtime.run import write_curve

    fabric = launch(params.runtime, params.precision)
    store = ShardStore(Path("data/shards"))
    split = training_split(store.index, params.labelled_frac)
    chosen = unlabelled_subset(split.unlabelled, params.unlabelled_frac)
    if not chosen:
        logger.info("no unlabelled photos: joint training is the control, on labelled pairs alone")

    supervised, generator_made, discriminator_made = (
        read_config(Path(f"models/{name}"))["details"] for name in ("retrieval", "generator", "discriminator")
    )
    joint_settings = JointSettings(
        weight_decay=supervised["weight_decay"],
        kl_weight=generator_made["kl_weight"],
        kl_floor=generator_made["kl_floor"],
        point_jitter=generator_made["point_jitter"],
        generator_augment=generator_made["augment"],
        fakes=discriminator_made["fakes"],
        log_interval=params.runtime.log_interval,
        **settings.model_dump(include=set(JointSettings.__dataclass_fields__)),
    )
    model_of = partial(load_model, map_location=fabric.device)
    retrieval = model_of(Path("models/retrieval"), RetrievalModel)
    generator = model_of(Path("models/generator"), Generator)
    discriminator = model_of(Path("models/discriminator"), Discriminator)
    teacher = model_of(Path("models/retrieval"), RetrievalModel)
    for model in (retrieval, generator, discriminator, teacher):
        place(fabric, model)
    models = JointModels(
        retrieval=retrieval,
        generator=generator,
        discriminator=discriminator,
        teacher=teacher,
        settings=joint_settings,
    )

    cache = params.runtime.photo_cache_gib
    labelled = labelled_pairs(store, split.labelled, supervised["image_size"], cache)
    labelled_drawn = at_size(labelled, store, split.labelled, generator_made["image_size"], cache)
    unlabelled = None
    if chosen:
        photos = photo_set(store, chosen, supervised["image_size"], cache)
        photos_drawn = at_size(photos, store, chosen, generator_made["image_size"], cache)
        unlabelled = pseudo_pairs(photos, photos_drawn, read_pseudo(Path("data/pseudo")))
    line_width = supervised["line_width"]
    scratch = Scratch(scratch_folder("joint"))
    curve = train_joint(
        fabric,
        models,
        PairStream(
            labelled,
            batch_size=settings.batch_size,
            seed=params.seed,
            salt=20,
            strength=supervised["augment"],
            line_width=line_width,
            rank=fabric.global_rank,
            world=fabric.world_size,
        ),
        sequence_pairs(
            labelled_drawn,
            tolerance=generator_made["simplify"],
            max_points=models.generator.max_points,
            reorder=generator_made["reorder"],
        ),
        labelled_to_draw(labelled, labelled_drawn),
        unlabelled,
        RetrievalValidation(
            labelled_pairs(store, split.validation, supervised["image_size"], cache),
            line_width=line_width,
            device=fabric.device,
            precision=params.precision,
        ),
        RetrievalObjective(**supervised["objective"]),
        RewardForm(settings.lambda_r1, settings.lambda_r2, settings.baseline),
        joint_settings,
        scratch=scratch,
    )

    if fabric.is_global_zero:
        made = provenance(store.index, params.labelled_frac, params.seed, len(labelled)) | {
            "unlabelled_photos": len(chosen),
            "unlabelled_frac": params.unlabelled_frac,
        }
        for name, model in (("retrieval", retrieval), ("generator", generator), ("discriminator", discriminator)):
            details = read_config(Path(f"models/{name}"))["details"] | made
            save_model(Path("models/joint") / name, model, details=details)
        histogram = [name for name in curve[0] if name.startswith("certainty_")]
        write_curve(
            Path("models/joint/curve.csv"), [{k: v for k, v in row.items() if k not in histogram} for row in curve]
        )
        write_curve(Path("models/joint/certainty.csv"), [{k: row[k] for k in ("step", *histogram)} for row in curve])
        scratch.clear()


if __name__ == "__main__":
    run(main)

"""Stage joint: F, G and D_C train each other on labelled and pseudo pairs (Algorithm 1). Run by ``dvc repro``."""

import logging
from pathlib import Path

from pipeline.params import load
from pipeline.stage import open_data, run, scratch_folder

logger = logging.getLogger(__name__)


def main() -> None:
    params = load()
    settings = params.joint

    from fgsbir.certainty.discriminator import Discriminator
    from fgsbir.data.selection import training_split, unlabelled_subset
    from fgsbir.features.extraction import Reader
    from fgsbir.generator.kinds import load_generator
    from fgsbir.joint.pseudo_pairs import PSEUDO, PseudoPairs
    from fgsbir.joint.pseudo_sketches import read_pseudo
    from fgsbir.joint.rivals import Rivals
    from fgsbir.joint.settings import JointModels, JointSettings
    from fgsbir.joint.trainer import JointTrainer
    from fgsbir.retrieval.losses import RetrievalObjective
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.pairs import Pairs, PairStream, human_pairs
    from fgsbir.retrieval.training import trained_head
    from fgsbir.retrieval.validation import RetrievalValidation
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model, read_config, save_model
    from fgsbir.runtime.run import write_curve
    from fgsbir.runtime.training_data import training_data

    compute, pictures = open_data(params.runtime, params.precision, "data/shards", "data/features", "data/edges")
    index = pictures.shards.index
    split = training_split(index, params.labelled_frac)
    chosen = unlabelled_subset(split.unlabelled, params.unlabelled_frac)

    supervised, of_generator, of_discriminator = (
        read_config(Path(f"models/{name}"))["details"] for name in ("retrieval", "generator", "discriminator")
    )
    taken = {name: supervised[name] for name in ("weight_decay", "dropout")}
    taken |= {name: of_generator[name] for name in ("kl_weight", "kl_floor", "point_jitter")}
    taken |= {"fakes": of_discriminator["fakes"], "log_interval": params.runtime.log_interval}
    joint_settings = JointSettings(**taken, **settings.of(JointSettings))
    retrieval = load_model(Path("models/retrieval"), RetrievalModel)
    with trained_head(retrieval, supervised["head"]):
        models = JointModels(
            retrieval,
            load_generator(Path("models/generator")),
            load_model(Path("models/discriminator"), Discriminator),
            load_model(Path("models/retrieval"), RetrievalModel),
            joint_settings,
            compute,
        )
        objective = RetrievalObjective(**supervised["objective"])

        # The control has the labelled pairs in the place of pseudo pairs.
        level, augment = models.retrieval.level, supervised["augment"]
        labelled = human_pairs(pictures, split.labelled, level, augment)
        pseudo: Pairs = labelled
        rivals = None
        if chosen:
            stored = read_pseudo(Path("data/pseudo"))
            # Of a large set the stage pseudo draws a sample.
            drawn = set(stored.photo_ids)
            chosen = [entry for entry in chosen if entry.id in drawn]
            pseudo = PseudoPairs(stored, pictures, chosen, level, sources=PSEUDO, strength=augment)
        else:
            logger.info("no unlabelled photos: joint training is the control, on labelled pairs alone")
        if chosen and settings.joint_training:
            rivals = Rivals(
                models,
                stored,
                pictures,
                split.labelled,
                chosen,
                Reader(pictures.features.trunk(), pictures.spec, compute),
                objective,
                joint_settings,
                augment=of_generator["augment"],
                batch_size=settings.batch_size,
                seed=params.seed,
                workers=params.runtime.workers,
            )

        scratch = Scratch(scratch_folder("joint"))
        curve = JointTrainer(
            compute,
            models,
            PairStream(labelled, settings.batch_size, params.seed, "joint/labelled", compute.rank, compute.world),
            PairStream(pseudo, settings.batch_size, params.seed, "joint/pseudo", compute.rank, compute.world),
            rivals,
            objective,
            RetrievalValidation(human_pairs(pictures, split.validation, level), compute),
            joint_settings,
        ).run(scratch)

    if compute.is_main:
        data = training_data(index, params.labelled_frac, params.seed, len(labelled))
        data |= {"unlabelled_photos": len(chosen), "unlabelled_frac": params.unlabelled_frac}
        for name, model in models.trained.items():
            details = read_config(Path(f"models/{name}"))["details"] | data
            save_model(Path("models/joint") / name, model, details=details)
        histogram = [name for name in curve[0] if name.startswith("certainty_")]
        for file, columns in (
            ("curve.csv", [name for name in curve[0] if name not in histogram]),
            ("certainty.csv", ["step", *histogram]),
        ):
            write_curve(Path("models/joint") / file, [{name: row[name] for name in columns} for row in curve])
        scratch.clear()


if __name__ == "__main__":
    run(main)

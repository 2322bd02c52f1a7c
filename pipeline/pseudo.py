"""Stage pseudo: sketches of every unlabelled photo, and how far D_C trusts each. Run by ``dvc repro``."""

from functools import partial
from pathlib import Path

from pipeline.params import load
from pipeline.stage import run, scratch_folder


def main() -> None:
    params = load()
    settings = params.pseudo

    import numpy as np
    from fgsbir.data.pairs import PairStream, labelled_pairs, photo_set
    from fgsbir.runtime.processes import launch, place, seed_weights
    from fgsbir.runtime.provenance import provenance

    from fgsbir.certainty.discriminator import Discriminator
    from fgsbir.certainty.training import train_discriminator
    from fgsbir.data.augmentation import change_sketches_jointly
    from fgsbir.data.edges import edge_drawings
    from fgsbir.data.selection import training_split
    from fgsbir.data.shards import ShardStore
    from fgsbir.data.strokes import centre
    from fgsbir.evaluation.pseudo_sheet import pseudo_sheet
    from fgsbir.generator.drawing import DOT
    from fgsbir.generator.model import Generator
    from fgsbir.generator.sequences import sequence_pairs
    from fgsbir.joint.pseudo_pairs import draw_all, of_another_photo, score_all
    from fgsbir.joint.pseudo_sketches import PseudoSketches, write_pseudo
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model, read_config, save_model
    from fgsbir.runtime.run import write_curve
    from fgsbir.synthetic.truth import true_sketches

    fabric = launch(params.runtime, params.precision)
    store = ShardStore(Path("data/shards"))
    split = training_split(store.index, params.labelled_frac)
    generator = load_model(Path("models/generator"), Generator, map_location=fabric.device)
    drawn_by = read_config(Path("models/generator"))["details"]
    size, cache = drawn_by["image_size"], params.runtime.photo_cache_gib
    # Human sketches are simplified as G's are by nature: corners would tell the two apart at a glance.
    labelled = sequence_pairs(
        labelled_pairs(store, split.labelled, size, cache),
        tolerance=drawn_by["simplify"],
        max_points=generator.max_points,
        reorder=drawn_by["reorder"],
    )
    unlabelled = photo_set(store, split.unlabelled, size, cache)
    redrawn = photo_set(store, split.labelled, size, cache)

    draw = partial(draw_all, fabric, generator, temperature=settings.temperature, precision=params.precision)
    redrawn.sketches = draw(redrawn, samples=1, seed=params.seed + 1)
    edges: list[np.ndarray] = []
    if settings.sketches == "edges" or settings.edges:
        encoded = (store.read_photo(entry) for entry in split.unlabelled)
        drawings = edge_drawings(encoded, tolerance=drawn_by["simplify"], workers=params.runtime.workers)
        edges = [centre(strokes) if len(strokes) > 1 else DOT for strokes in drawings]
    if settings.sketches == "edges":
        unlabelled.sketches = [[strokes] for strokes in edges]
    elif settings.sketches == "oracle":
        unlabelled.sketches = true_sketches(store.index, unlabelled.photo_ids, seed=params.synthesise.seed)
    else:
        unlabelled.sketches = draw(unlabelled, samples=settings.samples, seed=params.seed)
    if settings.sketches == "another":
        unlabelled.sketches = of_another_photo(unlabelled.sketches, unlabelled.categories)

    teacher = load_model(Path("models/retrieval"), RetrievalModel, map_location=fabric.device)
    seed_weights(params.seed, "discriminator")
    features = settings.discriminator_input == "features"
    discriminator = Discriminator(
        image_size=size,
        width=settings.discriminator_width,
        backbone=teacher.config()["backbone"] if features else None,
    )
    if features:
        discriminator.read_as(teacher.backbone)
    place(fabric, discriminator)
    scratch = Scratch(scratch_folder("pseudo"))
    real = PairStream(
        labelled,
        batch_size=settings.batch_size,
        seed=params.seed,
        salt=4,
        strength=drawn_by["augment"],
        line_width=drawn_by["line_width"],
        change=change_sketches_jointly,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    curve = train_discriminator(
        fabric,
        discriminator,
        real,
        [photos for photos in (unlabelled, redrawn) if len(photos)],
        fakes=settings.discriminator_fakes,
        steps=settings.discriminator_steps,
        learning_rate=settings.discriminator_learning_rate,
        validate_every=settings.validate_every,
        log_interval=params.runtime.log_interval,
        scratch=scratch,
    )
    if settings.edges:
        # After D_C has learned, whose generated fakes are G's drawings alone.
        unlabelled.sketches = [[strokes, *drawn] for strokes, drawn in zip(edges, unlabelled.sketches, strict=True)]
    certainty = score_all(
        discriminator,
        unlabelled,
        line_width=drawn_by["line_width"],
        device=fabric.device,
        precision=params.precision,
    )

    if fabric.is_global_zero:
        details = {
            "image_size": size,
            "line_width": drawn_by["line_width"],
            "fakes": settings.discriminator_fakes,
            **provenance(store.index, params.labelled_frac, params.seed, len(labelled)),
        }
        write_pseudo(
            Path("data/pseudo"),
            PseudoSketches(
                dict(zip(unlabelled.photo_ids, unlabelled.sketches, strict=True)),
                dict(zip(unlabelled.photo_ids, certainty, strict=True)),
                settings.edges,
            ),
        )
        save_model(Path("models/discriminator"), discriminator, details=details)
        write_curve(Path("models/discriminator/curve.csv"), curve)
        pseudo_sheet(Path("metrics/pseudo.png"), unlabelled, certainty)
        scratch.clear()


if __name__ == "__main__":
    run(main)

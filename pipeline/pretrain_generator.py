"""Stage pretrain_generator: G learns to draw the labelled photos (paper 1, Eqs. 2 and 3). Run by ``dvc repro``."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.params import load
from pipeline.stage import run, scratch_folder

if TYPE_CHECKING:
    from fgsbir.data.pairs import PairSet

    from fgsbir.data.index import PhotoEntry
    from fgsbir.data.shards import ShardStore
    from pipeline.sections import Params


def main() -> None:
    params = load()
    settings = params.pretrain_generator

    import torch
    from fgsbir.data.pairs import PairStream, labelled_pairs, sketch_only_pairs
    from fgsbir.runtime.processes import launch, place, seed_weights
    from fgsbir.runtime.provenance import provenance

    from fgsbir.data.augmentation import change_sketches_jointly
    from fgsbir.data.quickdraw import read_verified
    from fgsbir.data.selection import labelled_in_every_category, training_split
    from fgsbir.data.shards import ShardStore
    from fgsbir.generator.model import Generator
    from fgsbir.generator.sequences import offset_scale, sequence_pairs
    from fgsbir.generator.training import Phase, start_encoder, train_generator
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.validation import RetrievalValidation
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model, read_config, save_model
    from fgsbir.runtime.run import write_curve

    fabric = launch(params.runtime, params.precision)
    store = ShardStore(Path("data/shards"))
    split = training_split(store.index, params.labelled_frac)
    size, cache = settings.image_size, params.runtime.photo_cache_gib
    as_sequences = partial(
        sequence_pairs, tolerance=settings.simplify, max_points=settings.max_points, reorder=settings.reorder
    )
    labelled = as_sequences(labelled_pairs(store, split.labelled, size, cache))

    # The supervised F judges the drawings of the validation photos.
    judge = load_model(Path("models/retrieval"), RetrievalModel, map_location=fabric.device)
    line_width = read_config(Path("models/retrieval"))["details"]["line_width"]
    gallery = labelled_pairs(store, split.validation, judge.image_size, cache)

    seed_weights(params.seed, "generator")
    model = Generator(
        backbone=settings.backbone,
        latent=settings.latent,
        hidden=settings.hidden,
        mixtures=settings.mixtures,
        attention=settings.attention,
        attention_width=settings.attention_width,
        pen_position=settings.pen_position,
        max_points=settings.max_points,
        image_size=size,
        weights=settings.weights,
        weights_sha256=settings.weights_sha256,
    )
    if settings.encoder_start == "retrieval" and settings.weights is None:
        start_encoder(model, judge)
    model.offset_scale = torch.tensor(offset_scale([strokes for choice in labelled.sketches for strokes in choice]))
    place(fabric, model)

    stream = PairStream(
        labelled,
        batch_size=settings.batch_size,
        seed=params.seed,
        salt=2,
        strength=settings.augment,
        line_width=line_width,
        change=change_sketches_jointly,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    alone = [strokes for file in settings.sketch_files for strokes in read_verified(file.path, file.sha256)]
    phases = []
    if settings.sketch_steps:
        drawn = as_sequences(sketch_only_pairs(alone, size, line_width))
        phases.append(Phase(replace(stream, pairs=drawn, salt=stream.salt + 100), settings.sketch_steps))
    if settings.edge_steps:
        pairs = _edge_pairs(store, [*split.labelled, *split.unlabelled], params)
        phases.append(Phase(replace(stream, pairs=as_sequences(pairs), salt=stream.salt + 300), settings.edge_steps))
    if settings.category_steps:
        everywhere = labelled_in_every_category(store.index, params.labelled_frac)
        pairs = as_sequences(labelled_pairs(store, everywhere, size, cache))
        phases.append(Phase(replace(stream, pairs=pairs, salt=stream.salt + 200), settings.category_steps))
    phases.append(Phase(stream, settings.steps))
    scratch = Scratch(scratch_folder("pretrain_generator"))
    curve = train_generator(
        fabric,
        model,
        phases,
        RetrievalValidation(gallery, line_width=line_width, device=fabric.device, precision=params.precision),
        as_sequences(labelled_pairs(store, split.validation, size, cache)),
        judge,
        jitter=settings.point_jitter,
        learning_rate=settings.learning_rate,
        kl_weight=settings.kl_weight,
        kl_floor=settings.kl_floor,
        kl_anneal_steps=settings.kl_anneal_steps,
        grad_clip=settings.grad_clip,
        select=settings.select,
        validate_every=settings.validate_every,
        log_interval=params.runtime.log_interval,
        scratch=scratch,
    )

    if fabric.is_global_zero:
        details = {
            "image_size": size,
            "line_width": line_width,
            "simplify": settings.simplify,
            "reorder": settings.reorder,
            "point_jitter": settings.point_jitter,
            "kl_weight": settings.kl_weight,
            "kl_floor": settings.kl_floor,
            "augment": settings.augment,
            **provenance(store.index, params.labelled_frac, params.seed, len(labelled)),
        }
        save_model(Path("models/generator"), model, details=details)
        write_curve(Path("models/generator/curve.csv"), curve)
        scratch.clear()


def _edge_pairs(store: "ShardStore", photos: "list[PhotoEntry]", params: "Params") -> "PairSet":
    """Photos, labelled or not, with drawings of their edges; no more of them than the steps take."""
    from fgsbir.data.pairs import photo_set

    from fgsbir.data.edges import edge_drawings
    from fgsbir.data.strokes import centre

    settings = params.pretrain_generator
    photos = photos[: settings.edge_steps * settings.batch_size]
    encoded = (store.read_photo(entry) for entry in photos)
    drawn = list(edge_drawings(encoded, tolerance=settings.simplify, workers=params.runtime.workers))
    shown = [(entry, strokes) for entry, strokes in zip(photos, drawn, strict=True) if len(strokes) > 1]
    pairs = photo_set(store, [entry for entry, _ in shown], settings.image_size, params.runtime.photo_cache_gib)
    pairs.sketches = [[centre(strokes)] for _, strokes in shown]
    return pairs


if __name__ == "__main__":
    run(main)

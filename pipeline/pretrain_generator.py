"""Stage pretrain_generator: G learns to draw the labelled photos (paper 1, Eqs. 2 and 3). Run by ``dvc repro``."""

from dataclasses import asdict
from pathlib import Path

from pipeline.params import load
from pipeline.stage import open_data, run, save_trained, scratch_folder

# The settings of the paper's G that its constructor takes.
POINT_GENERATOR = {
    "encoder_width", "latent", "hidden", "mixtures", "attention", "attention_width", "pen_position"
}  # fmt: skip


def main() -> None:
    params = load()
    settings = params.pretrain_generator

    import torch

    from fgsbir.data.selection import labelled_in_every_category, sample, training_split
    from fgsbir.data.stroke_files import read_verified
    from fgsbir.features.extraction import Reader
    from fgsbir.features.trunk import build_trunk
    from fgsbir.generator.contour_model import ContourGenerator
    from fgsbir.generator.kinds import AnyGenerator
    from fgsbir.generator.model import Generator, channels_of
    from fgsbir.generator.pairs import SequencePairs, edge_sequences, human_sequences, labelled_pairs, lone_sequences
    from fgsbir.generator.sequences import SequenceForm, offset_scale
    from fgsbir.generator.training import GeneratorSettings, GeneratorValidation, train_generator
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.pairs import Pairs, PairStream, human_pairs
    from fgsbir.retrieval.validation import RetrievalValidation
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model
    from fgsbir.runtime.streams import seed_weights
    from fgsbir.runtime.training_data import training_data

    compute, pictures = open_data(params.runtime, params.precision, "data/shards", "data/features", "data/edges")
    index = pictures.shards.index
    split = training_split(index, params.labelled_frac)

    seed_weights(params.seed, "generator")
    trunk, form = pictures.features.trunk(), SequenceForm(**settings.of(SequenceForm))
    spec, map_channels = pictures.spec, pictures.features.layout.map_shape[0]
    model: AnyGenerator
    if settings.decoder == "contours":
        model = ContourGenerator(
            spec=spec.as_json(), form=asdict(form), map_channels=map_channels, hidden=settings.hidden
        )
    else:
        network = None
        if settings.encoder is not None:
            weights, sha256 = str(settings.weights or "nothing"), settings.weights_sha256 or ""
            network = build_trunk(settings.encoder, settings.encoder_block, weights, sha256)
            map_channels = channels_of(network, spec.image_size)
        model = Generator(
            spec=spec.as_json(),
            form=asdict(form),
            map_channels=map_channels,
            encoder=settings.encoder,
            encoder_block=settings.encoder_block if settings.encoder else None,
            **settings.model_dump(include=POINT_GENERATOR),
        )
        if network is not None:
            model.take_network(network)
    model.take_trunk(trunk)
    labelled = labelled_pairs(pictures, split.labelled, model, settings.augment, params.runtime.workers)
    if isinstance(labelled, SequencePairs):
        model.offset_scale = torch.tensor(offset_scale(list(map(form.ordered, labelled.sketches))))
    compute.place(model)

    def phase(name: str, pairs: Pairs, steps: int) -> tuple[PairStream, int]:
        name = f"generator/{name}"
        return PairStream(pairs, settings.batch_size, params.seed, name, compute.rank, compute.world), steps

    phases = []
    if settings.sketch_steps:
        drawn = [strokes for file in settings.sketch_files for strokes in read_verified(file.path, file.sha256)]
        drawn = drawn[: settings.sketch_steps * settings.batch_size]
        reader = Reader(trunk, spec, compute) if model.level == "map" else spec
        phases.append(phase("sketches", lone_sequences(drawn, form, reader), settings.sketch_steps))
    if settings.edge_steps:
        photos = sample([*split.labelled, *split.unlabelled], settings.edge_steps * settings.batch_size)
        edges = edge_sequences(pictures, photos, form, model.level, settings.augment)
        phases.append(phase("edges", edges, settings.edge_steps))
    if settings.category_steps:
        everywhere = labelled_in_every_category(index, params.labelled_frac)
        pairs = human_sequences(pictures, everywhere, form, model.level, settings.augment)
        phases.append(phase("categories", pairs, settings.category_steps))
    phases.append(phase("pairs", labelled, settings.steps))

    # The supervised F judges the drawings of the validation photos.
    judge = load_model(Path("models/retrieval"), RetrievalModel)
    compute.place(judge)
    shown = labelled_pairs(pictures, split.validation, model, 0.0, params.runtime.workers)
    # Where G chooses contours, photos without any are left out of both.
    drawable = [entry for entry in split.validation if entry.id in set(shown.photo_ids)]
    retrieval = RetrievalValidation(human_pairs(pictures, drawable, judge.level), compute)
    validation = GeneratorValidation(retrieval, judge, shown)
    scratch = Scratch(scratch_folder("pretrain_generator"))
    curve = train_generator(
        compute,
        model,
        phases,
        validation,
        GeneratorSettings(**settings.of(GeneratorSettings), log_interval=params.runtime.log_interval),
        scratch=scratch,
    )

    if compute.is_main:
        details = settings.model_dump(include={"point_jitter", "kl_weight", "kl_floor", "augment"})
        details |= training_data(index, params.labelled_frac, params.seed, len(labelled))
        save_trained(Path("models/generator"), model, curve, details, scratch)


if __name__ == "__main__":
    run(main)

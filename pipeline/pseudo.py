"""Stage pseudo: sketches of every unlabelled photo, and how far D_C trusts each. Run by ``dvc repro``."""

from pathlib import Path

from pipeline.params import load
from pipeline.stage import open_data, run, save_trained, scratch_folder


def main() -> None:
    params = load()
    settings = params.pseudo

    import numpy as np

    from fgsbir.certainty.discriminator import Discriminator
    from fgsbir.certainty.training import train_discriminator
    from fgsbir.data.records import DataError
    from fgsbir.data.selection import sample, seen_sketches, training_split
    from fgsbir.features.extraction import Reader
    from fgsbir.features.pictures import PhotoImages
    from fgsbir.features.trunk import tap_channels
    from fgsbir.generator.kinds import load_generator
    from fgsbir.joint.drawing import Drawer, as_given, by_generator, draw_photos, partners, read_given
    from fgsbir.joint.pseudo_pairs import PSEUDO, PseudoPairs
    from fgsbir.joint.pseudo_sheet import pseudo_sheet
    from fgsbir.joint.pseudo_sketches import Source, write_pseudo
    from fgsbir.retrieval.model import RetrievalModel
    from fgsbir.retrieval.pairs import Pairs, PairStream, category_numbers, human_pairs
    from fgsbir.runtime.checkpoint import Scratch
    from fgsbir.runtime.model_folder import load_model
    from fgsbir.runtime.streams import seed_weights
    from fgsbir.runtime.training_data import training_data

    compute, pictures = open_data(params.runtime, params.precision, "data/shards", "data/features", "data/edges")
    split = training_split(pictures.shards.index, params.labelled_frac)
    retrieval = load_model(Path("models/retrieval"), RetrievalModel)
    generator = load_generator(Path("models/generator"))
    compute.place(generator)

    # Sketches of the unlabelled photos; of the labelled ones too, where D_C learns from what G draws. Then it sees
    # people's sketches simplified as G's are by nature: corners would tell the two apart at a glance.
    unlabelled = sample(split.unlabelled, settings.photos)
    photos = list(unlabelled)
    drawers: list[Drawer] = []
    by_g: Source = "another" if settings.sketches == "another" else "generator"
    seen_by_discriminator = settings.discriminator_fakes != "mismatched"
    if seen_by_discriminator:
        photos += split.labelled
        strokes = pictures.strokes(photos, [seen_sketches(entry) for entry in photos])
        labelled = {entry.id for entry in split.labelled}
        drawn = [
            [generator.form.simplified(each) for each in sketches] if entry.id in labelled else []
            for entry, sketches in zip(photos, strokes, strict=True)
        ]
        drawers.append(as_given(drawn, "person"))
    if settings.sketches == "edges" or settings.edges:
        edges = pictures.edges_of(photos)
        drawers.append(as_given([[each.drawing] if len(each.drawing) else [] for each in edges], "edges"))
    if settings.sketches == "file":
        assert settings.file is not None and settings.file_sha256 is not None
        given = read_given(settings.file, settings.file_sha256)
        if not given.keys() & {entry.id for entry in photos}:
            raise DataError(f"{settings.file}: expected sketches of unlabelled photos, found none of their ids")
        drawers.append(as_given([given.get(entry.id, []) for entry in photos], "file"))
    if settings.sketches == by_g or seen_by_discriminator:
        others = partners(category_numbers(pictures, photos))
        drawers.append(
            by_generator(
                generator,
                pictures.photos(photos, generator.level),
                others if by_g == "another" else np.arange(len(photos)),
                by_g,
                samples=settings.samples,
                temperature=settings.temperature,
                seed=params.seed,
                compute=compute,
            )
        )
    scratch_at = scratch_folder("pseudo")
    stored = draw_photos(
        [entry.id for entry in photos],
        drawers,
        Reader(pictures.features.trunk(), pictures.spec, compute),
        maps=retrieval.level == "map",
        scratch=scratch_at / "drawn",
    )
    # Edges count once where F has nothing else to learn from.
    stored.edges = 1 if settings.sketches == "edges" else settings.edges
    if settings.own_statistics and retrieval.level == "taps" and retrieval.standardised:
        mean, deviation = (retrieval.get_buffer(f"sides.sketch.{name}").numpy() for name in ("mean", "deviation"))
        for source in PSEUDO:
            stored.standardise_source(source, mean, deviation)

    # D_C.
    seed_weights(params.seed, "discriminator")
    trunk = pictures.features.trunk()
    discriminator = Discriminator(
        spec=pictures.spec.as_json(),
        channels=tap_channels(trunk, pictures.spec),
        reads=settings.discriminator_input,
        width=settings.discriminator_width,
        dropout=settings.discriminator_dropout,
    )
    discriminator.take_trunk(trunk)
    discriminator.standardise_as(retrieval)
    if discriminator.level == "taps":
        discriminator.drawing.copy_(stored.fitting("generator"))
    compute.place(discriminator)

    def stream(name: str, pairs: Pairs) -> PairStream:
        return PairStream(pairs, settings.batch_size, params.seed, f"pseudo/{name}", compute.rank, compute.world)

    level = discriminator.level
    real: Pairs = human_pairs(pictures, split.labelled, level)
    generated: list[PairStream] = []
    if seen_by_discriminator:
        real = PseudoPairs(stored, pictures, split.labelled, level, sources=["person"])
        fakes = [PseudoPairs(stored, pictures, some, level, sources=[by_g]) for some in (unlabelled, split.labelled)]
        generated = [stream(f"generated/{place}", pairs) for place, pairs in enumerate(fakes) if len(pairs)]
    scratch = Scratch(scratch_at)
    curve = train_discriminator(
        compute,
        discriminator,
        stream("real", real),
        generated,
        fakes=settings.discriminator_fakes,
        steps=settings.discriminator_steps,
        learning_rate=settings.discriminator_learning_rate,
        validate_every=settings.validate_every,
        log_interval=params.runtime.log_interval,
        scratch=scratch,
    )
    pseudo = PseudoPairs(stored, pictures, unlabelled, level, sources=PSEUDO)
    pseudo.weigh(discriminator, compute, np.unique(pseudo.sketches))

    if compute.is_main:
        write_pseudo(Path("data/pseudo"), stored)
        images = PhotoImages(pictures.shards, pseudo.entries, pictures.spec.image_size, pictures.limit_gib)
        pseudo_sheet(Path("metrics/pseudo.png"), images.pixels, *pseudo.straight())
        details = training_data(pictures.shards.index, params.labelled_frac, params.seed, len(split.labelled))
        details |= {"fakes": settings.discriminator_fakes}
        save_trained(Path("models/discriminator"), discriminator, curve, details, scratch)


if __name__ == "__main__":
    run(main)

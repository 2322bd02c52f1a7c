"""The other side of Algorithm 1: what G and D_C see while F learns."""

from collections.abc import Sequence
from dataclasses import dataclass

from fgsbir.data.index import PhotoEntry
from fgsbir.data.records import DataError
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs, Pictures
from fgsbir.generator.pairs import human_sequences
from fgsbir.joint.policy_gradient import Judges, PhotoPool
from fgsbir.joint.pseudo_pairs import PSEUDO, PseudoPairs
from fgsbir.joint.pseudo_sketches import PseudoSketches
from fgsbir.joint.settings import JointModels, JointSettings
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.pairs import Pairs, PairStream, human_pairs


@dataclass(frozen=True, slots=True)
class Rivals:
    """What G and D_C see.

    ``drawn``: the pseudo pairs as D_C weighs them, which rounds redraw; ``for_generator``: their photos, as G reads
    them. ``real`` and ``generated``: batches for D_C (Eq. 5); ``sequences``: labelled pairs for G (Eq. 3); ``photos``:
    what G draws for a reward; ``judges`` of it.
    """

    drawn: PseudoPairs
    for_generator: Inputs
    real: PairStream
    generated: Sequence[PairStream]
    sequences: PairStream
    photos: PhotoPool
    judges: Judges


def rivals_of(
    models: JointModels,
    stored: PseudoSketches,
    pictures: Pictures,
    labelled: Sequence[PhotoEntry],
    unlabelled: Sequence[PhotoEntry],
    reader: Reader,
    objective: RetrievalObjective,
    settings: JointSettings,
    *,
    augment: float,
    batch_size: int,
    seed: int,
) -> Rivals:
    """The rivals of F among the photos of two lists, whose drawings are in ``stored``.

    A D_C that learns from mismatched pairs alone sees people's sketches as they are; one that learns from drawings
    sees them as ``stored`` has them, simplified, and drawings of the labelled photos too. ``augment`` is G's.
    Raises DataError where G drew nothing.
    """
    compute, level = reader.compute, models.discriminator.level
    by_generator = settings.fakes != "mismatched"
    photos = [*unlabelled, *(labelled if by_generator else [])]
    drawn = PseudoPairs(stored, pictures, photos, level, sources=PSEUDO)
    if not stored.of_source("generator")[drawn.sketches].any():
        raise DataError("joint training redraws what G drew, and pseudo.sketches holds none of it; "
                        "set joint.joint_training: false")  # fmt: skip

    def stream(name: str, pairs: Pairs) -> PairStream:
        return PairStream(pairs, batch_size, seed, f"joint/{name}", compute.rank, compute.world)

    real: Pairs = human_pairs(pictures, labelled, level)
    generated: list[PairStream] = []
    if by_generator:
        real = PseudoPairs(stored, pictures, labelled, level, sources=["person"])
        fakes = [PseudoPairs(stored, pictures, some, level, sources=["generator"]) for some in (unlabelled, labelled)]
        generated = [stream(f"generated/{place}", pairs) for place, pairs in enumerate(fakes)]
    retrieval, generator, discriminator = models.retrieval, models.generator, models.discriminator
    return Rivals(
        drawn=drawn,
        for_generator=pictures.photos(drawn.entries, generator.level),
        real=stream("real", real),
        generated=generated,
        sequences=stream("sequences", human_sequences(pictures, labelled, generator.form, generator.level, augment)),
        photos=PhotoPool.of(pictures, labelled, unlabelled, {retrieval.level, generator.level, discriminator.level}),
        judges=Judges(
            models.teacher if settings.judge == "teacher" else retrieval,
            discriminator,
            objective,
            reader,
            lambda taps: stored.fit(taps, "generator"),
        ),
    )

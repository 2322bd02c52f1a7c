"""The other side of Algorithm 1: what G and D_C see while F learns."""

import functools
from collections.abc import Sequence

from fgsbir.data.index import PhotoEntry
from fgsbir.data.records import DataError
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Pictures
from fgsbir.generator.pairs import labelled_pairs
from fgsbir.joint.policy_gradient import Judges, PhotoPool
from fgsbir.joint.pseudo_pairs import PSEUDO, PseudoPairs
from fgsbir.joint.pseudo_sketches import PseudoSketches, Source
from fgsbir.joint.settings import JointModels, JointSettings
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.pairs import Pairs, PairStream, human_pairs


class Rivals:
    """What G and D_C see of the photos of two lists, whose drawings are in ``stored``.

    ``drawn``: the pseudo pairs as D_C weighs them, which rounds redraw; ``for_generator``: their photos, as G reads
    them. ``real`` and ``generated``: batches for D_C (Eq. 5); ``sequences``: labelled pairs for G (Eq. 3), changed with
    ``augment``; ``photos``: what G draws for a reward; ``judges`` of it. A D_C that learns from drawings sees people's
    sketches as ``stored`` has them, simplified. Raises DataError where G drew nothing.
    """

    def __init__(
        self,
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
        workers: int = 1,
    ) -> None:
        compute, generator, discriminator = reader.compute, models.generator, models.discriminator

        def stream(name: str, pairs: Pairs) -> PairStream:
            return PairStream(pairs, batch_size, seed, f"joint/{name}", compute.rank, compute.world)

        def pseudo(entries: Sequence[PhotoEntry], *sources: Source) -> PseudoPairs:
            return PseudoPairs(stored, pictures, entries, discriminator.level, sources=sources)

        by_generator = settings.fakes != "mismatched"
        self.drawn = pseudo([*unlabelled, *(labelled if by_generator else [])], *PSEUDO)
        if not stored.of_source("generator")[self.drawn.sketches].any():
            raise DataError("joint training redraws what G drew, and pseudo.sketches holds none of it; "
                            "set joint.joint_training: false")  # fmt: skip
        self.for_generator = pictures.photos(self.drawn.entries, generator.level)
        real: Pairs = human_pairs(pictures, labelled, discriminator.level)
        self.generated: list[PairStream] = []
        if by_generator:
            real = pseudo(labelled, "person")
            fakes = [pseudo(entries, "generator") for entries in (unlabelled, labelled)]
            self.generated = [stream(f"generated/{place}", pairs) for place, pairs in enumerate(fakes)]
        self.real = stream("real", real)
        self.sequences = stream("sequences", labelled_pairs(pictures, labelled, generator, augment, workers))
        levels = {models.retrieval.level, generator.level, discriminator.level}
        self.photos = PhotoPool(pictures, labelled, unlabelled, levels)
        judge = models.teacher if settings.judge == "teacher" else models.retrieval
        fit = functools.partial(stored.fit, source="generator")
        self.judges = Judges(judge, discriminator, objective, reader, fit, settings.lambda_r1, settings.lambda_r2)

"""The toy set for joint training: small models, stored pseudo sketches, and a trainer of a few steps."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.selection import seen_sketches
from fgsbir.features.extraction import Reader
from fgsbir.features.trunk import tap_channels
from fgsbir.generator.model import Generator
from fgsbir.joint.drawing import as_given, by_generator, draw_photos
from fgsbir.joint.policy_gradient import Judges
from fgsbir.joint.pseudo_pairs import PSEUDO, PseudoPairs
from fgsbir.joint.pseudo_sketches import PseudoSketches, read_pseudo, write_pseudo
from fgsbir.joint.rivals import Rivals
from fgsbir.joint.settings import JointModels, JointSettings
from fgsbir.joint.trainer import JointTrainer
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.pairs import Pairs, PairStream, human_pairs
from fgsbir.retrieval.validation import RetrievalValidation
from tests.toy import SPEC, Toy, shape, toy_generator

OBJECTIVE = RetrievalObjective("info_nce", 0.3, 0.1)
SETTINGS = JointSettings(
    instance_weighting=True, relative_weights=True, threshold=0.0, teacher="relative", steps=6, k_r=2, k_d=1, k_g=1,
    redrawn=4, learning_rate=1e-3, blocks_learning_rate=1e-4, generator_learning_rate=1e-3,
    discriminator_learning_rate=1e-3, weight_decay=0.01, dropout=0.3, lambda_kd=0.5, lambda_r1=0.1, lambda_r2=1.0,
    lambda_g=1.0, judge="teacher", gradient="reward", baseline="mean",
    temperature=0.5, kl_weight=1.0, kl_floor=0.2, point_jitter=1.0,
    fakes="mismatched", grad_clip=1.0, validate_every=4, log_interval=2,
)  # fmt: skip


def discriminator(toy: Toy) -> Discriminator:
    channels = tap_channels(toy.pictures.features.trunk(), SPEC)
    torch.manual_seed(1)
    model = Discriminator(spec=SPEC.as_json(), channels=channels, reads="features", width=8)
    model.standardise_as(toy.retrieval())
    return model


def generator() -> Generator:
    return toy_generator(seed=2)


def reader(toy: Toy) -> Reader:
    return Reader(toy.pictures.features.trunk(), SPEC, toy.compute)


def judges(toy: Toy) -> Judges:
    """F and D_C, which read half of each tap."""
    return Judges(toy.retrieval(), discriminator(toy), OBJECTIVE, reader(toy), lambda taps: 0.5 * taps, 0.5, 2.0)


def pseudo_sketches(toy: Toy, scratch: Path) -> PseudoSketches:
    """Of each photo two drawings by G and the "edges", which are what a person would draw; people's of labelled ones.

    Weighed 0.1, 0.2, ..., each sketch of its own.
    """
    unlabelled, labelled = toy.split.unlabelled, toy.split.labelled
    entries, model = [*unlabelled, *labelled], generator()
    edges = [[shape(int(entry.id.split("-")[1]))] for entry in unlabelled] + [[] for _ in labelled]
    people = [[] for _ in unlabelled] + toy.pictures.strokes(labelled, [seen_sketches(entry) for entry in labelled])
    every, photos = np.arange(len(entries)), toy.pictures.photos(entries, model.level)
    numbers: dict[str, Any] = {"samples": 2, "temperature": 0.5, "seed": 0, "compute": toy.compute}
    drawn_by_g = by_generator(model, photos, every, "generator", **numbers)
    drawers = [as_given(edges, "edges"), as_given(people, "person"), drawn_by_g]
    stored = draw_photos([entry.id for entry in entries], drawers, reader(toy), maps=True, scratch=scratch)
    stored.certainty = ((np.arange(len(stored)) % 9 + 1) / 10).astype(np.float32)
    stored.typical[:] = 0.5
    return stored


class JointToy:
    """Everything that joint training needs, made once; each trainer has models and sketches of its own."""

    def __init__(self, toy: Toy, folder: Path) -> None:
        self.toy, self._stored_at = toy, folder / "pseudo"
        if not self._stored_at.exists():
            write_pseudo(self._stored_at, pseudo_sketches(toy, folder / "drawn"))

    def stored(self) -> PseudoSketches:
        """The pseudo sketches, to be changed at will."""
        return read_pseudo(self._stored_at)

    def trainer(
        self,
        *,
        control: bool = False,
        joint_training: bool = True,
        level: Any = "taps",
        stored: PseudoSketches | None = None,
        **changed: Any,
    ) -> JointTrainer:
        """A trainer of ``SETTINGS``, some of them changed."""
        toy, compute, split, settings = self.toy, self.toy.compute, self.toy.split, replace(SETTINGS, **changed)
        stored, teacher, retrieval = stored or self.stored(), toy.retrieval(level=level), toy.retrieval(level=level)
        models = JointModels(retrieval, generator(), discriminator(toy), teacher, settings, compute)
        labelled: Pairs = human_pairs(toy.pictures, split.labelled, level)
        pseudo = labelled if control else PseudoPairs(stored, toy.pictures, split.unlabelled, level, sources=PSEUDO)
        rivals: Rivals | None = None
        if joint_training and not control:
            lists, of_all = (split.labelled, split.unlabelled), (reader(toy), OBJECTIVE, settings)
            rivals = Rivals(models, stored, toy.pictures, *lists, *of_all, augment=0.5, batch_size=4, seed=0)
        feeds = (
            PairStream(pairs, 4, 0, name, compute.rank, compute.world)
            for name, pairs in (("labelled", labelled), ("pseudo", pseudo))
        )
        validation = RetrievalValidation(human_pairs(toy.pictures, split.validation, level), compute)
        return JointTrainer(compute, models, *feeds, rivals, OBJECTIVE, validation, settings)

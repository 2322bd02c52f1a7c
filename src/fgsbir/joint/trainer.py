"""Joint training of F, G and D_C: Algorithm 1 of paper 1.

    repeat
        draw pseudo pairs with the current G
        k_r times:  train F (Eq. 7)
        k_d times:  train D_C (Eq. 5)
        k_g times:  draw, reward each drawing (Eq. 8), train G (Eq. 9)

The paper trains D_C as often as F, so k_d is k_r there.

Round 0 uses the stored pseudo sketches; without joint training every round does. The control has labelled pairs in the
place of pseudo pairs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fgsbir.certainty.training import discriminator_step, fake_batches
from fgsbir.generator.contour_model import ContourGenerator
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.training import generator_losses
from fgsbir.joint.noise_tolerance import semi_supervised_losses, weighted_sum
from fgsbir.joint.pixel_gradient import pixel_gradient
from fgsbir.joint.policy_gradient import policy_gradient
from fgsbir.joint.pseudo_pairs import PseudoPairs, certainty_histogram
from fgsbir.joint.rivals import Rivals
from fgsbir.joint.settings import JointModels, JointSettings
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.pairs import PairStream
from fgsbir.retrieval.training import dropout_mask
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.prefetch import prefetch
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import stream, stream_seed, torch_stream

Scalars = dict[str, Tensor]


@dataclass
class JointTrainer:
    """Trains F, G and D_C in place.

    ``labelled`` gives batches of B human pairs and ``pseudo`` as many others: pseudo pairs, or, for the control, human
    ones again. Without ``rivals`` F alone is trained, on pairs that stay as they are.
    """

    compute: Compute
    models: JointModels
    labelled: PairStream
    pseudo: PairStream
    rivals: Rivals | None
    objective: RetrievalObjective
    validation: RetrievalValidation
    settings: JointSettings

    def __post_init__(self) -> None:
        self.seed, self.rounds = self.labelled.seed, math.ceil(self.settings.steps / self.settings.k_r)
        names = [feed.pairs.photo_ids for feed in (self.labelled, self.pseudo)]
        number = {name: place for place, name in enumerate(names[0] + names[1])}
        self._numbers = [np.array([number[name] for name in each], np.int64) for each in names]

    def run(self, scratch: Scratch) -> list[Row]:
        """Algorithm 1. Returns the curve: losses, reward, histogram of omega, and scores of the validation photos.

        The last epoch is kept, since the rate falls to 0 there, and a hundred photos cannot decide between epochs.
        Errors and resuming as in :func:`fgsbir.retrieval.training.train_retrieval`.
        """
        settings, rivals = self.settings, self.rivals
        # A step of the run is a round, so that it is taken up again between rounds.
        with Run(
            "joint",
            self.compute,
            scratch,
            steps=self.rounds,
            epoch_steps=math.ceil(settings.validate_every / settings.k_r),
            log_interval=math.ceil(settings.log_interval / settings.k_r),
            parts=self.models.state() | ({"drawn": rivals.drawn.stored} if rivals else {}),
            describe=lambda round_index: [
                name for feed in (self.labelled, self.pseudo) for name in feed.photo_ids(round_index * settings.k_r)
            ],
            unit=settings.k_r,
        ) as run:
            for round_index in range(run.first, self.rounds):
                if rivals and round_index > 0:
                    self.draw_round(rivals, round_index)
                losses, histogram = self.train_retrieval(round_index)
                reward: Scalars = {}
                if rivals:
                    losses |= self.train_discriminator(rivals, round_index)
                    of_generator, reward = self.train_generator(rivals, round_index)
                    losses |= of_generator
                run.step_done(round_index, losses, reward, histogram)
                if run.epoch_ends(round_index):
                    scores = self.validation.scores(self.models.retrieval)
                    row = {f"validation_{name}": value for name, value in scores.items()}
                    run.epoch_done(round_index, row, score=float(round_index))
        return run.rows

    def draw_round(self, rivals: Rivals, round_index: int) -> None:
        """Draw some of the photos anew with the current G, each in the place of its oldest drawing, and weigh these.

        Every process draws them all, and so holds the same sketches.
        """
        drawn, stored = rivals.drawn, rivals.drawn.stored
        chosen = stream(self.seed, "joint/redrawn", round_index).permutation(len(drawn))[: self.settings.redrawn]
        pairs = [(photo, row) for photo in np.sort(chosen) if (row := drawn.oldest_drawing(photo)) is not None]
        if not pairs:
            return
        rows, sketches = np.array(pairs, np.int64).T
        seed, heat = stream_seed(self.seed, "joint/drawing", round_index), self.settings.temperature
        generator, photos, forms = self.models.generator, rivals.for_generator, stored.form[sketches].astype(np.int64)
        drawn_now = draw_sketches(generator, photos, rows, forms, temperature=heat, seed=seed, compute=self.compute)
        strokes = drawn_now.strokes
        stored.replace(sketches, strokes, rivals.judges.reader.sketches(strokes), round_index)
        drawn.weigh(self.models.discriminator, self.compute, sketches)

    def train_retrieval(self, round_index: int) -> tuple[Scalars, Scalars]:
        """k_r steps of F (Eq. 7): mean terms of the loss, and the histogram of omega."""
        compute, settings, model, teacher = self.compute, self.settings, self.models.retrieval, self.models.teacher
        steps, optimizer = _steps(round_index, settings.k_r), self.models.optimizers["retrieval"]
        found, omegas = list[Scalars](), list[Tensor]()
        feeds = prefetch(lambda step: (self.labelled.batch(step), self.pseudo.batch(step)), steps.start, steps.stop)
        for step, batches in feeds:
            model.train()
            peaks = (settings.learning_rate, settings.blocks_learning_rate)
            set_rate(optimizer, *(warmup_cosine(step, self.rounds * settings.k_r, peak) for peak in peaks))
            numbers = torch_stream(self.seed, "joint/step", step)
            keep = dropout_mask(model, settings.dropout, numbers, compute.device)
            shown = [number[batch.rows] for number, batch in zip(self._numbers, batches, strict=True)]
            weights, pairs, drawn = torch.ones(len(shown[1])), self.pseudo.pairs, batches[1].drawn
            if isinstance(pairs, PseudoPairs):
                omegas.append(torch.from_numpy(pairs.omega(drawn)))
                weights = torch.from_numpy(pairs.weights(drawn, settings))
            terms = semi_supervised_losses(
                compute, model, teacher, batches, shown, weights, self.objective, settings.teacher, keep, numbers
            )
            compute.descend(optimizer, model, weighted_sum(terms, settings.lambda_kd))
            found.append(terms)
        histogram = certainty_histogram(compute.gather(torch.cat(omegas).to(compute.device))) if omegas else {}
        return _means(found), histogram

    def train_discriminator(self, rivals: Rivals, round_index: int) -> Scalars:
        """k_d steps of D_C (Eq. 5): its mean loss."""
        model, optimizer, found = self.models.discriminator, self.models.optimizers["discriminator"], list[Scalars]()
        for step in _steps(round_index, self.settings.k_d):
            real = rivals.real.batch(step)
            fakes = fake_batches(self.settings.fakes, real, rivals.generated, step)
            chance = torch_stream(self.seed, "joint/channels", step)
            found.append({"discriminator": discriminator_step(self.compute, model, optimizer, real, fakes, chance)})
        return _means(found)

    def train_generator(self, rivals: Rivals, round_index: int) -> tuple[Scalars, Scalars]:
        """k_g steps of G, on labelled pairs (Eq. 3) and by reward on all photos (Eq. 9): mean losses, mean reward."""
        compute, settings, seed = self.compute, self.settings, self.seed
        model, optimizer, found = self.models.generator, self.models.optimizers["generator"], list[Scalars]()
        for step in _steps(round_index, settings.k_g):
            model.train()
            set_rate(optimizer, warmup_cosine(step, self.rounds * settings.k_g, settings.generator_learning_rate))
            batch, size = rivals.sequences.batch(step), rivals.sequences.batch_size
            reconstruction, divergence = generator_losses(
                compute, model, batch, jitter=settings.point_jitter, kl_floor=settings.kl_floor, seed=seed, step=step
            )
            judges, photos = rivals.judges, rivals.photos.batch(size, seed, step, compute)
            baseline, heat = settings.baseline, settings.temperature
            if isinstance(model, ContourGenerator) and settings.gradient == "pixels":
                gradient, reward = pixel_gradient(model, judges, photos, temperature=heat, seed=seed, step=step)
            else:
                gradient, reward = policy_gradient(
                    model, judges, photos, baseline=baseline, temperature=heat, seed=seed, step=step
                )
            loss = reconstruction + settings.kl_weight * divergence + settings.lambda_g * gradient
            compute.descend(optimizer, model, loss, settings.grad_clip)
            found.append({"reconstruction": reconstruction, "divergence": divergence, "reward": reward})
        losses = _means(found)
        return losses, {"reward": losses.pop("reward")}


def _steps(round_index: int, each: int) -> range:
    return range(round_index * each, (round_index + 1) * each)


def _means(found: Sequence[Scalars]) -> Scalars:
    """The means of scalars that every step has."""
    return {name: torch.stack([each[name].detach() for each in found]).mean() for name in found[0]}

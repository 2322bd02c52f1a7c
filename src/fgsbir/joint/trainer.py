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

import numpy as np
import torch
from torch import Tensor

from fgsbir.certainty.training import discriminator_step, fake_batches
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.training import generator_losses
from fgsbir.joint.noise_tolerance import semi_supervised_losses, weighted_sum
from fgsbir.joint.policy_gradient import policy_gradient
from fgsbir.joint.pseudo_pairs import PseudoPairs, certainty_histogram, pair_weights
from fgsbir.joint.rivals import Rivals
from fgsbir.joint.settings import JointModels, JointSettings
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.pairs import PairBatch, PairStream, prefetch
from fgsbir.retrieval.training import dropout_mask
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import stream, stream_seed, torch_stream

Scalars = dict[str, Tensor]


class JointTrainer:
    """Trains F, G and D_C in place.

    ``labelled`` gives batches of B human pairs and ``pseudo`` as many others: pseudo pairs, or, for the control, human
    ones again. Without ``rivals`` F alone is trained, on pairs that stay as they are.
    """

    def __init__(
        self,
        compute: Compute,
        models: JointModels,
        labelled: PairStream,
        pseudo: PairStream,
        rivals: Rivals | None,
        objective: RetrievalObjective,
        validation: RetrievalValidation,
        settings: JointSettings,
    ) -> None:
        self.compute, self.models, self.settings, self.seed = compute, models, settings, labelled.seed
        self.labelled, self.pseudo, self.rivals = labelled, pseudo, rivals
        self.objective, self.validation = objective, validation
        self.rounds = math.ceil(settings.steps / settings.k_r)
        number = {name: place for place, name in enumerate([*labelled.pairs.photo_ids, *pseudo.pairs.photo_ids])}
        self._numbers = [
            np.array([number[name] for name in feed.pairs.photo_ids], np.int64) for feed in (labelled, pseudo)
        ]

    def run(self, scratch: Scratch) -> list[Row]:
        """Algorithm 1. Returns the curve: losses, reward, histogram of omega, and scores of the validation photos.

        The last epoch is kept, since the rate falls to 0 there, and a hundred photos cannot decide between epochs.
        Errors and resuming as in :func:`fgsbir.retrieval.training.train_retrieval`.
        """
        with self._run(scratch) as run:
            for round_index in range(run.first, self.rounds):
                if self.rivals and round_index > 0:
                    self.draw_round(self.rivals, round_index)
                losses, measures = self.train_retrieval(round_index)
                if self.rivals:
                    losses |= self.train_discriminator(self.rivals, round_index)
                    of_generator, rewards = self.train_generator(self.rivals, round_index)
                    losses, measures = losses | of_generator, measures | rewards
                run.step_done(round_index, losses, measures)
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
        photos = stream(self.seed, "joint/redrawn", round_index).permutation(len(drawn))[: self.settings.redrawn]
        pairs = [(photo, row) for photo in np.sort(photos) if (row := drawn.oldest_drawing(photo)) is not None]
        if not pairs:
            return
        rows, sketches = (np.array(values, np.int64) for values in zip(*pairs, strict=True))
        strokes = draw_sketches(
            self.models.generator,
            rivals.for_generator,
            rows,
            stored.form[sketches].astype(np.int64),
            temperature=self.settings.temperature,
            seed=stream_seed(self.seed, "joint/drawing", round_index),
            compute=self.compute,
        ).strokes
        stored.replace(sketches, strokes, rivals.judges.reader.sketches(strokes), round_index)
        drawn.weigh(self.models.discriminator, self.compute, sketches)

    def train_retrieval(self, round_index: int) -> tuple[Scalars, Scalars]:
        """k_r steps of F (Eq. 7): mean terms of the loss, and the histogram of omega."""
        settings, model, optimizer = self.settings, self.models.retrieval, self.models.retrieval_optimizer
        total, steps = self.rounds * settings.k_r, _steps(round_index, settings.k_r)
        peaks = (settings.learning_rate, settings.blocks_learning_rate)
        found: list[Scalars] = []
        omegas: list[Tensor] = []
        for step, (labelled, pseudo) in prefetch(self._batches, steps.start, steps.stop):
            model.train()
            for group, peak in zip(optimizer.param_groups, peaks, strict=False):
                group["lr"] = warmup_cosine(step, total, peak)
            numbers = torch_stream(self.seed, "joint/step", step)
            keep = dropout_mask(model, settings.dropout, numbers, self.compute.device) if settings.dropout else None
            omega, weights = self._trust(pseudo)
            terms = semi_supervised_losses(
                self.compute,
                model,
                self.models.teacher,
                labelled,
                pseudo,
                [of_photo[batch.rows] for of_photo, batch in zip(self._numbers, (labelled, pseudo), strict=True)],
                weights,
                self.objective,
                settings.teacher,
                keep=keep,
                generator=numbers,
            )
            optimizer.zero_grad()
            weighted_sum(terms, settings.lambda_kd).backward()
            self.compute.sum_gradients(model)
            optimizer.step()
            found.append(_detached(terms))
            omegas += [omega] if omega is not None else []
        shown = {}
        if omegas:
            shown = certainty_histogram(self.compute.gather(torch.cat(omegas).to(self.compute.device)))
        return _means(found), shown

    def train_discriminator(self, rivals: Rivals, round_index: int) -> Scalars:
        """k_d steps of D_C (Eq. 5): the mean loss."""
        found = []
        for step in _steps(round_index, self.settings.k_d):
            real = rivals.real.batch(step)
            fakes = fake_batches(self.settings.fakes, real, rivals.generated, step)
            model, optimizer = self.models.discriminator, self.models.discriminator_optimizer
            found.append({"discriminator": discriminator_step(self.compute, model, optimizer, real, fakes)})
        return _means([_detached(each) for each in found])

    def train_generator(self, rivals: Rivals, round_index: int) -> tuple[Scalars, Scalars]:
        """k_g steps of G: the supervised loss on labelled pairs and the policy gradient on all photos (Eq. 9)."""
        settings, model, optimizer = self.settings, self.models.generator, self.models.generator_optimizer
        found: list[Scalars] = []
        rewards: list[Tensor] = []
        for step in _steps(round_index, settings.k_g):
            model.train()
            set_rate(optimizer, warmup_cosine(step, self.rounds * settings.k_g, settings.generator_learning_rate))
            reconstruction, divergence = generator_losses(
                self.compute,
                model,
                rivals.sequences.batch(step),
                jitter=settings.point_jitter,
                kl_floor=settings.kl_floor,
                seed=self.seed,
                step=step,
            )
            gradient, reward = policy_gradient(
                self.compute,
                model,
                rivals.judges,
                rivals.photos.batch(rivals.sequences.batch_size, self.seed, step, self.compute),
                settings.rewards,
                temperature=settings.temperature,
                seed=self.seed,
                step=step,
            )
            loss = reconstruction + settings.kl_weight * divergence + settings.lambda_g * gradient
            optimizer.zero_grad()
            loss.backward()
            self.compute.sum_gradients(model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.grad_clip)
            optimizer.step()
            found.append(_detached({"reconstruction": reconstruction, "divergence": divergence}))
            rewards.append(reward.detach())
        return _means(found), {"reward": torch.stack(rewards).mean()}

    def _batches(self, step: int) -> tuple[PairBatch, PairBatch]:
        return self.labelled.batch(step), self.pseudo.batch(step)

    def _trust(self, batch: PairBatch) -> tuple[Tensor | None, Tensor]:
        """omega of the pairs of a pseudo batch, and what weighs their loss; people's are trusted, and have no omega."""
        pairs, settings = self.pseudo.pairs, self.settings
        if not isinstance(pairs, PseudoPairs):
            return None, torch.ones(len(batch.rows))
        omega = pairs.omega(batch.rows, batch.choices)
        relative = pairs.relative_omega(batch.rows, batch.choices) if settings.relative_weights else None
        weights = pair_weights(omega, relative, weighting=settings.instance_weighting, threshold=settings.threshold)
        return torch.from_numpy(omega), torch.from_numpy(weights)

    def _run(self, scratch: Scratch) -> Run:
        # A step of the run is a round, so that it is taken up again between rounds.
        settings = self.settings
        parts = self.models.state()
        if self.rivals:
            parts["drawn"] = self.rivals.drawn.stored
        return Run(
            "joint",
            self.compute,
            scratch,
            steps=self.rounds,
            epoch_steps=math.ceil(settings.validate_every / settings.k_r),
            log_interval=math.ceil(settings.log_interval / settings.k_r),
            parts=parts,
            selected={**self.models.trained},
            describe=lambda round_index: [
                name for feed in (self.labelled, self.pseudo) for name in feed.photo_ids(round_index * settings.k_r)
            ],
            unit=settings.k_r,
        )


def _steps(round_index: int, each: int) -> range:
    return range(round_index * each, (round_index + 1) * each)


def _detached(scalars: Scalars) -> Scalars:
    return {name: value.detach() for name, value in scalars.items()}


def _means(found: Sequence[Scalars]) -> Scalars:
    """The means of scalars that every step has."""
    return {name: torch.stack([each[name] for each in found]).mean() for name in found[0]}

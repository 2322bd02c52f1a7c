"""Joint training of F, G and D_C: Algorithm 1 of paper 1.

    repeat
        draw pseudo pairs with the current G
        k_r times:  train F (Eq. 7)
        k_d times:  train D_C (Eq. 5)
        k_g times:  draw, reward each drawing (Eq. 8), train G (Eq. 9)

The paper trains D_C as often as F, so k_d is k_r there.

Round 0 uses the stored pseudo sketches; without joint training every round does. Without unlabelled
photos F trains on labelled pairs alone: the control.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.certainty.discriminator import Discriminator
from fgsbir.certainty.training import Fakes, discriminator_step, fake_batches
from fgsbir.data.augmentation import change_sketches_jointly
from fgsbir.data.pairs import PairSet, PairStream, prefetch
from fgsbir.generator.model import Generator
from fgsbir.generator.training import generator_losses
from fgsbir.joint.drawn_photos import DrawnPhotos, certainty_histogram, pair_weights, photo_batch
from fgsbir.joint.noise_tolerance import Teacher, freeze, semi_supervised_losses, weighted_sum
from fgsbir.joint.policy_gradient import Judges, RewardForm, policy_gradient
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.processes import gather_live, mixed_seed, step_generator, sum_gradients
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine


@dataclass(frozen=True, slots=True)
class JointSettings:
    """Numbers of Algorithm 1; params.yaml says what each means and what the paper gives."""

    joint_training: bool
    instance_weighting: bool
    relative_weights: bool
    threshold: float
    teacher: Teacher
    steps: int
    k_r: int
    k_d: int
    k_g: int
    learning_rate: float
    generator_learning_rate: float
    discriminator_learning_rate: float
    weight_decay: float
    lambda_kd: float
    lambda_g: float
    judge: Literal["retrieval", "teacher"]
    temperature: float
    kl_weight: float
    kl_floor: float
    point_jitter: float
    generator_augment: float
    fakes: Fakes
    grad_clip: float
    validate_every: int
    log_interval: int


class JointModels:
    """F, G and D_C, their optimisers, and F_T, the supervised F, which is frozen here."""

    def __init__(
        self,
        retrieval: RetrievalModel,
        generator: Generator,
        discriminator: Discriminator,
        teacher: RetrievalModel,
        settings: JointSettings,
    ) -> None:
        self.retrieval, self.generator, self.discriminator = retrieval, generator, discriminator
        self.teacher = freeze(teacher)
        self.retrieval_optimizer = torch.optim.AdamW(
            retrieval.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.generator_optimizer = torch.optim.Adam(
            generator.parameters(), lr=settings.generator_learning_rate, fused=True
        )
        self.discriminator_optimizer = torch.optim.Adam(
            discriminator.parameters(), lr=settings.discriminator_learning_rate, betas=(0.5, 0.999), fused=True
        )


def train_joint(
    fabric: Fabric,
    models: JointModels,
    labelled: PairStream,
    labelled_simplified: PairSet,
    labelled_photos: DrawnPhotos,
    unlabelled: DrawnPhotos | None,
    validation: RetrievalValidation,
    objective: RetrievalObjective,
    rewards: RewardForm,
    settings: JointSettings,
    *,
    scratch: Scratch,
) -> list[Row]:
    """Train F, G and D_C in place for all steps, as in Algorithm 1: the validation photos are for the curve alone.

    The epoch is not theirs to choose: the rate falls to 0 at the last step, and between epochs a hundred photos cannot
    decide.

    ``labelled`` gives batches of B human pairs; as many pseudo pairs are added to each, or, where
    ``unlabelled`` is None, as many human ones again. ``labelled_simplified`` are the same human pairs
    at G's image size, with the simplified sketches that G learns from, and ``labelled_photos`` their photos
    for G to draw. ``settings.steps`` counts steps of F and is rounded
    up to whole rounds. Returns the curve: losses and reward, means over all steps, histogram of omega, validation
    scores. Errors and resuming as in :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    seed, line_width, precision = labelled.seed, labelled.line_width, validation.precision
    k_r = settings.k_r
    rounds = math.ceil(settings.steps / k_r)
    found_by = models.teacher if settings.judge == "teacher" else models.retrieval
    judges = Judges(found_by, models.discriminator, objective, line_width, precision)
    if unlabelled is None:
        labelled = replace(labelled, batch_size=2 * labelled.batch_size)
        feeds = [labelled]
    else:
        pseudo = replace(labelled, pairs=unlabelled.pairs, salt=labelled.salt + 1)
        feeds = [labelled, pseudo]
        # D_C and G see sketches through the joint change only, as strong as G has learned with: what F's own
        # augmentation does to a drawing would hide what tells a real one from a generated one. The fakes are G's
        # drawings that F learns from, and those of the very photos of the real pairs. The real
        # sketches are simplified as G's are by nature: corners would tell the two apart at a glance.
        human = replace(labelled, change=change_sketches_jointly, strength=settings.generator_augment)
        fake = replace(human, pairs=unlabelled.drawn, salt=pseudo.salt)
        real = replace(human, pairs=labelled_simplified, salt=labelled.salt + 2)
        fake_labelled = replace(real, pairs=labelled_photos.drawn)
        vae = replace(real, salt=labelled.salt + 3)

    # The drawings are part of the state: a round redraws those of its own photos only.
    parts = {name: part for name, part in vars(models).items() if name != "teacher"}
    if unlabelled is not None:
        parts["unlabelled"] = unlabelled
    with Run(
        "joint",
        fabric,
        scratch,
        steps=rounds,
        epoch_steps=math.ceil(settings.validate_every / k_r),
        log_interval=math.ceil(settings.log_interval / k_r),
        parts=parts,
        selected={
            "retrieval": models.retrieval,
            "generator": models.generator,
            "discriminator": models.discriminator,
        },
        describe=lambda turn: [name for feed in feeds for name in feed.photo_ids(turn * k_r)],
        unit=k_r,
    ) as run:
        for turn in range(run.first, rounds):
            f_steps, d_steps, g_steps = (range(turn * k, (turn + 1) * k) for k in (k_r, settings.k_d, settings.k_g))
            losses = defaultdict[str, list[torch.Tensor]](list)
            earned: list[torch.Tensor] = []
            omegas: list[np.ndarray] = []

            # The drawings of this round, by the current G, the pseudo pairs weighed by the current D_C.
            if unlabelled is not None and settings.joint_training:
                to_draw = []
                # Of labelled photos none are stored, and only a D_C that learns from generated fakes sees them drawn.
                if settings.fakes != "mismatched":
                    to_draw.append((labelled_photos, fake_labelled, d_steps))
                # In round 0 the pseudo pairs are the stored ones.
                if turn > 0:
                    to_draw.append((unlabelled, pseudo, f_steps))
                for place, (photos, stream, steps) in enumerate(to_draw):
                    rows = np.unique(np.concatenate([stream.mine(step) for step in steps]))
                    photos.redraw(
                        models.generator,
                        rows,
                        temperature=settings.temperature,
                        seed=mixed_seed(seed, 1, turn, place, fabric.global_rank),
                        fabric=fabric,
                        precision=precision,
                    )
                    if photos is unlabelled:
                        photos.weigh(
                            models.discriminator, rows, line_width=line_width, fabric=fabric, precision=precision
                        )

            # F: Eq. 7.
            for step, batches in prefetch(
                lambda step: [feed.batch(step) for feed in feeds], f_steps.start, f_steps.stop
            ):
                models.retrieval.train()
                set_rate(models.retrieval_optimizer, warmup_cosine(step, rounds * k_r, settings.learning_rate))
                weights = None
                if unlabelled is not None:
                    rows = batches[1].rows
                    omegas.append(unlabelled.omega(rows, batches[1].choices))
                    weights = torch.from_numpy(
                        pair_weights(
                            omegas[-1],
                            unlabelled.relative_omega(rows, batches[1].choices) if settings.relative_weights else None,
                            weighting=settings.instance_weighting,
                            threshold=settings.threshold,
                        )
                    )
                terms = semi_supervised_losses(
                    fabric,
                    models.retrieval,
                    models.teacher,
                    batches,
                    weights,
                    objective,
                    settings.teacher,
                    generator=step_generator(seed, step),
                )
                loss = weighted_sum(terms, settings.lambda_kd)
                models.retrieval_optimizer.zero_grad()
                loss.backward()
                sum_gradients(fabric, models.retrieval)
                models.retrieval_optimizer.step()
                for name, term in terms.items():
                    losses[name].append(term.detach())

            if unlabelled is not None and settings.joint_training:
                # D_C: Eq. 5.
                for step in d_steps:
                    pairs = real.batch(step)
                    on_pairs = discriminator_step(
                        fabric,
                        models.discriminator,
                        models.discriminator_optimizer,
                        pairs,
                        fake_batches(settings.fakes, pairs, [fake, fake_labelled], step),
                    )
                    losses["discriminator"].append(on_pairs.detach())
                # G: Eq. 9, with the supervised loss on labelled pairs and the policy gradient on all photos.
                for step in g_steps:
                    models.generator.train()
                    rate = warmup_cosine(step, rounds * settings.k_g, settings.generator_learning_rate)
                    set_rate(models.generator_optimizer, rate)
                    reconstruction, divergence = generator_losses(
                        fabric,
                        models.generator,
                        vae.batch(step),
                        jitter=settings.point_jitter,
                        kl_floor=settings.kl_floor,
                        seed=seed,
                        step=step,
                    )
                    gradient, reward = policy_gradient(
                        fabric,
                        models.generator,
                        judges,
                        photo_batch([(labelled_photos, vae.mine(step)), (unlabelled, fake.mine(step))]),
                        rewards,
                        temperature=settings.temperature,
                        seed=seed,
                        step=step,
                    )
                    loss = reconstruction + settings.kl_weight * divergence + settings.lambda_g * gradient
                    models.generator_optimizer.zero_grad()
                    loss.backward()
                    sum_gradients(fabric, models.generator)
                    torch.nn.utils.clip_grad_norm_(models.generator.parameters(), settings.grad_clip)
                    models.generator_optimizer.step()
                    losses["reconstruction"].append(reconstruction.detach())
                    losses["divergence"].append(divergence.detach())
                    earned.append(reward)

            measures = {"reward": torch.stack(earned).mean()} if earned else {}
            if omegas:
                shown = gather_live(fabric, torch.from_numpy(np.concatenate(omegas)).to(fabric.device))
                measures |= certainty_histogram(shown)
            run.step_done(turn, {name: torch.stack(values).mean() for name, values in losses.items()}, measures)

            if run.epoch_ends(turn):
                scores = validation.scores(models.retrieval)
                row = {f"validation_{name}": value for name, value in scores.items()}
                run.epoch_done(turn, row, score=float(turn))
    return run.rows

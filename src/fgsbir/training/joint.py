"""Joint training of F, G and D_C: Algorithm 1 of paper 1.

    repeat
        draw pseudo pairs with the current G
        k_r times:  train F (Eq. 7), train D_C (Eq. 5)
        k_g times:  draw, reward each drawing (Eq. 8), train G (Eq. 9)

Round 0 uses the pseudo sketches stored by the stage before; without joint training every round does.
Without unlabelled photos F trains on labelled pairs alone: the control.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.data.augmentation import change_sketch_jointly
from fgsbir.data.pairs import PairSet, PairStream, prefetch
from fgsbir.data.pseudo import PseudoSketches
from fgsbir.data.records import DataError
from fgsbir.models.discriminator import Discriminator
from fgsbir.models.drawing import draw_sketches
from fgsbir.models.generator import Generator
from fgsbir.models.retrieval import RetrievalModel
from fgsbir.training.checkpoint import Scratch
from fgsbir.training.discriminator import certainties, discriminator_step
from fgsbir.training.generator import generator_losses
from fgsbir.training.noise_tolerance import Teacher, semi_supervised_losses, weighted_sum
from fgsbir.training.objective import RetrievalObjective
from fgsbir.training.policy_gradient import Judges, PhotoBatch, RewardForm, policy_gradient
from fgsbir.training.run import Row, Run
from fgsbir.training.runtime import step_generator, sum_gradients
from fgsbir.training.schedule import set_rate, warmup_cosine
from fgsbir.training.validation import RetrievalValidation

HISTOGRAM = tuple(round(0.05 * edge, 2) for edge in range(20))


@dataclass(frozen=True, slots=True)
class JointSettings:
    """Numbers of Algorithm 1; params.yaml says what each means and what the paper gives."""

    joint_training: bool
    instance_weighting: bool
    teacher: Teacher
    steps: int
    k_r: int
    k_g: int
    learning_rate: float
    generator_learning_rate: float
    discriminator_learning_rate: float
    weight_decay: float
    lambda_kd: float
    lambda_g: float
    temperature: float
    kl_weight: float
    kl_floor: float
    point_jitter: float
    grad_clip: float
    validate_every: int
    log_interval: int


@dataclass(slots=True)
class Photos:
    """Photos that G draws, with their current sketches: ``pairs`` at F's image size, ``drawn`` at G's and D_C's.

    Both share one list of sketches. ``certainty[i]`` holds omega of each of the sketches of photo i.
    """

    pairs: PairSet
    drawn: PairSet
    certainty: list[np.ndarray]

    def replace(self, row: int, strokes: np.ndarray, certainty: float) -> None:
        """Give photo ``row`` this one sketch in place of those it has."""
        self.pairs.sketches[row] = self.drawn.sketches[row] = [strokes]
        self.certainty[row] = np.array([certainty], np.float32)


class JointModels:
    """F, G and D_C, their optimisers, and F_T, the frozen supervised F."""

    def __init__(
        self,
        retrieval: RetrievalModel,
        generator: Generator,
        discriminator: Discriminator,
        teacher: RetrievalModel,
        settings: JointSettings,
    ) -> None:
        self.retrieval, self.generator, self.discriminator, self.teacher = retrieval, generator, discriminator, teacher
        self.retrieval_optimizer = torch.optim.AdamW(
            retrieval.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=settings.generator_learning_rate)
        self.discriminator_optimizer = torch.optim.Adam(
            discriminator.parameters(), lr=settings.discriminator_learning_rate, betas=(0.5, 0.999)
        )


def train_joint(
    fabric: Fabric,
    models: JointModels,
    labelled: PairStream,
    labelled_drawn: PairSet,
    labelled_simplified: PairSet,
    labelled_photos: Photos,
    unlabelled: Photos | None,
    validation: RetrievalValidation,
    objective: RetrievalObjective,
    rewards: RewardForm,
    settings: JointSettings,
    *,
    line_width: float,
    scratch: Scratch,
) -> list[Row]:
    """Train F, G and D_C in place and leave them as they were at F's best epoch on the validation photos.

    ``labelled`` gives batches of B human pairs; as many pseudo pairs are added to each, or, where
    ``unlabelled`` is None, as many human ones again. ``labelled_drawn`` are the same human pairs at
    G's image size, ``labelled_simplified`` those with the simplified sketches that G learns from, and ``labelled_photos`` their photos for G to draw. ``settings.steps`` counts steps of F. Returns
    the curve: losses, mean reward, histogram of omega, validation scores. Errors and resuming as
    in :func:`fgsbir.training.retrieval.train_retrieval`.
    """
    seed, k_r = labelled.seed, settings.k_r
    learns_to_draw = settings.joint_training and unlabelled is not None
    judges = Judges(models.retrieval, models.discriminator, objective, line_width, validation.precision)
    if unlabelled is None:
        labelled = replace(labelled, batch_size=2 * labelled.batch_size)
    else:
        pseudo = replace(labelled, pairs=unlabelled.pairs, salt=labelled.salt + 1)
        # D_C and G see sketches through the joint change only: what F's own augmentation does to a
        # drawing would hide what tells a real one from a generated one.
        real = replace(labelled, pairs=labelled_drawn, salt=labelled.salt + 2, change=change_sketch_jointly)
        fake = replace(real, pairs=unlabelled.drawn, salt=labelled.salt + 3)
        fake_labelled = replace(real, pairs=labelled_photos.drawn, salt=labelled.salt + 4)
        vae = replace(real, pairs=labelled_simplified, salt=labelled.salt + 5)

    with Run(
        "joint",
        fabric,
        scratch,
        steps=settings.steps // k_r,
        epoch_steps=settings.validate_every // k_r,
        log_interval=max(1, settings.log_interval // k_r),
        parts={name: part for name, part in vars(models).items() if name != "teacher"},
        selected={
            "retrieval": models.retrieval,
            "generator": models.generator,
            "discriminator": models.discriminator,
        },
        describe=lambda turn: labelled.photo_ids(turn * k_r),
        unit=k_r,
    ) as run:
        for turn in range(run.first, run.steps):
            first, last = turn * k_r, (turn + 1) * k_r
            losses: dict[str, torch.Tensor] = {}

            # Pseudo pairs of this round, drawn by the current G and weighed by the current D_C.
            if learns_to_draw and turn > 0:
                wanted = [(unlabelled, [pseudo, fake]), (labelled_photos, [fake_labelled])]
                for photos, streams in wanted:
                    rows = np.unique([row for stream in streams for step in range(first, last) for row in stream.mine(step)])
                    redraw(fabric, models, photos, rows, settings.temperature, line_width, judges.precision, seed + turn)

            # F: Eq. 7.
            feeds = [labelled] if unlabelled is None else [labelled, pseudo]
            for step, batches in prefetch(lambda step: [feed.batch(step) for feed in feeds], first, last):
                models.retrieval.train()
                set_rate(models.retrieval_optimizer, warmup_cosine(step, settings.steps, settings.learning_rate))
                omega = None
                if unlabelled is not None:
                    drawn = batches[1]
                    weights = [unlabelled.certainty[row][choice] for row, choice in zip(drawn.rows, drawn.choices, strict=True)]
                    omega = torch.tensor(weights, dtype=torch.float32)
                    if not settings.instance_weighting:
                        omega = torch.ones_like(omega)
                terms = semi_supervised_losses(
                    fabric,
                    models.retrieval,
                    models.teacher,
                    batches[0],
                    batches[1] if unlabelled is not None else None,
                    omega,
                    objective,
                    settings.teacher,
                    line_width=line_width,
                    generator=step_generator(seed, step),
                )
                loss = weighted_sum(terms, settings.lambda_kd)
                models.retrieval_optimizer.zero_grad()
                loss.backward()
                sum_gradients(fabric, models.retrieval)
                models.retrieval_optimizer.step()
                losses |= terms

            if learns_to_draw:
                # D_C: Eq. 5.
                for step in range(first, last):
                    losses["discriminator"] = discriminator_step(
                        fabric,
                        models.discriminator,
                        models.discriminator_optimizer,
                        real.batch(step),
                        [fake.batch(step), fake_labelled.batch(step)],
                        line_width=line_width,
                    )
                # G: Eq. 9, with the supervised loss on labelled pairs and the policy gradient on all photos.
                for step in range(turn * settings.k_g, (turn + 1) * settings.k_g):
                    models.generator.train()
                    batch = vae.batch(step)
                    reconstruction, divergence = generator_losses(
                        fabric,
                        models.generator,
                        batch,
                        jitter=settings.point_jitter,
                        kl_floor=settings.kl_floor,
                        seed=seed,
                        step=step,
                    )
                    photos = photo_batch([(labelled_photos, vae.mine(step)), (unlabelled, fake.mine(step))])
                    gradient, earned = policy_gradient(
                        fabric, models.generator, judges, photos, rewards, seed=seed * 1_000_003 + step + fabric.global_rank
                    )
                    loss = reconstruction + settings.kl_weight * divergence + settings.lambda_g * gradient
                    models.generator_optimizer.zero_grad()
                    loss.backward()
                    sum_gradients(fabric, models.generator)
                    torch.nn.utils.clip_grad_norm_(models.generator.parameters(), settings.grad_clip)
                    models.generator_optimizer.step()
                    losses |= {"reconstruction": reconstruction, "divergence": divergence, "reward": earned}
            run.step_done(turn, losses)

            if run.epoch_ends(turn):
                scores = validation.scores(models.retrieval)
                row = {f"validation_{name}": value for name, value in scores.items()}
                if unlabelled is not None:
                    row |= certainty_histogram(np.concatenate(unlabelled.certainty))
                run.epoch_done(turn, row, score=scores["mean_reciprocal_rank"])
    return run.rows


def redraw(
    fabric: Fabric,
    models: JointModels,
    photos: Photos,
    rows: np.ndarray,
    temperature: float,
    line_width: float,
    precision: str,
    seed: int,
) -> None:
    """Replace the sketches of ``rows`` of ``photos`` by one drawing each of the current G, with its certainty."""
    drawn = draw_sketches(
        models.generator,
        photos.drawn.pixels[rows],
        temperature=temperature,
        seed=seed,
        batch=256,
        device=fabric.device,
        precision=precision,
    )
    omega = certainties(
        models.discriminator,
        photos.drawn.pixels,
        rows,
        drawn.strokes,
        line_width=line_width,
        device=fabric.device,
        precision=precision,
    )
    for row, strokes, value in zip(rows, drawn.strokes, omega, strict=True):
        photos.replace(row, strokes, value)


def photo_batch(parts: list[tuple[Photos, np.ndarray]]) -> PhotoBatch:
    """Gather rows of labelled and unlabelled photos to be drawn in one batch."""
    return PhotoBatch(
        for_generator=np.concatenate([photos.drawn.pixels[rows] for photos, rows in parts]),
        for_retrieval=np.concatenate([photos.pairs.pixels[rows] for photos, rows in parts]),
        numbers=np.concatenate([rows * len(parts) + place for place, (_, rows) in enumerate(parts)]),
        categories=np.concatenate([photos.pairs.categories[rows] for photos, rows in parts]),
    )


def certainty_histogram(certainty: np.ndarray) -> dict[str, float]:
    """Percent of pseudo pairs in each twentieth of [0, 1], named by its lower edge."""
    counts, _ = np.histogram(certainty, bins=len(HISTOGRAM), range=(0, 1))
    return {f"certainty_{edge:.2f}": 100 * float(count) / len(certainty) for edge, count in zip(HISTOGRAM, counts, strict=True)}


def pseudo_pairs(pairs: PairSet, drawn: PairSet, stored: PseudoSketches) -> Photos:
    """Give unlabelled photos their stored sketches. Raises DataError naming a photo that has none."""
    missing = [name for name in pairs.photo_ids if not stored.strokes.get(name)]
    if missing:
        raise DataError(f"data/pseudo: expected a sketch of every unlabelled photo, found none of {missing[0]}")
    pairs.sketches = drawn.sketches = [list(stored.strokes[name]) for name in pairs.photo_ids]
    return Photos(pairs, drawn, [stored.certainty[name] for name in pairs.photo_ids])


def labelled_to_draw(pairs: PairSet, drawn: PairSet) -> Photos:
    """Labelled photos for G to draw: the same photos with the human sketches until G's first round."""
    return Photos(
        replace(pairs, sketches=list(pairs.sketches)),
        replace(drawn, sketches=list(drawn.sketches)),
        [np.ones(len(choice), np.float32) for choice in pairs.sketches],
    )

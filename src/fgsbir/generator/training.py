"""Supervised training of G on the labelled pairs (paper 1, section 3.2; Eqs. 2 and 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.generator.contour_model import ContourGenerator, choice_loss
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.generator.losses import kl_loss, reconstruction_loss
from fgsbir.generator.pairs import CoveragePairs, SequencePairs
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import PairBatch, PairStream
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.prefetch import prefetch
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import stream, stream_seed, torch_stream

VALIDATION_TEMPERATURE = 0.4
# Drawings of each validation photo: of one, chance chooses the epoch.
VALIDATION_DRAWINGS = 2
BATCH = 128
# Share of a contour chooser's hidden numbers that a batch loses.
DROPOUT = 0.2


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """The numbers of G's training; see params.yaml for their meaning."""

    learning_rate: float
    point_jitter: float
    kl_weight: float
    kl_floor: float
    kl_anneal_steps: int
    grad_clip: float
    select: Literal["retrieval", "likelihood"]
    validate_every: int
    log_interval: int


class GeneratorValidation(NamedTuple):
    """What judges G: F, how well it finds the validation photos from drawings, and people's sketches of them."""

    retrieval: RetrievalValidation
    judge: RetrievalModel
    pairs: SequencePairs | CoveragePairs


def jittered(sequences: Tensor, moves: Tensor) -> Tensor:
    """Sequences (n, T, 5) whose point t has moved by ``moves`` (n, T, 2), both in canvas pixels; ends stay ends."""
    change = torch.diff(moves, dim=1, prepend=torch.zeros_like(moves[:, :1]))
    moved = sequences.clone()
    moved[..., :2] += change * (sequences[..., 4:] < 0.5)
    return moved


def sequence_lengths(sequences: Tensor) -> Tensor:
    """Rows up to and including the end of each of (n, T, 5): int64 (n,)."""
    return (sequences[..., 4] < 0.5).sum(1) + 1


def generator_losses(
    compute: Compute, model: AnyGenerator, batch: PairBatch, *, jitter: float, kl_floor: float, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """L_R and L_kl of Eq. 3 over the pairs of all processes, float32 scalars equal on each of them.

    ``batch.sketch`` float32 (n, T, 5) has offsets in canvas pixels; every point is moved by normal noise of ``jitter``
    pixels. The random numbers are those of (seed, step) and of a pair's place in the global batch.
    """
    if isinstance(model, ContourGenerator):
        return _choice_losses(compute, model, batch, seed=seed, step=step)
    n, steps, device = len(batch.rows) * compute.world, batch.sketch.shape[1], compute.device
    mine = slice(compute.rank * len(batch.rows), (compute.rank + 1) * len(batch.rows))
    longest = max(steps, model.form.max_points + 1)
    moves = stream(seed, "generator/jitter", step).normal(0, jitter, (n, longest, 2))[mine, :steps]
    noise = torch.randn(n, model.to_mu.out_features, generator=torch_stream(seed, "generator/latent", step))[mine]
    sequences = jittered(batch.sketch, torch.from_numpy(moves).float()).to(device)
    lengths = sequence_lengths(sequences)
    sequences[..., :2] /= model.offset_scale
    with compute.autocast():
        output = model(batch.photo.to(device), sequences, noise.to(device))
    reconstruction = reconstruction_loss(output.mixture, output.pen_logits, sequences, lengths)
    divergence = kl_loss(compute.gather(output.mu), compute.gather(output.log_sigma), kl_floor)
    return compute.gather(reconstruction).mean(), divergence


def _choice_losses(
    compute: Compute, model: ContourGenerator, batch: PairBatch, *, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """L_R of a chooser of contours, which has no latent: L_kl is 0. One dropout mask for the whole batch."""
    numbers = torch.rand(model.hidden, generator=torch_stream(seed, "generator/dropout", step))
    keep = ((numbers >= DROPOUT) / (1 - DROPOUT)).to(compute.device)
    photos = batch.photo.to(compute.device)
    with compute.autocast():
        logits = model(photos, keep)
    loss = choice_loss(logits, batch.sketch.to(compute.device), photos)
    return compute.gather(loss).mean(), logits.new_zeros(())


def train_generator(
    compute: Compute,
    model: AnyGenerator,
    phases: Sequence[tuple[PairStream, int]],
    validation: GeneratorValidation,
    settings: GeneratorSettings,
    *,
    scratch: Scratch,
) -> list[Row]:
    """Train ``model`` in place and leave it at its best epoch on the validation photos.

    ``phases``, one after the other, are pairs to learn from and for how many steps.
    ``settings.select``: ``retrieval`` is how often the judge finds a validation photo from its drawing, which goes on
    rising after the ``likelihood`` has begun to fall. One schedule spans all phases. Errors and resuming as in
    :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=1e-4, fused=True)
    # The stream that each step learns from, and the step's number in it.
    plan = [(pairs, number) for pairs, steps in phases for number in range(steps)]
    seed, total = plan[0][0].seed, len(plan)
    with Run(
        "generator",
        compute,
        scratch,
        steps=total,
        epoch_steps=settings.validate_every,
        log_interval=settings.log_interval,
        parts={"model": model, "optimizer": optimizer},
        describe=lambda step: plan[step][0].photo_ids(plan[step][1]),
    ) as run:
        for step, batch in prefetch(lambda step: plan[step][0].batch(plan[step][1]), run.first, total):
            model.train()
            set_rate(optimizer, warmup_cosine(step, total, settings.learning_rate))
            reconstruction, divergence = generator_losses(
                compute, model, batch, jitter=settings.point_jitter, kl_floor=settings.kl_floor, seed=seed, step=step
            )
            loss = reconstruction + divergence_weight(settings, step) * divergence  # Eq. 3
            compute.descend(optimizer, model, loss, settings.grad_clip)
            run.step_done(step, {"reconstruction": reconstruction, "divergence": divergence})

            if run.epoch_ends(step):
                scores = validation_scores(compute, model, validation, seed)
                best = "generated_mean_reciprocal_rank" if settings.select == "retrieval" else "validation_likelihood"
                run.epoch_done(step, scores, score=scores[best])
    return run.rows


def divergence_weight(settings: GeneratorSettings, step: int) -> float:
    """What L_kl of Eq. 3 is multiplied with: sketch-RNN's annealing, from 1 % to all of ``kl_weight``."""
    return settings.kl_weight * min(1.0, max(0.01, step / max(1, settings.kl_anneal_steps)))


def validation_scores(
    compute: Compute, model: AnyGenerator, validation: GeneratorValidation, seed: int
) -> dict[str, float]:
    """How F finds drawings of the validation photos, how many of them G ended by itself (%), and the likelihood."""
    pairs, numbers = validation.pairs, stream_seed(seed, "generator/validation")
    rows = np.tile(np.arange(len(pairs)), VALIDATION_DRAWINGS)
    drawn = draw_sketches(
        model, pairs.photos, rows, 0, temperature=VALIDATION_TEMPERATURE, seed=numbers, compute=compute
    )
    found = validation.retrieval.generated_scores(validation.judge, drawn.strokes)
    scores = {f"generated_{name}": value for name, value in found.items()}
    likelihood = validation_likelihood(compute, model, pairs)
    return {**scores, "ended": 100 * float(drawn.ended.mean()), "validation_likelihood": likelihood}


def validation_likelihood(compute: Compute, model: AnyGenerator, pairs: SequencePairs | CoveragePairs) -> float:
    """Mean log likelihood of every sketch of ``pairs``: a row of its sequence, z at the mean of its distribution, or a
    pixel of the photo's contours.
    """
    truth, values = pairs.truth, list[Tensor]()
    photos: Any
    with compute.scoring(model):
        for start in range(0, len(truth), BATCH):
            drawn = np.arange(start, min(start + BATCH, len(truth)))
            photos, sketches = pairs.pair(truth[drawn], drawn)
            photos, sketches = photos.to(compute.device), sketches.to(compute.device)
            if isinstance(model, ContourGenerator):
                values.append(-choice_loss(model(photos), sketches, photos))
                continue
            sketches[..., :2] /= model.offset_scale
            output = model(photos, sketches, torch.zeros(len(drawn), model.to_mu.out_features, device=compute.device))
            lengths = sequence_lengths(sketches)
            values.append(-reconstruction_loss(output.mixture, output.pen_logits, sketches, lengths))
    return float(torch.cat(values).mean())

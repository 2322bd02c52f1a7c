"""Supervised training of G on the labelled pairs (paper 1, section 3.2; Eqs. 2 and 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.generator.contour_model import ContourGenerator, choice_loss
from fgsbir.generator.coverage import CoveragePairs
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.generator.losses import kl_loss, reconstruction_loss
from fgsbir.generator.pairs import SequencePairs
from fgsbir.generator.sequences import pad_sequences
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import PairBatch, PairStream, prefetch
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import stream, stream_seed, torch_stream

VALIDATION_TEMPERATURE = 0.4
# Drawings of each validation photo: of one, chance chooses the epoch.
VALIDATION_DRAWINGS = 2
BATCH = 128
# Share of a contour chooser's hidden numbers that a batch loses.
DROPOUT = 0.2


class Phase(NamedTuple):
    """A part of G's training: how many steps it takes on batches of :class:`~fgsbir.generator.pairs.SequencePairs`."""

    stream: PairStream
    steps: int


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
    compute: Compute,
    model: AnyGenerator,
    batch: PairBatch,
    *,
    jitter: float,
    kl_floor: float,
    seed: int,
    step: int,
) -> tuple[Tensor, Tensor]:
    """L_R and L_kl of Eq. 3 over the pairs of all processes, float32 scalars equal on each of them.

    ``batch.sketch`` float32 (n, T, 5) has offsets in canvas pixels; every point is moved by normal noise of ``jitter``
    pixels. The random numbers are those of (seed, step) and of a pair's place in the global batch.
    """
    if isinstance(model, ContourGenerator):
        return _choice_losses(compute, model, batch, seed=seed, step=step)
    n, steps, device = len(batch.rows), batch.sketch.shape[1], compute.device
    mine = slice(compute.rank * n, (compute.rank + 1) * n)
    longest = max(steps, model.form.max_points + 1)
    moves = stream(seed, "generator/jitter", step).normal(0, jitter, (n * compute.world, longest, 2))[mine, :steps]
    noise = torch.randn(
        n * compute.world, model.to_mu.out_features, generator=torch_stream(seed, "generator/latent", step)
    )[mine]
    sequences = jittered(batch.sketch, torch.from_numpy(moves).float())
    lengths = sequence_lengths(sequences).to(device, non_blocking=True)
    sequences = sequences.to(device, non_blocking=True)
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
    phases: Sequence[Phase],
    validation: GeneratorValidation,
    settings: GeneratorSettings,
    *,
    scratch: Scratch,
) -> list[Row]:
    """Train ``model`` in place, one phase after the other, and leave it at its best epoch on the validation photos.

    ``settings.select`` says what is best: ``retrieval`` is how often the judge finds a validation photo from its
    drawing, which goes on rising after the ``likelihood`` has begun to fall. One learning rate schedule spans all
    phases. Errors and resuming as in :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=1e-4, fused=True)
    seed, total = phases[0].stream.seed, sum(phase.steps for phase in phases)

    def place_of(step: int) -> tuple[PairStream, int]:
        """The stream that a step learns from, and the step's number in it."""
        for pairs, steps in phases:
            if step < steps:
                return pairs, step
            step -= steps
        raise IndexError(step)

    def batch_of(step: int) -> PairBatch:
        pairs, number = place_of(step)
        return pairs.batch(number)

    def photo_ids_of(step: int) -> list[str]:
        pairs, number = place_of(step)
        return pairs.photo_ids(number)

    with Run(
        "generator",
        compute,
        scratch,
        steps=total,
        epoch_steps=settings.validate_every,
        log_interval=settings.log_interval,
        parts={"model": model, "optimizer": optimizer},
        selected={"model": model},
        describe=photo_ids_of,
    ) as run:
        for step, batch in prefetch(batch_of, run.first, total):
            model.train()
            set_rate(optimizer, warmup_cosine(step, total, settings.learning_rate))
            reconstruction, divergence = generator_losses(
                compute, model, batch, jitter=settings.point_jitter, kl_floor=settings.kl_floor, seed=seed, step=step
            )
            # Eq. 3, with sketch-RNN's annealing of the divergence from 1 % to its full weight.
            annealed = settings.kl_weight * min(1.0, max(0.01, step / max(1, settings.kl_anneal_steps)))
            loss = reconstruction + annealed * divergence
            optimizer.zero_grad()
            loss.backward()
            compute.sum_gradients(model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.grad_clip)
            optimizer.step()
            run.step_done(step, {"reconstruction": reconstruction, "divergence": divergence})

            if run.epoch_ends(step):
                scores = validation_scores(compute, model, validation, seed)
                best = "generated_mean_reciprocal_rank" if settings.select == "retrieval" else "validation_likelihood"
                run.epoch_done(step, scores, score=scores[best])
    return run.rows


def validation_scores(
    compute: Compute, model: AnyGenerator, validation: GeneratorValidation, seed: int
) -> dict[str, float]:
    """How F finds drawings of the validation photos, how many of them G ended by itself (%), and the likelihood."""
    pairs = validation.pairs
    rows = np.tile(np.arange(len(pairs)), VALIDATION_DRAWINGS)
    drawn = draw_sketches(
        model,
        pairs.photos,
        rows,
        0,
        temperature=VALIDATION_TEMPERATURE,
        seed=stream_seed(seed, "generator/validation"),
        compute=compute,
    )
    found = validation.retrieval.generated_scores(validation.judge, drawn.strokes)
    scores = {f"generated_{name}": value for name, value in found.items()}
    likelihood = validation_likelihood(compute, model, pairs)
    return {**scores, "ended": 100 * float(drawn.ended.mean()), "validation_likelihood": likelihood}


def validation_likelihood(compute: Compute, model: AnyGenerator, pairs: SequencePairs | CoveragePairs) -> float:
    """Mean log likelihood of every sketch of ``pairs``: a row of its sequence, z at the mean of its distribution, or a
    pixel of the photo's contours.
    """
    counts = pairs.sketches_of(np.arange(len(pairs)))
    rows = np.repeat(np.arange(len(pairs)), counts)
    choices = np.concatenate([np.arange(count) for count in counts])
    values = []
    with compute.scoring(model):
        for start in range(0, len(rows), BATCH):
            part = slice(start, start + BATCH)
            if isinstance(model, ContourGenerator):
                assert isinstance(pairs, CoveragePairs)
                photos, covered = pairs.pair(rows[part], choices[part])
                photos = photos.to(compute.device)
                values.append(-choice_loss(model(photos), covered.to(compute.device), photos))
                continue
            assert isinstance(pairs, SequencePairs)
            sequences = torch.from_numpy(pad_sequences(pairs.all_sketches[part])).to(compute.device)
            sequences[..., :2] /= model.offset_scale
            noise = torch.zeros(len(sequences), model.to_mu.out_features, device=compute.device)
            output = model(pairs.photos(rows[part]).to(compute.device), sequences, noise)
            lengths = sequence_lengths(sequences)
            values.append(-reconstruction_loss(output.mixture, output.pen_logits, sequences, lengths))
    return float(torch.cat(values).mean())

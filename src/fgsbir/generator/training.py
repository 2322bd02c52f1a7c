"""Supervised training of G on the labelled pairs (paper 1, section 3.2; Eqs. 2 and 3)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.data.augmentation import change_photos
from fgsbir.data.pairs import PairBatch, PairSet, PairStream, prefetch
from fgsbir.data.pixels import photo_tensor
from fgsbir.data.records import DataError
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.losses import kl_loss, reconstruction_loss
from fgsbir.generator.model import Generator
from fgsbir.generator.sequences import pad_sequences
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.processes import gather_live, step_generator, sum_gradients
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine

VALIDATION_TEMPERATURE = 0.4
# Drawings of each validation photo: of one, chance chooses the epoch.
VALIDATION_DRAWINGS = 4


class Phase(NamedTuple):
    """A part of G's training: how many steps it takes on which pairs."""

    stream: PairStream
    steps: int


def sequence_batch(
    batch: PairBatch, model: Generator, moves: np.ndarray, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """The batch's sketches as scaled sequences float32 (n, T, 5), cut to the longest, and their lengths int64 (n,).

    ``moves`` (n, max_points, 2) are added to their points, in canvas pixels.
    """
    drawn = [strokes.copy() for strokes in batch.strokes]
    for strokes, move in zip(drawn, moves, strict=True):
        strokes[:, :2] += move[: len(strokes)]
    padded, lengths = pad_sequences(drawn, 1.0, model.max_points)
    sequences = torch.from_numpy(padded[:, : lengths.max()]).to(device, non_blocking=True)
    # Scaled there: asking the device for its scale would be a wait in every step.
    sequences[..., :2] /= model.offset_scale
    return sequences, torch.from_numpy(lengths).to(device, non_blocking=True)


def generator_losses(
    fabric: Fabric,
    model: Generator,
    batch: PairBatch,
    *,
    jitter: float,
    kl_floor: float,
    seed: int,
    step: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """L_R and L_kl of Eq. 3 over the pairs of all processes, float32 scalars equal on each of them.

    Every point is moved by normal noise of ``jitter`` canvas pixels. The random numbers are those of
    (seed, step) and of a pair's place in the global batch.
    """
    everyone, n = len(batch.rows) * fabric.world_size, len(batch.rows)
    mine = slice(fabric.global_rank * n, (fabric.global_rank + 1) * n)
    moves = np.random.default_rng([seed, 7, step]).normal(0, jitter, (everyone, model.max_points, 2))[mine]
    noise = torch.randn(everyone, model.to_mu.out_features, generator=step_generator(seed, step))[mine]
    noise = noise.to(fabric.device)
    sequences, lengths = sequence_batch(batch, model, moves, fabric.device)
    photos = change_photos(photo_tensor(torch.from_numpy(batch.photos).to(fabric.device)), batch.changes)
    with fabric.autocast():
        output = model(photos, sequences, noise)
    reconstruction = reconstruction_loss(output.mixture, output.pen_logits, sequences, lengths)
    divergence = kl_loss(gather_live(fabric, output.mu), gather_live(fabric, output.log_sigma), kl_floor)
    return gather_live(fabric, reconstruction).mean(), divergence


def train_generator(
    fabric: Fabric,
    model: Generator,
    phases: Sequence[Phase],
    validation: RetrievalValidation,
    validation_pairs: PairSet,
    judge: RetrievalModel,
    *,
    jitter: float,
    learning_rate: float,
    kl_weight: float,
    kl_floor: float,
    kl_anneal_steps: int,
    grad_clip: float,
    select: str,
    validate_every: int,
    log_interval: int,
    scratch: Scratch,
) -> list[Row]:
    """Train ``model`` in place, one phase after the other, and leave it at its best epoch on the validation photos.

    The sketches of ``phases`` and ``validation_pairs`` are those that G reads
    (:func:`fgsbir.generator.sequences.sequence_pairs`); ``validation`` holds the ones that F sees. ``select`` is
    ``retrieval`` (how often ``judge``, the supervised F, finds a validation photo from its generated sketch,
    which goes on rising after the likelihood has begun to fall) or ``likelihood``. One learning rate schedule
    spans all phases. Errors and resuming as in :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-4, fused=True)
    seed = phases[0].stream.seed
    total = sum(phase.steps for phase in phases)

    repeated = np.concatenate([validation_pairs.pixels[np.arange(len(validation_pairs))]] * VALIDATION_DRAWINGS)

    def place_of(step: int) -> tuple[PairStream, int]:
        """The stream that a step learns from, and the step's number in it."""
        for stream, steps in phases:
            if step < steps:
                return stream, step
            step -= steps
        raise IndexError(step)

    def batch_of(step: int) -> PairBatch:
        stream, number = place_of(step)
        return stream.batch(number)

    def photo_ids_of(step: int) -> list[str]:
        stream, number = place_of(step)
        return stream.photo_ids(number)

    with Run(
        "generator",
        fabric,
        scratch,
        steps=total,
        epoch_steps=validate_every,
        log_interval=log_interval,
        parts={"model": model, "optimizer": optimizer},
        selected={"model": model},
        describe=photo_ids_of,
    ) as run:
        for step, batch in prefetch(batch_of, run.first, total):
            model.train()
            set_rate(optimizer, warmup_cosine(step, total, learning_rate))
            reconstruction, divergence = generator_losses(
                fabric, model, batch, jitter=jitter, kl_floor=kl_floor, seed=seed, step=step
            )
            # Eq. 3, with sketch-RNN's annealing of the divergence from 1 % to its full weight.
            annealed = kl_weight * min(1.0, max(0.01, step / max(1, kl_anneal_steps)))
            loss = reconstruction + annealed * divergence
            optimizer.zero_grad()
            loss.backward()
            sum_gradients(fabric, model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
            optimizer.step()
            run.step_done(step, {"reconstruction": reconstruction, "divergence": divergence})

            if run.epoch_ends(step):
                sketches = draw_sketches(
                    model,
                    repeated,
                    temperature=VALIDATION_TEMPERATURE,
                    seed=seed,
                    batch=128,
                    device=fabric.device,
                    precision=validation.precision,
                )
                found = validation.generated_scores(judge, sketches.strokes)
                scores = {f"generated_{name}": value for name, value in found.items()}
                scores["ended"] = 100 * float(sketches.ended.mean())
                scores["validation_likelihood"] = validation_likelihood(fabric, model, validation_pairs)
                score = found["mean_reciprocal_rank"] if select == "retrieval" else scores["validation_likelihood"]
                run.epoch_done(step, scores, score=score)
    return run.rows


@torch.no_grad()
def validation_likelihood(fabric: Fabric, model: Generator, pairs: PairSet) -> float:
    """Mean log likelihood a row of every validation sketch, z at the mean of its distribution."""
    rows = [(row, strokes) for row, choice in enumerate(pairs.sketches) for strokes in choice]
    model.eval()
    values = []
    for start in range(0, len(rows), 128):
        part = rows[start : start + 128]
        sequences, lengths = pad_sequences(
            [strokes for _, strokes in part], float(model.offset_scale), model.max_points
        )
        photos = photo_tensor(torch.from_numpy(pairs.pixels[np.array([row for row, _ in part])]).to(fabric.device))
        target, ends = torch.from_numpy(sequences).to(fabric.device), torch.from_numpy(lengths).to(fabric.device)
        with fabric.autocast():
            output = model(photos, target, torch.zeros(len(part), model.to_mu.out_features, device=fabric.device))
        values.append(-reconstruction_loss(output.mixture, output.pen_logits, target, ends))
    return float(torch.cat(values).mean())


def start_encoder(generator: Generator, retrieval: RetrievalModel) -> int:
    """Give G's encoder the weights of F's backbone where both have a tensor of the same name and shape.

    A few hundred pairs teach an encoder little of what a drawing shows of a photo; F has learned
    it already. Returns how many tensors were taken. Raises DataError if there is none.
    """
    own, other = generator.encoder.state_dict(), retrieval.backbone.state_dict()
    taken = {name: tensor for name, tensor in other.items() if name in own and own[name].shape == tensor.shape}
    if not taken:
        raise DataError(
            "encoder_start: retrieval needs the same backbone in pretrain_retrieval and pretrain_generator; "
            "no tensor of the two has the same name and shape"
        )
    generator.encoder.load_state_dict(own | taken)
    return len(taken)

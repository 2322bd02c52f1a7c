"""Training of D_C, which tells real pairs from pseudo pairs (paper 1, section 3.3; Eq. 5)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.certainty.discriminator import Discriminator
from fgsbir.certainty.loss import discriminator_loss
from fgsbir.data.pairs import PairBatch, PairSet, PairStream, prefetch
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.processes import gather_live, sum_gradients
from fgsbir.runtime.run import Row, Run

Fakes = Literal["generated", "mismatched", "both"]


def batch_logits(fabric: Fabric, model: Discriminator, photos: torch.Tensor, batch: PairBatch) -> torch.Tensor:
    """Patch logits of an augmented batch, whose ``photos`` are given, from all processes, (world * n, h, w)."""
    rasters = batch.sketch_images(fabric.device)
    with fabric.autocast():
        logits = model(photos, rasters[:, :1])
    return gather_live(fabric, logits.float())


def discriminator_step(
    fabric: Fabric,
    model: Discriminator,
    optimizer: torch.optim.Optimizer,
    real: PairBatch,
    fakes: Sequence[PairBatch],
) -> torch.Tensor:
    """One step of Eq. 5: real labelled pairs against the pairs of ``fakes``; returns the scalar loss."""
    model.train()
    # One after the other: a CPU is slower at all of them at once.
    photos = real.photo_images(fabric.device)
    real_logits = batch_logits(fabric, model, photos, real)
    fake_logits = [
        # Mismatched pairs show the photos of the real ones.
        batch_logits(fabric, model, photos if fake.photos is real.photos else fake.photo_images(fabric.device), fake)
        for fake in fakes
    ]
    loss = discriminator_loss(real_logits, torch.cat(fake_logits))
    optimizer.zero_grad()
    loss.backward()
    sum_gradients(fabric, model)
    optimizer.step()
    return loss


def fake_batches(fakes: Fakes, real: PairBatch, generated: Sequence[PairStream], step: int) -> list[PairBatch]:
    """What D_C learns to tell from ``real`` at ``step``: ``generated`` pairs (Eq. 5), ``real`` mismatched, or both."""
    drawn = [] if fakes == "mismatched" else [stream.batch(step) for stream in generated]
    return drawn if fakes == "generated" else [*drawn, mismatched(real)]


def mismatched(batch: PairBatch) -> PairBatch:
    """The photos of a batch, each with the sketch of another one, of the same category where there is one.

    People's sketches all, so that D_C cannot tell these from real pairs by the hand, but only by what they show.
    """
    order = np.argsort(batch.categories, kind="stable")
    partner = np.empty_like(order)
    partner[order] = np.roll(order, 1)
    strokes = [batch.strokes[row] for row in partner]
    return replace(batch, strokes=strokes, rasters=batch.rasters[partner], choices=batch.choices[partner])


def train_discriminator(
    fabric: Fabric,
    model: Discriminator,
    real: PairStream,
    generated: Sequence[PairSet],
    *,
    fakes: Fakes,
    steps: int,
    learning_rate: float,
    validate_every: int,
    log_interval: int,
    scratch: Scratch,
) -> list[Row]:
    """Warm D_C up before the first round of joint training, in place; returns the curve.

    ``generated`` are photos with generated sketches, labelled photos as well as unlabelled ones: shown
    unlabelled photos alone as fakes, D_C could tell the photos apart and never look at the sketch.
    ``fakes`` as in :func:`fake_batches`.
    There is nothing to select by, so the last epoch is kept. Errors and resuming as in
    :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, betas=(0.5, 0.999), fused=True)
    with Run(
        "discriminator",
        fabric,
        scratch,
        steps=steps,
        epoch_steps=validate_every,
        log_interval=log_interval,
        parts={"model": model, "optimizer": optimizer},
        selected={"model": model},
        describe=real.photo_ids,
    ) as run:
        streams = [replace(real, pairs=pairs, salt=real.salt + 10 + row) for row, pairs in enumerate(generated)]

        def batches_of(step: int) -> tuple[PairBatch, list[PairBatch]]:
            pairs = real.batch(step)
            return pairs, fake_batches(fakes, pairs, streams, step)

        for step, (pairs, others) in prefetch(batches_of, run.first, steps):
            loss = discriminator_step(fabric, model, optimizer, pairs, others)
            run.step_done(step, {"discriminator": loss})
            if run.epoch_ends(step):
                run.epoch_done(step, {}, score=step)
    return run.rows

"""Training of D_C, which tells real pairs from pseudo pairs (paper 1, section 3.3; Eq. 5)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from fgsbir.certainty.discriminator import Discriminator
from fgsbir.retrieval.pairs import PairBatch, PairStream
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.prefetch import prefetch
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.streams import torch_stream

Fakes = Literal["generated", "mismatched", "both"]


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E[log D(real)] - E[log(1 - D(fake))] from patch logits of any shape: a scalar. Paper 1, Eq. 5.

    Each expectation is a mean of its own, so the balance does not depend on how many there are of each.
    """
    # -log sigmoid(x) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(x), without overflow.
    return functional.softplus(-real_logits.float()).mean() + functional.softplus(fake_logits.float()).mean()


def discriminator_step(
    compute: Compute,
    model: Discriminator,
    optimizer: Optimizer,
    real: PairBatch,
    fakes: Sequence[PairBatch],
    generator: torch.Generator,
) -> Tensor:
    """One step of Eq. 5: real labelled pairs against the pairs of ``fakes``, of all processes; the scalar loss.

    ``generator`` chooses the channels that are hidden, the same ones for all pairs.
    """
    model.train()
    keep, logits = model.kept_channels(generator), []
    for batch in (*fakes, real):
        with compute.autocast():
            found = model(batch.photo.to(compute.device), batch.sketch.to(compute.device), keep)
        logits.append(compute.gather(found))
    loss = discriminator_loss(logits[-1], torch.cat(logits[:-1]))
    compute.descend(optimizer, model, loss)
    return loss


def fake_batches(fakes: Fakes, real: PairBatch, generated: Sequence[PairStream], step: int) -> list[PairBatch]:
    """What D_C learns to tell from ``real`` at ``step``: ``generated`` pairs (Eq. 5), ``real`` mismatched, or both."""
    drawn = [] if fakes == "mismatched" else [stream.batch(step) for stream in generated]
    return drawn if fakes == "generated" else [*drawn, mismatched(real)]


def mismatched(batch: PairBatch) -> PairBatch:
    """The photos of a batch, at least two, each with the sketch of another one: of its category, but for one of each.

    People's sketches all, so that D_C cannot tell these from real pairs by the hand, but only by what they show.
    """
    order = np.lexsort([batch.rows, batch.categories])
    first = np.diff(batch.rows[order], prepend=-1) != 0  # of the pairs that show one photo
    partner = np.empty_like(order)
    partner[order] = order[np.flatnonzero(first)[np.cumsum(first) - 1] - 1]
    return batch._replace(sketch=batch.sketch[torch.from_numpy(partner)], drawn=batch.drawn[partner])


def discriminator_optimizer(model: Discriminator, learning_rate: float) -> Optimizer:
    """pix2pix's Adam."""
    return torch.optim.Adam(model.parameters(), lr=learning_rate, betas=(0.5, 0.999), fused=True)


def train_discriminator(
    compute: Compute,
    model: Discriminator,
    real: PairStream,
    generated: Sequence[PairStream],
    *,
    fakes: Fakes,
    steps: int,
    learning_rate: float,
    validate_every: int,
    log_interval: int,
    scratch: Scratch,
) -> list[Row]:
    """Warm D_C up before the first round of joint training, in place; returns the curve.

    ``generated`` show labelled photos as well as unlabelled ones: of the latter alone, D_C could tell the photos apart
    and never look at the sketch. ``fakes`` as in :func:`fake_batches`. The last epoch is kept. Errors and resuming as
    in :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    optimizer = discriminator_optimizer(model, learning_rate)

    def batches_of(step: int) -> tuple[PairBatch, list[PairBatch]]:
        pairs = real.batch(step)
        return pairs, fake_batches(fakes, pairs, generated, step)

    with Run(
        "discriminator",
        compute,
        scratch,
        steps=steps,
        epoch_steps=validate_every,
        log_interval=log_interval,
        parts={"model": model, "optimizer": optimizer},
        describe=real.photo_ids,
    ) as run:
        for step, (pairs, others) in prefetch(batches_of, run.first, steps):
            chance = torch_stream(real.seed, "pseudo/channels", step)
            loss = discriminator_step(compute, model, optimizer, pairs, others, chance)
            run.step_done(step, {"discriminator": loss})
            if run.epoch_ends(step):
                run.epoch_done(step, {}, score=step)
    return run.rows

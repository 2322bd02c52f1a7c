"""Supervised training of F on the labelled pairs (paper 1, section 3.3; Eq. 4)."""

import torch
from lightning_fabric import Fabric

from fgsbir.data.pairs import PairBatch, PairStream, prefetch
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.processes import gather_live, step_generator, sum_gradients
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine


def retrieval_loss(
    fabric: Fabric,
    model: RetrievalModel,
    batch: PairBatch,
    objective: RetrievalObjective,
    *,
    generator: torch.Generator,
) -> torch.Tensor:
    """The mean objective over the pairs of all processes, a float32 scalar equal on each of them."""
    photos, sketches = batch.images(fabric.device)
    with fabric.autocast():
        embedded = model(torch.cat([sketches, photos]))
    sketch, photo = embedded.float().chunk(2)
    rows = torch.from_numpy(batch.rows).to(fabric.device)
    categories = torch.from_numpy(batch.categories).to(fabric.device)
    return objective(
        gather_live(fabric, sketch),
        gather_live(fabric, photo),
        gather_live(fabric, rows),
        gather_live(fabric, categories),
        generator,
    ).mean()


def train_retrieval(
    fabric: Fabric,
    model: RetrievalModel,
    stream: PairStream,
    validation: RetrievalValidation,
    objective: RetrievalObjective,
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float,
    validate_every: int,
    log_interval: int,
    scratch: Scratch,
) -> list[Row]:
    """Train ``model`` in place and leave it at its best epoch on the validation photos.

    An epoch is ``validate_every`` steps. Returns the curve, one row an epoch. Raises
    TrainingDiverged on a NaN or infinite loss and TrainingInterrupted after SIGINT or SIGTERM;
    either way ``scratch`` holds the last good state, from which the same call goes on.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    with Run(
        "retrieval",
        fabric,
        scratch,
        steps=steps,
        epoch_steps=validate_every,
        log_interval=log_interval,
        parts={"model": model, "optimizer": optimizer},
        selected={"model": model},
        describe=stream.photo_ids,
    ) as run:
        for step, batch in prefetch(stream.batch, run.first, steps):
            model.train()
            set_rate(optimizer, warmup_cosine(step, steps, learning_rate))
            loss = retrieval_loss(fabric, model, batch, objective, generator=step_generator(stream.seed, step))
            optimizer.zero_grad()
            loss.backward()
            sum_gradients(fabric, model)
            optimizer.step()
            run.step_done(step, {"retrieval": loss})

            if run.epoch_ends(step):
                scores = validation.scores(model)
                run.epoch_done(step, scores, score=scores["mean_reciprocal_rank"])
    return run.rows

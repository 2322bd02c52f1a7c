"""Training of the sketch classifier, whose features and guesses judge generated sketches and nothing else."""

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.nn import functional

from fgsbir.data.pairs import PairStream, prefetch
from fgsbir.data.pixels import raster_tensor, sketch_rasters
from fgsbir.evaluation.sketch_classifier import SketchClassifier
from fgsbir.retrieval.embedding import scoring
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.processes import gather_live, sum_gradients
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine


def train_sketch_classifier(
    fabric: Fabric,
    model: SketchClassifier,
    stream: PairStream,
    held_out: tuple[list[np.ndarray], np.ndarray],
    *,
    steps: int,
    learning_rate: float,
    validate_every: int,
    log_interval: int,
    precision: str,
    scratch: Scratch,
) -> list[Row]:
    """Train ``model`` in place to name the class of a sketch; left at its best epoch on ``held_out``.

    ``held_out`` is (sketches, classes int64 (n,)); where it is empty the last epoch is kept.
    Errors and resuming as in :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01, fused=True)
    held_rasters = torch.from_numpy(sketch_rasters(held_out[0], model.image_size, stream.line_width)).to(fabric.device)
    classes = torch.from_numpy(held_out[1])
    with Run(
        "sketch classifier",
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
            rasters = torch.from_numpy(batch.rasters).to(fabric.device)
            with fabric.autocast():
                logits = model(raster_tensor(rasters)).float()
            target = torch.from_numpy(batch.categories).to(fabric.device)
            loss = gather_live(fabric, functional.cross_entropy(logits, target, reduction="none")).mean()
            optimizer.zero_grad()
            loss.backward()
            sum_gradients(fabric, model)
            optimizer.step()
            run.step_done(step, {"classification": loss})

            if run.epoch_ends(step):
                scores = {}
                if len(classes):
                    with scoring(model, fabric.device, precision):
                        guess = model(raster_tensor(held_rasters)).argmax(1).cpu()
                    scores["validation_accuracy"] = 100 * float((guess == classes).float().mean())
                run.epoch_done(step, scores, score=scores.get("validation_accuracy", float(step)))
    return run.rows

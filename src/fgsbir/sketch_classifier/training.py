"""Training of the sketch classifier, whose features and guesses judge generated sketches and nothing else."""

import numpy as np
import torch
from torch.nn import functional

from fgsbir.data.augmentation import change_sketches, draw_changes
from fgsbir.data.pixels import raster_tensor, sketch_rasters
from fgsbir.data.rasterise import rasterise_batch
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.prefetch import prefetch
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import stream
from fgsbir.sketch_classifier.classes import SketchClasses
from fgsbir.sketch_classifier.model import SketchClassifier


def train_sketch_classifier(
    compute: Compute,
    model: SketchClassifier,
    data: SketchClasses,
    *,
    batch_size: int,
    steps: int,
    learning_rate: float,
    line_width: float,
    augment: float,
    seed: int,
    validate_every: int,
    log_interval: int,
    scratch: Scratch,
) -> list[Row]:
    """Train ``model`` in place to name the class of a sketch; left at its best epoch on the held-out sketches.

    Where none are held out the last epoch is kept. Every process takes the same steps: the network is too small to
    share. Errors and resuming as in :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01, fused=True)
    held_out = torch.from_numpy(sketch_rasters(data.held_out, model.image_size, line_width))

    def rows_of(step: int) -> np.ndarray:
        return stream(seed, "sketch_classifier/rows", step).integers(0, len(data.sketches), batch_size)

    def rasters_of(step: int) -> np.ndarray:
        changes = draw_changes(stream(seed, "sketch_classifier/changes", step), batch_size, augment)
        changed = change_sketches([data.sketches[row] for row in rows_of(step)], changes)
        return rasterise_batch(changed, model.image_size, line_width)

    with Run(
        "sketch classifier",
        compute,
        scratch,
        steps=steps,
        epoch_steps=validate_every,
        log_interval=log_interval,
        parts={"model": model, "optimizer": optimizer},
        selected={"model": model},
        describe=lambda step: [f"sketch {row}" for row in rows_of(step)],
    ) as run:
        for step, rasters in prefetch(rasters_of, run.first, steps):
            model.train()
            set_rate(optimizer, warmup_cosine(step, steps, learning_rate))
            with compute.autocast():
                logits = model(raster_tensor(torch.from_numpy(rasters).to(compute.device))).float()
            classes = torch.from_numpy(data.classes[rows_of(step)]).to(compute.device)
            loss = functional.cross_entropy(logits, classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.step_done(step, {"classification": loss})
            if run.epoch_ends(step) and len(held_out):
                with compute.scoring(model):
                    guess = model(raster_tensor(held_out.to(compute.device))).argmax(1).cpu()
                right = guess == torch.from_numpy(data.held_out_classes)
                accuracy = 100 * float(right.float().mean())
                run.epoch_done(step, {"validation_accuracy": accuracy}, score=accuracy)
            elif run.epoch_ends(step):
                run.epoch_done(step, {}, score=step)
    return run.rows

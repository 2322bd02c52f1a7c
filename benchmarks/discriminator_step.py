"""A training step of D_C against bare forward and backward passes of the same network, loss and precision."""

from collections.abc import Callable
from dataclasses import replace

import torch

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.training import NoCheckpoint, ready
from benchmarks.workload import Workload
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.certainty.loss import discriminator_loss
from fgsbir.certainty.training import fake_batches, train_discriminator
from fgsbir.data.augmentation import change_sketches_jointly
from fgsbir.runtime.processes import place, seed_weights


def prepare(work: Workload) -> Callable[[], Measured]:
    """Steps on batches that are ready; human sketches stand in for G's in the two batches of fakes."""
    settings, size, device = work.params.pseudo, work.params.pretrain_generator.image_size, work.fabric.device
    seed_weights(work.params.seed, "discriminator")
    features = settings.discriminator_input == "features"
    model = Discriminator(
        image_size=size,
        width=settings.discriminator_width,
        backbone=work.params.pretrain_retrieval.backbone if features else None,
    )
    place(work.fabric, model)
    pairs = work.pairs(size)
    stream = replace(
        ready(work.stream()), pairs=pairs, batch_size=settings.batch_size, salt=4, change=change_sketches_jointly
    )

    def train() -> None:
        train_discriminator(
            work.fabric,
            model,
            stream,
            [pairs, pairs],
            fakes=settings.discriminator_fakes,
            steps=work.steps,
            learning_rate=settings.discriminator_learning_rate,
            validate_every=work.steps,
            log_interval=work.params.runtime.log_interval,
            scratch=NoCheckpoint(),
        )

    batch = stream.batch(0)
    photos, sketches = batch.images(device)
    rasters = sketches[:, :1].contiguous()
    shown = 1 + len(fake_batches(settings.discriminator_fakes, batch, [stream, stream], 0))

    def passes() -> None:
        for _ in range(work.steps):
            with work.fabric.autocast():
                real, *fakes = (model(photos, rasters) for _ in range(shown))
            loss = discriminator_loss(real, torch.cat(fakes))
            model.zero_grad()
            loss.backward()

    return lambda: alternate(train, passes, device=device, times=2)


RATIO = Ratio("training step of D_C / forward and backward", 0.95, prepare, on_cuda=True)

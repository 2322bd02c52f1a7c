"""A training step of G against bare forward and backward passes of the same network, loss and precision."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.training import NoCheckpoint, NoValidation, ready
from benchmarks.workload import Workload
from fgsbir.data.augmentation import change_photos, change_sketches_jointly
from fgsbir.data.pairs import PairSet
from fgsbir.data.pixels import photo_tensor
from fgsbir.generator.losses import kl_loss, reconstruction_loss
from fgsbir.generator.model import Generator
from fgsbir.generator.sequences import offset_scale, pad_sequences, sequence_pairs
from fgsbir.generator.training import Phase, train_generator
from fgsbir.runtime.processes import place, seed_weights


def build_generator(work: Workload, pairs: PairSet) -> Generator:
    """G, untrained, scaled for the simplified sketches of ``pairs``."""
    settings = work.params.pretrain_generator
    seed_weights(work.params.seed, "generator")
    model = Generator(
        backbone=settings.backbone,
        latent=settings.latent,
        hidden=settings.hidden,
        mixtures=settings.mixtures,
        attention=settings.attention,
        attention_width=settings.attention_width,
        pen_position=settings.pen_position,
        max_points=settings.max_points,
        image_size=settings.image_size,
    )
    model.offset_scale = torch.tensor(offset_scale([strokes for choice in pairs.sketches for strokes in choice]))
    place(work.fabric, model)
    return model


def prepare(work: Workload) -> Callable[[], Measured]:
    """Steps on batches that are ready, against passes on tensors that lie on the device."""
    settings, fabric, device = work.params.pretrain_generator, work.fabric, work.fabric.device
    pairs = sequence_pairs(
        work.pairs(settings.image_size),
        tolerance=settings.simplify,
        max_points=settings.max_points,
        reorder=settings.reorder,
    )
    model = build_generator(work, pairs)
    judge, _ = work.retrieval()
    stream = replace(
        ready(work.stream()), pairs=pairs, batch_size=settings.batch_size, salt=2, change=change_sketches_jointly
    )
    # The trainer draws its validation photos once: of a single one.
    single = PairSet(pairs.photo_ids[:1], pairs.categories[:1], pairs.pixels[np.array([0])], pairs.sketches[:1])

    def train() -> None:
        train_generator(
            fabric,
            model,
            [Phase(stream, work.steps)],
            NoValidation(work.params.precision),
            single,
            judge,
            jitter=settings.point_jitter,
            learning_rate=settings.learning_rate,
            kl_weight=settings.kl_weight,
            kl_floor=settings.kl_floor,
            kl_anneal_steps=settings.kl_anneal_steps,
            grad_clip=settings.grad_clip,
            select=settings.select,
            validate_every=work.steps,
            log_interval=work.params.runtime.log_interval,
            scratch=NoCheckpoint(),
        )

    # As many batches as steps: how long a pass takes depends on the sketches' lengths.
    inputs = []
    for step in range(work.steps):
        batch = stream.batch(step)
        photos = change_photos(photo_tensor(torch.from_numpy(batch.photos).to(device)), batch.changes)
        sequences, lengths = map(
            torch.from_numpy, pad_sequences(batch.strokes, float(model.offset_scale), model.max_points)
        )
        noise = torch.randn(len(photos), settings.latent)
        inputs.append((photos, sequences[:, : lengths.max()].to(device), lengths.to(device), noise.to(device)))

    def passes() -> None:
        for photos, sequences, lengths, noise in inputs:
            with fabric.autocast():
                output = model(photos, sequences, noise)
            loss = reconstruction_loss(output.mixture, output.pen_logits, sequences, lengths).mean()
            loss = loss + settings.kl_weight * kl_loss(output.mu, output.log_sigma, settings.kl_floor)
            model.zero_grad()
            loss.backward()

    return lambda: alternate(train, passes, device=device, times=2)


RATIO = Ratio("training step of G / forward and backward", 0.95, prepare, on_cuda=True)

"""G's sampler, with attention, against a bare loop of torch's LSTMCell of the same sizes, steps and precision."""

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.generator_step import build_generator
from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.workload import Workload
from fgsbir.data.pixels import photo_tensor
from fgsbir.retrieval.embedding import scoring

BATCH = 64


def prepare(work: Workload, precision: str) -> Callable[[], Measured]:
    """64 drawings of photos that are encoded, none of which ends early, against as many steps of the bare cell."""
    device, settings = work.fabric.device, work.params.pretrain_generator
    pairs = work.pairs(settings.image_size)
    model = build_generator(work, pairs)
    with torch.no_grad():
        # The pen never ends a drawing, so that both sides take every step with the whole batch.
        model.output_layer.bias[-1] = -1e9
    photos = photo_tensor(torch.from_numpy(pairs.pixels[np.arange(BATCH) % len(pairs)]).to(device))
    with scoring(model, device, precision):
        encoding = model.encode(photos)
    cell = torch.nn.LSTMCell(model.cell.input_size, settings.hidden, device=device)
    inputs = torch.randn(settings.max_points, BATCH, model.cell.input_size, device=device)
    start = torch.zeros(BATCH, settings.hidden, device=device)

    def sample() -> None:
        with scoring(model, device, precision), patch.object(model, "encode", return_value=encoding):
            model.sample(photos, temperature=1.0, generator=torch.Generator().manual_seed(0))

    def bare_loop() -> None:
        with scoring(cell, device, precision):
            h, c = start, start
            for step_input in inputs:
                h, c = cell(step_input, (h, c))

    return lambda: alternate(sample, bare_loop, device=device, times=6)


FLOAT32, BF16 = (
    Ratio(
        f"attention sampler, batch {BATCH}, {precision} / LSTMCell loop",
        0.45,
        partial(prepare, precision=precision),
        on_cuda=True,
    )
    for precision in ("float32", "bf16")
)

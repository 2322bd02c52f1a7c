"""G's sampler, with attention, against a bare loop of torch's LSTMCell of the same sizes, steps and precision."""

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import torch

from benchmarks.ratio import Measured, Ratio, Workload, alternate
from fgsbir.features.spec import FeatureSpec
from fgsbir.generator.model import Generator
from fgsbir.generator.sequences import SequenceForm
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import seed_weights
from pipeline.pretrain_generator import POINT_GENERATOR

BATCH, SIDE, CHANNELS = 64, 14, 88  # of the default trunk's map


def prepare(work: Workload, precision: str) -> Callable[[], Measured]:
    """64 drawings of maps that are encoded, none of which ends early, against as many steps of the bare cell."""
    settings = work.params.pretrain_generator
    compute = Compute(work.compute.device, precision)
    spec = FeatureSpec(**work.params.features.of(FeatureSpec))
    seed_weights(0, "generator")
    sizes = settings.model_dump(include=POINT_GENERATOR)
    model = Generator(spec=spec.as_json(), form=settings.of(SequenceForm), map_channels=CHANNELS, **sizes)
    compute.place(model)
    with torch.no_grad():
        # The pen never ends a drawing, so that both sides take every step with the whole batch.
        model.output_layer.bias[-1] = -1e9
    maps = torch.randn(BATCH, CHANNELS, SIDE, SIDE, device=compute.device)
    with compute.scoring(model):
        encoding = model.encode(maps)
    cell = torch.nn.LSTMCell(model.cell.input_size, settings.hidden, device=compute.device)
    inputs = torch.randn(settings.max_points, BATCH, model.cell.input_size, device=compute.device)
    start = torch.zeros(BATCH, settings.hidden, device=compute.device)

    def sample() -> None:
        with compute.scoring(model), patch.object(model, "encode", return_value=encoding):
            model.sample(maps, temperature=1.0, generator=torch.Generator().manual_seed(0))

    def bare_loop() -> None:
        with compute.scoring(cell):
            h, c = start, start
            for step_input in inputs:
                h, c = cell(step_input, (h, c))

    return lambda: alternate(sample, bare_loop, device=compute.device, times=6)


NAME = "attention sampler, batch {}, {} / LSTMCell loop"
FLOAT32, BF16 = (
    Ratio(NAME.format(BATCH, precision), 0.45, partial(prepare, precision=precision), on_cuda=True)
    for precision in ("float32", "bf16")
)

"""F's forward pass in the precision that params ask for, or its stand-in on this device, against float32."""

from collections.abc import Callable

import torch

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.workload import Workload
from fgsbir.retrieval.embedding import scoring


def prepare(work: Workload) -> Callable[[], Measured]:
    """A batch that lies on the device. Where bf16 is not multiplied by the device itself it would take twenty times."""
    device, settings = work.fabric.device, work.params.pretrain_retrieval
    model, _ = work.retrieval()
    images = torch.rand(2 * settings.batch_size, 3, settings.image_size, settings.image_size, device=device)

    def forward(precision: str) -> None:
        with scoring(model, device, precision):
            model(images)

    return lambda: alternate(lambda: forward(work.params.precision), lambda: forward("float32"), device=device, times=6)


RATIO = Ratio("forward pass of F in the precision asked for / in float32", 1.10, prepare, speed=False, on_cuda=True)

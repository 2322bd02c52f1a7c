"""Where training runs: CPU, one GPU, or several processes, through one thin layer over Fabric.

Every process computes its share of the loss of one global batch and the gradients are summed, so
N processes take the same step as one.
"""

import hashlib
import logging
import os
from typing import Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from fgsbir.runtime.precision import multiplies_bf16, working_precision

logger = logging.getLogger(__name__)

FABRIC_PRECISION = {"bf16": "bf16-mixed", "float32": "32-true"}


class Runtime(Protocol):
    """Where a run goes: ``accelerator`` is auto, cpu or cuda; ``devices`` counts processes, one a device;
    ``threads`` are the CPU threads of each, 0 for torch's default.
    """

    @property
    def accelerator(self) -> str: ...

    @property
    def devices(self) -> int: ...

    @property
    def threads(self) -> int: ...


def launch(runtime: Runtime, precision: str) -> Fabric:
    """Start (or, under torchrun, join) the processes of a run, in the :func:`working_precision` of ``precision``."""
    several = runtime.devices > 1 or "TORCHELASTIC_RUN_ID" in os.environ
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    elif several and runtime.accelerator == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // runtime.devices))
    cuda = runtime.accelerator == "cuda" or (runtime.accelerator == "auto" and torch.cuda.is_available())
    working = working_precision(precision, torch.device("cuda" if cuda else "cpu"))
    if working != precision:
        logger.warning("this processor has no %s arithmetic: it is %s that is used", precision, working)
    fabric = Fabric(
        accelerator=runtime.accelerator,
        devices=runtime.devices,
        strategy="ddp" if several else "auto",
        precision=FABRIC_PRECISION[working],  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def seed_weights(seed: int, part: str) -> None:
    """Seed torch's global generator for the initial weights of ``part``, the same on every process."""
    torch.manual_seed(int.from_bytes(hashlib.sha256(f"{seed} {part}".encode()).digest()[:4], "big"))


def place(fabric: Fabric, model: nn.Module) -> None:
    """Move a model to this process's device in the memory format that its convolutions run fastest in.

    Batch normalisation is synchronised over processes on CUDA only (torch has no CPU version); the
    default models normalise by group and need none.
    """
    model.to(fabric.device)
    if fabric.device.type == "cuda" or not multiplies_bf16(fabric.device):
        model.to(memory_format=torch.channels_last)


def gather_live(fabric: Fabric, rows: torch.Tensor) -> torch.Tensor:
    """All processes' rows (n, ...) as (world * n, ...); only this process's own carry gradients.

    A loss over the gathered rows then has, on each process, exactly the gradient of its own share,
    and summing over processes (:func:`sum_gradients`) gives the whole.
    """
    if fabric.world_size == 1:
        return rows
    gathered = fabric.all_gather(rows.detach())
    assert isinstance(gathered, torch.Tensor)  # a tensor goes in
    parts = list(gathered.reshape(fabric.world_size, *rows.shape))
    parts[fabric.global_rank] = rows
    return torch.cat(parts)


def sum_gradients(fabric: Fabric, model: nn.Module) -> None:
    """Add up the gradients of all processes, in one message."""
    if fabric.world_size == 1:
        return
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    if not gradients:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    flat = fabric.all_reduce(flat, reduce_op="sum")  # type: ignore[assignment]
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


def step_generator(seed: int, step: int, device: torch.device | str = "cpu") -> torch.Generator:
    """The random numbers of one step: a function of (seed, step), equal on every process."""
    return torch.Generator(device).manual_seed(seed * 1_000_003 + step)


def mixed_seed(*numbers: int) -> int:
    """One seed below 2 ** 32 out of several numbers >= 0, so that neighbouring ones share no random numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])

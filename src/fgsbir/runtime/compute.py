"""Where a run computes: processes, devices and precision, in one object that is handed around.

Every process computes its share of the loss of one global batch and the gradients are summed, so N processes take
the same step as one.
"""

import logging
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from fgsbir.data.records import DataError
from fgsbir.runtime.precision import multiplies_bf16, working_precision

if TYPE_CHECKING:
    from lightning_fabric import Fabric

logger = logging.getLogger(__name__)

Work = TypeVar("Work")
# Processes wait for the last shard of another, which may take a CPU hours; one that dies ends all at once.
PATIENCE = timedelta(days=1)
# Whether the agents of torchrun have the store that processes meet at.
AGENTS_STORE = "TORCHELASTIC_USE_AGENT_STORE"
FABRIC_PRECISION = {"bf16": "bf16-mixed", "float32": "32-true"}


class Compute:
    """A device, a precision (bf16 or float32), and this process's place among those that share a run.

    Without ``fabric`` it is one process. ``rank`` counts from 0 to ``world`` - 1; ``is_main`` is true on rank 0, the
    one that writes. Distances, statistics and losses are float32 in either precision.
    """

    def __init__(self, device: torch.device, precision: str = "float32", fabric: "Fabric | None" = None) -> None:
        self.device, self.precision, self._fabric = device, precision, fabric
        self.rank = fabric.global_rank if fabric else 0
        self.world = fabric.world_size if fabric else 1
        self.is_main = self.rank == 0

    @classmethod
    def alone(cls, precision: str = "float32") -> "Compute":
        """One process, on a GPU if there is one."""
        return cls(torch.device("cuda" if torch.cuda.is_available() else "cpu"), precision)

    def autocast(self) -> torch.autocast:
        """Arithmetic in this run's precision."""
        bf16 = working_precision(self.precision, self.device) == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16)

    @contextmanager
    def scoring(self, *models: nn.Module, gradients: bool = False) -> Iterator[None]:
        """Evaluation mode and :meth:`autocast`, without gradients unless asked; each model's mode is restored after."""
        modes = [model.training for model in models]
        for model in models:
            model.eval()
        try:
            with torch.set_grad_enabled(gradients), self.autocast():
                yield
        finally:
            for model, mode in zip(models, modes, strict=True):
                model.train(mode)

    def place(self, model: nn.Module) -> None:
        """Move a model to this process's device in the memory format that its convolutions run fastest in."""
        model.to(self.device)
        if self.device.type == "cuda" or not multiplies_bf16(self.device):
            model.to(memory_format=torch.channels_last)

    def gather(self, rows: Tensor) -> Tensor:
        """All processes' rows (n, ...) as (world * n, ...); only this process's own carry gradients.

        So the gradients of a loss over them, summed over the processes (:meth:`sum_gradients`), are the whole.
        """
        if self._fabric is None or self.world == 1:
            return rows
        gathered = self._fabric.all_gather(rows.detach())
        assert isinstance(gathered, Tensor)  # a tensor goes in
        parts = list(gathered.reshape(self.world, *rows.shape))
        parts[self.rank] = rows
        return torch.cat(parts)

    def summed(self, value: Tensor) -> Tensor:
        """The sum of a tensor over all processes."""
        if self._fabric is None or self.world == 1:
            return value
        reduced = self._fabric.all_reduce(value, reduce_op="sum")
        assert isinstance(reduced, Tensor)  # a tensor goes in
        return reduced

    def sum_gradients(self, model: nn.Module) -> None:
        """Add up the gradients of all processes, in one message."""
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        if self.world == 1 or not gradients:
            return
        flat = self.summed(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        for gradient, total in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def descend(self, optimizer: Optimizer, model: nn.Module, loss: Tensor, longest: float | None = None) -> None:
        """One step of ``optimizer`` down the gradient of ``loss`` in ``model``, cut to the norm ``longest``."""
        optimizer.zero_grad()
        loss.backward()
        self.sum_gradients(model)
        if longest is not None:
            nn.utils.clip_grad_norm_(model.parameters(), longest)
        optimizer.step()

    def in_turn(self, work: Sequence[Work], name: str) -> Iterator[Work]:
        """Those of ``work`` that come to this process: each process takes the next one when it is done with its last.

        ``work`` is the same in all of them, and is shared out once in a run under its ``name``.
        """
        if self.world == 1:
            yield from work
            return
        # Where torch's processes have met; there is no public call for it.
        store = distributed.PrefixStore(f"in_turn/{name}", distributed.distributed_c10d._get_default_store())
        while (turn := store.add("taken", 1) - 1) < len(work):
            yield work[turn]

    def wait_for_all(self) -> None:
        """Return when every process has come here."""
        if self._fabric is not None:
            self._fabric.barrier()


def launch(runtime: Any, precision: str) -> Compute:
    """Start (or, under torchrun, join) the processes of a run, in the :func:`working_precision` of ``precision``.

    ``runtime`` has ``accelerator`` (auto, cpu or cuda), ``devices``, a process each, and ``threads``, the CPU threads
    of each, 0 for torch's default. Under torchrun it says how many processes there are, on how many nodes. Raises
    DataError where cuda is asked for and is not there.
    """
    torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    devices = int(os.environ["LOCAL_WORLD_SIZE"]) if torchrun else runtime.devices
    nodes = int(os.environ["WORLD_SIZE"]) // devices if torchrun else 1
    several = torchrun or devices > 1
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    elif several and runtime.accelerator == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // devices))
    if runtime.accelerator == "cuda" and not torch.cuda.is_available():
        raise DataError("runtime.accelerator: cuda, and torch finds no GPU here")
    device = torch.device("cuda" if runtime.accelerator != "cpu" and torch.cuda.is_available() else "cpu")
    working = working_precision(precision, device)
    if working != precision:
        logger.warning("this processor has no %s arithmetic: %s is used", precision, working)
    if not several:
        return Compute(device, working)

    # Loaded late: it brings torch's compiler, a second or more that one process alone need not wait for.
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    fabric = Fabric(
        accelerator=runtime.accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=DDPStrategy(timeout=PATIENCE),
        precision=FABRIC_PRECISION[working],  # type: ignore[arg-type]
    )
    place = _meet_anew() if os.environ.get(AGENTS_STORE) == "True" else None
    fabric.launch()
    del place  # torch has it now
    return Compute(fabric.device, working, fabric)


def _meet_anew() -> distributed.TCPStore | None:
    """Have the processes of torchrun meet at a store that the first of them opens and returns.

    That of the agents outlives a restart. Those that restart would read there what dead ones wrote: their addresses,
    and which work they had taken.
    """
    host = os.environ["MASTER_ADDR"]
    agents = distributed.TCPStore(host, int(os.environ["MASTER_PORT"]), is_master=False, timeout=PATIENCE)
    store = None
    if os.environ["RANK"] == "0":
        store = distributed.TCPStore(host, 0, is_master=True, wait_for_workers=False, multi_tenant=True)
        agents.set("place", str(store.port))
        port = store.port
    else:
        port = _living(host, agents)
    os.environ |= {"MASTER_PORT": str(port), AGENTS_STORE: "False"}
    return store


def _living(host: str, agents: distributed.Store) -> int:
    """The port of the store that the first process has opened. That of a dead one refuses connections."""
    while True:
        port = int(agents.get("place"))
        with suppress(OSError), socket.create_connection((host, port), timeout=10):
            return port
        time.sleep(0.1)

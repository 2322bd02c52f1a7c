"""The outer losses of several tasks and their gradients: heads adapted all at once against one task after the other."""

from collections.abc import Callable
from dataclasses import fields

import torch

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.workload import Workload
from fgsbir.adaptation.few_shot_methods import METHODS, AdaptationSettings, adaptive_model
from fgsbir.adaptation.triplets import Triplets, negatives_of
from fgsbir.runtime.processes import place

TASKS = 8


def prepare(work: Workload) -> Callable[[], Measured]:
    """As many losses as there are steps, on features that lie on the device: F itself does the same in either case."""
    params, device = work.params, work.fabric.device
    numbers = params.adapt.model_dump(include={field.name for field in fields(AdaptationSettings)})
    settings = AdaptationSettings(**numbers, log_interval=params.runtime.log_interval, seed=params.seed)
    model = adaptive_model(work.retrieval()[0], METHODS["ours"], settings)
    place(work.fabric, model)
    random = torch.Generator().manual_seed(params.seed)

    def triplets(n: int) -> Triplets:
        features = torch.randn(TASKS, n, 3, model.retrieval.head.in_features, generator=random).to(device)
        photo, other = torch.arange(2 * n, device=device).expand(TASKS, -1).chunk(2, -1)
        return Triplets(features, negatives_of(photo, other, pool=params.adapt.negatives == "pool"))

    support, query = triplets(settings.support), triplets(settings.queries)
    tasks = [(Triplets(*task[:2]), Triplets(*task[2:])) for task in zip(*support, *query, strict=True)]

    def step(losses: Callable[[], torch.Tensor]) -> None:
        for _ in range(work.steps):
            model.zero_grad()
            losses().mean().backward()

    def at_once() -> torch.Tensor:
        return model.task_losses(support, query, margin=settings.margin)

    def one_by_one() -> torch.Tensor:
        return torch.stack([model.task_loss(*task, margin=settings.margin) for task in tasks])

    return lambda: alternate(lambda: step(at_once), lambda: step(one_by_one), device=device, times=2)


RATIO = Ratio(f"adaptation to {TASKS} tasks at once / one by one", 1.0, prepare, on_cuda=True)

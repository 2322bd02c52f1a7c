"""A training step of F against bare forward and backward passes of the same network, loss and precision."""

from collections.abc import Callable
from functools import partial

import torch

from benchmarks.ratio import Measured, Ratio, alternate
from benchmarks.training import NoCheckpoint, NoValidation, ready
from benchmarks.workload import Workload
from fgsbir.data.pairs import PairStream
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.training import train_retrieval
from fgsbir.runtime.processes import step_generator


def trainer(work: Workload, model: RetrievalModel, objective: RetrievalObjective) -> Callable[[PairStream], object]:
    """The stage's own training of ``work.steps`` steps on a stream, without validation or checkpoints."""
    settings = work.params.pretrain_retrieval
    return partial(
        train_retrieval,
        work.fabric,
        model,
        validation=NoValidation(work.params.precision),
        objective=objective,
        steps=work.steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        validate_every=work.steps,
        log_interval=work.params.runtime.log_interval,
        scratch=NoCheckpoint(),
    )


def prepare(work: Workload) -> Callable[[], Measured]:
    """Steps on batches that are ready, against passes on tensors that lie on the device."""
    device = work.fabric.device
    model, objective = work.retrieval()
    stream = ready(work.stream())
    train = trainer(work, model, objective)
    batch = stream.batch(0)
    photos, sketches = batch.images(device)
    images = torch.cat([sketches, photos])
    rows, categories = (torch.from_numpy(numbers).to(device) for numbers in (batch.rows, batch.categories))
    numbers = step_generator(0, 0)

    def passes() -> None:
        for _ in range(work.steps):
            with work.fabric.autocast():
                embedded = model(images)
            sketch, photo = embedded.float().chunk(2)
            loss = objective(sketch, photo, rows, categories, numbers).mean()
            model.zero_grad()
            loss.backward()

    return lambda: alternate(lambda: train(stream), passes, device=device, times=2)


RATIO = Ratio("training step of F / forward and backward", 0.95, prepare, on_cuda=True)

"""Supervised training of F on the labelled pairs (paper 1, section 3.3; Eq. 4)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.data.records import DataError
from fgsbir.features.pictures import Inputs
from fgsbir.features.statistics import principal_axes
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.model import RetrievalModel, Side
from fgsbir.retrieval.pairs import PairBatch, PairStream
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.prefetch import prefetch
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import torch_stream

BATCH = 256
# So many pictures the statistics of a model that F starts from are worth, beside those of the new ones.
KNOWN = 100
HeadTraining = Literal["square", "whole"]


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """The numbers of F's training; see params.yaml for their meaning."""

    steps: int
    learning_rate: float
    blocks_learning_rate: float
    weight_decay: float
    dropout: float
    head: HeadTraining
    validate_every: int
    log_interval: int


def pooled_rows(model: RetrievalModel, inputs: Inputs, compute: Compute, form: int = 0) -> Tensor:
    """Pooled taps of every picture of ``inputs`` in one form: float32 (n, D) on the CPU."""
    parts = [torch.zeros(0, model.dimensions)]
    with compute.scoring(model):
        for start in range(0, len(inputs), BATCH):
            rows = np.arange(start, min(start + BATCH, len(inputs)))
            parts.append(model.pooled(inputs(rows, form).to(compute.device)).float().cpu())
    return torch.cat(parts)


@torch.no_grad()
def start_head(model: RetrievalModel, photos: Tensor, sketches: Tensor, *, whitening: float) -> None:
    """Give F all that nothing trains: each side's statistics, and the principal axes of both sides as its head.

    ``photos`` (n, D) and ``sketches`` (m, D) are pooled taps. Photos need no sketches for it, so there may be many
    more of them; the axes are those of both sides alike. A model that does not standardise is left as it is.
    """
    if not model.standardised:
        return
    alike = []
    sides: tuple[tuple[Side, Tensor], ...] = (("photo", photos), ("sketch", sketches))
    for side, rows in sides:
        rows = rows.to(model.head.weight.device)
        model.side(side).fit(rows)
        alike.append(model.standardise(rows, side) / max(1, len(rows)) ** 0.5)
    model.head.weight.copy_(principal_axes(torch.cat(alike).cpu(), model.head.out_features, whitening))
    model.head.bias.zero_()


def start_from(model: RetrievalModel, trained: RetrievalModel, photos: Tensor, sketches: Tensor) -> None:
    """Give F the head of another, trained on other photos, and its statistics mixed with those of the new ones.

    ``photos`` (n, D) and ``sketches`` (m, D) are pooled taps of the new data; they count n / (n + ``KNOWN``). Raises
    DataError where the two read pictures differently, or their heads differ in shape.
    """
    if trained.spec != model.spec or trained.head.weight.shape != model.head.weight.shape or not model.standardised:
        raise DataError(
            f"pretrain_retrieval.start ready needs the features and the embedding_dim of the ready model: "
            f"{trained.spec.as_json()}, {trained.head.out_features}"
        )
    model.sides.load_state_dict(trained.sides.state_dict())
    model.side("photo").mix(photos.to(model.head.weight.device), KNOWN)
    model.side("sketch").mix(sketches.to(model.head.weight.device), KNOWN)
    model.head.load_state_dict(trained.head.state_dict())


class FollowedHead(nn.Module):
    """A linear head W as it is, and a square matrix A after it, which starts as the identity: x to A W x + b."""

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self.start: Tensor
        self.register_buffer("start", head.weight.detach())
        self.square = nn.Parameter(torch.eye(head.out_features, device=head.weight.device))
        self.bias = head.bias
        self.out_features = head.out_features

    def forward(self, x: Tensor) -> Tensor:
        """(n, D) to (n, d)."""
        return functional.linear(functional.linear(x, self.start), self.square, self.bias)


@contextmanager
def trained_head(model: RetrievalModel, head: HeadTraining) -> Iterator[None]:
    """Train of F's head, inside the block, a "square" matrix after what it is now, or the "whole" of it.

    A few hundred pairs choose among the axes that it starts with; new ones they cannot teach. After the block the head
    is one linear layer again.
    """
    if head == "whole":
        yield
        return
    linear = model.head
    model.head = followed = FollowedHead(linear)  # type: ignore[assignment]
    try:
        yield
    finally:
        model.head = linear
        with torch.no_grad():
            linear.weight.copy_(followed.square @ followed.start)


def parameter_groups(model: RetrievalModel) -> list[dict[str, Any]]:
    """The head first, then what lies under it, for which another rate holds."""
    head = list(model.head.parameters())
    of_head = set(head)
    below = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter not in of_head]
    return [{"params": group} for group in (head, below) if group]


def dropout_mask(
    model: RetrievalModel, share: float, generator: torch.Generator, device: torch.device
) -> Tensor | None:
    """One mask for a whole batch, (D,): 0 for a ``share`` of the pooled numbers, the others scaled up. None for 0."""
    if not share:
        return None
    kept = torch.rand(model.dimensions, generator=generator) >= share
    return (kept.float() / (1 - share)).to(device)


def retrieval_loss(
    compute: Compute,
    model: RetrievalModel,
    batch: PairBatch,
    objective: RetrievalObjective,
    keep: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    """The mean objective over the pairs of all processes, a float32 scalar equal on each of them."""
    device = compute.device
    with compute.autocast():
        sketch = model.embed(batch.sketch.to(device), "sketch", keep)
        photo = model.embed(batch.photo.to(device), "photo", keep)
    rows, categories = (torch.from_numpy(values).to(device) for values in (batch.rows, batch.categories))
    sketch, photo, rows, categories = map(compute.gather, (sketch, photo, rows, categories))
    return objective(sketch, photo, rows, categories, generator).mean()


def train_retrieval(
    compute: Compute,
    model: RetrievalModel,
    stream: PairStream,
    validation: RetrievalValidation,
    objective: RetrievalObjective,
    settings: RetrievalSettings,
    *,
    scratch: Scratch,
) -> list[Row]:
    """Train ``model`` in place and leave it at its best epoch on the validation photos.

    The start counts as an epoch; any other is ``validate_every`` steps. Returns the curve, one row an epoch. Raises
    TrainingDiverged on a NaN or infinite loss and TrainingInterrupted after SIGINT or SIGTERM; the same call then goes
    on from the last good state, in ``scratch``.
    """
    with trained_head(model, settings.head):
        optimizer = torch.optim.AdamW(parameter_groups(model), weight_decay=settings.weight_decay, fused=True)
        peaks = (settings.learning_rate, settings.blocks_learning_rate)
        with Run(
            "retrieval",
            compute,
            scratch,
            steps=settings.steps,
            epoch_steps=settings.validate_every,
            log_interval=settings.log_interval,
            parts={"model": model, "optimizer": optimizer},
            describe=stream.photo_ids,
        ) as run:
            run.count_the_start(lambda: validation.scores(model)["mean_reciprocal_rank"])
            for step, batch in prefetch(stream.batch, run.first, settings.steps):
                model.train()
                set_rate(optimizer, *(warmup_cosine(step, settings.steps, peak) for peak in peaks))
                numbers = torch_stream(stream.seed, "retrieval/step", step)
                keep = dropout_mask(model, settings.dropout, numbers, compute.device)
                loss = retrieval_loss(compute, model, batch, objective, keep, numbers)
                compute.descend(optimizer, model, loss)
                run.step_done(step, {"retrieval": loss})
                if run.epoch_ends(step):
                    scores = validation.scores(model)
                    run.epoch_done(step, scores, score=scores["mean_reciprocal_rank"])
    return run.rows

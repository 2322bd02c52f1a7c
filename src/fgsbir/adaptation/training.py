"""Meta-training of adaptive FG-SBIR (paper 2): projection, head M, margins and rate learn to adapt to a task."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.adaptation.edge_side import SeenEdges
from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.losses import Triplets
from fgsbir.adaptation.methods import AdaptationSettings, Method, adaptive_model
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.pictures import EpisodeBatch, EpisodeStream, TaskPictures
from fgsbir.adaptation.task_ranks import mean_reciprocal_rank
from fgsbir.adaptation.tasks import Kind
from fgsbir.retrieval.losses import triplet_loss
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.prefetch import prefetch
from fgsbir.runtime.run import Row, Run
from fgsbir.runtime.schedule import warmup_cosine
from fgsbir.runtime.streams import seed_weights

# Support draws of each validation task.
CHOOSING_DRAWS = 2


class Regularisers(nn.Module):
    """The losses on F's projected features that meta-training adds: L_D, L_C or L_ud, and L_S.

    ``weights`` are those of "domain", "category", "user" and "semantic"; what is 0 or not there is left out, as is L_C
    of one category, and L_S without ``words`` float32 (categories, w), their word vectors.
    """

    def __init__(
        self, channels: int, categories: int, words: Tensor | None, weights: Mapping[str, float], margin: float
    ) -> None:
        super().__init__()
        self.weights = {name: weight for name, weight in weights.items() if weight}
        self.margin = margin
        self.domain: nn.Module | None = None
        self.category: nn.Linear | None = None
        self.decoder: nn.Linear | None = None
        if "domain" in self.weights:
            self.domain = nn.Sequential(nn.Linear(channels, 64), nn.ReLU(), nn.Linear(64, 1))
        if "category" in self.weights and categories > 1:
            self.category = nn.Linear(channels, categories)
        if "semantic" in self.weights and words is not None:
            self.decoder = nn.Linear(channels, words.shape[1])
        self.words: Tensor | None
        self.register_buffer("words", words)

    def forward(self, features: Tensor, task: Tensor) -> dict[str, Tensor]:
        """Those that are on, not yet weighted: ``features`` (t, n, 3, c) of triplets, ``task`` int64 (t,)."""
        flat = features.flatten(0, 2)
        of_task = task.repeat_interleave(len(flat) // len(task))
        losses = {}
        if self.domain is not None:
            # The value is that of the features, the gradient turned round: the classifier learns to tell photos from
            # sketches, F to make them alike.
            reversed_gradient = 2 * flat.detach() - flat
            is_photo = torch.tensor([0.0, 1.0, 1.0], device=flat.device).repeat(len(flat) // 3)
            logits = self.domain(reversed_gradient).squeeze(1)
            losses["domain"] = functional.binary_cross_entropy_with_logits(logits, is_photo)
        if self.category is not None:
            losses["category"] = functional.cross_entropy(self.category(flat), of_task)
        if "user" in self.weights:
            sketch, photo, other = functional.normalize(features.flatten(0, 1), dim=-1).unbind(1)
            losses["user"] = triplet_loss(sketch, photo, other, self.margin).mean()
        if self.decoder is not None and self.words is not None:
            alike = functional.cosine_similarity(self.decoder(flat), self.words[of_task], dim=1)
            losses["semantic"] = ((1 - alike) / 2).mean()
        return losses


def episode_losses(
    compute: Compute,
    model: AdaptiveModel,
    regularisers: Regularisers | None,
    batch: EpisodeBatch,
    *,
    k: int,
    margin: float,
) -> dict[str, Tensor]:
    """The outer loss, the mean over the tasks of all processes, and the regularisers, not yet weighted: scalars of this
    process's share of the tasks.
    """
    # A task's statistics are of its support alone: the queries are not there yet when it is met.
    tasks = [model.standardise(taps, model.sketch_side(taps[:k, 0])) for taps in batch.taps.to(compute.device)]
    inputs = model.inputs(torch.stack(tasks))
    support = Triplets(inputs[:, :k], batch.support_negatives.to(compute.device))
    query = Triplets(inputs[:, k:], batch.query_negatives.to(compute.device))
    losses = {"outer": model.task_losses(support, query, margin=margin).mean()}
    if regularisers is not None:
        losses |= regularisers(model.project(inputs), batch.task.to(compute.device))
    return {name: loss / compute.world for name, loss in losses.items()}


def untrained(
    compute: Compute,
    supervised: RetrievalModel,
    method: Method,
    settings: AdaptationSettings,
    kind: Kind,
    seen_edges: SeenEdges | None = None,
) -> AdaptiveModel:
    """The model that ``method`` starts from on tasks of ``kind``; one that needs no training is ready."""
    seed_weights(settings.seed, f"adaptation {kind}")
    model = adaptive_model(supervised, method, settings, seen_edges)
    compute.place(model)
    return model.eval()


def train_method(
    compute: Compute,
    model: AdaptiveModel,
    method: Method,
    learning: TaskPictures,
    choosing: TaskPictures,
    settings: AdaptationSettings,
    *,
    kind: Kind,
    name: str,
    words: Tensor | None,
    scratch: Scratch,
) -> list[Row]:
    """Meta-train ``model`` in place as ``method`` says, on the tasks of ``learning``. Returns the curve.

    Projection and M, which start from F, learn at the peak rate of ``kind``, all else at ``new_learning_rate``. The
    model is left as the last step leaves it: a few validation tasks would choose among epochs by chance. The curve is
    the mean reciprocal rank in percent over the tasks of ``choosing``. Errors and resuming as in
    :func:`fgsbir.retrieval.training.train_retrieval`.
    """
    steps = settings.steps
    parts: dict[str, nn.Module] = {"model": model}
    regularisers = None
    if method.regularised:
        by_category = {"category": settings.lambda_category, "semantic": settings.lambda_semantic}
        lambdas = {"user": settings.lambda_user} if kind == "user" else by_category
        lambdas["domain"] = settings.lambda_domain
        channels, tasks = model.projection.out_features, len(learning.known.tasks)
        regularisers = Regularisers(channels, tasks, words, lambdas, settings.margin)
        compute.place(regularisers)
        parts["regularisers"] = regularisers
    stream = EpisodeStream(
        learning,
        seed=settings.seed,
        tasks=settings.tasks_per_step,
        k=settings.support,
        queries=settings.queries,
        rank=compute.rank,
        world=compute.world,
    )

    trained = [*model.projection.parameters(), *model.head.parameters()]
    # Decay would pull the logarithm of the inner rate to 0, a rate of 1.
    rate = [] if model.log_rate is None else [model.log_rate]
    known = {*trained, *rate}
    every = [parameter for part in parts.values() for parameter in part.parameters() if parameter.requires_grad]
    new = [parameter for parameter in every if parameter not in known]
    from_f = settings.user_learning_rate if kind == "user" else settings.learning_rate
    peaks = (from_f, settings.new_learning_rate, settings.new_learning_rate)
    groups: list[dict[str, Any]] = [{"params": trained}, {"params": new}, {"params": rate, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)
    weights = {"outer": 1.0} | (regularisers.weights if regularisers else {})
    with Run(
        name,
        compute,
        scratch,
        steps=steps,
        epoch_steps=settings.validate_every,
        log_interval=settings.log_interval,
        parts={**parts, "optimizer": optimizer},
        selected={"model": model},
        describe=stream.task_names,
    ) as run:
        for step, batch in prefetch(stream.batch, run.first, steps):
            model.train()
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = warmup_cosine(step, steps, peak)
            losses = episode_losses(compute, model, regularisers, batch, k=stream.k, margin=settings.margin)
            optimizer.zero_grad()
            torch.stack([weights[name] * loss for name, loss in losses.items()]).sum().backward()
            for part in parts.values():
                compute.sum_gradients(part)
            optimizer.step()
            measures = {} if model.log_rate is None else {"rate": model.log_rate.detach().exp()}
            whole = compute.summed(torch.stack(list(losses.values())).detach())
            run.step_done(step, dict(zip(losses, whole, strict=True)), measures)
            if run.epoch_ends(step):
                found = FewShot(model, choosing, compute).ranks([stream.k], draws=CHOOSING_DRAWS, seed=settings.seed)
                reciprocal = mean_reciprocal_rank(found[stream.k])
                run.epoch_done(step, {"mean_reciprocal_rank": reciprocal}, score=float(step))
    model.eval()
    return run.rows

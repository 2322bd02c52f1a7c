"""The methods that paper 2 compares: what each is trained with, and how it meets a new task."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from fgsbir.adaptation.episodes import EpisodeStream
from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.model import AdaptiveModel, Scope
from fgsbir.adaptation.pictures import TaskPictures
from fgsbir.adaptation.task_ranks import mean_reciprocal_rank
from fgsbir.adaptation.training import Regularisers, RegulariserWeights, train_adaptation
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row
from fgsbir.runtime.streams import seed_weights

logger = logging.getLogger(__name__)

# Support draws of each validation task.
CHOOSING_DRAWS = 2


@dataclass(frozen=True, slots=True)
class Method:
    """How a model is meta-trained, and what is made of it at a new task.

    ``trained`` False takes F as it is. ``statistics`` standardises a task's sketches by statistics of their own.
    ``scope`` and ``sign`` are its inner loop's (:class:`fgsbir.adaptation.model.InnerLoop`). ``regularised`` adds the
    regularisers, ``predicts_margin`` the margin network. ``unseen_too`` trains with the training pairs of what it is
    tested on. ``fine_tunes`` steps down the support's loss with all weights, at a rate and for a number of steps chosen
    on validation tasks; ``together`` adapts one model to all new tasks at once.
    """

    scope: Scope = "none"
    sign: bool = False
    trained: bool = True
    statistics: bool = False
    regularised: bool = False
    predicts_margin: bool = False
    unseen_too: bool = False
    fine_tunes: bool = False
    together: bool = False


METHODS = {
    "baseline": Method(),
    "baseline_regularised": Method(regularised=True),
    "statistics": Method(trained=False, statistics=True),
    "fine_tuning": Method(fine_tunes=True),
    "maml": Method("all"),
    "sign_maml": Method("all", sign=True),
    "anil": Method("head"),
    "ours": Method("head", statistics=True, regularised=True, predicts_margin=True),
    "ours_together": Method("head", statistics=True, regularised=True, predicts_margin=True, together=True),
    "upper_bound": Method(regularised=True, unseen_too=True),
}
# Methods that meet a new task with a model that is trained as another one's.
TRAINED_AS = {"fine_tuning": "baseline", "ours_together": "ours"}


@dataclass(frozen=True, slots=True)
class AdaptationSettings:
    """The numbers of meta-training; see params.yaml for their meaning."""

    support: int
    queries: int
    tasks_per_step: int
    steps: int
    learning_rate: float
    user_learning_rate: float
    new_learning_rate: float
    weight_decay: float
    validate_every: int
    embedding_dim: int
    margin: float
    inner_steps: int
    inner_rate: float
    all_rate: float
    sign_rate: float
    first_order: bool
    predict_margin: bool
    margin_width: int
    sharpness: float
    lambda_domain: float
    lambda_category: float
    lambda_user: float
    lambda_semantic: float
    fine_tuning_rates: Sequence[float]
    fine_tuning_steps: Sequence[int]
    log_interval: int
    seed: int


def adaptive_model(supervised: RetrievalModel, method: Method, settings: AdaptationSettings) -> AdaptiveModel:
    """The model that the meta-training of ``method`` starts from: the supervised F, and M as the identity."""
    rates = {"none": settings.inner_rate, "head": settings.inner_rate, "all": settings.all_rate}
    model = AdaptiveModel(
        retrieval=supervised.config(),
        embedding_dim=settings.embedding_dim,
        scope=method.scope,
        steps=settings.inner_steps,
        first_order=settings.first_order,
        sign=method.sign,
        rate=settings.sign_rate if method.sign else rates[method.scope],
        margin=settings.margin,
        margin_width=settings.margin_width if method.predicts_margin and settings.predict_margin else None,
        sharpness=settings.sharpness,
        statistics=method.statistics,
    )
    model.retrieval.load_state_dict(supervised.state_dict())
    return model


def train_method(
    compute: Compute,
    supervised: RetrievalModel,
    method: Method,
    learning: TaskPictures,
    choosing: TaskPictures,
    settings: AdaptationSettings,
    *,
    kind: Literal["category", "user"],
    name: str,
    words: Tensor | None,
    scratch: Scratch,
) -> tuple[AdaptiveModel, list[Row]]:
    """Meta-train ``method`` on the tasks of ``learning``; with its curve, measured on those of ``choosing``.

    One that is not trained has no curve.
    """
    seed_weights(settings.seed, f"adaptation {kind}")
    model = adaptive_model(supervised, method, settings)
    if not method.trained:
        compute.place(model)
        return model.eval(), []
    categories = len(learning.tasks.tasks) if kind == "category" else 1
    weights = RegulariserWeights(
        domain=settings.lambda_domain,
        category=settings.lambda_category if kind == "category" else 0.0,
        user=settings.lambda_user if kind == "user" else 0.0,
        semantic=settings.lambda_semantic if kind == "category" else 0.0,
    )
    channels = model.projection.out_features
    regularisers = Regularisers(channels, categories, words, weights, settings.margin) if method.regularised else None
    for part in (model, regularisers):
        if part is not None:
            compute.place(part)
    stream = EpisodeStream(
        learning,
        seed=settings.seed,
        tasks=settings.tasks_per_step,
        k=settings.support,
        queries=settings.queries,
        rank=compute.rank,
        world=compute.world,
    )

    def validation(model: AdaptiveModel) -> float:
        few_shot = FewShot(model, choosing, compute)
        return mean_reciprocal_rank(few_shot.ranks(k=settings.support, draws=CHOOSING_DRAWS, seed=settings.seed))

    curve = train_adaptation(
        compute,
        model,
        regularisers,
        stream,
        validation,
        name=name,
        margin=settings.margin,
        steps=settings.steps,
        learning_rate=settings.learning_rate if kind == "category" else settings.user_learning_rate,
        new_learning_rate=settings.new_learning_rate,
        weight_decay=settings.weight_decay,
        validate_every=settings.validate_every,
        log_interval=settings.log_interval,
        scratch=scratch,
    )
    return model.eval(), curve


def fine_tuning(
    model: AdaptiveModel, choosing: TaskPictures, settings: AdaptationSettings, compute: Compute
) -> AdaptiveModel:
    """The trained ``model`` as one whose weights all go down the support's loss.

    At the rate and for as many steps as do best on ``choosing``.
    """
    best, chosen = -math.inf, model
    for rate in settings.fine_tuning_rates:
        for steps in settings.fine_tuning_steps:
            tried = AdaptiveModel(
                **model.config()
                | {"scope": "all", "steps": steps, "first_order": True, "rate": rate, "margin_width": None}
            ).to(compute.device)
            tried.retrieval.load_state_dict(model.retrieval.state_dict())
            tried.head.load_state_dict(model.head.state_dict())
            few_shot = FewShot(tried, choosing, compute)
            score = mean_reciprocal_rank(few_shot.ranks(k=settings.support, draws=1, seed=settings.seed))
            logger.info("fine-tuning at rate %g for %d steps: mean_reciprocal_rank %.4g", rate, steps, score)
            if score > best:
                best, chosen = score, tried
    return chosen

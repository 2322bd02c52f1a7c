"""The methods that paper 2 compares: what each is trained with, how it meets a new task, and what each then finds."""

import itertools
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.model import AdaptiveModel, Scope
from fgsbir.adaptation.pictures import EpisodeStream, TaskPictures
from fgsbir.adaptation.task_ranks import COMPARED_AT, TaskRanks, accuracies, mean_reciprocal_rank
from fgsbir.adaptation.tasks import Kind, Part
from fgsbir.adaptation.training import AdaptationSettings, Regularisers, train_adaptation
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row
from fgsbir.runtime.streams import seed_weights

logger = logging.getLogger(__name__)

# Support draws of each validation task.
CHOOSING_DRAWS = 2
# How many inner steps are tried at the end, to show what more of them bring.
STEPS = range(6)


@dataclass(frozen=True, slots=True)
class Method:
    """How a model is meta-trained, and what is made of it at a new task.

    ``trained`` False takes F as it is. ``statistics``, ``scope`` and ``sign`` are the model's
    (:class:`fgsbir.adaptation.model.AdaptiveModel`). ``regularised`` adds the regularisers, ``predicts_margin`` the
    margin network. ``unseen_too`` trains with the training pairs of what it is tested on. ``fine_tunes`` steps down the
    support's loss with all weights, at a rate and for a number of steps chosen on validation tasks; ``together`` adapts
    one model to all new tasks at once.
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
    kind: Kind,
    name: str,
    words: Tensor | None,
    scratch: Scratch,
) -> tuple[AdaptiveModel, list[Row]]:
    """Meta-train ``method`` on the tasks of ``learning``; with its curve, measured on those of ``choosing``.

    One that is not trained has no curve.
    """
    seed_weights(settings.seed, f"adaptation {kind}")
    model = adaptive_model(supervised, method, settings)
    compute.place(model)
    if not method.trained:
        return model.eval(), []
    regularisers = None
    if method.regularised:
        if kind == "category":
            categories = len(learning.known.tasks)
            weights = {"category": settings.lambda_category, "semantic": settings.lambda_semantic}
        else:
            categories, weights = 1, {"user": settings.lambda_user}
        weights["domain"] = settings.lambda_domain
        regularisers = Regularisers(model.projection.out_features, categories, words, weights, settings.margin)
        compute.place(regularisers)
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
        found = few_shot.ranks([settings.support], draws=CHOOSING_DRAWS, seed=settings.seed)
        return mean_reciprocal_rank(found[settings.support])

    curve = train_adaptation(
        compute,
        model,
        regularisers,
        stream,
        validation,
        settings,
        name=name,
        learning_rate=settings.learning_rate if kind == "category" else settings.user_learning_rate,
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
    for rate, steps in itertools.product(settings.fine_tuning_rates, settings.fine_tuning_steps):
        changed = {"scope": "all", "steps": steps, "first_order": True, "rate": rate, "margin_width": None}
        tried = AdaptiveModel(**model.config() | changed).to(compute.device)
        tried.retrieval.load_state_dict(model.retrieval.state_dict())
        tried.head.load_state_dict(model.head.state_dict())
        found = FewShot(tried, choosing, compute).ranks([settings.support], draws=1, seed=settings.seed)
        score = mean_reciprocal_rank(found[settings.support])
        logger.info("fine-tuning at rate %g for %d steps: mean_reciprocal_rank %.4g", rate, steps, score)
        if score > best:
            best, chosen = score, tried
    return chosen


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of one kind of task: the models ``trained``, with their curves, by name, and what the methods ``found``.

    ``over_steps`` is acc@1 of ours by the number of inner steps, at ``COMPARED_AT`` pairs.
    """

    trained: dict[str, tuple[AdaptiveModel, list[Row]]] = field(default_factory=dict)
    found: dict[str, dict[int, list[TaskRanks]]] = field(default_factory=dict)
    over_steps: dict[int, float] = field(default_factory=dict)


def compare_methods(
    compute: Compute,
    supervised: RetrievalModel,
    methods: Sequence[str],
    pictures: Callable[[Part, bool], TaskPictures],
    settings: AdaptationSettings,
    *,
    kind: Kind,
    shots: Sequence[int],
    draws: int,
    words: Callable[[Sequence[str]], Tensor | None],
    scratch: Path,
) -> Comparison:
    """Train what ``methods`` need, and search the test tasks with each of them, from every k of ``shots``.

    ``pictures`` are those of the tasks of a part, to learn from with the unseen ones' training pairs or without.
    ``words`` gives the word vectors of categories, if there are any. Each training saves in a folder in ``scratch``.
    """
    compared = Comparison()
    choosing, reporting = pictures("val", False), pictures("test", False)
    for name in methods:
        method, source = METHODS[name], TRAINED_AS.get(name, name)
        if source not in compared.trained:
            learning = pictures("train", METHODS[source].unseen_too)
            compared.trained[source] = train_method(
                compute,
                supervised,
                METHODS[source],
                learning,
                choosing,
                settings,
                kind=kind,
                name=f"{source}, {kind}",
                words=words([task.name for task in learning.known.tasks]) if kind == "category" else None,
                scratch=Scratch(scratch / f"{kind}-{source}"),
            )
        model = compared.trained[source][0]
        if method.fine_tunes:
            model = fine_tuning(model, choosing, settings, compute)
        few_shot = FewShot(model, reporting, compute)
        compared.found[name] = few_shot.ranks(shots, draws=draws, seed=settings.seed, together=method.together)
        if name == "ours" and COMPARED_AT in shots:
            found = few_shot.ranks_after(STEPS, k=COMPARED_AT, draws=draws, seed=settings.seed)
            compared.over_steps.update({steps: float(accuracies(of, 1).mean()) for steps, of in found.items()})
    return compared

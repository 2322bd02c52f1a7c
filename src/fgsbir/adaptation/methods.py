"""The methods that paper 2 compares: what each is trained with, and how it meets a new task."""

from collections.abc import Sequence
from dataclasses import dataclass

from fgsbir.adaptation.edge_side import SeenEdges
from fgsbir.adaptation.model import AdaptiveModel, Scope
from fgsbir.retrieval.model import RetrievalModel


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
    ridge: float
    fine_tuning_rates: Sequence[float]
    fine_tuning_steps: Sequence[int]
    log_interval: int
    seed: int


@dataclass(frozen=True, slots=True)
class Method:
    """How a model is meta-trained, and what is made of it at a new task.

    ``trained`` False takes F as it is; ``scope``, ``sign``, ``statistics``, ``edges``, ``ridge``:
    :class:`fgsbir.adaptation.model.Form`.
    ``unseen_too`` trains with the training pairs of what it is tested on. ``fine_tunes`` steps down the support's loss
    with all weights, at a rate and for a number of steps chosen on validation tasks; ``together`` adapts one model to
    all new tasks at once.
    """

    scope: Scope = "none"
    sign: bool = False
    trained: bool = True
    statistics: bool = False
    edges: bool = False
    ridge: bool = False
    regularised: bool = False
    predicts_margin: bool = False
    unseen_too: bool = False
    fine_tunes: bool = False
    together: bool = False


METHODS = {
    "none": Method(trained=False),
    "photos": Method(trained=False, statistics=True, edges=True),
    "statistics": Method(trained=False, statistics=True),
    "ridge": Method("head", trained=False, statistics=True, edges=True, ridge=True),
    "baseline": Method(),
    "baseline_regularised": Method(regularised=True),
    "fine_tuning": Method(fine_tunes=True),
    "maml": Method("all"),
    "sign_maml": Method("all", sign=True),
    "anil": Method("head"),
    "adaptive": Method("head", statistics=True, regularised=True, predicts_margin=True),
    "adaptive_together": Method("head", statistics=True, regularised=True, predicts_margin=True, together=True),
    "upper_bound": Method(regularised=True, unseen_too=True),
}
# Methods that meet a new task with a model that is trained as another one's.
TRAINED_AS = {"fine_tuning": "baseline", "adaptive_together": "adaptive"}


def adaptive_model(
    supervised: RetrievalModel, method: Method, settings: AdaptationSettings, seen_edges: SeenEdges | None = None
) -> AdaptiveModel:
    """The model that the meta-training of ``method`` starts from: the supervised F, and M as the identity.

    M of a method that is not trained is as large as F's embedding, so that nothing of F is lost. ``seen_edges`` are
    those in F's photos, of methods that take them.
    """
    rates = {"none": settings.inner_rate, "head": settings.inner_rate, "all": settings.all_rate}
    model = AdaptiveModel(
        retrieval=supervised.config(),
        embedding_dim=settings.embedding_dim if method.trained else supervised.head.out_features,
        scope=method.scope,
        steps=settings.inner_steps,
        first_order=settings.first_order,
        sign=method.sign,
        rate=settings.sign_rate if method.sign else rates[method.scope],
        margin=settings.margin,
        margin_width=settings.margin_width if method.predicts_margin and settings.predict_margin else None,
        sharpness=settings.sharpness,
        statistics=method.statistics,
        edges=method.edges,
        ridge=settings.ridge if method.ridge else None,
    )
    model.retrieval.load_state_dict(supervised.state_dict())
    if method.edges and seen_edges is not None:
        model.see(seen_edges)
    return model

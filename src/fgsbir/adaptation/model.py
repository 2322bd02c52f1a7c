"""The adaptive model (paper 2): F's projection, the head M, and what a new task changes: statistics, then M."""

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import grad, vmap
from torch.nn import functional

from fgsbir.adaptation.edge_side import SeenEdges
from fgsbir.adaptation.losses import Triplets, inner_loss, outer_loss
from fgsbir.adaptation.ridge import ridge_head
from fgsbir.features.statistics import Standardise
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import StoredModel

Parameters = Mapping[str, Tensor]
Scope = Literal["none", "head", "all"]
# By how much more than expected a mean may miss, and say nothing: by chance it misses by more half of the time. On
# validation tasks a fifth more costs new categories 0.3 points of acc@1 and saves new users 0.8.
CAUTION = 1.2


def shrinkage(side: Standardise, rows: Tensor, of: float = math.inf) -> float:
    """How much the mean of ``rows`` (k, D), k >= 0, counts beside that of ``side``, itself ``of`` so many, from 0 to 1.

    James and Stein ("Estimation with quadratic loss", 1961, the positive part): the mean of k rows misses that of
    their kind by about D / k in squared deviations. What lies beyond that, and :data:`CAUTION`, is the kind's own: a
    new category counts nearly whole from few sketches, a new user hardly.
    """
    if not len(rows):
        return 0.0
    far = float(side(rows).mean(0).square().sum())
    return max(0.0, 1.0 - CAUTION * rows.shape[1] * (1 / len(rows) + 1 / of) / far) if far else 0.0


def met(side: Standardise, rows: Tensor) -> Standardise:
    """The side of a kind of picture that ``rows`` (k, D) are of: ``side`` mixed with them by :func:`shrinkage`."""
    share = shrinkage(side, rows)
    if not share:
        return side
    own = copy.deepcopy(side)
    # The share of k rows is k / (k + prior).
    own.mix(rows, len(rows) * (1 / share - 1))
    return own


def guessed(side: Standardise, seen: SeenEdges, edges: Tensor) -> Standardise:
    """The sketch side of photos from the ``edges`` (n, D) in them alone, without any sketch.

    What the edges differ by from those ``seen`` in the photos that F has learned from, by :func:`shrinkage`, sketches
    are taken to differ by as well.
    """
    known = copy.deepcopy(side)
    known.mean.copy_(seen.mean)
    share = shrinkage(known, edges, of=seen.photos)
    if share:
        known.mean.copy_(side.mean + share * (edges.mean(0) - seen.mean))
    return known if share else side


class MarginNetwork(nn.Module):
    """The margin of a task from its support set, in any order: mu = sigmoid(rho(mean_j phi([f_s, f_p, f_n]_j)))."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(3 * channels, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.rho = nn.Linear(width, 1)

    def forward(self, triplets: Tensor) -> Tensor:
        """Features of support triplets, float32 (k, 3, c), whose lengths do not count: a scalar."""
        # As large as the layers expect them: of length 1, of many channels, they would all give the same margin.
        triplets = functional.rms_norm(triplets, triplets.shape[-1:])
        return torch.sigmoid(self.rho(self.phi(triplets.flatten(-2)).mean(-2))).squeeze(-1)


@dataclass(frozen=True, slots=True)
class Form:
    """What a support set changes, and how.

    ``scope`` says which weights: none, M alone (paper 2, ANIL), or the projection too (MAML); by ``steps`` down the
    smoothed L_T of the support triplets. The rate is learned, from ``rate`` on. ``first_order`` takes the gradients as
    given when F learns through them; ``sign`` goes by their signs (sign-MAML), which have no gradient.
    ``margin_width`` is the margin network's; without one every task has the fixed ``margin``. ``sharpness`` is the
    inner loss's (:func:`fgsbir.adaptation.losses.inner_loss`). With ``statistics`` a task's sketches are standardised
    by statistics of their own (:func:`met`), before any weight moves; photos always by F's: their own helped nowhere.
    With ``edges`` they start from what the edges in the photos say (:func:`guessed`). A ``ridge`` stands for the steps:
    M in closed form (:func:`fgsbir.adaptation.ridge.ridge_head`).
    """

    scope: Scope = "none"
    steps: int = 0
    first_order: bool = True
    sign: bool = False
    rate: float = 1.0
    margin: float = 0.3
    margin_width: int | None = None
    sharpness: float = 0.1
    statistics: bool = False
    edges: bool = False
    ridge: float | None = None


class AdaptiveModel(StoredModel):
    """F's pooled taps, standardised by side, its head as a trainable projection, the head M, and length 1.

    ``retrieval`` configures F, whose trunk is frozen; ``embedding_dim`` is M's; ``form`` as in :class:`Form`.
    """

    kind = "adaptive"

    def __init__(self, *, retrieval: Mapping[str, Any], embedding_dim: int, **form: Any) -> None:
        self.form = Form(**form)
        super().__init__(retrieval=dict(retrieval), embedding_dim=embedding_dim, **asdict(self.form))
        self.retrieval = RetrievalModel(**retrieval).requires_grad_(False)
        self.statistics = self.form.statistics and self.retrieval.standardised
        self.projection.requires_grad_(True)
        self.seen_edges: Tensor
        self.seen_photos: Tensor
        if self.form.edges:
            self.register_buffer("seen_edges", torch.zeros(self.retrieval.dimensions))
            self.register_buffer("seen_photos", torch.tensor(1))
        channels, width = self.projection.out_features, self.form.margin_width
        self.head = nn.Linear(channels, embedding_dim)
        # Where the sizes differ these are the leading axes, which say most.
        nn.init.eye_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.margins = MarginNetwork(channels, width) if width else None
        # Without a step too: the model can be asked for some later.
        self.log_rate = nn.Parameter(torch.tensor(self.form.rate).log()) if self.form.scope != "none" else None

    @property
    def base_model(self) -> str | None:
        """That of F."""
        return self.retrieval.base_model

    @property
    def projection(self) -> nn.Linear:
        """F's last layer, from standardised taps to what M reads."""
        return self.retrieval.head

    @property
    def steps(self) -> int:
        """How many inner steps a support set takes; the closed form counts as one."""
        return 0 if self.form.scope == "none" else 1 if self.form.ridge else self.form.steps

    @property
    def adapts(self) -> bool:
        """Whether a support set changes anything."""
        return self.steps > 0 or self.statistics

    def sketch_side(self, sketches: Tensor, edges: Tensor | None = None) -> Standardise:
        """How the sketches of a task are standardised, from pooled taps (k, D), k >= 0, of some of them, and of the
        ``edges`` (n, D) in some of its photos.
        """
        own = self.retrieval.side("sketch")
        if not self.statistics:
            return own
        if self.form.edges and edges is not None:
            own = guessed(own, SeenEdges(self.seen_edges, int(self.seen_photos)), edges.to(own.mean.device))
        return met(own, sketches.to(own.mean.device))

    def see(self, edges: SeenEdges) -> None:
        """Take ``edges`` for those in the photos that F has learned from."""
        self.seen_edges.copy_(edges.mean)
        self.seen_photos.fill_(edges.photos)

    def photo_side(self, photos: Tensor) -> Tensor:
        """Pooled taps (..., D) of photos, standardised."""
        return self.retrieval.standardise(photos, "photo")

    def standardise(self, triplets: Tensor, sketch: Standardise) -> Tensor:
        """Pooled taps (..., 3, D) of a sketch, its photo and another photo, each by its side."""
        drawn, *photos = triplets.unbind(-2)
        return torch.stack([sketch(drawn), *map(self.photo_side, photos)], -2)

    def inputs(self, standardised: Tensor) -> Tensor:
        """What adaptation starts from: standardised taps (..., D) projected, or as they are where all weights adapt."""
        return standardised if self.form.scope == "all" else self.projection(standardised)

    def project(self, inputs: Tensor) -> Tensor:
        """F's features (..., c) of :meth:`inputs`, which the regularisers and the margins read."""
        return self.projection(inputs) if self.form.scope == "all" else inputs

    def margin_of(self, support: Tensor) -> Tensor:
        """The margin mu_i of a task from :meth:`inputs` of its support triplets (k, 3, ...): a scalar."""
        return support.new_tensor(self.form.margin) if self.margins is None else self.margins(self.project(support))

    def weights(self) -> Parameters:
        """Those that a support set may change, by name."""
        parts = {"head": self.head} | ({"projection": self.projection} if self.form.scope == "all" else {})
        return {f"{part}.{name}": value for part, of in parts.items() for name, value in of.named_parameters()}

    def adapt(self, support: Triplets) -> Parameters:
        """:meth:`weights` after the inner steps on support triplets of :meth:`inputs`; the model stays as it is."""
        return self.course(support, self.steps)[-1]

    def course(self, support: Triplets, steps: int) -> list[Parameters]:
        """:meth:`weights` before any inner step on ``support`` and after each of as many as ``steps``."""
        course: list[Parameters] = [self.weights()]
        if not steps:
            return course
        if self.log_rate is None:
            return course * (steps + 1)
        if self.form.ridge:
            return course + [self._in_closed_form(support, self.form.ridge)] * steps
        margin, rate = self.margin_of(support.inputs), self.log_rate.exp()

        def loss(weights: Parameters) -> Tensor:
            # The sum over the pairs: one alone does not move M as far as ten that agree.
            embedded = self.embed(support.inputs, weights)
            return len(support.inputs) * inner_loss(embedded, support.negatives, margin, self.form.sharpness)

        for _ in range(steps):
            slopes = grad(loss)(course[-1])
            if self.form.sign:
                slopes = {name: slope.sign() for name, slope in slopes.items()}
            elif self.form.first_order:
                slopes = {name: slope.detach() for name, slope in slopes.items()}
            course.append({name: value - rate * slopes[name] for name, value in course[-1].items()})
        return course

    def _in_closed_form(self, support: Triplets, weight: float) -> Parameters:
        sketch, photo, _ = self.embed(support.inputs, self.weights()).unbind(-2)
        moved = ridge_head(sketch, photo, weight)
        return {"head.weight": moved @ self.head.weight, "head.bias": moved @ self.head.bias}

    def embed(self, inputs: Tensor, weights: Parameters) -> Tensor:
        """:meth:`inputs` (..., c or D) under the weights that :meth:`adapt` gave: (..., d) of length 1."""
        for part in ("projection", "head"):
            if f"{part}.weight" in weights:
                inputs = functional.linear(inputs, weights[f"{part}.weight"], weights[f"{part}.bias"])
        return functional.normalize(inputs, dim=-1)

    def task_loss(self, support: Triplets, query: Triplets, *, margin: float) -> Tensor:
        """The outer L_T of one task: its query triplets under the weights adapted to its support."""
        return outer_loss(self.embed(query.inputs, self.adapt(support)), query.negatives, margin)

    def task_losses(self, support: Triplets, query: Triplets, *, margin: float) -> Tensor:
        """:meth:`task_loss` of t tasks at once, whose tensors have one more dimension in front: (t,)."""
        return vmap(partial(self.task_loss, margin=margin))(support, query)

    @torch.no_grad()
    def meet(
        self, sketches: Tensor, pairs: Triplets | None = None, edges: Tensor | None = None
    ) -> tuple[Parameters, Standardise]:
        """Weights and sketch side of a new task, from pooled taps (k, D) of sketches, of triplets, to move weights, and
        of the edges in photos.
        """
        sketch, weights = self.sketch_side(sketches, edges), self.weights()
        if pairs is not None:
            weights = self.adapt(pairs._replace(inputs=self.inputs(self.standardise(pairs.inputs, sketch))))
        return weights, sketch

    def with_weights(self, weights: Parameters, sketch: Standardise, mirror: bool | None = None) -> RetrievalModel:
        """A retrieval model of its own: the weights that :meth:`adapt` gave as one layer, and :meth:`sketch_side`;
        it searches with mirror images where F does, unless ``mirror`` says.
        """
        mirror = self.retrieval.mirror if mirror is None else mirror
        changed = {"embedding_dim": self.head.out_features, "mirror": mirror}
        model = RetrievalModel(**self.retrieval.config() | changed)
        projection = weights.get("projection.weight", self.projection.weight)
        bias = weights.get("projection.bias", self.projection.bias)
        state = self.retrieval.state_dict()
        state["head.weight"] = weights["head.weight"] @ projection
        state["head.bias"] = weights["head.weight"] @ bias + weights["head.bias"]
        state |= {f"sides.sketch.{name}": value for name, value in sketch.state_dict().items()}
        model.load_state_dict({name: value.detach() for name, value in state.items()})
        return model.to(self.head.weight.device).eval()


def statistics_alone(retrieval: RetrievalModel, seen_edges: SeenEdges | None = None) -> AdaptiveModel:
    """A plain F as a model that adapts its statistics and no weight: to sketches, and to photos where the edges in
    those that it has learned from are known.
    """
    config, dimensions = retrieval.config(), retrieval.head.out_features
    edges = seen_edges is not None
    model = AdaptiveModel(retrieval=config, embedding_dim=dimensions, statistics=True, edges=edges)
    model.retrieval.load_state_dict(retrieval.state_dict())
    if seen_edges is not None:
        model.see(seen_edges)
    return model.to(retrieval.head.weight.device).eval()

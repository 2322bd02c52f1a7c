"""The adaptive model (paper 2): F's projection, the head M, and what a new task changes: statistics, then M."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import grad, vmap
from torch.nn import functional

from fgsbir.adaptation.losses import inner_loss, outer_loss
from fgsbir.adaptation.statistics import met
from fgsbir.adaptation.triplets import Triplets
from fgsbir.features.statistics import Standardise
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import StoredModel

Parameters = Mapping[str, Tensor]
Scope = Literal["none", "head", "all"]


@dataclass(frozen=True, slots=True)
class InnerLoop:
    """Which weights a support set changes: none, the head M alone (paper 2, ANIL), or the projection too (MAML).

    ``steps`` down the smoothed L_T of the support triplets; ``first_order`` takes their gradients as given
    when F learns through them; ``sign`` goes by the gradient's signs (sign-MAML), which have no gradient.
    """

    scope: Scope
    steps: int = 1
    first_order: bool = False
    sign: bool = False


class MarginNetwork(nn.Module):
    """The margin of a task from its support set: mu = sigmoid(rho(mean_j phi([f_s, f_p, f_n]_j))), in (0, 1).

    The mean makes it the same for any order of the support triplets and fit for any number of them.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(3 * channels, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.rho = nn.Linear(width, 1)

    def forward(self, triplets: Tensor) -> Tensor:
        """Features of support triplets, float32 (k, 3, c), whose lengths do not count: a scalar."""
        # As large as the layers expect them: of length 1, of many channels, they would all give the same margin.
        triplets = functional.rms_norm(triplets, triplets.shape[-1:])
        return torch.sigmoid(self.rho(self.phi(triplets.flatten(-2)).mean(-2))).squeeze(-1)


class AdaptiveModel(StoredModel):
    """F's pooled taps, standardised by side, its head as a trainable projection, the head M, and length 1.

    The trunk is frozen. ``retrieval`` is the configuration of F, ``embedding_dim`` the size of M's output, ``scope``
    to ``sign`` are those of :class:`InnerLoop`, and ``rate`` is what its rate starts from. ``margin_width`` is the
    margin network's; without one every task has the fixed ``margin``. ``sharpness`` is the inner loss's
    (:func:`fgsbir.adaptation.losses.inner_loss`). With ``statistics`` a task's sketches are standardised by statistics
    of their own (:mod:`fgsbir.adaptation.statistics`). Photos always by F's: their own helped nowhere.
    """

    kind = "adaptive"

    def __init__(
        self,
        *,
        retrieval: Mapping[str, Any],
        embedding_dim: int,
        scope: Scope,
        steps: int,
        first_order: bool,
        sign: bool,
        rate: float,
        margin: float,
        margin_width: int | None,
        sharpness: float,
        statistics: bool,
    ) -> None:
        super().__init__(
            retrieval=dict(retrieval),
            embedding_dim=embedding_dim,
            scope=scope,
            steps=steps,
            first_order=first_order,
            sign=sign,
            rate=rate,
            margin=margin,
            margin_width=margin_width,
            sharpness=sharpness,
            statistics=statistics,
        )
        self.loop = InnerLoop(scope, steps, first_order, sign)
        self.margin, self.sharpness = margin, sharpness
        self.retrieval = RetrievalModel(**retrieval).requires_grad_(False)
        self.statistics = statistics and self.retrieval.standardised
        self.projection.requires_grad_(True)
        self.head = nn.Linear(self.projection.out_features, embedding_dim)
        # Where the sizes differ these are the leading axes, which say most.
        nn.init.eye_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.margins = MarginNetwork(self.projection.out_features, margin_width) if margin_width else None
        # Without a step too: the model can be asked for some later.
        self.log_rate = nn.Parameter(torch.tensor(rate).log()) if scope != "none" else None

    @property
    def projection(self) -> nn.Linear:
        """F's last layer, from standardised taps to what M reads."""
        return self.retrieval.head

    @property
    def steps(self) -> bool:
        """Whether a support set changes weights."""
        return self.loop.scope != "none" and self.loop.steps > 0

    @property
    def adapts(self) -> bool:
        """Whether a support set changes anything."""
        return self.steps or self.statistics

    def with_steps(self, steps: int) -> "AdaptiveModel":
        """The same model with another number of inner steps; the weights are shared."""
        other = copy.copy(self)
        other.loop = replace(self.loop, steps=steps)
        other._config = {**self._config, "steps": steps}
        return other

    def sketch_side(self, sketches: Tensor) -> Standardise:
        """How the sketches of a task are standardised, from pooled taps (k, D), k >= 0, of some of them."""
        own = self.retrieval.sides["sketch"]
        assert isinstance(own, Standardise)  # the type of a dictionary of modules says less
        return met(own, sketches.to(own.mean.device)) if self.statistics else own

    def standardise(self, triplets: Tensor, sketch: Standardise) -> Tensor:
        """Pooled taps (..., 3, D) of a sketch, its photo and another photo, each by its side."""
        drawn, *photos = triplets.unbind(-2)
        return torch.stack([sketch(drawn), *map(self.photo_side, photos)], -2)

    def photo_side(self, photos: Tensor) -> Tensor:
        """Pooled taps (..., D) of photos, standardised."""
        return self.retrieval.standardise(photos, "photo")

    def inputs(self, standardised: Tensor) -> Tensor:
        """What adaptation starts from: standardised taps (..., D) projected, or as they are where all weights adapt."""
        return standardised if self.loop.scope == "all" else self.projection(standardised)

    def project(self, inputs: Tensor) -> Tensor:
        """F's features (..., c) of :meth:`inputs`, which the regularisers and the margins read."""
        return self.projection(inputs) if self.loop.scope == "all" else inputs

    def margin_of(self, support: Tensor) -> Tensor:
        """The margin mu_i of a task from :meth:`inputs` of its support triplets (k, 3, ...): a scalar."""
        return support.new_tensor(self.margin) if self.margins is None else self.margins(self.project(support))

    def weights(self) -> dict[str, Tensor]:
        """Those that a support set may change, by name."""
        parts = {"head": self.head} | ({"projection": self.projection} if self.loop.scope == "all" else {})
        return {f"{part}.{name}": value for part, of in parts.items() for name, value in of.named_parameters()}

    def adapt(self, support: Triplets) -> dict[str, Tensor]:
        """:meth:`weights` after the inner steps on support triplets of :meth:`inputs`; the model stays as it is."""
        weights = self.weights()
        if not self.steps:
            return weights
        assert self.log_rate is not None
        margin, rate = self.margin_of(support.inputs), self.log_rate.exp()

        def loss(weights: Parameters) -> Tensor:
            # The sum over the pairs: one alone does not move M as far as ten that agree.
            return len(support.inputs) * inner_loss(
                self.embed(support.inputs, weights), support.negatives, margin, self.sharpness
            )

        for _ in range(self.loop.steps):
            slopes = grad(loss)(weights)
            if self.loop.sign:
                slopes = {name: slope.sign() for name, slope in slopes.items()}
            elif self.loop.first_order:
                slopes = {name: slope.detach() for name, slope in slopes.items()}
            weights = {name: value - rate * slopes[name] for name, value in weights.items()}
        return weights

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

    def meet(self, sketches: Tensor, pairs: Triplets | None = None) -> tuple[dict[str, Tensor], Standardise]:
        """The weights and the sketch side of a new task, from pooled taps (k, D) of sketches and triplets of them.

        Without ``pairs`` no weight moves.
        """
        with torch.no_grad():
            sketch, weights = self.sketch_side(sketches), self.weights()
            if pairs is not None:
                weights = self.adapt(pairs._replace(inputs=self.inputs(self.standardise(pairs.inputs, sketch))))
            return weights, sketch

    def with_weights(self, weights: Parameters, sketch: Standardise, mirror: bool | None = None) -> RetrievalModel:
        """A retrieval model of its own: the weights that :meth:`adapt` gave as one layer, and :meth:`sketch_side`.

        It searches with mirror images where F does, unless ``mirror`` says.
        """
        mirror = self.retrieval.mirror if mirror is None else mirror
        changed = {"embedding_dim": self.head.out_features, "mirror": mirror}
        model = RetrievalModel(**self.retrieval.config() | changed)
        projection = {
            name: weights.get(f"projection.{name}", value) for name, value in self.projection.named_parameters()
        }
        state = self.retrieval.state_dict()
        state["head.weight"] = weights["head.weight"] @ projection["weight"]
        state["head.bias"] = weights["head.weight"] @ projection["bias"] + weights["head.bias"]
        state |= {f"sides.sketch.{name}": value for name, value in sketch.state_dict().items()}
        model.load_state_dict({name: value.detach() for name, value in state.items()})
        return model.to(self.head.weight.device).eval()


def statistics_alone(retrieval: RetrievalModel) -> AdaptiveModel:
    """A plain F as a model that adapts its statistics to a few sketches, and no weight."""
    model = AdaptiveModel(
        retrieval=retrieval.config(),
        embedding_dim=retrieval.head.out_features,
        scope="none",
        steps=0,
        first_order=True,
        sign=False,
        rate=1.0,
        margin=0.3,
        margin_width=None,
        sharpness=0.1,
        statistics=True,
    )
    model.retrieval.load_state_dict(retrieval.state_dict())
    return model.to(retrieval.head.weight.device).eval()

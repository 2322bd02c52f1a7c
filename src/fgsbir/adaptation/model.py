"""The adaptive model (paper 2): F with the head M, the margins of tasks, and the inner step that adapts it."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from fgsbir.adaptation.losses import inner_loss, outer_loss
from fgsbir.adaptation.triplets import Triplets
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import StoredModel

Parameters = Mapping[str, Tensor]

# The least that a batch counts in the running mean of the features.
MOMENTUM = 0.05


@dataclass(frozen=True, slots=True)
class InnerLoop:
    """What a support set changes: nothing, the head M alone (paper 2, ANIL), or all weights (MAML).

    ``steps`` down the smoothed L_T of the support triplets; ``first_order`` takes their gradients as given
    when F learns through them; ``sign`` goes by the gradient's signs (sign-MAML), which have no gradient.
    """

    scope: Literal["none", "head", "all"]
    steps: int = 1
    first_order: bool = False
    sign: bool = False


def centred(slopes: Parameters, centre: Tensor) -> dict[str, Tensor]:
    """The slopes of a linear layer W x + b as if it read x - ``centre`` (c,): as steps of W (d, c) and of b (d,).

    The layer is the same function either way, with b + W centre in place of b, but gradient descent is not: pooled
    features are mostly what all pictures have in common, and along that a step would move all of them alike.
    """
    weight = slopes["weight"] - torch.outer(slopes["bias"], centre)
    return {"weight": weight, "bias": slopes["bias"] - weight @ centre}


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
    """F, whose last layer is the head M, with what adapts it: the margin network and the inner step's rate.

    ``retrieval`` is the configuration of F; ``scope`` to ``sign`` are those of :class:`InnerLoop`, and ``rate`` is
    what its rate starts from. ``margin_width`` is the margin network's; without one every task has the fixed
    ``margin``. ``sharpness`` is the inner loss's (:func:`fgsbir.adaptation.losses.inner_loss`).
    """

    kind = "adaptive"

    def __init__(
        self,
        *,
        retrieval: Mapping[str, Any],
        scope: Literal["none", "head", "all"],
        steps: int,
        first_order: bool,
        sign: bool,
        rate: float,
        margin: float,
        margin_width: int | None,
        sharpness: float,
    ) -> None:
        super().__init__(
            retrieval=dict(retrieval),
            scope=scope,
            steps=steps,
            first_order=first_order,
            sign=sign,
            rate=rate,
            margin=margin,
            margin_width=margin_width,
            sharpness=sharpness,
        )
        self.loop = InnerLoop(scope, steps, first_order, sign)
        self.margin, self.sharpness = margin, sharpness
        self.retrieval = RetrievalModel(**retrieval)
        self.margins = MarginNetwork(self.retrieval.head.in_features, margin_width) if margin_width else None
        self.centre: Tensor
        self.batches: Tensor
        self.register_buffer("centre", torch.zeros(self.retrieval.head.in_features))
        self.register_buffer("batches", torch.zeros(()))
        # Without a step too: the model can be asked for some later.
        self.log_rate = nn.Parameter(torch.tensor(rate).log()) if scope != "none" else None

    @property
    def adapts(self) -> bool:
        """Whether a support set changes anything."""
        return self.loop.scope != "none" and self.loop.steps > 0

    def with_steps(self, steps: int) -> "AdaptiveModel":
        """The same model with another number of inner steps; the weights are shared."""
        other = copy.copy(self)
        other.loop = replace(self.loop, steps=steps)
        other._config = {**self._config, "steps": steps}
        return other

    def inputs(self, images: Tensor) -> Tensor:
        """What adaptation starts from: pooled features (n, c) of images (n, 3, s, s), or where all weights adapt the
        images themselves."""
        return images if self.loop.scope == "all" else self.retrieval.pooled(images)

    def follow(self, mean: Tensor) -> None:
        """Move ``centre``, the running mean of F's pooled features, towards the ``mean`` (c,) of another batch."""
        self.batches += 1
        self.centre.lerp_(mean, torch.clamp(1 / self.batches, min=MOMENTUM))

    def margin_of(self, support: Tensor) -> Tensor:
        """The margin mu_i of a task from the features of its support triplets, float32 (k, 3, c): a scalar."""
        if self.margins is None:
            return support.new_tensor(self.margin)
        with torch.autocast(support.device.type, enabled=False):
            return self.margins(support - self.centre)

    def adapt(self, support: Triplets) -> dict[str, Tensor]:
        """The weights after the inner steps on support triplets of :meth:`inputs`, by name.

        Those of M, or of F with M where all adapt; the model itself stays as it is.
        """
        parameters: dict[str, Tensor] = dict(self._adapted_part().named_parameters())
        if not self.adapts:
            return parameters
        assert self.log_rate is not None
        margin, rate = self.margin_of(support.inputs), self.log_rate.exp()

        def loss(parameters: Parameters) -> Tensor:
            # The sum over the pairs: one alone does not move M as far as ten that agree.
            return len(support.inputs) * inner_loss(
                self.embed(support.inputs, parameters), support.negatives, margin, self.sharpness
            )

        for _ in range(self.loop.steps):
            slopes = grad(loss)(parameters)
            if self.loop.scope == "head":
                slopes = centred(slopes, self.centre)
            if self.loop.sign:
                slopes = {name: slope.sign() for name, slope in slopes.items()}
            elif self.loop.first_order:
                slopes = {name: slope.detach() for name, slope in slopes.items()}
            parameters = {name: value - rate * slopes[name] for name, value in parameters.items()}
        return parameters

    def embed(self, inputs: Tensor, parameters: Parameters) -> Tensor:
        """:meth:`inputs` (..., c) or (..., 3, s, s) under the weights that :meth:`adapt` gave: (..., d)."""
        part = self._adapted_part()
        if self.loop.scope == "all":
            return functional_call(part, dict(parameters), (inputs.flatten(0, -4),)).unflatten(0, inputs.shape[:-3])
        with torch.autocast(inputs.device.type, enabled=False):
            return functional.normalize(functional_call(part, dict(parameters), (inputs,)), dim=-1)

    def task_loss(self, support: Triplets, query: Triplets, *, margin: float) -> Tensor:
        """The outer L_T of one task: its query triplets under the weights adapted to its support."""
        return outer_loss(self.embed(query.inputs, self.adapt(support)), query.negatives, margin)

    def task_losses(self, support: Triplets, query: Triplets, *, margin: float) -> Tensor:
        """:meth:`task_loss` of t tasks, whose tensors have one more dimension in front: (t,).

        Heads are adapted all at once; all weights task by task, as convolutions with weights of their own gain nothing.
        """
        loss = partial(self.task_loss, margin=margin)
        if self.loop.scope != "all":
            return vmap(loss)(support, query)
        tasks = zip(*support, *query, strict=True)
        return torch.stack([loss(Triplets(*task[:2]), Triplets(*task[2:])) for task in tasks])

    def adapted(self, support: Triplets) -> RetrievalModel:
        """A retrieval model of its own, adapted to support triplets of pictures, float32 (k, 3, 3, s, s)."""
        images = support.inputs
        inputs = self.inputs(images.flatten(0, 1)).unflatten(0, images.shape[:2]).detach()
        return self.with_weights(self.adapt(support._replace(inputs=inputs)))

    def with_weights(self, parameters: Parameters) -> RetrievalModel:
        """A retrieval model of its own, with the weights that :meth:`adapt` gave."""
        model = copy.deepcopy(self.retrieval)
        part = model if self.loop.scope == "all" else model.head
        with torch.no_grad():
            for name, value in part.named_parameters():
                value.copy_(parameters[name])
        return model

    def _adapted_part(self) -> nn.Module:
        return self.retrieval if self.loop.scope == "all" else self.retrieval.head

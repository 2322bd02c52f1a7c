"""Eqs. 8 and 9 of paper 1: G learns from F and D_C by REINFORCE, since rasterising has no gradient.

Left open by the paper and decided here: a baseline is subtracted from the reward (the batch's mean, or the reward of
the greedy drawing of the same photo), the log probability is divided by the drawing's length, F and D_C score in
evaluation mode, and G draws as freely as it will for F: what is rewarded is the policy that draws the pseudo sketches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.certainty.discriminator import Discriminator, certainty
from fgsbir.data.index import PhotoEntry
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Level, Pictures
from fgsbir.generator.drawing import drawing_strokes
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import category_numbers
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import stream, torch_stream

Baseline = Literal["none", "mean", "greedy"]


class PhotoBatch(NamedTuple):
    """Photos to draw, as inputs of every level that a model reads; numbers and categories int64 (n,)."""

    inputs: Mapping[Level, Any]
    numbers: Tensor
    categories: Tensor


class PhotoPool:
    """Labelled and unlabelled photos for G to draw, as inputs of ``levels``."""

    def __init__(
        self, pictures: Pictures, labelled: Sequence[PhotoEntry], unlabelled: Sequence[PhotoEntry], levels: set[Level]
    ) -> None:
        entries = [*labelled, *unlabelled]
        self._inputs = {level: pictures.photos(entries, level) for level in sorted(levels)}
        self._categories, self._labelled = category_numbers(pictures, entries), len(labelled)

    def batch(self, size: int, seed: int, step: int, compute: Compute) -> PhotoBatch:
        """This process's share of ``size`` photos of ``step``, half of them labelled."""
        rng, half = stream(seed, "joint/reward", step), size // 2
        labelled = rng.integers(0, self._labelled, half)
        unlabelled = rng.integers(self._labelled, len(self._categories), size - half)
        share = size // compute.world
        rows = rng.permutation(np.concatenate([labelled, unlabelled]))[compute.rank * share :][:share]
        inputs = {level: photos(rows).to(compute.device) for level, photos in self._inputs.items()}
        numbers, categories = (torch.from_numpy(each).to(compute.device) for each in (rows, self._categories[rows]))
        return PhotoBatch(inputs, numbers, categories)


@dataclass(frozen=True, slots=True)
class Judges:
    """F and D_C as they score drawings (Eq. 8), and the trunk that reads these for them.

    ``fit`` makes G's taps what F and D_C have learned from (:meth:`PseudoSketches.fit`).
    """

    retrieval: RetrievalModel
    discriminator: Discriminator
    objective: RetrievalObjective
    reader: Reader
    fit: Callable[[Tensor], Tensor]
    lambda_r1: float
    lambda_r2: float

    def _inputs_of(self, images: Tensor) -> dict[Level, Tensor]:
        """Images of sketches, float32 (n, 3, s, s), as inputs of the levels that F and D_C read."""
        levels: set[Level] = {self.retrieval.level, self.discriminator.level}
        if levels == {"pixels"}:
            return {"pixels": images}
        read = self.reader.read(images)
        return {"pixels": images, "map": read.map, "taps": self.fit(read.taps)}

    def rewards(
        self, photos: PhotoBatch, images: Tensor, generator: torch.Generator, *, gradients: bool = False
    ) -> Tensor:
        """R = -lambda_r1 L_trip + lambda_r2 D_C of each drawing, float32 (n,) of ``images`` (n, 3, s, s). Eq. 8.

        High if F finds the drawing's photo among the photos of all processes, and D_C believes it. ``generator``, equal
        on all of them, draws the negatives of the loss ``triplet``. ``gradients`` reach the images.
        """
        compute, shown = self.reader.compute, photos.inputs
        level, of_discriminator = self.retrieval.level, self.discriminator.level
        with compute.scoring(self.retrieval, self.discriminator, gradients=gradients):
            drawn = self._inputs_of(images)
            sketch = self.retrieval.embed(drawn[level], "sketch")
            photo = self.retrieval.embed(shown[level], "photo")
            omega = certainty(self.discriminator(shown[of_discriminator], drawn[of_discriminator]))
        sketch, photo, numbers, categories = map(compute.gather, (sketch, photo, photos.numbers, photos.categories))
        loss = self.objective(sketch, photo, numbers, categories, generator).view(compute.world, -1)[compute.rank]
        return -self.lambda_r1 * loss + self.lambda_r2 * omega


def policy_gradient_loss(log_probability: Tensor, reward: Tensor, baseline: Tensor | float, lengths: Tensor) -> Tensor:
    """-(R - b) / T * sum_t [log p(offset_t) + log p(pen_t)], one value a drawing: (n,). Paper 1, Eq. 9.

    ``log_probability`` (n,) is summed over a drawing's ``lengths`` (n,) >= 1 steps. The paper has neither the baseline
    nor the division, without which a long drawing moves the weights more than a short one, whatever it earned.
    """
    return -(reward - baseline).detach() * log_probability / lengths.to(log_probability.dtype)


def policy_gradient(
    generator: AnyGenerator,
    judges: Judges,
    photos: PhotoBatch,
    *,
    baseline: Baseline,
    temperature: float,
    seed: int,
    step: int,
) -> tuple[Tensor, Tensor]:
    """-sum_t log p(drawing) (R - b) / T, the mean over the drawings of all processes (Eq. 9), and the mean reward.

    One drawing a photo at ``temperature`` > 0, p being what G draws from at it, its random numbers a function of
    (seed, step, process). T counts a drawing's points, or the pieces of contour that were chosen from.
    """
    compute, inputs = judges.reader.compute, photos.inputs[generator.level]
    numbers = torch_stream(seed, "joint/policy", step, compute.rank)
    with compute.autocast():
        drawing = generator.sample(inputs, temperature=temperature, generator=numbers)
    drawn, negatives = judges.reader.images(drawing_strokes(generator, drawing)), "joint/negatives"
    earned = judges.rewards(photos, drawn, torch_stream(seed, negatives, step))
    subtracted: Tensor | float = 0.0
    if baseline == "mean":
        subtracted = compute.gather(earned).mean()
    elif baseline == "greedy":
        with compute.autocast():
            greedy = generator.sample(inputs, temperature=0.0)
        likeliest = judges.reader.images(drawing_strokes(generator, greedy))
        subtracted = judges.rewards(photos, likeliest, torch_stream(seed, negatives, step))
    likelihood = generator.log_probability(drawing, temperature)  # type: ignore[arg-type]  # each kind its own drawing
    # A photo may have no contour to choose from.
    loss = policy_gradient_loss(likelihood, earned, subtracted, drawing.lengths.clamp(min=1))
    return compute.gather(loss).mean(), compute.gather(earned).mean()

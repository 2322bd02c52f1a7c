"""Eqs. 8 and 9 of paper 1: G learns from F and D_C by REINFORCE, since rasterising has no gradient.

Left open by the paper and decided here: a baseline is subtracted from the reward (the batch's mean,
or the reward of the greedy drawing of the same photo), the log probability is divided by the
drawing's length, F and D_C score in evaluation mode, and G draws as freely as it will for F: what is
rewarded is the policy that draws the pseudo sketches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgsbir.certainty.discriminator import Discriminator, certainty
from fgsbir.data.index import PhotoEntry
from fgsbir.data.pixels import sketch_tensor
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs, Level, Pictures
from fgsbir.generator.drawing import drawing_strokes
from fgsbir.generator.losses import sequence_log_probability
from fgsbir.generator.model import Generator
from fgsbir.joint.reward import policy_gradient_loss, reward, tempered
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.retrieval.pairs import category_numbers
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import stream, torch_stream


@dataclass(frozen=True, slots=True)
class RewardForm:
    """lambda_r1 and lambda_r2 of Eq. 8, and the baseline that REINFORCE subtracts."""

    lambda_r1: float
    lambda_r2: float
    baseline: Literal["none", "mean", "greedy"]


@dataclass(frozen=True, slots=True)
class Judges:
    """F and D_C as they score drawings, and the trunk that reads these for them.

    ``fit`` makes G's taps what F and D_C have learned from (:meth:`PseudoSketches.fit`).
    """

    retrieval: RetrievalModel
    discriminator: Discriminator
    objective: RetrievalObjective
    reader: Reader
    fit: Callable[[Tensor], Tensor]

    def inputs(self, sketches: list[np.ndarray]) -> dict[Level, Tensor]:
        """Canonical sketches as inputs of the levels that F and D_C read."""
        levels: set[Level] = {self.retrieval.level, self.discriminator.level}
        found: dict[Level, Tensor] = {}
        if levels != {"pixels"}:
            read = self.reader.sketches(sketches)
            found = {"taps": self.fit(read.taps), "map": read.map}
        if "pixels" in levels:
            rasters = torch.from_numpy(self.reader.spec.rasterise(sketches))
            found["pixels"] = sketch_tensor(rasters.to(self.reader.compute.device))
        return found


class PhotoBatch(NamedTuple):
    """Photos to draw, as inputs of every level that a model reads; numbers and categories int64 (n,)."""

    inputs: Mapping[Level, Tensor]
    numbers: np.ndarray
    categories: np.ndarray


@dataclass(frozen=True, slots=True)
class PhotoPool:
    """Labelled and unlabelled photos for G to draw, the first ``labelled`` of them labelled."""

    inputs: Mapping[Level, Inputs]
    categories: np.ndarray
    labelled: int

    @classmethod
    def of(
        cls, pictures: Pictures, labelled: Sequence[PhotoEntry], unlabelled: Sequence[PhotoEntry], levels: set[Level]
    ) -> "PhotoPool":
        """The photos of two lists as inputs of ``levels``."""
        entries = [*labelled, *unlabelled]
        inputs = {level: pictures.photos(entries, level) for level in sorted(levels)}
        return cls(inputs, category_numbers(pictures, entries), len(labelled))

    def batch(self, size: int, seed: int, step: int, compute: Compute) -> PhotoBatch:
        """This process's share of ``size`` photos of ``step``, half of them labelled."""
        rng, half = stream(seed, "joint/reward", step), size // 2
        labelled = rng.integers(0, self.labelled, half)
        unlabelled = rng.integers(self.labelled, len(self.categories), size - half)
        share = size // compute.world
        rows = rng.permutation(np.concatenate([labelled, unlabelled]))[compute.rank * share :][:share]
        inputs = {level: photos(rows).to(compute.device) for level, photos in self.inputs.items()}
        return PhotoBatch(inputs, rows, self.categories[rows])


def drawing_rewards(
    compute: Compute,
    judges: Judges,
    photos: PhotoBatch,
    sketches: list[np.ndarray],
    form: RewardForm,
    generator: torch.Generator,
) -> Tensor:
    """R of Eq. 8 for each drawing, float32 (n,): high if F finds its photo and D_C believes it.

    F searches among the photos of all processes. ``generator``, equal on all of them, draws the
    negatives of the loss ``triplet``.
    """
    drawn, shown = judges.inputs(sketches), photos.inputs
    finds, believes = judges.retrieval, judges.discriminator
    with compute.scoring(finds, believes):
        sketch, photo = finds.embed(drawn[finds.level], "sketch"), finds.embed(shown[finds.level], "photo")
        omega = certainty(believes(shown[believes.level], drawn[believes.level]))
    numbers, categories = (
        torch.from_numpy(values).to(compute.device) for values in (photos.numbers, photos.categories)
    )
    gather = compute.gather
    loss = judges.objective(gather(sketch), gather(photo), gather(numbers), gather(categories), generator)
    mine = loss.view(compute.world, -1)[compute.rank]
    return reward(mine, omega, form.lambda_r1, form.lambda_r2)


def policy_gradient(
    compute: Compute,
    generator: Generator,
    judges: Judges,
    photos: PhotoBatch,
    form: RewardForm,
    *,
    temperature: float,
    seed: int,
    step: int,
) -> tuple[Tensor, Tensor]:
    """-sum_t log p(drawing) (R - b) / T, the mean over the drawings of all processes (Eq. 9), and the mean reward.

    One drawing a photo at ``temperature`` > 0, p being what G draws from at it, its random numbers a function of
    (seed, step). The states that drew it are constants here, so the gradient reaches G's last layer (W_y, b_y) and
    nothing else.
    """
    inputs = photos.inputs[generator.level]
    numbers = torch_stream(seed, "joint/policy", step, compute.rank)
    with compute.autocast():
        drawing = generator.sample(inputs, temperature=temperature, generator=numbers)

    def earned_by(strokes: list[np.ndarray]) -> Tensor:
        return drawing_rewards(compute, judges, photos, strokes, form, torch_stream(seed, "joint/negatives", step))

    earned = earned_by(drawing_strokes(generator, drawing))
    baseline: Tensor | float = 0.0
    if form.baseline == "mean":
        baseline = compute.gather(earned).mean()
    elif form.baseline == "greedy":
        with compute.autocast():
            baseline = earned_by(drawing_strokes(generator, generator.sample(inputs, temperature=0.0)))
    policy = tempered(*generator.output(drawing.hidden), temperature)
    log_probability = sequence_log_probability(*policy, drawing.sequences, drawing.lengths)
    loss = policy_gradient_loss(log_probability, earned, baseline, drawing.lengths)
    return compute.gather(loss).mean(), compute.gather(earned).mean()

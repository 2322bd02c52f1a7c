"""Eqs. 8 and 9 of paper 1: G learns from F and D_C by REINFORCE, since rasterising has no gradient.

Left open by the paper and decided here: a baseline is subtracted from the reward (the batch's mean,
or the reward of the greedy drawing of the same photo), the log probability is divided by the
drawing's length, F and D_C score in evaluation mode, and G draws as freely as it will for F: what is
rewarded is the policy that draws the pseudo sketches.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric

from fgsbir.certainty.certainty import certainties
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.pixels import photo_tensor, sketch_rasters, sketch_tensor
from fgsbir.generator.drawing import drawing_strokes
from fgsbir.generator.losses import sequence_log_probability
from fgsbir.generator.model import Generator
from fgsbir.joint.reward import policy_gradient_loss, reward, tempered
from fgsbir.retrieval.embedding import scoring
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.runtime.processes import gather_live, mixed_seed, step_generator


@dataclass(frozen=True, slots=True)
class RewardForm:
    """lambda_r1 and lambda_r2 of Eq. 8, and the baseline that REINFORCE subtracts."""

    lambda_r1: float
    lambda_r2: float
    baseline: Literal["none", "mean", "greedy"]


@dataclass(frozen=True, slots=True)
class Judges:
    """F and D_C as they score drawings, with what they need to see them."""

    retrieval: RetrievalModel
    discriminator: Discriminator
    objective: RetrievalObjective
    line_width: float
    precision: str


@dataclass(slots=True)
class PhotoBatch:
    """Photos to draw: for G and D_C uint8 (n, g, g, 3), for F uint8 (n, s, s, 3); numbers and categories int64 (n,)."""

    for_generator: np.ndarray
    for_retrieval: np.ndarray
    numbers: np.ndarray
    categories: np.ndarray


def drawing_rewards(
    fabric: Fabric,
    judges: Judges,
    photos: PhotoBatch,
    sketches: list[np.ndarray],
    form: RewardForm,
    generator: torch.Generator,
) -> torch.Tensor:
    """R of Eq. 8 for each drawing, float32 (n,): high if F finds its photo and D_C believes it.

    F searches among the photos of all processes. ``generator``, equal on all of them, draws the
    negatives of the loss ``triplet``.
    """
    size = judges.retrieval.image_size
    rasters = torch.from_numpy(sketch_rasters(sketches, size, judges.line_width)).to(fabric.device)
    pixels = photo_tensor(torch.from_numpy(photos.for_retrieval).to(fabric.device))
    with scoring(judges.retrieval, fabric.device, judges.precision):
        sketch, photo = judges.retrieval(torch.cat([sketch_tensor(rasters), pixels])).float().chunk(2)
    loss = judges.objective(
        gather_live(fabric, sketch),
        gather_live(fabric, photo),
        gather_live(fabric, torch.from_numpy(photos.numbers).to(fabric.device)),
        gather_live(fabric, torch.from_numpy(photos.categories).to(fabric.device)),
        generator,
    )
    omega = certainties(
        judges.discriminator,
        photos.for_generator,
        np.arange(len(sketches)),
        sketches,
        line_width=judges.line_width,
        device=fabric.device,
        precision=judges.precision,
    )
    mine = loss.view(fabric.world_size, -1)[fabric.global_rank]
    return reward(mine, torch.from_numpy(omega).to(fabric.device), form.lambda_r1, form.lambda_r2)


def policy_gradient(
    fabric: Fabric,
    generator: Generator,
    judges: Judges,
    photos: PhotoBatch,
    form: RewardForm,
    *,
    temperature: float,
    seed: int,
    step: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """-sum_t log p(drawing) (R - b) / T, the mean over the drawings of all processes (Eq. 9), and the mean reward.

    One drawing a photo at ``temperature`` > 0, p being what G draws from at it, its random numbers a function of
    (seed, step). The states that drew it are constants here, so the gradient reaches G's last layer (W_y, b_y) and
    nothing else.
    """
    pixels = photo_tensor(torch.from_numpy(photos.for_generator).to(fabric.device))
    numbers = torch.Generator().manual_seed(mixed_seed(seed, 2, step, fabric.global_rank))
    with fabric.autocast():
        drawing = generator.sample(pixels, temperature=temperature, generator=numbers)
    strokes = drawing_strokes(generator, drawing)
    earned = drawing_rewards(fabric, judges, photos, strokes, form, step_generator(seed, step))
    baseline: torch.Tensor | float = 0.0
    if form.baseline == "mean":
        baseline = gather_live(fabric, earned).mean()
    elif form.baseline == "greedy":
        with fabric.autocast():
            greedy = generator.sample(pixels, temperature=0.0)
        strokes = drawing_strokes(generator, greedy)
        baseline = drawing_rewards(fabric, judges, photos, strokes, form, step_generator(seed, step))
    policy = tempered(*generator.output(drawing.hidden), temperature)
    log_probability = sequence_log_probability(*policy, drawing.sequences, drawing.lengths)
    loss = policy_gradient_loss(log_probability, earned, baseline, drawing.lengths)
    return gather_live(fabric, loss).mean(), gather_live(fabric, earned).mean()

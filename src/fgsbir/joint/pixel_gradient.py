"""A gradient that reaches G's choices through the pixels of its lines; Eq. 9 sees a drawing's reward alone.

A contour that is drawn darkens its pixels. A step back through F and the trunk says how R (Eq. 8) changes with each
pixel. Along a contour, that is what drawing it is worth, whether it was drawn or not. So one drawing says something
about every choice, where the policy gradient needs many drawings (straight-through; Bengio, Leonard and Courville,
2013).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fgsbir.data.contours import SIDE
from fgsbir.data.strokes import CANVAS, centre, placements
from fgsbir.generator.contour_model import ContourGenerator
from fgsbir.generator.drawing import strokes_where_drawn
from fgsbir.joint.policy_gradient import Judges, PhotoBatch
from fgsbir.runtime.streams import torch_stream


def pixel_gradient(
    generator: ContourGenerator, judges: Judges, photos: PhotoBatch, *, temperature: float, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """A loss with the gradient of -R in the probabilities of G's choices, and the mean reward: scalars.

    Both are means over the drawings of all processes, one drawing a photo, drawn as
    :func:`fgsbir.joint.policy_gradient.policy_gradient` draws.
    """
    compute, inputs = judges.reader.compute, photos.inputs["contours"]
    with compute.autocast(), torch.no_grad():
        numbers = torch_stream(seed, "joint/policy", step, compute.rank)
        drawing = generator.sample(inputs, temperature=temperature, generator=numbers)
    strokes = strokes_where_drawn(generator, drawing)
    images = judges.reader.images([centre(each) for each in strokes]).contiguous().requires_grad_()
    earned = judges.rewards(photos, images, torch_stream(seed, "joint/negatives", step), gradients=True)
    (slope,) = torch.autograd.grad(earned.sum(), images)
    placed = placements(np.concatenate(strokes), np.array([len(each) for each in strokes]))
    scale, middle = (torch.from_numpy(values).to(slope.device) for values in placed)
    points = (inputs.points - middle[:, None, None]) * scale[:, None, None, None] + CANVAS / 2
    worth = worth_of_lines(slope.sum(1), points, judges.reader.spec.line_width) * inputs.mask
    with compute.autocast():
        chance = generator(inputs).sigmoid()
    loss = -(worth * chance).sum(1)
    return compute.gather(loss).mean(), compute.gather(earned.detach()).mean()


def worth_of_lines(slope: Tensor, points: Tensor, width: float) -> Tensor:
    """How much a value rises when each line is drawn: float32 (n, S).

    ``slope`` (n, s, s) is the gradient of the value in the brightness of each pixel, which ink takes from 1 to 0.
    ``points`` (n, S, P, 2) lie along each line on the 256 canvas; ``width`` is the lines' in pixels of it.
    """
    pixels = slope.shape[-1] / SIDE
    # A line's pixels lie about its points: the mean over a square as wide as the line.
    window = 2 * round(width * pixels / 2) + 1
    smooth = functional.avg_pool2d(slope.unsqueeze(1), window, 1, window // 2)
    places = (points + 0.5) * (2 / SIDE) - 1
    along = functional.grid_sample(smooth, places, padding_mode="zeros", align_corners=False).squeeze(1).mean(2)
    area = points.diff(dim=2).norm(dim=3).sum(2) * width * pixels**2
    return -along * area

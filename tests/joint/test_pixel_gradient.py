"""What drawing a contour is worth, from the pixels: against lines drawn and not drawn, and a G that learns from it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.rasterise import rasterise_batch
from fgsbir.data.strokes import join_strokes
from fgsbir.joint.pixel_gradient import pixel_gradient, worth_of_lines
from fgsbir.joint.policy_gradient import PhotoBatch, PhotoPool
from tests.joint.toy_joint import judges
from tests.toy import Toy, toy_chooser


@pytest.mark.parametrize(("size", "width"), [(256, 3.0), (224, 3.0), (128, 6.0)])
def test_a_line_is_worth_what_its_ink_changes(size: int, width: float) -> None:
    """The oracle: the value of a picture with the line, drawn by Pillow, minus that of a white page."""
    y, x = np.mgrid[:size, :size] / size
    slope = np.sin(5 * x + 2) * np.cos(4 * y) + 0.3 * x
    along = np.linspace(0, 1, 12)[:, None]
    lines = [np.array(start) * (1 - along) + np.array(end) * along for start, end in (
        [(40, 50), (200, 60)], [(30, 200), (90, 120)], [(128, 128), (140, 230)])]  # fmt: skip
    pages = rasterise_batch([join_strokes([line]) for line in lines], size, width) / 255.0
    expected = ((pages - 1) * slope).sum((1, 2))
    points = torch.tensor(np.array(lines), dtype=torch.float32).unsqueeze(0)
    found = worth_of_lines(torch.tensor(slope, dtype=torch.float32).unsqueeze(0), points, width)
    # The ends are round and reach half a width further than the points.
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=0.1, atol=4.0)


def photo_batch(toy: Toy) -> PhotoBatch:
    pool = PhotoPool(toy.pictures, toy.split.labelled, toy.split.unlabelled, {"taps", "contours"})
    return pool.batch(8, 0, 0, toy.compute)


def test_the_slope_is_that_of_the_chances_and_reaches_g_alone(toy: Toy) -> None:
    model, judging, photos = toy_chooser(), judges(toy), photo_batch(toy)
    judging.discriminator.train()
    loss, reward = pixel_gradient(model, judging, photos, temperature=0.5, seed=0, step=0)
    again, _ = pixel_gradient(model, judging, photos, temperature=0.5, seed=0, step=0)
    assert loss.item() == again.item() and not reward.requires_grad
    loss.backward()
    assert all(weights.grad is not None for weights in model.parameters() if weights.requires_grad)
    assert all(
        weights.grad is None for weights in (*judging.retrieval.parameters(), *judging.discriminator.parameters())
    )
    assert isinstance(judging.discriminator, Discriminator) and judging.discriminator.training


@pytest.mark.parametrize("judge", ["lambda_r1", "lambda_r2"])
def test_both_judges_move_g(toy: Toy, judge: str) -> None:
    model, alone = toy_chooser(), replace(judges(toy), **{"lambda_r1": 0.0, "lambda_r2": 0.0} | {judge: 1.0})
    pixel_gradient(model, alone, photo_batch(toy), temperature=0.5, seed=0, step=0)[0].backward()
    assert any(weights.grad.abs().max() > 0 for weights in model.parameters() if weights.grad is not None)


def test_g_earns_more_after_steps_down_it(toy: Toy) -> None:
    model, judging, photos = toy_chooser(), judges(toy), photo_batch(toy)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    rewards = []
    for _ in range(40):
        loss, reward = pixel_gradient(model, judging, photos, temperature=0.1, seed=0, step=0)
        toy.compute.descend(optimizer, model, loss)
        rewards.append(reward.item())
    assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 0.05

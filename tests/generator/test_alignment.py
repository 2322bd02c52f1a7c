"""A sketch that was drawn over known contours, and then moved, finds back to them."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fgsbir.data.contours import SIDE, Contours, photo_contours
from fgsbir.data.strokes import centre, join_strokes
from fgsbir.generator.alignment import coverage, laid_over, sketch_points, target

SEAT = [(70, 120), (170, 130), (160, 160), (64, 150)]
BACK = [(75, 30), (150, 24), (158, 110), (82, 104)]
LEGS = [[(70, 165), (78, 235)], [(150, 168), (146, 240)]]
LAMP = (205, 20, 240, 90)


@pytest.fixture(scope="module")
def contours() -> Contours:
    """A chair, and a lamp beside it."""
    image = Image.new("RGB", (SIDE, SIDE), (240, 240, 235))
    pen = ImageDraw.Draw(image)
    for polygon in (SEAT, BACK):
        pen.polygon(polygon, fill=(120, 70, 40))
    for leg in LEGS:
        pen.line(leg, fill=(60, 40, 30), width=8)
    pen.rectangle(LAMP, fill=(200, 160, 60))
    return photo_contours(np.asarray(image))


def chair(*parts: list[tuple[int, int]]) -> np.ndarray:
    closed = [np.array([*part, part[0]], np.float32) for part in parts if len(part) > 2]
    return join_strokes([*closed, *(np.array(part, np.float32) for part in parts if len(part) == 2)])


@pytest.mark.parametrize(
    "moved", [np.eye(2), np.diag([1.25, 1.1]), np.diag([0.7, 0.8]), np.array([[1.0, 0.08], [-0.06, 1.1]])]
)
def test_a_moved_squeezed_and_slanted_sketch_is_laid_back(contours: Contours, moved: np.ndarray) -> None:
    truth = chair(SEAT, BACK, *LEGS)
    drawn = truth.copy()
    drawn[:, :2] = truth[:, :2] @ moved.T + np.array([9, -14])
    drawn = centre(drawn)
    laid = np.concatenate([drawn[:, :2], np.ones((len(drawn), 1))], 1) @ laid_over(drawn, target(contours)).T
    assert np.abs(laid - truth[:, :2]).mean() < 4


def test_what_was_drawn_is_covered_and_what_was_not_is_not(contours: Contours) -> None:
    covered = coverage(centre(chair(SEAT, BACK, *LEGS)), contours, target(contours))
    middle = contours.points.mean(1)
    lamp = middle[:, 0] > LAMP[0] - 10
    back = (middle[:, 1] < 115) & ~lamp
    assert covered[lamp].max() == 0 and covered[back].mean() > 0.9
    without_back = coverage(centre(chair(SEAT, *LEGS)), contours, target(contours))
    assert without_back[back].mean() < 0.3 < without_back[~back & ~lamp].mean()


def test_a_dot_covers_nothing(contours: Contours) -> None:
    dot = np.array([[128, 128, 0], [128, 128, 1]], np.float32)
    assert len(sketch_points(dot)[0]) == 0
    assert not coverage(dot, contours, target(contours)).any()

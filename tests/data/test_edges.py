"""Edge drawings follow what stands out in the middle of a photo, and nothing else."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fgsbir.data.edges import MOST_POINTS, edge_drawing, edge_drawings
from fgsbir.data.strokes import check_strokes, split_strokes

BOX = (70, 60, 180, 200)


def encoded(*shapes: tuple[int, int, int, int], noise: float = 0.0) -> bytes:
    """A white photo of 256 x 256 pixels with dark boxes."""
    image = Image.new("RGB", (256, 256), "white")
    for shape in shapes:
        ImageDraw.Draw(image).rectangle(shape, fill=(60, 40, 30))
    pixels = np.asarray(image) + np.random.default_rng(0).normal(0, noise, (256, 256, 1))
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "png")
    return out.getvalue()


def along(strokes: np.ndarray) -> np.ndarray:
    """Points (n, 2) every pixel or so along the strokes."""
    lines = [line for part in split_strokes(strokes) for line in itertools.pairwise(part)]
    return np.concatenate([np.linspace(start, end, 50) for start, end in lines])


@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_a_box_is_drawn_along_its_sides(noise: float) -> None:
    strokes = check_strokes(edge_drawing(encoded(BOX, noise=noise), tolerance=4.0), "box")
    x, y = along(strokes).T
    left, top, right, bottom = BOX
    to_side = np.minimum.reduce([abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)])
    assert to_side.max() < 6
    assert x.min() < left + 4 and x.max() > right - 4 and y.min() < top + 4 and y.max() > bottom - 4
    assert len(strokes) < 20  # sides, not pixels


def test_nothing_stands_out_of_an_empty_photo() -> None:
    assert edge_drawing(encoded(), tolerance=4.0).shape == (0, 3)


def test_the_surroundings_and_specks_are_left_out() -> None:
    alone = edge_drawing(encoded(BOX), tolerance=4.0)
    among = edge_drawing(encoded(BOX, (2, 100, 12, 150), (20, 30, 24, 34)), tolerance=4.0)
    np.testing.assert_allclose(among, alone)


def test_the_longest_contours_come_first_and_fit() -> None:
    boxes = [
        (30 + 25 * column, 30 + 25 * row, 44 + 25 * column, 44 + 25 * row) for column in range(8) for row in range(8)
    ]
    strokes = edge_drawing(encoded(*boxes), tolerance=1.0)
    assert MOST_POINTS - 10 < len(strokes) <= MOST_POINTS
    both = edge_drawing(encoded(BOX, (200, 30, 215, 45)), tolerance=4.0)
    lengths = [np.linalg.norm(np.diff(part, axis=0), axis=1).sum() for part in split_strokes(both)]
    assert len(lengths) > 1 and lengths[0] > 4 * lengths[-1]


def test_any_number_of_workers_draws_the_same() -> None:
    photos = [encoded((60, 60, 100 + 10 * number, 180)) for number in range(5)]
    alone, shared = (list(edge_drawings(photos, tolerance=4.0, workers=workers)) for workers in (1, 2))
    assert len(alone) == 5 and all(map(np.array_equal, alone, shared))
    assert not np.array_equal(alone[0], alone[1])

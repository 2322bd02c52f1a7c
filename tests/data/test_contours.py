"""Contours: what stands out in a photo, cut at its corners."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fgsbir.data.contours import (
    LEAST,
    MOST,
    MOST_PIECES,
    SIDE,
    STEP,
    line_of,
    mirrored_contours,
    photo_contours,
    runs,
)

BOX = (70, 60, 180, 200)


def picture(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    image = Image.new("RGB", (SIDE, SIDE), "white")
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=(60, 90, 30))
    return np.asarray(image)


def test_the_sides_of_a_box_are_cut_at_its_corners() -> None:
    contours = photo_contours(picture(BOX))
    x, y = np.moveaxis(contours.points, 2, 0)
    left, top, right, bottom = BOX
    to_side = np.stack([abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)])
    # Every piece lies along one side, but for the rounding at its ends.
    assert (np.median(to_side, 2).min(0) < 2).all() and to_side.min(0).max() < 4
    chord = np.linalg.norm(contours.points[:, -1] - contours.points[:, 0], axis=1)
    assert (chord > 0.93 * contours.lengths).all()
    assert contours.lengths.sum() == pytest.approx(2 * (right - left + bottom - top), rel=0.05)
    assert (contours.lengths > 0.8 * LEAST * STEP).all() and (contours.lengths < (MOST + LEAST + 1) * STEP).all()
    assert (np.diff(contours.contour) >= 0).all() and (contours.strength > 0.02).all()


def test_an_empty_photo_has_none_and_a_crowded_one_keeps_the_longest() -> None:
    assert photo_contours(picture()).points.shape == (0, 12, 2)
    crowd = [(x, y, x + 6, y + 6) for x in range(8, 240, 14) for y in range(8, 240, 14)]
    crowded = photo_contours(picture(*crowd))
    assert len(crowded.contour) == MOST_PIECES
    # Pieces that lost a neighbour do not follow each other any more.
    follows = np.flatnonzero(np.diff(crowded.contour) == 0)
    np.testing.assert_allclose(crowded.points[follows, -1], crowded.points[follows + 1, 0], atol=1e-4)


def test_mirrored_contours_are_those_of_the_mirrored_photo() -> None:
    pixels = picture(BOX, (20, 20, 40, 90))
    straight, mirror = photo_contours(pixels), photo_contours(np.ascontiguousarray(pixels[:, ::-1]))

    def drawn(points: np.ndarray) -> set[tuple[int, int]]:
        return set(map(tuple, (points.reshape(-1, 2) / 4).round().astype(int).tolist()))

    expected, found = drawn(mirror.points), drawn(mirrored_contours(straight.points))
    assert len(expected & found) > 0.6 * len(expected | found)


def test_kept_pieces_that_follow_each_other_are_one_line() -> None:
    contour = np.array([0, 0, 0, 1, 1])
    found = [rows.tolist() for rows in runs(contour, np.array([True, True, False, True, True]))]
    assert found == [[0, 1], [3, 4]]
    assert [rows.tolist() for rows in runs(contour, np.ones(5, bool))] == [[0, 1, 2], [3, 4]]
    assert runs(contour, np.zeros(5, bool)) == []
    points = np.arange(2 * 3 * 2, dtype=np.float32).reshape(2, 3, 2)
    np.testing.assert_array_equal(line_of(points), np.concatenate([points[0], points[1, 1:]]))

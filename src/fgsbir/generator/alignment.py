"""A sketch laid over its photo: which of the photo's contours did the person draw?

People draw a product at their own size and place, squeezed and slanted. The affine map that brings a sketch's lines
onto contours of the same direction is found among many places and sizes, and refined by iterated closest points.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from fgsbir.data.contours import SIDE, Contours, distances_along, points_at
from fgsbir.data.strokes import split_strokes

STEP = 3.0  # pixels between the points of a sketch that are compared
DIRECTIONS = 4  # kinds of direction that distances are kept for
FAR = 14.0  # pixels; what lies further from a contour is as good as anywhere
COARSE = 120  # points of a sketch that places and sizes are tried with
SIDES, SHIFT, SHIFT_STEP = (110, 130, 150, 170, 190, 210, 230), 48, 8
TRIED = 8  # places that are refined
# Reach of a point in pixels, from the first iteration to the last, and how hard the map is held where it is.
REACH = np.geomspace(14, 5, 16)
HOLD = 0.02
NEAR, TURN = 8.0, np.radians(30)  # a contour that runs this near, this much along, is what was drawn


class Target(NamedTuple):
    """A photo's contours to lay sketches over: distances from each pixel to the nearest contour of each
    direction, float32 (k, s, s), and where that is, int16 (k, 2, s, s), rows and columns.
    """

    distance: np.ndarray
    nearest: np.ndarray


def direction(points: np.ndarray) -> np.ndarray:
    """Of a line (..., m, 2) at its points, radians in [0, pi): (..., m)."""
    step = np.gradient(points, axis=-2)
    return np.arctan2(step[..., 1], step[..., 0]) % np.pi


def turned(one: np.ndarray, other: np.ndarray | float) -> np.ndarray:
    """The angle between two directions, in [0, pi / 2]."""
    return np.abs((one - other + np.pi / 2) % np.pi - np.pi / 2)


def sketch_points(strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of a canonical sketch, evenly spread, float64 (n, 2), and the direction there (n,)."""
    points, directions = [np.zeros((0, 2))], [np.zeros(0)]
    for line in split_strokes(strokes):
        along = distances_along(line)
        if along[-1] < STEP:
            continue
        places = np.linspace(0, along[-1], max(2, round(along[-1] / STEP) + 1))
        points.append(points_at(line, along, places))
        directions.append(direction(points[-1]))
    return np.concatenate(points), np.concatenate(directions)


def target(contours: Contours) -> Target:
    """Prepare a photo's contours, at least one."""
    points, directions = contours.points.reshape(-1, 2), direction(contours.points).ravel()
    x, y = points.round().astype(int).clip(0, SIDE - 1).T
    distance = np.full((DIRECTIONS, SIDE, SIDE), FAR, np.float32)
    nearest = np.zeros((DIRECTIONS, 2, SIDE, SIDE), np.int16)
    for kind in range(DIRECTIONS):
        alike = turned(directions, kind * np.pi / DIRECTIONS) < np.pi / DIRECTIONS
        if alike.any():
            empty = np.ones((SIDE, SIDE), bool)
            empty[y[alike], x[alike]] = False
            found, where = ndimage.distance_transform_edt(empty, return_indices=True)
            distance[kind], nearest[kind] = np.minimum(found, FAR), where
    return Target(distance, nearest)


def laid_over(strokes: np.ndarray, onto: Target) -> np.ndarray:
    """The affine map (2, 3), of (x, y, 1), that lays a canonical sketch over its photo."""
    points, directions = sketch_points(strokes)
    if not len(points):
        return np.eye(2, 3)
    low, high = points.min(0), points.max(0)
    middle, side = (low + high) / 2, max(float((high - low).max()), 1.0)
    unit = np.concatenate([(points - middle) / side, np.ones((len(points), 1))], 1)
    kinds = (directions * DIRECTIONS / np.pi).round().astype(int) % DIRECTIONS

    shifts = np.arange(-SHIFT, SHIFT + 1, SHIFT_STEP)
    sizes, dx, dy = (grid.ravel() for grid in np.meshgrid(SIDES, shifts, shifts, indexing="ij"))
    some = np.linspace(0, len(unit) - 1, min(COARSE, len(unit))).astype(int)
    placed = unit[some, :2] * sizes[:, None, None] + (SIDE / 2 + np.stack([dx, dy], 1))[:, None]
    distance = _look(onto.distance, kinds[some], placed)
    # Small drawings lie near some contour anywhere.
    best = np.argsort(distance.mean(1) - sizes / 100)[:TRIED]

    found, best_score = np.eye(2, 3), -np.inf
    for size, x, y in zip(sizes[best], dx[best], dy[best], strict=True):
        start = np.array([[size, 0, SIDE / 2 + x], [0, size, SIDE / 2 + y]], float)
        fitted, score = _refined(unit, kinds, start, onto)
        if score > best_score:
            found, best_score = fitted, score
    matrix = found[:, :2] / side
    return np.concatenate([matrix, (found[:, 2] - matrix @ middle)[:, None]], 1)


def _look(values: np.ndarray, kinds: np.ndarray, points: np.ndarray) -> np.ndarray:
    """``values`` (k, s, s) of each point's kind at its pixel; ``points`` (..., n, 2)."""
    x, y = np.moveaxis(points.round().astype(int).clip(0, SIDE - 1), -1, 0)
    return values[kinds, y, x]


def _refined(unit: np.ndarray, kinds: np.ndarray, start: np.ndarray, onto: Target) -> tuple[np.ndarray, float]:
    """Iterated closest points from ``start`` (2, 3): the map, and how well the sketch lies on contours."""
    fitted = start
    for reach in REACH:
        placed = unit @ fitted.T
        weight = np.exp(-((_look(onto.distance, kinds, placed) / reach) ** 2))
        goal = np.stack([_look(onto.nearest[:, 1], kinds, placed), _look(onto.nearest[:, 0], kinds, placed)], 1)
        weighted = unit * weight[:, None]
        hold = HOLD * len(unit) * np.diag([1.0, 1.0, 0.1])
        fitted = fitted + np.linalg.solve(weighted.T @ unit + hold, weighted.T @ (goal - placed)).T
    distance = _look(onto.distance, kinds, unit @ fitted.T)
    size = np.sqrt(abs(np.linalg.det(fitted[:, :2])))
    return fitted, float(np.exp(-((distance / REACH[-1]) ** 2)).mean() + size / 400)


def coverage(strokes: np.ndarray, contours: Contours, onto: Target) -> np.ndarray:
    """The share of each piece of ``contours`` that a canonical sketch, laid over its photo, follows: float32 (n,)."""
    points, directions = sketch_points(strokes)
    if not len(points):
        return np.zeros(len(contours.points), np.float32)
    placed = np.concatenate([points, np.ones((len(points), 1))], 1) @ (laid := laid_over(strokes, onto)).T
    rays = np.stack([np.cos(directions), np.sin(directions)], 1) @ laid[:, :2].T
    directions = np.arctan2(rays[:, 1], rays[:, 0]) % np.pi
    distance, row = cKDTree(placed).query(contours.points, k=min(8, len(placed)), distance_upper_bound=NEAR)
    along = turned(np.append(directions, 0.0)[row], direction(contours.points)[..., None]) < TURN
    return (along & (distance < NEAR)).any(2).mean(1).astype(np.float32)


def coverage_of_all(contours: Contours, sketches: Sequence[np.ndarray]) -> list[np.ndarray]:
    """:func:`coverage` of each of a photo's sketches."""
    onto = target(contours)
    return [coverage(strokes, contours, onto) for strokes in sketches]

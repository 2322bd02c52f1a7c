"""The contours in a photo, cut into pieces: what a drawing of it can be chosen from."""

import itertools
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage.color import rgb2gray
from skimage.feature import canny

from fgsbir.data.strokes import CANVAS
from fgsbir.data.tracing import trace_mask

SIDE = int(CANVAS)
# Of Canny's detector, low enough that next to nothing is missed: blur in pixels, and the gradients, of grey in [0, 1],
# where an edge goes on and where it begins.
BLUR, WEAK, STRONG = 1.5, 0.02, 0.06
SHORTEST = 8.0  # pixels of a contour
STEP = 2.0  # pixels between the points along which corners are looked for
# A corner turns at least so far, in degrees, over so many points on either side; pieces are at least and at most so
# many steps long.
CORNER, ARM = 35.0, 4
LEAST, MOST = 3, 24
POINTS = 12  # of each piece, evenly spread
MOST_PIECES = 256  # of a photo; the longest are kept
SMOOTH = 2.5  # blur in pixels, of the gradient that tells how much a piece stands out


class Contours(NamedTuple):
    """Pieces of contours: ``points`` float32 (n, POINTS, 2), x and y of the 256 canvas; ``contour`` int32 (n,), rising,
    the contour that each is a piece of, in its order; ``strength`` float32 (n,), the mean gradient of grey along it.
    """

    points: np.ndarray
    contour: np.ndarray
    strength: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Of the pieces, in pixels: float32 (n,)."""
        return np.linalg.norm(np.diff(self.points, axis=1), axis=2).sum(1)


def photo_contours(pixels: np.ndarray) -> Contours:
    """The contours of a photo, uint8 (SIDE, SIDE, 3), cut at their corners."""
    grey = rgb2gray(pixels)
    pieces: list[np.ndarray] = []
    contour: list[int] = []
    for number, path in enumerate(trace_mask(canny(grey, BLUR, WEAK, STRONG))):
        found = _pieces(path)
        pieces += found
        contour += [number] * len(found)
    points = np.array(pieces, np.float32).reshape(-1, POINTS, 2)
    gradient = ndimage.gaussian_gradient_magnitude(grey, SMOOTH)
    x, y = np.moveaxis(points.round().astype(int).clip(0, SIDE - 1), 2, 0)
    contours = Contours(points, np.array(contour, np.int32), gradient[y, x].mean(1).astype(np.float32))
    if len(points) <= MOST_PIECES:
        return contours
    longest = np.sort(np.argsort(-contours.lengths, kind="stable")[:MOST_PIECES])
    kept = Contours(*(values[longest] for values in contours))
    # Where a piece is missing, a contour is two.
    breaks = (np.diff(longest) > 1) | (np.diff(kept.contour) > 0)
    return kept._replace(contour=np.concatenate([[0], np.cumsum(breaks)]).astype(np.int32))


def _pieces(path: np.ndarray) -> list[np.ndarray]:
    """A contour, float64 (m, 2), as pieces (POINTS, 2) between its corners."""
    along = distances_along(path)
    if along[-1] < SHORTEST:
        return []
    count = round(along[-1] / STEP) + 1
    points = points_at(path, along, np.linspace(0, along[-1], count))
    cuts = [0]
    for corner in [*_corners(points), count - 1]:
        if corner - cuts[-1] >= LEAST:
            parts = -(-(corner - cuts[-1]) // MOST)
            cuts += np.linspace(cuts[-1], corner, parts + 1)[1:].round().astype(int).tolist()
    # A last piece that is too short belongs to the one before.
    cuts[-1] = count - 1
    places = np.arange(count, dtype=float)
    return [points_at(points, places, np.linspace(first, last, POINTS)) for first, last in itertools.pairwise(cuts)]


def distances_along(line: np.ndarray) -> np.ndarray:
    """Of each point of a line (m, 2) from its start, in pixels: float64 (m,)."""
    return np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])


def points_at(path: np.ndarray, along: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The points of ``path`` (m, 2), whose own lie ``along`` (m,), at ``places`` (n,): float64 (n, 2)."""
    return np.stack([np.interp(places, along, path[:, axis]) for axis in (0, 1)], 1)


def _corners(points: np.ndarray) -> list[int]:
    """Rows of ``points`` (m, 2), evenly spread along a line, where it turns most and sharply."""
    if len(points) <= 2 * ARM:
        return []
    before, after = points[ARM:-ARM] - points[: -2 * ARM], points[2 * ARM :] - points[ARM:-ARM]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.degrees(np.abs(np.arctan2(cross, (before * after).sum(1))))
    sharpest = turn == ndimage.maximum_filter1d(turn, 2 * ARM + 1)
    return (np.flatnonzero(sharpest & (turn > CORNER)) + ARM).tolist()


def mirrored_contours(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) of the mirrored photo's contours."""
    return points * np.array([-1, 1], np.float32) + np.array([SIDE - 1, 0], np.float32)


def runs(contour: np.ndarray, kept: np.ndarray) -> list[np.ndarray]:
    """The rows of ``kept``, bool (n,), cut where pieces do not follow each other on one ``contour`` (n,)."""
    rows = np.flatnonzero(kept)
    breaks = np.flatnonzero((np.diff(rows) > 1) | (np.diff(contour[rows]) != 0)) + 1
    return np.split(rows, breaks) if len(rows) else []


def line_of(points: np.ndarray) -> np.ndarray:
    """Pieces (n, POINTS, 2) that follow each other as one line (m, 2)."""
    return np.concatenate([points[0, :1], points[:, 1:].reshape(-1, 2)])


def line_length(line: np.ndarray) -> float:
    """Of a line (m, 2), in pixels."""
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())

"""Lines: of curves, in parts cut at a box or where they are shown, without a frame. Points are complex numbers (m,)."""

from itertools import pairwise

import numpy as np

from fgsbir.data.records import DataError

MAX_POINTS = 200_000  # of one file; a few numbers can make a curve of hundreds
POINT_SPACING = 3.0  # canvas pixels between the points that stand for a curve
MAX_CURVE_POINTS = 300
FRAME_SHARE = 0.9  # of the page's sides, from which a rectangle can be its frame
MAX_FRAME = 100_000.0  # canvas pixels, all lines of a frame: about a hundred rectangles
FRAME_GAP = 5.0  # canvas pixels, that a frame keeps from what it frames

_TIMES = np.linspace(0, 1, 65)
CUBIC = np.stack([(1 - _TIMES) ** 3, 3 * _TIMES * (1 - _TIMES) ** 2, 3 * _TIMES**2 * (1 - _TIMES), _TIMES**3])


def controls_of(points: np.ndarray, letters: np.ndarray) -> np.ndarray:
    """The controls of the curves of paths, complex (n, 4), of their points and their commands M, L, C and Z."""
    ends = np.cumsum(1 * (letters == "M") + (letters == "L") + 3 * (letters == "C"))[letters == "C"]
    return points[ends[:, None] + np.arange(-4, 0)]


def flatten(controls: np.ndarray) -> list[list[complex]]:
    """Points of cubic curves, complex (n, 4), even along each, from after its start to its end."""
    fine = controls @ CUBIC
    walked = np.concatenate([np.zeros((len(fine), 1)), np.cumsum(np.abs(np.diff(fine)), 1)], 1)
    lengths = walked[:, -1]
    numbers = np.clip(np.ceil(lengths / POINT_SPACING), 1, MAX_CURVE_POINTS).astype(int)
    last = np.cumsum(numbers)
    if last[-1] > MAX_POINTS:
        raise DataError(f"expected at most {MAX_POINTS:,} points, found more")
    # One line of all curves, a step of 1 between two, so that one interpolation serves all.
    begins = np.cumsum(lengths + 1) - lengths - 1
    share = (np.arange(last[-1]) - np.repeat(last - numbers, numbers) + 1) / np.repeat(numbers, numbers)
    at = np.repeat(begins, numbers) + share * np.repeat(lengths, numbers)
    even = np.interp(at, (walked + begins[:, None]).ravel(), fine.ravel())
    even[last - 1] = controls[:, -1]
    listed, parts = even.tolist(), [0, *last.tolist()]
    return [listed[first:after] for first, after in pairwise(parts)]


def cut_to_box(line: np.ndarray, low: complex, high: complex) -> list[np.ndarray]:
    """The parts of a line that lie in the box between two corners."""
    inside = (line.real >= low.real) & (line.real <= high.real) & (line.imag >= low.imag) & (line.imag <= high.imag)
    if inside.all():
        return [line]
    if len(line) < 2:
        return []
    start, step = line[:-1], np.diff(line)
    enters, leaves = np.zeros(len(step)), np.ones(len(step))
    with np.errstate(divide="ignore", invalid="ignore"):
        for at, along, lowest, highest in (
            (start.real, step.real, low.real, high.real),
            (start.imag, step.imag, low.imag, high.imag),
        ):
            one, other = (lowest - at) / along, (highest - at) / along
            still = along == 0
            beside = still & ((at < lowest) | (at > highest))
            enters = np.maximum(enters, np.where(still, np.where(beside, 2.0, 0.0), np.minimum(one, other)))
            leaves = np.minimum(leaves, np.where(still, 1.0, np.maximum(one, other)))
    parts: list[list[complex]] = []
    goes_on = False
    for i in np.flatnonzero(enters < leaves).tolist():
        first, last = start[i] + enters[i] * step[i], start[i] + leaves[i] * step[i]
        if goes_on and enters[i] == 0 and parts[-1][-1] == line[i]:
            parts[-1].append(last)
        else:
            parts.append([first, last])
        goes_on = leaves[i] == 1
        if goes_on:
            parts[-1][-1] = line[i + 1]
    return [np.array(part) for part in parts]


def dense_points(line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points no more than 1 apart along a line, and which of them are the line's own."""
    step = np.diff(line)
    numbers = np.maximum(np.ceil(np.abs(step)), 1).astype(int)
    first = np.cumsum(numbers) - numbers
    share = (np.arange(numbers.sum()) - np.repeat(first, numbers)) / np.repeat(numbers, numbers)
    points = np.repeat(line[:-1], numbers) + share * np.repeat(step, numbers)
    own = np.zeros(len(points) + 1, bool)
    own[np.append(first, -1)] = True
    return np.append(points, line[-1]), own


def shown_parts(points: np.ndarray, own: np.ndarray, shown: np.ndarray, gap: float) -> list[np.ndarray]:
    """The parts of a dense line that are shown, of their own points and the ends; gaps of at most ``gap`` are none."""
    if shown.all():
        return [points[own]]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]]).astype(int)))
    runs: list[list[int]] = []
    for first, after in edges.reshape(-1, 2).tolist():
        if runs and first - runs[-1][1] <= gap:
            runs[-1][1] = after
        else:
            runs.append([first, after])
    kept = own.copy()
    for first, after in runs:
        kept[[first, after - 1]] = True
    parts = [points[first:after][kept[first:after]] for first, after in runs]
    return [part for part, (first, after) in zip(parts, runs, strict=True) if after - first > 2]


def without_frame(lines: list[np.ndarray], low: complex, high: complex) -> list[np.ndarray]:
    """Lines without a frame that runs near the border of a page, given by two corners, round all the others.

    It is a rectangle, four lines or more that make one, or several such within each other. A frame round nothing stays.
    """
    left = lines
    while len(left) > 1:
        points, first = np.concatenate(left), np.cumsum([0, *map(len, left[:-1])])
        corner = complex(points.real.min(), points.imag.min())
        opposite = complex(points.real.max(), points.imag.max())
        share, size = opposite - corner, FRAME_SHARE * (high - low)
        if share.real < size.real or share.imag < size.imag:
            break
        # How far each point lies from the sides of the box around all lines: left, right, top, bottom.
        off = np.maximum.reduceat(_from_sides(points, corner, opposite).min(0), first) < FRAME_GAP
        frame = [line for line, near in zip(left, off.tolist(), strict=True) if near and len(line) > 1]
        others = [line for line, near in zip(left, off.tolist(), strict=True) if not near]
        if not frame or not others or _from_sides(np.concatenate(others), corner, opposite).min() <= FRAME_GAP:
            break
        if sum(float(np.abs(np.diff(line)).sum()) for line in frame) > MAX_FRAME:
            break
        dense = np.concatenate([dense_points(line)[0] for line in frame])
        from_sides = _from_sides(dense, corner, opposite)
        along = np.stack([dense.imag, dense.imag, dense.real, dense.real])
        lengths = (share.imag, share.imag, share.real, share.real)
        drawn = [len(np.unique(at[near].astype(int))) for at, near in zip(along, from_sides < FRAME_GAP, strict=True)]
        if from_sides.min(0).max() >= FRAME_GAP or any(
            number < FRAME_SHARE * length for number, length in zip(drawn, lengths, strict=True)
        ):
            break
        left = others
    return left


def _from_sides(points: np.ndarray, low: complex, high: complex) -> np.ndarray:
    """How far points (n,) lie inside the left, right, top and bottom of a box: (4, n)."""
    return np.stack([points.real - low.real, high.real - points.real, points.imag - low.imag, high.imag - points.imag])

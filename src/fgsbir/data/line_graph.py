"""A skeleton as a graph: its lines cut at the junctions, and joined again where they run straight on."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from scipy.cluster.hierarchy import DisjointSet

DIRECTION_PIXELS = 8  # along which a line's direction at a junction is measured
BENT_PIXELS = 2  # that thinning pulls towards a fork
MAX_TURN = 60.0  # degrees, up to which a line goes on through a junction
# A bridge between two forks is a crossing if it is at most this many widths of a line long, and lines go on beyond it
# within this turn.
FAR_CROSSING = 4.0
MAX_CROSSING_TURN = 20.0

_EIGHT = np.ones((3, 3), int)

_End = tuple[int, int]  # the number of a line, and which of its ends


@dataclass(slots=True, eq=False)
class _Line:
    """Skeleton pixels in order, float64 (m, 2) as x, y; ``nodes`` are the junctions at its ends, -1 for none."""

    points: np.ndarray
    nodes: list[int]
    length: float = field(init=False)

    def __post_init__(self) -> None:
        self.length = float(np.hypot(*np.diff(self.points, axis=0).T).sum()) + 1


def line_paths(skeleton: np.ndarray, radius: float) -> list[np.ndarray]:
    """The strokes of a skeleton, bool (h, w) with an empty border: each float64 (m, 2), x and y of pixels.

    ``radius`` is half the drawn lines' width. Branches no longer than that are fringes of thinning and are pruned;
    junctions no further apart than twice that are one crossing. At a junction the two lines that go on straightest,
    within 60 degrees, are one stroke, then the next two.
    """
    lines, nodes = _cut(skeleton)
    lines = _prune(lines, 1.5 * radius + 1)
    lines = _merge_junctions(lines, nodes, 2 * radius + 1)
    return [_smooth(path) for path in _join(lines, nodes)]


def _cut(skeleton: np.ndarray) -> tuple[list[_Line], np.ndarray]:
    """Cut the skeleton at its junctions: the lines between, and the junctions' centres, (j, 2) as x, y."""
    junction = skeleton & (_neighbours(skeleton) > 2)
    labels, number = ndimage.label(junction, _EIGHT)
    centres = ndimage.center_of_mass(junction, labels, range(1, number + 1))
    nodes = np.array(centres, np.float64).reshape(-1, 2)[:, ::-1]

    width = skeleton.shape[1]
    around = [-width, -1, 1, width, -width - 1, -width + 1, width - 1, width + 1]
    between = skeleton & ~junction
    open_pixels = dict.fromkeys(np.flatnonzero(between).tolist())
    ends = np.flatnonzero(between & (_neighbours(between) <= 1)).tolist()
    lines = []
    # First from the ends of lines; what is left then are rings.
    for start in [*ends, *open_pixels]:
        if start not in open_pixels:
            continue
        path = _walk(start, around, open_pixels)
        touched = [sorted({int(labels.flat[pixel + step]) for step in around} - {0}) for pixel in (path[0], path[-1])]
        if len(path) == 1:  # one pixel between two junctions, or beside one
            touched = [touched[0][:1], touched[0][1:]]
        at = [labels_there[0] - 1 if labels_there else -1 for labels_there in touched]
        closed = at == [-1, -1] and len(path) > 2 and path[-1] - path[0] in around
        pixels = np.array(path + path[:1] if closed else path)
        lines.append(_Line(np.stack([pixels % width, pixels // width], 1).astype(np.float64), at))
    # A junction that touches no line is a blob of its own: a dot.
    used = {node for line in lines for node in line.nodes}
    lines += [_Line(nodes[node : node + 1], [-1, -1]) for node in range(number) if node not in used]
    return lines, nodes


def _neighbours(mask: np.ndarray) -> np.ndarray:
    return ndimage.convolve(mask.astype(np.uint8), _EIGHT, mode="constant") - mask


def _walk(start: int, around: list[int], open_pixels: dict[int, None]) -> list[int]:
    """Follow a line from ``start`` until no pixel of it is left; takes its pixels out of ``open_pixels``."""
    path = [start]
    while True:
        del open_pixels[path[-1]]
        for step in around:
            if path[-1] + step in open_pixels:
                path.append(path[-1] + step)
                break
        else:
            return path


def _prune(lines: list[_Line], length: float) -> list[_Line]:
    """Drop branches shorter than ``length`` from junctions, except where nothing longer meets."""
    lengths = defaultdict(list)
    for line in lines:
        for node in line.nodes:
            lengths[node].append(line.length)

    def is_fringe(line: _Line) -> bool:
        branch = (line.nodes[0] < 0) != (line.nodes[1] < 0)
        return branch and line.length <= length < max(lengths[max(line.nodes)])

    return [line for line in lines if not is_fringe(line)]


def _merge_junctions(lines: list[_Line], nodes: np.ndarray, near: float) -> list[_Line]:
    """Make one junction of two that a line of at most ``near`` joins, or a longer one that is a crossing."""
    at_node = _ends_at_nodes(lines)
    junctions = DisjointSet(range(len(nodes)))
    kept = []
    for line in lines:
        first, last = line.nodes
        bridge = min(first, last) >= 0 and first != last and line.length <= FAR_CROSSING * near
        if bridge and (line.length <= near or _is_crossing(line, lines, at_node)):
            junctions.merge(first, last)
        else:
            kept.append(line)
    for members in junctions.subsets():
        nodes[junctions[min(members)]] = nodes[sorted(members)].mean(0)
    for line in kept:
        line.nodes = [junctions[node] if node >= 0 else -1 for node in line.nodes]
    return kept


def _is_crossing(bridge: _Line, lines: list[_Line], at_node: dict[int, list[_End]]) -> bool:
    """Whether two lines cross here at an acute angle, which thinning turns into two forks with a bridge between.

    Then each line of one fork and a line of the other lie on one straight line. Two bars that end on both sides of a
    post are parallel, but do not.
    """
    forks = []
    for node in bridge.nodes:
        others = [(lines[number], end) for number, end in at_node[node] if lines[number] is not bridge]
        if len(others) != 2:
            return False
        forks.append([(_direction(line, end), _along(line, end, DIRECTION_PIXELS)) for line, end in others])
    (one, other), (this, that) = forks
    best = max(min(_collinear(one, this), _collinear(other, that)), min(_collinear(one, that), _collinear(other, this)))
    return best > np.cos(np.radians(MAX_CROSSING_TURN))


def _collinear(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> float:
    """The cosine of the turn from one ray, a direction and a point on it, through the gap and into the other."""
    gap = one[1] - other[1]
    gap /= max(float(np.hypot(*gap)), 1e-9)
    return min(float(gap @ one[0]), float(-gap @ other[0]))


def _join(lines: list[_Line], nodes: np.ndarray) -> list[np.ndarray]:
    """Join lines through the junctions; lines that end at a junction reach its centre."""
    partner: dict[_End, _End] = {}
    for node, ends in _ends_at_nodes(lines).items():
        directions = np.array([_direction(lines[number], end, nodes[node]) for number, end in ends])
        straightness = -directions @ directions.T
        pairs = [(straightness[i, j], ends[i], ends[j]) for i in range(len(ends)) for j in range(i)]
        for value, one, other in sorted(pairs, key=lambda pair: -pair[0]):
            goes_on = value > np.cos(np.radians(MAX_TURN)) or len(ends) == 2
            if goes_on and one not in partner and other not in partner:
                partner[one], partner[other] = other, one

    paths = []
    done: set[int] = set()
    free = [(number, end) for number in range(len(lines)) for end in (0, 1) if (number, end) not in partner]
    for start in [*free, *((number, 0) for number in range(len(lines)))]:
        if start[0] in done:
            continue
        pieces = []
        here: _End | None = start
        while here is not None and here[0] not in done:
            number, end = here
            done.add(number)
            line = lines[number]
            if line.nodes[end] >= 0:
                pieces.append(nodes[line.nodes[end], None])
            pieces.append(line.points if end == 0 else line.points[::-1])
            here = partner.get((number, 1 - end))
            if (here is None or here[0] in done) and line.nodes[1 - end] >= 0:
                pieces.append(nodes[line.nodes[1 - end], None])
        paths.append(np.concatenate(pieces))
    return paths


def _ends_at_nodes(lines: list[_Line]) -> dict[int, list[_End]]:
    at_node: dict[int, list[_End]] = defaultdict(list)
    for number, line in enumerate(lines):
        for end in (0, 1):
            if line.nodes[end] >= 0:
                at_node[line.nodes[end]].append((number, end))
    return at_node


def _along(line: _Line, end: int, pixels: int) -> np.ndarray:
    """The point so many pixels along the line from one of its ends, or its other end if it is shorter."""
    points = line.points if end == 0 else line.points[::-1]
    return points[min(pixels, len(points) - 1)]


def _direction(line: _Line, end: int, origin: np.ndarray | None = None) -> np.ndarray:
    """The unit vector along the line away from one of its ends, or from ``origin``, its junction's centre."""
    vector = _along(line, end, DIRECTION_PIXELS) - (_along(line, end, BENT_PIXELS) if origin is None else origin)
    return vector / max(float(np.hypot(*vector)), 1e-9)


def _smooth(path: np.ndarray) -> np.ndarray:
    """Take the pixel grid's steps out of a line: each point becomes the weighted mean of five."""
    if len(path) < 5:
        return path
    smooth = path.copy()
    smooth[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    smooth[2:-2] = (path[:-4] + 4 * path[1:-3] + 6 * path[2:-2] + 4 * path[3:-1] + path[4:]) / 16
    return smooth

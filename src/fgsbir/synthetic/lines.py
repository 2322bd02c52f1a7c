"""From a product's parts to the lines that can be seen: hidden stretches are cut away."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from fgsbir.synthetic.geometry import PICTURE, Point, View
from fgsbir.synthetic.parts import Part, back_to_front

STEP = 3.0  # pixels between tests for being hidden
SHORTEST = 6.0  # pixels; shorter visible stretches are not worth a stroke
BRIDGE = 3  # hidden samples that a pen would draw across


@dataclass(frozen=True, slots=True)
class Drawn:
    """A visible stretch of line: the part's position and role, the kind of line, its points and length in pixels."""

    part: int
    role: str
    kind: str
    points: list[Point]
    closed: bool
    length: float


def visible_lines(parts: Sequence[Part], view: View, owner: bytes, line_below: float) -> list[Drawn]:
    """Visible lines of ``parts``, whose :func:`owners` are ``owner``; parts thinner than ``line_below`` pixels become
    single lines.
    """
    found = []
    for index, part in enumerate(parts):
        thin = bool(part.spine) and part.width * view.scale < line_below
        for line in part.lines(view):
            if (line.kind == "spine") != thin:
                continue
            for points, closed in _seen(line.points, line.closed, owner, index + 1):
                length = path_length(points, closed)
                if length >= SHORTEST:
                    found.append(Drawn(index, part.role, line.kind, points, closed, length))
    return found


def path_length(points: Sequence[Point], closed: bool = False) -> float:
    """Length of a path in pixels, with the way back to its start if ``closed``."""
    ends = [*points[1:], points[0]] if closed else points[1:]
    return sum(math.hypot(b[0] - a[0], b[1] - a[1]) for a, b in zip(points, ends, strict=False))


def owners(parts: Sequence[Part], view: View) -> bytes:
    """For each pixel, 1 + the position of the part that is seen there, 0 for none."""
    image = Image.new("L", (PICTURE, PICTURE), 0)
    draw = ImageDraw.Draw(image)
    for index in back_to_front(parts, view):
        for face in parts[index].faces(view):
            draw.polygon([(math.floor(x), math.floor(y)) for x, y in face.points], fill=min(index + 1, 255))
    return image.tobytes()


def _near(owner: bytes, x: float, y: float, label: int) -> bool:
    column, row = math.floor(x), math.floor(y)
    left, right = max(0, column - 1), max(0, min(PICTURE, column + 2))
    for start in range(max(0, row - 1) * PICTURE, min(PICTURE, row + 2) * PICTURE, PICTURE):
        if label in owner[start + left : start + right]:
            return True
    return False


def _seen(points: list[Point], closed: bool, owner: bytes, label: int) -> list[tuple[list[Point], bool]]:
    """The visible stretches of one line."""
    path = [*points, points[0]] if closed else points
    samples: list[tuple[Point, bool]] = []  # point, whether it is one of the line's own
    for a, b in itertools.pairwise(path):
        steps = max(1, int(math.hypot(b[0] - a[0], b[1] - a[1]) / STEP))
        for step in range(steps):
            t = step / steps
            samples.append(((a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t), step == 0))
    samples.append((path[-1], True))
    shown = [_near(owner, x, y, label) for (x, y), _ in samples]
    if all(shown):
        return [(points, closed)]
    if closed and shown[0] and shown[-1]:  # start in a hidden stretch, so that no visible one is cut in two
        start = shown.index(False)
        samples = samples[start:-1] + samples[: start + 1]
        shown = shown[start:-1] + shown[: start + 1]
    stretches: list[list[int]] = []
    for i, show in enumerate(shown):
        if show and stretches and i - stretches[-1][-1] <= BRIDGE:
            stretches[-1].append(i)
        elif show:
            stretches.append([i])
    found = []
    for stretch in stretches:
        first, last = stretch[0], stretch[-1]
        kept = [samples[i][0] for i in range(first, last + 1) if i in (first, last) or samples[i][1]]
        if len(kept) > 1:
            found.append((kept, False))
    return found

"""Boxes of what elements draw, as browsers measure them, and transforms about them.

A transform about its element's own box can be worked out only in the normalised drawing, where all sizes are numbers.
Until then a group stands for it, with a scale that says which one it is: the names of groups are lost where ``use``
draws.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fgsbir.data.svg.css import Box, css_transform
from fgsbir.data.svg.document import SVG
from fgsbir.data.svg.lines import CUBIC, controls_of
from fgsbir.data.svg.transforms import IDENTITY, Transform, moved, transform, written

_STEP = 1e-7
_COMMANDS = str.maketrans("MLCZ", "    ")


class Turn(NamedTuple):
    """A transform of CSS that refers to the box of what is drawn, and its origin."""

    transform: str
    origin: str


def turn_mark(number: int) -> str:
    """The transform of a group that stands for a turn, of a number from 0."""
    return f"scale(1,{1 + (number + 1) * _STEP:.7f})"


def turn_groups(root: ElementTree.Element, turns: Sequence[Turn]) -> None:
    """Give the groups of a normalised drawing that stand for ``turns`` their transforms."""
    if turns:
        boxes_of(root, turns)


def boxes_of(root: ElementTree.Element, turns: Sequence[Turn] = ()) -> dict[ElementTree.Element, Box]:
    """The box of each element of a normalised drawing that draws something, in its own units.

    A group's box is that of its children's boxes, not of their points: so browsers have it.
    """
    boxes: dict[ElementTree.Element, Box] = {}
    for element in reversed(list(root.iter())):  # children come before their groups
        if element.tag == f"{SVG}path":
            points, letters = path_points(element, IDENTITY), np.array(path_letters(element))
            if "C" in letters:
                kinds = np.repeat(letters, np.where(letters == "C", 3, letters != "Z"))
                points = np.append(points[kinds != "C"], controls_of(points, letters) @ CUBIC)
        else:
            points = np.concatenate(
                [np.zeros(0), *(_corners(boxes[child], child) for child in element if child in boxes)]
            )
        if not len(points):
            continue
        x, y = points.real, points.imag
        boxes[element] = Box(float(x.min()), float(y.min()), float(x.max() - x.min()), float(y.max() - y.min()))
        number = _turn_number(element)
        if 0 <= number < len(turns):
            element.set("transform", written(css_transform(*turns[number], boxes[element]) or IDENTITY))
    return boxes


def path_points(element: ElementTree.Element, matrix: Transform) -> np.ndarray:
    """The points of a path, controls among them, complex (n,)."""
    numbers = np.array([float(number) for number in element.get("d", "").translate(_COMMANDS).split()])
    return moved(numbers[::2] + 1j * numbers[1::2], matrix)


def path_letters(element: ElementTree.Element) -> list[str]:
    """The commands of a path: M, L, C and Z, each for the points that follow."""
    return re.findall("[MLCZ]", element.get("d", ""))


def _corners(box: Box, element: ElementTree.Element) -> list[complex]:
    """Of an element's box, where the element lies in its group."""
    (a, b, t), across, down = transform(element.get("transform")), box.width or 0, box.height or 0
    corners = [complex(box.x + x, box.y + y) for x in (0, across) for y in (0, down)]
    return [a * corner + b * corner.conjugate() + t for corner in corners]


def _turn_number(group: ElementTree.Element) -> int:
    """Which turn a group stands for; -1 for none."""
    given = group.get("transform", "")
    if not given.startswith("matrix(1 0 0 1.00") or not given.endswith(" 0 0)"):
        return -1
    return round((float(given.split()[3]) - 1) / _STEP) - 1

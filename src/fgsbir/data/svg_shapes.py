"""The shapes of a normalised SVG drawing: flattened to points on the canvas, with their paints and clips.

Points are complex numbers, x + iy.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS
from fgsbir.data.svg_lines import MAX_POINTS, POINT_SPACING, flatten
from fgsbir.data.svg_transforms import IDENTITY, Transform, affine, after, scale, transform, viewport

MAX_COORDINATE = 1e6  # canvas pixels

Paint = tuple[np.ndarray, float]  # red, green and blue of 255, and the opacity

_SVG = "{http://www.w3.org/2000/svg}"
_CENTRE = complex(CANVAS, CANVAS) / 2
_COMMANDS = str.maketrans("MLCZ", "    ")
_PATTERN = np.full(3, 128.0)  # a grey that stands for patterns


@dataclass(slots=True, kw_only=True)
class Region:
    """An area: its outlines, complex (m,) each, which of them are closed, and the rule that says what is inside."""

    even_odd: bool
    lines: list[np.ndarray] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Shape(Region):
    """One path in canvas pixels, and how it is painted; it shows where it lies in one region of each clip."""

    fill: Paint | None
    stroke: Paint | None
    width: float  # of the stroke
    dots: bool  # a stroke without length shows
    clips: tuple[list[Region], ...]


@dataclass(slots=True)
class Page:
    """A drawing's shapes in their order, the corners of its viewport on the canvas, and its pictures as data URLs.

    What lies beyond the viewport is seen up to a ``margin``.
    """

    low: complex
    high: complex
    margin: float = 0.0
    shapes: list[Shape] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Placed:
    """An element that is drawn, with what the groups around it say."""

    element: ElementTree.Element
    matrix: Transform
    opacity: float
    clips: tuple[list[Region], ...]


class PageReader:
    """Reads the tree of one normalised drawing."""

    def __init__(self, root: ElementTree.Element) -> None:
        self._root = root
        self._by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
        self._clips: dict[tuple[str, Transform], list[list[Region]]] = {}
        # Curves of all paths are flattened together, when all have been found.
        self._paths: list[tuple[Region, list[str], np.ndarray]] = []

    def read(self, closed: bool, sized: bool) -> Page:
        """The shapes that are painted.

        The longest side of the viewport is the canvas, the other is centred. A drawing that is ``closed`` ends there;
        one that is not even ``sized`` is scaled to fit. Raises DataError for too many points, and for numbers beyond
        any canvas.
        """
        if closed or sized:
            place, low, high = viewport(self._root)
            page = Page(low, high, margin=0.0 if closed else 4.0 * CANVAS)
        else:
            low, high = self._box(self._root)
            size = (CANVAS - 2 * POINT_SPACING) / (max((high - low).real, (high - low).imag) or 1.0)
            place, page = (size, 0, _CENTRE - size * (low + high) / 2), Page(0j, 2 * _CENTRE)
        for placed in self._walk(self._root, place):
            element, opacity = placed.element, placed.opacity
            if element.get("visibility") == "hidden" or not opacity:
                continue
            if element.tag == f"{_SVG}image":
                page.pictures += _hrefs(element)
                continue
            fill = self._paint(element, "fill", opacity, page.pictures)
            stroke = self._paint(element, "stroke", opacity, page.pictures)
            width = min(float(element.get("stroke-width", 1)) * scale(placed.matrix), 2.0 * CANVAS)
            stroke = stroke if width > 0 else None
            if fill or stroke:
                rule, dots = element.get("fill-rule") == "evenodd", element.get("stroke-linecap", "butt") != "butt"
                shape = Shape(even_odd=rule, fill=fill, stroke=stroke, width=width, dots=dots, clips=placed.clips)
                self._add(shape, placed)
                page.shapes.append(shape)
        self._draw_lines()
        for shape in page.shapes:
            if all(len(line) < 3 for line in shape.lines):
                shape.fill = None
        return page

    def _walk(self, top: ElementTree.Element, place: Transform) -> Iterator[_Placed]:
        """The paths and images under an element in the document's order."""
        stack = [_Placed(child, place, 1.0, ()) for child in reversed(top)]
        while stack:
            placed = stack.pop()
            element = placed.element
            matrix = after(placed.matrix, transform(element.get("transform")))
            clips = placed.clips
            for key in ("clip-path", "mask"):
                if id := _reference(element.get(key)):
                    clips += tuple(self._clip(id, element, matrix))
            here = _Placed(element, matrix, placed.opacity * float(element.get("opacity", 1)), clips)
            if element.tag == f"{_SVG}g":
                stack += [_Placed(child, here.matrix, here.opacity, clips) for child in reversed(element)]
            elif element.tag in (f"{_SVG}path", f"{_SVG}image"):
                yield here

    def _clip(self, id: str, clipped: ElementTree.Element, matrix: Transform) -> list[list[Region]]:
        """The regions of a clip path or mask, of which what is clipped lies in one; then those of the clip's own."""
        if (id, matrix) in self._clips:
            return self._clips[id, matrix]
        self._clips[id, matrix] = []  # one that clips itself
        clip = self._by_id[id]
        mask = clip.tag == f"{_SVG}mask"
        place = after(matrix, transform(clip.get("transform")))
        if clip.get("maskContentUnits" if mask else "clipPathUnits") == "objectBoundingBox":
            low, high = self._box(clipped)
            width, height = (high - low).real, (high - low).imag
            place = after(place, affine(width, 0, 0, height, low.real, low.imag))
        regions = []
        for placed in self._walk(clip, place):
            fill = self._paint(placed.element, "fill", placed.opacity, [])
            if placed.element.tag == f"{_SVG}path" and (not mask or (fill and fill[0].mean() * fill[1] > 127)):
                rule = placed.element.get("fill-rule" if mask else "clip-rule")
                regions.append(Region(even_odd=rule == "evenodd"))
                self._add(regions[-1], placed)
        found = [regions] if regions or not mask else []
        for key in ("clip-path", "mask"):
            if other := _reference(clip.get(key)):
                found += self._clip(other, clipped, matrix)
        self._clips[id, matrix] = found
        return found

    def _box(self, top: ElementTree.Element) -> tuple[complex, complex]:
        """The corners of all paths under an element, in its own units."""
        paths = [placed for placed in self._walk(top, IDENTITY) if placed.element.tag == f"{_SVG}path"]
        if top.tag == f"{_SVG}path":
            paths = [_Placed(top, IDENTITY, 1.0, ())]
        points = np.concatenate([np.zeros(0), *(_points(placed.element, placed.matrix) for placed in paths)])
        if not len(points):
            return 0j, 0j
        return complex(points.real.min(), points.imag.min()), complex(points.real.max(), points.imag.max())

    def _paint(self, element: ElementTree.Element, key: str, opacity: float, pictures: list[str]) -> Paint | None:
        """The mean colour of a paint; None for none at all. A pattern's pictures are added to ``pictures``."""
        value = element.get(key, "none" if key == "stroke" else "#000000")
        opacity *= float(element.get(f"{key}-opacity", 1))
        if value == "none" or not opacity:
            return None
        if not (id := _reference(value)):
            return _colour(value), opacity
        server = self._by_id[id]
        if server.tag == f"{_SVG}pattern":
            found = [href for image in server.iter(f"{_SVG}image") for href in _hrefs(image)]
            pictures += found
            return None if found else (_PATTERN, opacity)
        stops = [(_colour(stop.get("stop-color", "")), float(stop.get("stop-opacity", 1))) for stop in server]
        return np.mean([colour for colour, _ in stops], 0), opacity * float(np.mean([share for _, share in stops]))

    def _add(self, region: Region, placed: _Placed) -> None:
        letters = re.findall("[MLCZ]", placed.element.get("d", ""))
        self._paths.append((region, letters, _points(placed.element, placed.matrix)))

    def _draw_lines(self) -> None:
        """Give all regions their lines, without points that repeat the one before them.

        Curves become evenly spaced points, straight lines keep their ends.
        """
        points = np.concatenate([np.zeros(0), *(part for _, _, part in self._paths)])
        if len(points) > MAX_POINTS:
            raise DataError(f"expected at most {MAX_POINTS:,} points, found more")
        if not (np.abs(points) < MAX_COORDINATE).all():  # false for NaN as well
            raise DataError("expected coordinates on a canvas, found NaN, an infinity or a huge number")
        letters = np.array([letter for _, letters, _ in self._paths for letter in letters])
        ends = np.cumsum(1 * (letters == "M") + (letters == "L") + 3 * (letters == "C"))[letters == "C"]
        curves = iter(flatten(points[ends[:, None] + np.arange(-4, 0)]) if len(ends) else [])
        listed = iter(points.tolist())
        for region, commands, _ in self._paths:
            lines: list[list[complex]] = []
            for command in commands:
                if command == "M":
                    lines.append([next(listed)])
                    region.closed.append(False)
                    continue
                line = lines[-1]
                if command == "C":
                    part = next(curves)
                    next(listed), next(listed), next(listed)
                else:
                    part = [next(listed) if command == "L" else line[0]]
                line += part[part[0] == line[-1] :]
                region.closed[-1] = command == "Z"
            region.lines = [np.array(line) for line in lines]


def _points(element: ElementTree.Element, matrix: Transform) -> np.ndarray:
    """The points of a path, controls among them, complex (n,)."""
    numbers = np.array([float(number) for number in element.get("d", "").translate(_COMMANDS).split()])
    points = numbers[::2] + 1j * numbers[1::2]
    return matrix[0] * points + matrix[1] * points.conj() + matrix[2]


def _reference(value: str | None) -> str | None:
    found = re.match(r"url\(#(.*?)\)", value or "")
    return found[1] if found else None


@lru_cache(1000)
def _colour(written: str) -> np.ndarray:
    return np.array([int(written[i : i + 2] or "0", 16) for i in (1, 3, 5)], float)


def _hrefs(image: ElementTree.Element) -> list[str]:
    """Where a picture of pixels is, if it is one."""
    return [value for key, value in image.items() if key.endswith("href") and not value.startswith("data:image/svg")]


def cutting_clips(shape: Shape) -> tuple[list[Region], ...]:
    """The clips of a shape that are no box around all of it."""
    if not shape.clips:
        return ()
    points = np.concatenate(shape.lines)
    low, high = _corners_of(points, shape.width / 2 if shape.stroke else 0.0)

    def surrounds(region: Region) -> bool:
        outline = np.concatenate(region.lines)
        box = _corners_of(outline, 0.0)
        square = (
            len(region.lines) == 1 and len(outline) == 5 and not (np.diff(outline).real * np.diff(outline).imag).any()
        )
        return (
            square
            and box[0].real <= low.real
            and box[0].imag <= low.imag
            and box[1].real >= high.real
            and box[1].imag >= high.imag
        )

    return tuple(regions for regions in shape.clips if not any(map(surrounds, regions)))


def _corners_of(points: np.ndarray, margin: float) -> tuple[complex, complex]:
    edge = complex(margin, margin)
    return complex(points.real.min(), points.imag.min()) - edge, complex(points.real.max(), points.imag.max()) + edge

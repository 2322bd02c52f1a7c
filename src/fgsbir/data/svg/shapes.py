"""The shapes of a normalised SVG drawing: flattened to points on the canvas, with their paints and clips.

Points are complex numbers, x + iy.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS
from fgsbir.data.svg.boxes import boxes_of, path_letters, path_points
from fgsbir.data.svg.css import Box
from fgsbir.data.svg.document import SVG
from fgsbir.data.svg.lines import MAX_POINTS, POINT_SPACING, controls_of, flatten
from fgsbir.data.svg.page import OPAQUE, Layer, Page, Paint, Region, Shape
from fgsbir.data.svg.transforms import Transform, affine, after, scale, transform, viewport

MAX_COORDINATE = 1e6  # canvas pixels

_CENTRE = complex(CANVAS, CANVAS) / 2
_BLEND = re.compile(r"mix-blend-mode:\s*([\w-]+)")
_BLENDS = {"darken": "multiply", "color-burn": "multiply", "lighten": "screen", "color-dodge": "screen"}
_BLENDS |= {"multiply": "multiply", "screen": "screen"}
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722]) / 255
_PATTERN = np.full(3, 128.0)  # a grey that stands for patterns


@dataclass(slots=True)
class _Placed:
    """An element that is drawn, with what the groups around it say."""

    element: ElementTree.Element
    matrix: Transform
    opacity: float
    clips: tuple[list[Region], ...]
    layer: Layer | None = None


class PageReader:
    """Reads the tree of one normalised drawing. The colours of its ``alpha_masks`` do not matter."""

    def __init__(self, root: ElementTree.Element, alpha_masks: Collection[str]) -> None:
        self._root = root
        self._alpha_masks = alpha_masks
        self._by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
        self._clips: dict[tuple[str, Transform, ElementTree.Element | None], list[list[Region]]] = {}
        self._open: set[str] = set()  # of the clips, those that are being read
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
            x, y, width, height = self._boxes.get(self._root, Box(0, 0, 0, 0))
            size = (CANVAS - 2 * POINT_SPACING) / (max(width or 0, height or 0) or 1.0)
            middle = complex(x + (width or 0) / 2, y + (height or 0) / 2)
            place, page = (size, 0, _CENTRE - size * middle), Page(0j, 2 * _CENTRE)
        for placed in self._walk(self._root, place):
            element, opacity = placed.element, placed.opacity
            if element.get("visibility") == "hidden" or not opacity:
                continue
            if element.tag == f"{SVG}image":
                page.pictures += _hrefs(element)
                continue
            fill = self._paint(element, "fill", opacity, page.pictures)
            stroke = self._paint(element, "stroke", opacity, page.pictures)
            width = min(float(element.get("stroke-width", 1)) * scale(placed.matrix), 2.0 * CANVAS)
            stroke = stroke if width > 0 else None
            if fill or stroke:
                shape = Shape(
                    even_odd=element.get("fill-rule") == "evenodd",
                    capped=_is_capped(element),
                    fill=fill,
                    stroke=stroke,
                    width=width,
                    clips=placed.clips,
                    layer=placed.layer,
                )
                self._add(shape, placed)
                page.shapes.append(shape)
                if layer := placed.layer:
                    layer.shapes.append(shape)
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
            clipped = placed.clips
            for key in ("clip-path", "mask"):
                if id := _reference(element.get(key)):
                    clipped += tuple(self._clip(id, element, matrix))
            opacity, layer = float(element.get("opacity", 1)), placed.layer
            given = _BLEND.search(element.get("style", ""))
            blend = _BLENDS.get(given[1], "") if given else ""
            if layer is None and (blend or (0 < opacity < OPAQUE and len(list(element.iter(f"{SVG}path"))) > 1)):
                layer, opacity = Layer(opacity, blend), 1.0
            here = _Placed(element, matrix, placed.opacity * opacity, clipped, layer)
            if element.tag == f"{SVG}g":
                stack += [_Placed(child, matrix, here.opacity, clipped, layer) for child in reversed(element)]
            elif element.tag in (f"{SVG}path", f"{SVG}image"):
                yield here

    def _clip(self, id: str, clipped: ElementTree.Element, matrix: Transform) -> list[list[Region]]:
        """The regions of a clip path or mask, of which what is clipped lies in one; then those of the clip's own."""
        if id in self._open:  # one that clips itself
            return []
        clip = self._by_id[id]
        mask = clip.tag == f"{SVG}mask"
        place = after(matrix, transform(clip.get("transform")))
        of_box = clip.get("maskContentUnits" if mask else "clipPathUnits") == "objectBoundingBox"
        key = id, matrix, clipped if of_box else None
        if key not in self._clips:
            self._open.add(id)
            inside = after(place, self._units(clipped)) if of_box else place
            regions = self._mask_regions(clip, inside) if mask else self._clip_regions(clip, inside)
            self._clips[key] = [regions] if regions or not mask else []
            if other := _reference(clip.get("clip-path")):
                self._clips[key] += self._clip(other, clipped, matrix)
            self._open.discard(id)
        if not mask:
            return self._clips[key]
        return [[self._frame(clip, clipped, matrix)], *self._clips[key]]

    def _clip_regions(self, clip: ElementTree.Element, place: Transform) -> list[Region]:
        regions = []
        for placed in self._walk(clip, place):
            if placed.element.tag == f"{SVG}path" and placed.element.get("visibility") != "hidden":
                rule = placed.element.get("clip-rule") == "evenodd"
                regions.append(Region(even_odd=rule, clips=placed.clips))
                self._add(regions[-1], placed)
        return regions

    def _mask_regions(self, mask: ElementTree.Element, place: Transform) -> list[Region]:
        """What is painted in a mask, in its order: what is light there shows, what is dark hides."""
        regions = []
        for placed in self._walk(mask, place):
            element = placed.element
            if element.tag != f"{SVG}path" or element.get("visibility") == "hidden":
                continue
            width = min(float(element.get("stroke-width", 1)) * scale(placed.matrix), 2.0 * CANVAS)
            for key, pen in (("fill", 0.0), ("stroke", width)):
                paint = self._paint(element, key, placed.opacity, [])
                if paint and (pen or key == "fill"):
                    light = 1.0 if mask.get("id") in self._alpha_masks else float(paint[0] @ _LUMINANCE)
                    region = Region(
                        even_odd=element.get("fill-rule") == "evenodd",
                        pen=pen,
                        capped=_is_capped(element),
                        light=light,
                        opacity=paint[1],
                        clips=placed.clips,
                    )
                    self._add(region, placed)
                    regions.append(region)
        return regions

    def _frame(self, mask: ElementTree.Element, masked: ElementTree.Element, matrix: Transform) -> Region:
        """The rectangle beyond which a mask hides everything."""
        x, y, width, height = (float(mask.get(key, 0)) for key in ("x", "y", "width", "height"))
        box = {"d": f"M {x} {y} L {x + width} {y} L {x + width} {y + height} L {x} {y + height} Z"}
        of_box = mask.get("maskUnits", "objectBoundingBox") == "objectBoundingBox"
        region = Region(even_odd=False)
        place = after(matrix, self._units(masked)) if of_box else matrix
        self._add(region, _Placed(ElementTree.Element(f"{SVG}path", box), place, 1.0, ()))
        return region

    def _units(self, element: ElementTree.Element) -> Transform:
        """From shares of an element's box to its own units."""
        box = self._boxes.get(element, Box(0, 0, 0, 0))
        return affine(box.width or 0, 0, 0, box.height or 0, box.x, box.y)

    @cached_property
    def _boxes(self) -> dict[ElementTree.Element, Box]:
        return boxes_of(self._root)

    def _paint(self, element: ElementTree.Element, key: str, opacity: float, pictures: list[str]) -> Paint | None:
        """The mean colour of a paint; None for none at all. A pattern's pictures are added to ``pictures``."""
        value = element.get(key, "none" if key == "stroke" else "#000000")
        opacity *= float(element.get(f"{key}-opacity", 1))
        if value == "none" or not opacity:
            return None
        if not (id := _reference(value)):
            return _colour(value), opacity
        server = self._by_id[id]
        if server.tag == f"{SVG}pattern":
            found = [href for image in server.iter(f"{SVG}image") for href in _hrefs(image)]
            pictures += found
            return None if found else (_PATTERN, opacity)
        stops = [(_colour(stop.get("stop-color", "")), float(stop.get("stop-opacity", 1))) for stop in server]
        return np.mean([colour for colour, _ in stops], 0), opacity * float(np.mean([share for _, share in stops]))

    def _add(self, region: Region, placed: _Placed) -> None:
        self._paths.append((region, path_letters(placed.element), path_points(placed.element, placed.matrix)))

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
        curves = iter(flatten(controls_of(points, letters)) if "C" in letters else [])
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


def _is_capped(element: ElementTree.Element) -> bool:
    return element.get("stroke-linecap", "butt") != "butt"


def _reference(value: str | None) -> str | None:
    found = re.match(r"url\(#(.*?)\)", value or "")
    return found[1] if found else None


@lru_cache(1000)
def _colour(written: str) -> np.ndarray:
    return np.array([int(written[i : i + 2] or "0", 16) for i in (1, 3, 5)], float)


def _hrefs(image: ElementTree.Element) -> list[str]:
    """Where a picture of pixels is, if it is one."""
    return [value for key, value in image.items() if key.endswith("href") and not value.startswith("data:image/svg")]

"""SVG drawings: from a file's bytes to strokes.

Files come from strangers. Size, depth and number of elements are bounded; document types, entities
and references to other files are refused before a parser sees them, and nothing is ever fetched.
"""

import codecs
import math
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import comb
from svgpathtools import Arc, Line, Path, parse_path
from svgpathtools.document import CONVERSIONS
from svgpathtools.parser import parse_transform

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, centre, check_strokes, join_strokes

MAX_BYTES = 8 << 20
MAX_DEPTH = 100
MAX_ELEMENTS = 50_000
MAX_SEGMENTS = 100_000
MAX_POINTS = 200_000  # of one file; a few numbers can make a curve of hundreds
POINT_SPACING = 3.0  # canvas pixels between the points that stand for a curve
MAX_CURVE_POINTS = 300
MAX_COORDINATE = 1e9

COMMANDS = "MmLlHhVvCcSsQqTtAaZz"
_NO_COMMAND = re.compile(rf"[^{COMMANDS}0-9eE+\-.,\s]+")
_DECLARATION = re.compile(r"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_EXTERNAL = re.compile(r"<\?\s*xml-stylesheet|@import|url\(\s*['\"]?\s*[^#'\")\s]", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*['\"]([A-Za-z0-9._-]+)")
_ENCODINGS = frozenset(("utf-8", "ascii", "iso8859-1", "cp1252"))
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_GROUPS = frozenset(("svg", "g", "a", "switch"))
_REFUSED = frozenset(("use", "image", "foreignObject", "script"))


def read_svg(data: bytes, name: str) -> np.ndarray:
    """Turn an SVG file into canonical strokes on the 256 canvas, in the order of the document.

    Reads paths with every command, lines, polylines, polygons, rectangles, circles and ellipses, in
    nested groups with transforms. The view box (or width and height) is scaled so that its longest
    side is the canvas; a file with neither is centred. Curves become points about 3 canvas pixels
    apart; straight lines keep their ends. Hidden elements and filled background rectangles are left
    out. Raises DataError naming ``name`` for a file that is malformed, hostile, huge or empty.
    """
    root = _parse(_decode(data, name), name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # svgpathtools warns of arcs without radius, which are lines
            place = _placement(root)
            scale = float(np.sqrt(abs(np.linalg.det(place[:2, :2]))))
            parts = _strokes(root, scale)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    except (ValueError, TypeError, AssertionError, ArithmeticError, LookupError) as error:
        raise DataError(
            f"{name}: expected a drawing in SVG, found a malformed one ({str(error) or type(error).__name__:.200})"
        ) from None
    if not parts:
        raise DataError(f"{name}: expected a drawing in SVG, found nothing drawn")
    if not all((np.abs(part) < MAX_COORDINATE).all() for part in parts):  # false for NaN as well
        raise DataError(f"{name}: expected finite coordinates on a canvas, found NaN, an infinity or a huge number")
    strokes = check_strokes(join_strokes([part @ place[:2, :2].T + place[:2, 2] for part in parts]), name)
    return strokes if _box(root) else centre(strokes)


def _decode(data: bytes, name: str) -> str:
    """The text of the file, refused if it declares a document type or refers to other files.

    Decoded here and not by the parser, so that no encoding can hide a declaration from the search.
    """
    if len(data) > MAX_BYTES:
        raise DataError(f"{name}: expected an SVG file of at most {MAX_BYTES:,} bytes, found {len(data):,}")
    declared = _ENCODING.match(data.lstrip())
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if data[:2] in (b"<\0", b"\0<"):
        encoding = "utf-16-le" if data[:1] == b"<" else "utf-16-be"
    for mark, marked in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], marked
            break
    try:
        if not encoding.startswith("utf-16-") and codecs.lookup(encoding).name not in _ENCODINGS:
            raise LookupError
        text = data.decode(encoding)
    except (LookupError, UnicodeError):
        raise DataError(f"{name}: expected an SVG file in UTF-8 or UTF-16, found other text as {encoding}") from None
    declaration = _DECLARATION.search(text)
    if declaration or "\0" in text:
        found = f"<!{declaration[1]}" if declaration else "NUL characters"
        raise DataError(f"{name}: expected an SVG file without document type and entities, found {found}")
    external = _EXTERNAL.search(text)
    if external:
        raise DataError(f"{name}: expected an SVG file without references to other files, found {external[0]!r}")
    return text


class _BoundedBuilder(ElementTree.TreeBuilder):
    """Builds the tree, and stops at a hostile one while it is still small."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.elements = 0

    def start(self, tag: Any, attrs: dict[Any, Any]) -> ElementTree.Element:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH:
            raise DataError(f"expected at most {MAX_DEPTH} nested elements, found more")
        if self.elements > MAX_ELEMENTS:
            raise DataError(f"expected at most {MAX_ELEMENTS:,} elements, found more")
        for key, value in attrs.items():
            if _local(key) == "href" and not value.strip().startswith("#"):
                raise DataError(f"expected no references to other files, found {_local(key)}={value!r:.60}")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)


def _parse(text: str, name: str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_BoundedBuilder())
    try:
        parser.feed(text)
        root = parser.close()
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    except ElementTree.ParseError as error:
        raise DataError(f"{name}: expected an SVG file, found malformed XML ({error})") from None
    if _local(root.tag) != "svg":
        raise DataError(f"{name}: expected an SVG file, found <{_local(root.tag)}>")
    return root


def _placement(root: ElementTree.Element) -> np.ndarray:
    """The (3, 3) matrix from the file's units to the canvas."""
    x, y, width, height = _box(root) or (0.0, 0.0, CANVAS, CANVAS)
    scale = CANVAS / max(width, height)
    margin_x, margin_y = (CANVAS - width * scale) / 2, (CANVAS - height * scale) / 2
    return np.array([[scale, 0, margin_x - x * scale], [0, scale, margin_y - y * scale], [0, 0, 1]])


def _box(root: ElementTree.Element) -> tuple[float, float, float, float] | None:
    view = root.get("viewBox")
    if view is not None:
        x, y, width, height = (float(number) for number in view.replace(",", " ").split())
    else:
        sides = [
            re.fullmatch(r"\s*([\d.eE+-]+)\s*(px|pt|mm|cm|in)?\s*", root.get(key, "")) for key in ("width", "height")
        ]
        if sides[0] is None or sides[1] is None:
            return None
        x, y, width, height = 0.0, 0.0, float(sides[0][1]), float(sides[1][1])
    if not (np.isfinite([x, y, width, height]).all() and width > 0 and height > 0):
        raise DataError(f"expected a view box with positive sides, found {width:g} x {height:g}")
    return x, y, width, height


def _strokes(root: ElementTree.Element, scale: float) -> list[np.ndarray]:
    """Every drawn line of the tree, each float64 (m, 2) in the file's units; ``scale`` leads to the canvas.

    Transforms are applied to points: svgpathtools' own transform turns arcs into others under
    unequal scales, and its Document gives the strokes out of the document's order.
    """
    parts: list[np.ndarray] = []
    segments = points = 0
    for element, matrix in _shapes(root):
        commands = CONVERSIONS[_local(element.tag)](element)
        stranger = _NO_COMMAND.search(commands)
        if stranger:  # svgpathtools would pass over it
            raise DataError(f"expected path commands {COMMANDS} and numbers, found malformed {stranger[0]!r}")
        path = parse_path(commands)
        segments += len(path)
        if segments > MAX_SEGMENTS:
            raise DataError(f"expected at most {MAX_SEGMENTS:,} path segments, found more")
        size = scale * float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
        flat = _flatten(path, size, MAX_POINTS - points)
        points += sum(map(len, flat))
        parts += [part @ matrix[:2, :2].T + matrix[:2, 2] for part in flat]
    return parts


def _shapes(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, np.ndarray]]:
    """The shapes to draw in the document's order, each with the (3, 3) matrix of its transforms."""
    stack = [(root, np.identity(3))]
    while stack:
        element, matrix = stack.pop()
        tag = _local(element.tag)
        if tag in _REFUSED or (tag == "svg" and element is not root):
            raise DataError(f"expected plain shapes, found <{tag}>, which is not read")
        style = _style(element)
        if style.get("display") == "none" or style.get("visibility") == "hidden":
            continue
        if tag not in _GROUPS and tag not in CONVERSIONS:
            continue  # definitions, titles, metadata
        matrix = matrix @ parse_transform(element.get("transform"), strict=True)
        if tag in _GROUPS:
            stack += [(child, matrix) for child in reversed(element)]
        elif tag != "rect" or style.get("stroke", "none") != "none" or style.get("fill") == "none":
            yield element, matrix


def _style(element: ElementTree.Element) -> dict[str, str]:
    """Presentation attributes, and the style attribute over them."""
    declared = [part.partition(":")[::2] for part in element.get("style", "").split(";")]
    return {key.strip(): value.strip() for key, value in [*element.attrib.items(), *declared]}


def _flatten(path: Path, scale: float, limit: int) -> list[np.ndarray]:
    """Cut a path where the pen is lifted, and turn its curves into at most ``limit`` points; each part (m, 2)."""
    parts: list[list[np.ndarray]] = []
    end = None
    for segment in path:
        points = _points(segment, scale)
        limit -= len(points)
        if limit < 0:
            raise DataError(f"expected at most {MAX_POINTS:,} points, found more")
        if segment.start == end:
            parts[-1].append(points[1:])
        else:
            parts.append([points])
        end = segment.end
    strokes = []
    for part in parts:
        joined = np.concatenate(part)
        moved = np.append(True, joined[1:] != joined[:-1])
        strokes.append(np.stack([joined.real, joined.imag], 1)[moved])
    return strokes


def _points(segment: Any, scale: float) -> np.ndarray:
    """Points along one segment, evenly spaced for a curve, its two ends for a line; complex (m,)."""
    if isinstance(segment, Line):
        return np.array([segment.start, segment.end])
    if isinstance(segment, Arc):
        length = abs(np.radians(segment.delta)) * max(segment.radius.real, segment.radius.imag)
    else:
        controls = segment.bpoints()
        length = sum(abs(after - before) for before, after in pairwise(controls))
    if not math.isfinite(length):
        return np.array([segment.start, complex(np.inf)])
    number = math.ceil(min(max(length * scale / POINT_SPACING, 1), MAX_CURVE_POINTS))
    if isinstance(segment, Arc):
        angle = np.radians(segment.theta + np.linspace(0, 1, 4 * number + 1) * segment.delta)
        turned = segment.radius.real * np.cos(angle) + 1j * segment.radius.imag * np.sin(angle)
        fine = segment.center + segment.rot_matrix * turned
    else:
        fine = _bernstein(len(controls) - 1, number) @ np.array(controls)
    walked = np.append(0, np.cumsum(np.abs(np.diff(fine))))
    even = np.interp(np.linspace(0, walked[-1], number + 1), walked, fine)
    even[[0, -1]] = segment.start, segment.end
    return even


@cache
def _bernstein(degree: int, number: int) -> np.ndarray:
    """The weights of a Bezier curve's controls at 4 ``number`` + 1 parameters."""
    t = np.linspace(0, 1, 4 * number + 1)[:, None]
    k = np.arange(degree + 1)
    return comb(degree, k) * (1 - t) ** (degree - k) * t**k


def _local(tag: Any) -> str:
    """The name without its namespace; old files have none. Comments have no name."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""

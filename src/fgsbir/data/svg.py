"""SVG drawings: from a file's bytes to the strokes that a browser would show.

Files come from strangers. Size, depth and number of elements are bounded, entities are refused before a parser sees
them, and nothing is ever fetched.
"""

import base64
import codecs
import re
import xml.etree.ElementTree as ElementTree
import zlib
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre, check_strokes, join_strokes
from fgsbir.data.svg_css import NUMBER, ORIGIN, plain_css, plain_transform, variables
from fgsbir.data.svg_ink import seen_lines
from fgsbir.data.svg_lines import without_frame
from fgsbir.data.svg_shapes import PageReader

MAX_BYTES = 8 << 20
MAX_DEPTH = 100
MAX_ELEMENTS = 50_000

_SVG = "{http://www.w3.org/2000/svg}"
_DECLARATION = re.compile(r"<!\s*(ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*['\"]([A-Za-z0-9._-]+)")
_ENCODINGS = frozenset(("utf-8", "ascii", "iso8859-1", "cp1252"))
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LENGTH = re.compile(rf"\s*({NUMBER})\s*(?:px|pt|pc|mm|cm|in|em|ex)?\s*")
_BACKGROUND = re.compile(r"(?:^|;)\s*background(?:-color)?\s*:\s*([^;]+)")
_ARROWHEAD = re.compile(r"marker(?:-start|-mid|-end)?[\s:=\"']{0,9}url\(")


class SvgDrawing(NamedTuple):
    """Canonical ``strokes`` on the 256 canvas, and what is ``left_out`` of them, as "2 texts".

    ``picture`` is the image file in a drawing that shows nothing but it, and has no strokes, float32 (0, 3).
    """

    strokes: np.ndarray
    left_out: tuple[str, ...] = ()
    picture: bytes | None = None


def read_svg(data: bytes, name: str) -> SvgDrawing:
    """Turn an SVG file, plain or gzipped, into strokes, in the order of the document.

    Lines are read where a browser would show them: not where they are hidden, covered, clipped, transparent or of the
    colour that they lie on. Filled shapes give their outlines, or the line that they are the outline of. The viewport
    is scaled so that its longest side is the canvas; a file without size is centred. What lies outside is cut off, as
    browsers do, if the file has a width and a height. Curves become points about 3 canvas pixels apart; straight lines
    keep their ends, and dashes are joined. Texts, embedded pictures, arrowheads and a frame are left out. Raises
    DataError naming ``name`` for a file that is malformed, hostile, huge or empty.
    """
    # It takes a third of a second to import, which commands that read no SVG need not wait for.
    from fgsbir.data.svg_normaliser import normalise

    root = _parse(_decode(data, name), name)
    try:
        left_out = _left_out(root)
        _prepare(root)
        closed, sized = "width" in root.attrib, "viewBox" in root.attrib
        page = PageReader(normalise(root)).read(closed, sized)
        seen = seen_lines(page)
        lines = without_frame(seen, page.low, page.high)
        if not lines and len(page.pictures) == 1:
            return SvgDrawing(np.zeros((0, 3), np.float32), (), _picture(page.pictures[0]))
        if not lines:
            found = ", ".join(["nothing drawn", *left_out])
            raise DataError(f"expected a drawing in SVG, found {found}")
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    except (ValueError, ArithmeticError) as error:
        raise DataError(f"{name}: expected a drawing in SVG, found a malformed one ({error!s:.200})") from None
    strokes = check_strokes(join_strokes([np.stack([line.real, line.imag], 1) for line in lines]), name)
    frame = () if lines is seen else ("a frame",)
    return SvgDrawing(strokes if closed or sized else centre(strokes), (*left_out, *frame))


def unzipped(data: bytes, name: str, most: int) -> bytes:
    """An SVG file plain, of a gzipped one ``most`` + 1 bytes at most. Raises DataError naming ``name`` for damage."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return zlib.decompressobj(wbits=31).decompress(data, most + 1)
    except zlib.error as error:
        raise DataError(f"{name}: expected a gzipped SVG file, found damage ({error})") from None


def _decode(data: bytes, name: str) -> str:
    """The text of the file, refused if it declares entities.

    Decoded here and not by the parser, so that no encoding can hide a declaration from the search.
    """
    data = unzipped(data, name, MAX_BYTES)
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
        raise DataError(f"{name}: expected an SVG file without entities, found {found}")
    return text


class _BoundedBuilder(ElementTree.TreeBuilder):
    """Builds the tree, and stops at a hostile one while it is still small. Old files have no namespace."""

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
        return super().start(tag if tag.startswith("{") else _SVG + tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag if tag.startswith("{") else _SVG + tag)


def _parse(text: str, name: str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_BoundedBuilder())
    try:
        parser.feed(text)
        root = parser.close()
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    except ElementTree.ParseError as error:
        raise DataError(f"{name}: expected an SVG file, found malformed XML ({error})") from None
    if root.tag != f"{_SVG}svg":
        raise DataError(f"{name}: expected an SVG file, found <{root.tag.rpartition('}')[2]}>")
    return root


def _left_out(root: ElementTree.Element) -> tuple[str, ...]:
    """What a drawing holds besides lines, in words."""
    texts = sum(bool("".join(text.itertext()).strip()) for text in root.iter(f"{_SVG}text"))
    pictures = sum(1 for _ in root.iter(f"{_SVG}image"))
    counted = [(texts, "text"), (pictures, "picture")]
    found = [f"{number} {kind}s" if number > 1 else f"a {kind}" for number, kind in counted if number]
    if root.find(f".//{_SVG}marker") is not None:
        styles = (style.text for style in root.iter(f"{_SVG}style") if style.text)
        written = (f"{key}={value}" for element in root.iter() for key, value in element.items())
        found += ["arrowheads"] if any(map(_ARROWHEAD.search, (*styles, *written))) else []
    return tuple(found)


def _prepare(root: ElementTree.Element) -> None:
    """Write in the normaliser's words what browsers read beyond them; sizes that are none are taken away."""
    sheets = [style.text for style in root.iter(f"{_SVG}style") if style.text]
    known = variables(" ".join([*sheets, root.get("style", "")]))
    for element in root.iter():
        if element.tag == f"{_SVG}marker":
            element.tag = f"{_SVG}metadata"  # arrowheads are not drawn
        elif element.tag == f"{_SVG}style" and element.text:
            element.text = plain_css(element.text, known)
        for key in [key for key in element.attrib if key.startswith("{") and not key.endswith("}href")]:
            del element.attrib[key]  # editors' notes
        for key in ("style", "fill", "stroke"):
            if "(" in element.get(key, ""):
                element.set(key, plain_css(element.attrib[key], known))
        if "transform" in element.attrib:
            origin = ORIGIN.search(f"{element.get('style', '')};transform-origin:{element.get('transform-origin', '')}")
            if origin:
                element.set("transform", plain_transform(element.attrib["transform"], origin.groups()))
    view = re.findall(NUMBER, root.get("viewBox", ""))
    sides = [_LENGTH.fullmatch(root.get(key, "")) for key in ("width", "height")]
    if len(view) == 4:
        root.set("viewBox", " ".join(view))
    elif "viewBox" in root.attrib:
        del root.attrib["viewBox"]
    if None in sides:  # it fills a browser's window
        for key in ("width", "height"):
            root.attrib.pop(key, None)
    background = _BACKGROUND.search(root.get("style", ""))
    if background and len(view) == 4:
        x, y, width, height = view
        box = {"x": x, "y": y, "width": width, "height": height, "style": f"fill:{background[1]};stroke:none"}
        root.insert(0, ElementTree.Element(f"{_SVG}rect", box))


def _picture(href: str) -> bytes:
    """The bytes of a data URL."""
    head, _, body = href.partition(",")
    raw = unquote_to_bytes(body)
    return base64.b64decode(raw) if head.endswith(";base64") else raw

"""SVG files: from bytes to a tree of elements.

Files come from strangers. Size, depth and number of elements are bounded, entities are refused before a parser sees
them, and nothing is ever fetched.
"""

import base64
import codecs
import re
import xml.etree.ElementTree as ElementTree
import zlib
from typing import Any
from urllib.parse import unquote_to_bytes

from fgsbir.data.records import DataError

MAX_BYTES = 8 << 20
MAX_DEPTH = 100
MAX_ELEMENTS = 50_000
SVG = "{http://www.w3.org/2000/svg}"

_DECLARATION = re.compile(r"<!\s*(ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*['\"]([A-Za-z0-9._-]+)")
_ENCODINGS = frozenset(("utf-8", "ascii", "iso8859-1", "cp1252"))
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Budget:
    """What one drawing may cost, in steps. Raises DataError, that it takes too much ``purpose``, where it is spent."""

    def __init__(self, steps: int, purpose: str) -> None:
        self._left = steps
        self._purpose = purpose

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise DataError(f"expected a drawing, found one that takes too much {self._purpose}")


def parse_svg(data: bytes, name: str) -> ElementTree.Element:
    """The root of an SVG file, plain or gzipped. Raises DataError naming ``name`` for any other, and a hostile one."""
    return _parse(_decode(_unzipped(data, name), name), name)


def data_of_url(href: str) -> bytes:
    """The bytes in a data URL. Raises ValueError for damage."""
    head, _, body = href.partition(",")
    raw = unquote_to_bytes(body)
    return base64.b64decode(raw) if head.endswith(";base64") else raw


def _unzipped(data: bytes, name: str) -> bytes:
    """An SVG file plain; of a gzipped one no more than shows that it is too large."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise DataError(f"{name}: expected a gzipped SVG file, found damage ({error})") from None


def _decode(data: bytes, name: str) -> str:
    """The text of the file, refused if it declares entities.

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
        return super().start(tag if tag.startswith("{") else SVG + tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag if tag.startswith("{") else SVG + tag)


def _parse(text: str, name: str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_BoundedBuilder())
    try:
        parser.feed(text)
        root = parser.close()
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    except ElementTree.ParseError as error:
        raise DataError(f"{name}: expected an SVG file, found malformed XML ({error})") from None
    if root.tag != f"{SVG}svg":
        raise DataError(f"{name}: expected an SVG file, found <{root.tag.rpartition('}')[2]}>")
    return root

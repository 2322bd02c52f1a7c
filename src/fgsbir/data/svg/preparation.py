"""A drawing before it is made plain: what browsers read beyond SVG 1.1 is written in its words."""

import re
import xml.etree.ElementTree as ElementTree
from collections import ChainMap
from collections.abc import Mapping
from typing import NamedTuple

from fgsbir.data.records import DataError
from fgsbir.data.svg.boxes import Turn, turn_mark
from fgsbir.data.svg.cascade import Cascade
from fgsbir.data.svg.css import LONGEST_VARIABLE, NUMBER, Box, css_transform, length, plain_value
from fgsbir.data.svg.document import MAX_ELEMENTS, SVG, Budget, data_of_url, parse_svg
from fgsbir.data.svg.transforms import IDENTITY, written

MAX_STEPS = 2_000_000  # of finding what style sheets say: a few seconds

_ARROWHEAD = re.compile(r"marker(?:-start|-mid|-end)?$")
_LENGTH = re.compile(rf"\s*({NUMBER})\s*(?:px|pt|pc|mm|cm|in|em|ex)?\s*")
_REFERENCE = re.compile(r"(url\(#)")
_REFERRED = re.compile(r"""url\(\s*["']?#([^"')]*)["']?\s*\)""")
_BOX = ("x", "y", "width", "height")
_ATTRIBUTES = (*_BOX, "cx", "cy", "r", "rx", "ry", "mask-type")  # which the normaliser does not take from a style
_VALUES = frozenset(["fill", "stroke", "color", "stop-color", "flood-color", "clip-path", "mask", "filter"])
# What is unset is left to the elements around.
_INHERITED = re.compile(r"fill.*|stroke.*|color|visibility|clip-rule")
_OWN_BOXES = frozenset(["fill-box", "stroke-box", "content-box", "border-box"])
_NUMBER_WITHOUT_UNIT = re.compile(r"(?:^|[\s,(])[-+]?(?!0*\.?0*(?:[\s,)]|$))(?:\d++\.?\d*+|\.\d++)(?:[\s,)]|$)")
_NEEDS_UNITS = re.compile(r"(?:translate|rotate|skew)[XYZ]?\([^()]*\)")


class Prepared(NamedTuple):
    """What is ``left_out`` of a drawing, in words; the ``turns`` of groups about their own boxes; and the ids of masks
    that hide by what is transparent and not by what is dark.
    """

    left_out: tuple[str, ...]
    turns: list[Turn]
    alpha_masks: frozenset[str]


def prepare(root: ElementTree.Element) -> Prepared:
    """Write styles into the elements, and pictures that are SVG into the drawing; sizes that are none are taken away.

    Raises DataError for a drawing that takes too much to resolve.
    """
    preparation = _Preparation()
    preparation.resolve(root)
    preparation.insert_pictures(root)
    view, sides = _view(root), [_LENGTH.fullmatch(root.get(key, "")) for key in ("width", "height")]
    if view:
        root.set("viewBox", " ".join(view))
    elif "viewBox" in root.attrib:
        del root.attrib["viewBox"]
    if None in sides:  # it fills a browser's window
        for key in ("width", "height"):
            root.attrib.pop(key, None)
    unknown = ("a transform",) if preparation.unknown else ()
    left_out = (*_left_out(root), *(("arrowheads",) if preparation.arrowheads else ()), *unknown)
    masks = (mask for mask in root.iter(f"{SVG}mask") if mask.get("mask-type") == "alpha")
    return Prepared(left_out, preparation.turns, frozenset(mask.get("id", "") for mask in masks))


class _Preparation:
    """Goes through a document, and the documents in its pictures."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.arrowheads = self.unknown = False
        self._elements = 0
        self._budget = Budget(MAX_STEPS, "to resolve")
        self._wrapped: list[tuple[ElementTree.Element, str]] = []

    def resolve(self, root: ElementTree.Element) -> None:
        """Give each element the properties that style sheets say, in attributes."""
        self._elements += sum(1 for _ in root.iter())
        if self._elements > MAX_ELEMENTS:
            raise DataError(f"expected at most {MAX_ELEMENTS:,} elements, found more")
        cascade = Cascade(root, self._budget)
        parents = cascade.parents
        declared = {element: cascade.declared(element) for element in root.iter()}
        scopes = _scopes(root, declared, parents)
        views: dict[ElementTree.Element | None, Box] = {None: Box(0, 0, None, None)}
        has_markers = root.find(f".//{SVG}marker") is not None
        ids = {element.get("id", ""): element for element in root.iter()}
        for element, properties in declared.items():
            scope, around = scopes[element], views[parents.get(element)]
            style: dict[str, str] = {}
            for name, value in properties.items():
                plain = None if name.startswith("--") else plain_value(value, scope, self._budget)
                if plain == "unset":
                    plain = "inherit" if _INHERITED.fullmatch(name) else None
                if plain is not None:
                    style[name] = plain
            self._attributes(element, scope)
            if _names_nothing(style.get("filter", element.get("filter", "")), ids):
                for of in (style, element.attrib):  # the normaliser would hide what it is said of
                    of.pop("filter", None)
            for key in _ATTRIBUTES:
                if key in style and element is not root:
                    element.set(key, style.pop(key))
            self.arrowheads |= has_markers and any(
                _ARROWHEAD.match(name) and "url(" in value for name, value in (*style.items(), *element.items())
            )
            views[element] = _box_of(element, around) if element.tag in (f"{SVG}svg", f"{SVG}symbol") else around
            self._place(element, style, around, parents.get(element))
            if element is root:
                _paint_background(element, style)
            if style:
                element.set("style", ";".join(f"{name}:{value}" for name, value in style.items()))
            else:
                element.attrib.pop("style", None)
            if element.tag == f"{SVG}marker":
                element.tag = f"{SVG}metadata"  # arrowheads are not drawn
            elif element.tag == f"{SVG}style":
                element.text = None
        for use in root.iter(f"{SVG}use"):
            symbol = ids.get(next((value for key, value in use.items() if key.endswith("href")), "")[1:])
            if symbol is not None and symbol.tag == f"{SVG}symbol":
                for key in ("width", "height"):
                    if key in symbol.attrib:
                        use.attrib.setdefault(key, symbol.attrib[key])
        for element, transform in self._wrapped:
            _wrap(element, transform)
        self._wrapped.clear()

    def _attributes(self, element: ElementTree.Element, scope: ChainMap[str, str]) -> None:
        for key, value in list(element.items()):
            if key.startswith("{") and not key.endswith("}href"):
                del element.attrib[key]  # editors' notes
            elif "var(" in value or ("(" in value and key in _VALUES):
                plain = plain_value(value, scope, self._budget)
                element.attrib.pop(key)
                if plain is not None:
                    element.set(key, plain)

    def _place(
        self,
        element: ElementTree.Element,
        style: dict[str, str],
        around: Box,
        parent: ElementTree.Element | None,
    ) -> None:
        """Write an element's transform as an attribute, about its origin."""
        css, origin = style.pop("transform", None), style.pop("transform-origin", "")
        box = style.pop("transform-box", element.attrib.pop("transform-box", ""))
        attribute = element.attrib.pop("transform-origin", "")
        origin = attribute if not origin or _NUMBER_WITHOUT_UNIT.search(origin) else origin
        if css is not None and any(map(_NUMBER_WITHOUT_UNIT.search, _NEEDS_UNITS.findall(css))):
            css = None  # which CSS does not take
        transform = element.attrib.pop("transform", "") if css is None else css
        first = [(name, style.pop(name, "none")) for name in ("translate", "rotate", "scale")]
        calls = [f"{name}({','.join(value.split())})" for name, value in first if value != "none"]
        transform = " ".join([*calls, transform])
        own, needed = box in _OWN_BOXES, css is not None or origin or calls
        if not transform or transform == "none":
            element.attrib.pop("transform", None)
        elif own and parent is not None and parent.tag != f"{SVG}clipPath":
            self.unknown |= css_transform(transform, origin or "0 0", Box(0, 0, 1, 1)) is None
            element.attrib.pop("transform", None)
            self._wrapped.append((element, turn_mark(len(self.turns))))
            self.turns.append(Turn(transform, origin or "0 0"))
        elif own or needed:
            matrix = None if own else css_transform(transform, origin, around)
            self.unknown |= matrix is None
            element.set("transform", written(matrix or IDENTITY))
        else:
            element.set("transform", transform)
        if element.tag == f"{SVG}svg" and parent is not None and "transform" in element.attrib:
            self._wrapped.append((element, element.attrib.pop("transform")))

    def insert_pictures(self, root: ElementTree.Element) -> None:
        """Put pictures that are SVG files in the places of their elements; one that cannot be read stays a picture."""
        for number, image in enumerate(list(root.iter(f"{SVG}image"))):
            href = next((value for key, value in image.items() if key.endswith("href")), "").strip()
            if not href.startswith("data:image/svg+xml"):
                continue
            try:
                inner = parse_svg(data_of_url(href), "a picture")
            except ValueError:
                continue
            self.resolve(inner)
            _rename(inner, f"picture-{number}-")
            _insert(inner, image)


def _names_nothing(reference: str, ids: Mapping[str, ElementTree.Element]) -> bool:
    """Whether a reference, as ``url(#id)``, is to what is not there: browsers take it for none."""
    found = _REFERRED.fullmatch(reference.strip())
    return found is not None and found[1] not in ids


def _wrap(element: ElementTree.Element, transform: str) -> None:
    """Turn an element into a group that holds it; the group is what ``use`` draws under its name."""
    inner = ElementTree.Element(element.tag, element.attrib)
    inner.text, inner[:] = element.text, element[:]
    named = {key: inner.attrib.pop(key) for key in ("id",) if key in inner.attrib}
    element.clear()
    element.tag, element.attrib = f"{SVG}g", {**named, "transform": transform}
    element.append(inner)


def _scopes(
    root: ElementTree.Element,
    declared: dict[ElementTree.Element, dict[str, str]],
    parents: dict[ElementTree.Element, ElementTree.Element],
) -> dict[ElementTree.Element | None, ChainMap[str, str]]:
    """The variables that are known in each element; in what ``use`` draws, those of the first that draws it."""
    used: dict[str | None, ChainMap[str, str]] = {}
    uses = list(root.iter(f"{SVG}use"))
    for _ in range(2 if uses else 1):
        scopes: dict[ElementTree.Element | None, ChainMap[str, str]] = {None: ChainMap()}
        for element, properties in declared.items():
            own = {
                name: value
                for name, value in properties.items()
                if name.startswith("--") and len(value) <= LONGEST_VARIABLE
            }
            around = used.get(element.get("id"), scopes[parents.get(element)])
            scopes[element] = around.new_child(own) if own else around
        for use in uses:
            href = next((value for key, value in use.items() if key.endswith("href")), "")
            used.setdefault(href[1:], scopes[use])
    return scopes


def _view(element: ElementTree.Element) -> list[str] | None:
    """The four numbers of a viewBox; brackets and commas are common."""
    numbers = re.findall(NUMBER, element.get("viewBox", ""))
    return numbers if len(numbers) == 4 else None


def _box_of(element: ElementTree.Element, around: Box) -> Box:
    """What percentages refer to in a viewport."""
    if view := _view(element):
        return Box(0, 0, float(view[2]), float(view[3]))
    width = length(element.get("width", "100%"), around.width)
    return Box(0, 0, width, length(element.get("height", "100%"), around.height))


def _paint_background(root: ElementTree.Element, style: dict[str, str]) -> None:
    colour = style.get("background-color", style.get("background"))
    if colour and (_view(root) or "width" in root.attrib):
        x, y, width, height = _view(root) or ("0", "0", "100%", "100%")
        box = {"x": x, "y": y, "width": width, "height": height, "style": f"fill:{colour};stroke:none"}
        root.insert(0, ElementTree.Element(f"{SVG}rect", box))


def _rename(root: ElementTree.Element, prefix: str) -> None:
    """Give all ids of a document a prefix, so that they can lie beside those of another."""
    for element in root.iter():
        for key, value in list(element.items()):
            if key == "id":
                element.set(key, prefix + value)
            elif key.endswith("href") and value.startswith("#"):
                element.set(key, f"#{prefix}{value[1:]}")
            elif "url(" in value:
                element.set(key, _REFERENCE.sub(rf"\g<1>{prefix}", value))


def _insert(inner: ElementTree.Element, image: ElementTree.Element) -> None:
    """Turn an image into a group of a viewport of its place, with the document in its own size in it."""
    place: dict[str, str] = {key: image.attrib.pop(key) for key in _BOX if key in image.attrib}
    place["preserveAspectRatio"] = image.attrib.pop("preserveAspectRatio", "xMidYMid")
    view, sides = _view(inner), [length(inner.get(key), None) for key in ("width", "height")]
    if view and None in sides:
        sides = [float(side) for side in view[2:]]
    for key, side in zip(("width", "height"), sides, strict=True):
        inner.set(key, "100%" if None in sides else f"{side:.9g}")
        if None not in sides:
            place.setdefault(key, f"{side:.9g}")
    if None not in sides:
        place["viewBox"] = f"0 0 {sides[0]:.9g} {sides[1]:.9g}"
    for key in [key for key in image.attrib if key.endswith("href")]:
        del image.attrib[key]
    for key in ("x", "y"):
        inner.attrib.pop(key, None)
    image.tag = f"{SVG}g"
    viewport = ElementTree.SubElement(image, f"{SVG}svg", place)
    viewport.append(inner)


def _left_out(root: ElementTree.Element) -> tuple[str, ...]:
    """The texts and pictures of a drawing, in words."""
    counted = [(_texts(root), "text"), (sum(1 for _ in root.iter(f"{SVG}image")), "picture")]
    return tuple(f"{number} {kind}s" if number > 1 else f"a {kind}" for number, kind in counted if number)


def _texts(element: ElementTree.Element) -> int:
    """How many texts an element holds, labels in HTML among them; of a switch one child is shown."""
    foreign = element.tag == f"{SVG}foreignObject" and not element.get("requiredExtensions")
    if element.tag == f"{SVG}text" or foreign:
        return int(bool("".join(element.itertext()).strip()))
    found = [_texts(child) for child in element]
    return max(found, default=0) if element.tag == f"{SVG}switch" else sum(found)

"""Values of CSS in the words of SVG 1.1, which the normaliser knows: what browsers read beyond them is rewritten."""

import math
import re
from collections import ChainMap
from typing import NamedTuple

from fgsbir.data.svg.document import Budget
from fgsbir.data.svg.transforms import IDENTITY, Transform, after, named

# No expression here backtracks far: style sheets are hostile as well.
NUMBER = r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"

# A colour, a width or a transform is short. A long value that is used everywhere would fill the memory.
LONGEST_VARIABLE = 200
LONGEST_VALUE = 1000
LOOK_UP_COST = 10  # of a variable, in steps
MAX_ROUNDS = 8  # of variables that hold variables

_SHARE = NUMBER + "%?"
_USE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,((?:[^()]|\([^()]*\))*))?\)")
_LINK = re.compile(r"url\(\s*[\"']#([^\"'()]*)[\"']\s*\)")
_LIGHT_DARK = re.compile(r"light-dark\(((?:[^(),]|\([^()]*\))*),(?:[^()]|\([^()]*\))*\)")
_COLOUR = re.compile(r"(rgb|hsl)a?\(\s*([^\s,()/]+)\s+([^\s,()/]+)\s+([^\s,()/]+?)\s*(?:/\s*([^\s()]+?)\s*)?\)")
_WIDE_COLOUR = re.compile(rf"color\(\s*[\w-]+\s+({_SHARE})\s+({_SHARE})\s+({_SHARE})\s*(?:/\s*({_SHARE})\s*)?\)")
_UNKNOWN = re.compile(r"\b(?:light-dark|color|color-mix)\(")
_CALL = re.compile(r"[\s,]*+(\w++)\(([^()]*+)\)")
_VALUE = re.compile(rf"({NUMBER})([a-z%]*+)")
_UNITS = {"": 1.0, "px": 1, "deg": 1, "pt": 96 / 72, "pc": 16, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96}
_UNITS |= {"rad": 180 / math.pi, "turn": 360, "grad": 0.9}
_LENGTH = re.compile(rf"\s*({NUMBER})\s*(px|pt|pc|mm|cm|in|%)?\s*")
_PLACES = {"left": "0%", "top": "0%", "center": "50%", "right": "100%", "bottom": "100%"}


class Box(NamedTuple):
    """What percentages of a transform refer to: its corner, and its size if that is known."""

    x: float
    y: float
    width: float | None
    height: float | None


def plain_value(value: str, known: ChainMap[str, str], budget: Budget) -> str | None:
    """A value without variables and new forms of colours; "unset" for one whose variable is not ``known``, None for one
    that is not understood. Raises DataError where the ``budget`` for looking up variables is spent.
    """

    def looked_up(use: re.Match[str]) -> str:
        budget.spend(LOOK_UP_COST + len(known.maps))
        return known.get(use[1], use[2] if use[2] is not None else "var()")

    if len(value) > LONGEST_VALUE:
        return None
    if "(" not in value:
        return value
    budget.spend(len(value) ** 2 // 1000)  # expressions begin anew at each character
    for _ in range(MAX_ROUNDS):
        if len(value) > LONGEST_VALUE:
            return None
        if "var(" not in value:
            break
        value = _USE.sub(looked_up, value)
    if "var(" in value:
        return "unset"
    value = _LINK.sub(r"url(#\1)", value)
    value = _LIGHT_DARK.sub(r"\1", value)
    value = _WIDE_COLOUR.sub(lambda colour: _shares(*colour.groups()), value)
    value = _COLOUR.sub(lambda colour: _commas(*colour.groups()), value)
    return None if _UNKNOWN.search(value) else value


def length(written: str | None, whole: float | None) -> float | None:
    """A length in pixels. 100 % is ``whole``. None where either is unknown."""
    found = _LENGTH.fullmatch(written or "")
    return _size(found[1], found[2] or "", whole) if found else None


def css_transform(css: str, origin: str, box: Box) -> Transform | None:
    """A transform, in CSS or an attribute, about its origin if it has one; None for one that is not understood.

    Percentages are of ``box``.
    """
    whole, end = IDENTITY, 0
    while call := _CALL.match(css, end):
        numbers = _numbers(call[1], call[2], box)
        one = None if numbers is None else named(call[1], numbers)
        if one is None:
            return None
        whole, end = after(whole, one), call.end()
    if css[end:].strip() not in ("", "none"):
        return None
    x, y = _origin(origin, box) if origin.strip() else (0.0, 0.0)
    if x is None or y is None:
        return None
    at = complex(x, y)
    return after((1, 0, at), after(whole, (1, 0, -at)))


def _numbers(name: str, written: str, box: Box) -> list[float] | None:
    """What a function of a transform is given, in pixels and degrees."""
    if _VALUE.sub("", written).strip(" ,\t\r\n"):
        return None
    sides = (1.0, 1.0) if name.startswith("scale") else (box.width, box.height)
    sides = sides[::-1] if name == "translateY" else sides
    sizes = [_size(number, unit, sides[place % 2]) for place, (number, unit) in enumerate(_VALUE.findall(written))]
    known = [size for size in sizes if size is not None]
    return known if len(known) == len(sizes) else None


def _origin(css: str, box: Box) -> tuple[float | None, float | None]:
    across, down, *_ = [*css.lower().split(), "center"]
    if across in ("top", "bottom") or down in ("left", "right"):
        across, down = down, across
    x = length(_PLACES.get(across, across), box.width)
    y = length(_PLACES.get(down, down), box.height)
    return None if x is None else x + box.x, None if y is None else y + box.y


def _size(number: str, unit: str, whole: float | None) -> float | None:
    if unit == "%":
        return None if whole is None else float(number) * whole / 100
    return float(number) * _UNITS[unit] if unit in _UNITS else None


def _shares(red: str, green: str, blue: str, opacity: str | None) -> str:
    """A colour in shares of 1, of whatever space, as one of the usual."""
    parts = [part if part.endswith("%") else f"{100 * float(part):.6g}%" for part in (red, green, blue)]
    return f"rgb({' '.join(parts)}{f' / {opacity}' if opacity else ''})"


def _commas(form: str, one: str, two: str, three: str, opacity: str | None) -> str:
    one = one.removesuffix("deg")
    if opacity is None:
        return f"{form}({one},{two},{three})"
    share = float(opacity[:-1]) / 100 if opacity.endswith("%") else opacity
    return f"{form}a({one},{two},{three},{share})"

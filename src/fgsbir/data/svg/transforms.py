"""Transforms of SVG as complex numbers: (a, b, t) takes the point z = x + iy to a z + b conj(z) + t."""

import cmath
import math
import xml.etree.ElementTree as ElementTree

import numpy as np

from fgsbir.data.strokes import CANVAS

Transform = tuple[complex, complex, complex]
IDENTITY: Transform = (1, 0, 0)

_CENTRE = complex(CANVAS, CANVAS) / 2


def viewport(root: ElementTree.Element) -> tuple[Transform, complex, complex]:
    """From a normalised drawing's units to the canvas, and the corners of its viewport there."""
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    x, y, across, down = (float(number) for number in root.get("viewBox", "").split())
    align, _, fit = root.get("preserveAspectRatio", "xMidYMid").partition(" ")
    scales = width / across, height / down
    if align != "none":
        scales = (max(scales) if fit == "slice" else min(scales),) * 2
    share = {"Min": 0.0, "Max": 1.0}
    left = share.get(align[1:4], 0.5) * (width - across * scales[0]) - x * scales[0]
    top = share.get(align[5:8], 0.5) * (height - down * scales[1]) - y * scales[1]
    size = CANVAS / max(width, height)
    low = _CENTRE - size * complex(width, height) / 2
    place = after((size, 0, low), affine(scales[0], 0, 0, scales[1], left, top))
    return place, low, 2 * _CENTRE - low


def affine(a: float, b: float, c: float, d: float, e: float, f: float) -> Transform:
    """The transform that SVG writes as a matrix of six numbers."""
    return complex(a + d, b - c) / 2, complex(a - d, b + c) / 2, complex(e, f)


def transform(written: str | None) -> Transform:
    """An attribute of a normalised drawing."""
    return affine(*map(float, written[len("matrix(") : -1].split())) if written else IDENTITY


def named(name: str, numbers: list[float]) -> Transform | None:
    """A function of SVG or CSS, in pixels and degrees; of one in space what it does in the plane."""
    first, *others = numbers or [0.0]
    second = others[0] if others else 0.0
    match name, len(numbers):
        case "matrix", 6:
            return affine(*numbers)
        case ("translate", 1 | 2) | ("translateX", 1) | ("translate3d", 3):
            return 1, 0, complex(first, second)
        case "translateY", 1:
            return 1, 0, complex(0, first)
        case ("scale", 2) | ("scale3d", 3):
            return affine(first, 0, 0, second, 0, 0)
        case "scale", 1:
            return first, 0, 0
        case "scaleX", 1:
            return affine(first, 0, 0, 1, 0, 0)
        case "scaleY", 1:
            return affine(1, 0, 0, first, 0, 0)
        case ("rotate", 1 | 3) | ("rotateZ", 1):
            turn = cmath.rect(1, math.radians(first))
            at = complex(*others) if others else 0
            return turn, 0, at - turn * at
        case ("skewX", 1) | ("skew", 1 | 2):
            return affine(1, math.tan(math.radians(second)), math.tan(math.radians(first)), 1, 0, 0)
        case "skewY", 1:
            return affine(1, math.tan(math.radians(first)), 0, 1, 0, 0)
    return None


def written(matrix: Transform) -> str:
    """A transform as an attribute of a normalised drawing."""
    (a, b, t) = map(complex, matrix)
    numbers = a.real + b.real, a.imag + b.imag, b.imag - a.imag, a.real - b.real, t.real, t.imag
    return f"matrix({' '.join(f'{number:.9g}' for number in numbers)})"


def after(outer: Transform, inner: Transform) -> Transform:
    """First ``inner``, then ``outer``."""
    (a, b, t), (c, d, s) = outer, inner
    c, d, s = complex(c), complex(d), complex(s)
    return a * c + b * d.conjugate(), a * d + b * c.conjugate(), a * s + b * s.conjugate() + t


def moved(points: np.ndarray, matrix: Transform) -> np.ndarray:
    """Where a transform takes points, complex (n,)."""
    return matrix[0] * points + matrix[1] * points.conj() + matrix[2]


def scale(matrix: Transform) -> float:
    """How many times as long a line becomes, in the mean of all directions."""
    return float(abs(abs(matrix[0]) ** 2 - abs(matrix[1]) ** 2) ** 0.5)

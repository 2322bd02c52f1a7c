"""Transforms of SVG as complex numbers: (a, b, t) takes the point z = x + iy to a z + b conj(z) + t."""

import xml.etree.ElementTree as ElementTree

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


def after(outer: Transform, inner: Transform) -> Transform:
    """First ``inner``, then ``outer``."""
    (a, b, t), (c, d, s) = outer, inner
    c, d, s = complex(c), complex(d), complex(s)
    return a * c + b * d.conjugate(), a * d + b * c.conjugate(), a * s + b * s.conjugate() + t


def scale(matrix: Transform) -> float:
    """How many times as long a line becomes, in the mean of all directions."""
    return float(abs(abs(matrix[0]) ** 2 - abs(matrix[1]) ** 2) ** 0.5)

"""What stands under a product: legs of every kind, stretchers between them, and the tops they carry."""

from collections.abc import Iterator

from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.grammar import Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import Flat, bar, ellipse, rectangle, rounded, turned

TURNINGS = {
    "vase": [(0, 0.7), (0.15, 1.1), (0.3, 0.6), (0.42, 1.3), (0.6, 1.0), (0.9, 0.55), (1, 0.6)],
    "ring": [(0, 0.9), (0.4, 0.8), (0.45, 1.35), (0.5, 0.8), (0.85, 0.7), (0.9, 1.2), (1, 0.5)],
    "spindle": [(0, 0.6), (0.5, 1.1), (1, 0.5)],
}
LEGS = ["square", "tapered", "round", *TURNINGS]
WOODEN = "wood painted"


def leg(kind: str, material: str, top: Vec, foot: Vec, thick: float, role: str = "leg") -> Part:
    """One leg from ``top`` to ``foot``: square, tapered, round, or one of the turnings."""
    if kind in TURNINGS:
        return turned(role, material, top, foot, [(t, r * thick / 2) for t, r in TURNINGS[kind]])
    if kind == "round":
        return turned(role, material, top, foot, [(0, thick * 0.5), (1, thick * 0.38)])
    return bar(role, material, top, foot, thick, taper=0.5 if kind == "tapered" else 1.0)


def legs(p: Values, half_x: float, half_z: float, height: float) -> Iterator[Part]:
    """Four legs under a top at ``height``, splayed by ``p.splay``, as thick as ``p.leg_thick``."""
    for x in (-half_x, half_x):
        for z in (-half_z, half_z):
            foot = (x + p.splay * (1 if x > 0 else -1), 0.0, z + p.splay * (0.6 if z > 0 else -0.6))
            yield leg(p.leg, "frame", (x, height, z), foot, p.leg_thick)


def stretchers(p: Values, half_x: float, half_z: float, height: float) -> Iterator[Part]:
    """The bars that join the legs, as ``p.stretcher`` says."""
    y, thick = height * p.stretcher_height, p.leg_thick * 0.6
    x, z = half_x + p.splay * (1 - p.stretcher_height), half_z + p.splay * 0.6 * (1 - p.stretcher_height)
    ends: list[tuple[Vec, Vec]] = []
    if p.stretcher in ("box", "h"):
        ends += [((s * x, y, -z), (s * x, y, z)) for s in (-1, 1)]
    if p.stretcher == "h":
        ends.append(((-x, y, 0), (x, y, 0)))
    if p.stretcher == "box":
        ends += [((-x, y + 3, s * z), (x, y + 3, s * z)) for s in (-1, 1)]
    if p.stretcher == "cross":
        ends += [((-x, y, -z), (x, y, z)), ((-x, y, z), (x, y, -z))]
    for a, b in ends:
        yield bar("stretcher", "frame", a, b, thick)


def top_shape(kind: str, width: float, depth: float, corner: float) -> Flat:
    """The outline of a seat or table top."""
    if kind == "oval":
        return ellipse(width, depth, 24)
    return rounded(width, depth, corner) if kind == "rounded" else rectangle(width, depth)

"""The parts library: boxes, bars, plates, panels, turned legs, tubes, cushions, vessels, wheels, knobs.

All in product units, y up. Every function returns one part; categories put parts together.
"""

import math
from collections.abc import Sequence

from fgsbir.synthetic.geometry import Vec, add, blend, cross, scaled, sub, unit
from fgsbir.synthetic.parts import Detail, Part
from fgsbir.synthetic.round import Round
from fgsbir.synthetic.solid import Solid

Flat = list[tuple[float, float]]


def rectangle(width: float, height: float) -> Flat:
    """A rectangle round (0, 0)."""
    x, y = width / 2, height / 2
    return [(-x, -y), (x, -y), (x, y), (-x, y)]


def trapezoid(bottom: float, top: float, height: float) -> Flat:
    """An upright trapezoid round (0, 0)."""
    y = height / 2
    return [(-bottom / 2, -y), (bottom / 2, -y), (top / 2, y), (-top / 2, y)]


def rounded(width: float, height: float, radius: float, steps: int = 3) -> Flat:
    """A rectangle round (0, 0) with round corners."""
    radius = min(radius, width * 0.499, height * 0.499)
    across, upward = width / 2 - radius, height / 2 - radius
    found = []
    for x, y, start in ((1, -1, -90), (1, 1, 0), (-1, 1, 90), (-1, -1, 180)):
        for step in range(steps + 1):
            a = math.radians(start + 90 * step / steps)
            found.append((x * across + radius * math.cos(a), y * upward + radius * math.sin(a)))
    return found


def ellipse(width: float, height: float, steps: int = 20) -> Flat:
    """An ellipse round (0, 0)."""
    angles = [math.tau * i / steps for i in range(steps)]
    return [(width / 2 * math.cos(a), height / 2 * math.sin(a)) for a in angles]


def arched(width: float, height: float, rise: float, steps: int = 10) -> Flat:
    """A rectangle whose top edge is an arch (``rise`` > 0) or a dip (< 0); round its middle."""
    x, y = width / 2, height / 2
    top = [(x - width * i / steps, y + rise * (1 - (1 - 2 * i / steps) ** 2)) for i in range(steps + 1)]
    return [(-x, -y), (x, -y), *top]


def box(role: str, material: str, centre: Vec, size: Vec) -> Part:
    """A box round ``centre``; the picture of its front is the product's front."""
    x, y, z = centre
    front = rectangle(size[0], size[1])
    loops = tuple(tuple((x + u, y + v, z + w) for u, v in front) for w in (-size[2] / 2, size[2] / 2))
    return Solid(role, material, loops=loops)


def plate(role: str, material: str, outline: Flat, bottom: float, top: float, at: Vec = (0, 0, 0)) -> Part:
    """A horizontal plate: ``outline`` in (x, z)."""
    loops = tuple(tuple((at[0] + x, at[1] + y, at[2] + z) for x, z in outline) for y in (bottom, top))
    return Solid(role, material, loops=loops)


def panel(
    role: str,
    material: str,
    outline: Flat,
    thickness: float,
    at: Vec,
    *,
    lean: float = 0.0,
    bend: float = 0.0,
    details: Sequence[Flat] = (),
) -> Part:
    """An upright panel: ``outline`` in (x, y) round ``at``, leaning back by ``lean`` a unit of height above
    ``at``, its sides bent forward by ``bend`` at x = 10 (growing with the square). ``details`` are closed lines
    on its front.
    """

    def place(x: float, y: float, z: float) -> Vec:
        return (at[0] + x, at[1] + y, at[2] + z - lean * y + bend * (x / 10) ** 2)

    loops = tuple(tuple(place(x, y, z) for x, y in outline) for z in (-thickness / 2, thickness / 2))
    front = unit((0.0, lean, 1.0))
    lines = tuple(Detail(tuple(place(x, y, thickness / 2) for x, y in line), front, True) for line in details)
    return Solid(role, material, lines, loops=loops)


def bar(role: str, material: str, a: Vec, b: Vec, width: float, depth: float | None = None, taper: float = 1.0) -> Part:
    """A straight bar from ``a`` to ``b``; at ``b`` it is ``taper`` times as thick. Thin ones may be drawn as a line."""
    axis = unit(sub(b, a))
    depth = width if depth is None else depth
    u = unit(cross(axis, (0.0, 0.0, 1.0))) if abs(axis[2]) < 0.9 else unit(cross(axis, (1.0, 0.0, 0.0)))
    v = cross(axis, u)
    loops = []
    for centre, k in ((a, 1.0), (b, taper)):
        loops.append(tuple(add(centre, add(scaled(u, x), scaled(v, y))) for x, y in rectangle(width * k, depth * k)))
    return Solid(role, material, (), (a, b), max(width, depth), loops=tuple(loops), soft=True)


def _soft(outline: Flat, low: float, high: float, puff: float) -> list[tuple[float, Flat]]:
    """The loops of a soft body, each with its place between ``low`` and ``high``, drawn in by ``puff`` at the ends."""
    levels = ((0.0, 1 - puff), (0.3, 1.0), (0.7, 1.0), (1.0, 1 - puff))
    return [(low + (high - low) * level, [(u * k, v * k) for u, v in outline]) for level, k in levels]


def cushion(
    role: str, material: str, outline: Flat, bottom: float, top: float, puff: float, at: Vec = (0, 0, 0)
) -> Part:
    """A soft horizontal body; ``outline`` in (x, z), edges drawn in by ``puff`` (0.05 firm, 0.2 plump)."""
    x, y, z = at
    loops = tuple(tuple((x + u, y + w, z + v) for u, v in loop) for w, loop in _soft(outline, bottom, top, puff))
    return Solid(role, material, loops=loops, soft=True)


def upright_cushion(
    role: str, material: str, outline: Flat, thickness: float, puff: float, at: Vec, lean: float = 0.0
) -> Part:
    """A soft upright body; ``outline`` in (x, y) round ``at``."""
    x, y, z = at
    soft = _soft(outline, -thickness / 2, thickness / 2, puff)
    loops = tuple(tuple((x + u, y + v, z + w - lean * v) for u, v in loop) for w, loop in soft)
    return Solid(role, material, loops=loops, soft=True)


def tube(role: str, material: str, path: Sequence[Vec], radius: float) -> Round:
    """A curved tube of even thickness along ``path``."""
    return Round(role, material, (), tuple(path), 2 * radius, rings=tuple((p, radius) for p in path), bands=3)


def turned(role: str, material: str, a: Vec, b: Vec, profile: Sequence[tuple[float, float]]) -> Part:
    """A turned leg or spindle from ``a`` to ``b``: ``profile`` is (share of the way, radius)."""
    rings = tuple((blend(a, b, t), radius) for t, radius in profile)
    return Round(role, material, (), (a, b), 2 * max(r for _, r in profile), rings=rings, bands=4)


def vessel(
    role: str, material: str, at: Vec, profile: Flat, *, hollow: bool = False, marks: tuple[int, ...] = ()
) -> Part:
    """A body turned on an upright axis: ``profile`` is (height above ``at``, radius), bottom first."""
    rings = tuple((add(at, (0.0, y, 0.0)), radius) for y, radius in profile)
    return Round(role, material, rings=rings, hollow=hollow, marks=marks, bands=14)


def wheel(role: str, material: str, centre: Vec, radius: float, width: float, axis: Vec = (1.0, 0.0, 0.0)) -> Part:
    """A wheel or disc, turned on ``axis``."""
    reach = scaled(axis, width / 2)
    return Round(role, material, rings=((sub(centre, reach), radius), (add(centre, reach), radius)), bands=8)


def ball(role: str, material: str, centre: Vec, radius: float, flat: float = 1.0) -> Part:
    """A knob: a ball, its height times ``flat``."""
    profile = [(-1.0, 0.05), (-0.8, 0.6), (-0.3, 0.95), (0.3, 0.95), (0.8, 0.6), (1.0, 0.05)]
    return vessel(role, material, centre, [(y * radius * flat, r * radius) for y, r in profile])


def curve(points: Sequence[Vec], steps: int = 4) -> list[Vec]:
    """A smooth path through ``points`` (Catmull-Rom), ``steps`` pieces between two of them."""
    padded = [points[0], *points, points[-1]]
    found = []
    for i in range(len(points) - 1):
        p0, p1, p2, p3 = padded[i : i + 4]
        for step in range(steps):
            t = step / steps
            a, b = -0.5 * t + t * t - 0.5 * t**3, 1 - 2.5 * t * t + 1.5 * t**3
            c, d = 0.5 * t + 2 * t * t - 1.5 * t**3, -0.5 * t * t + 0.5 * t**3
            found.append(add(add(scaled(p0, a), scaled(p1, b)), add(scaled(p2, c), scaled(p3, d))))
    return [*found, points[-1]]


def bow(half: float, low: float, upper: float, high: float, steps: int) -> list[Vec]:
    """The path of a handle: up from ``half`` the width at ``low`` to ``upper`` at ``high``, over and down again."""
    return curve([(-half, low, 0.0), (-upper, high, 0.0), (upper, high, 0.0), (half, low, 0.0)], steps)

"""Stools and benches."""

from fgsbir.synthetic.categories.legs import LEGS, WOODEN, legs, stretchers, top_shape
from fgsbir.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, bar, box, cushion, panel, plate, rectangle, turned


def stool(p: Values) -> list[Part]:
    """The parts of one stool."""
    h, shape = p.height, top_shape(p.seat, p.width, p.depth, p.corner)
    parts = [plate("seat", "seat", shape, h - p.seat_thick, h)]
    if p.cushion != "none":
        small = [(x * 0.95, z * 0.95) for x, z in shape]
        parts.append(cushion("cushion", "fabric", small, h, h + p.pad, p.puff))
    if p.steps:
        parts.append(
            plate(
                "step",
                "seat",
                rectangle(p.width * 0.9, p.depth * 0.6),
                h * p.step_height,
                h * p.step_height + 3,
                (0, 0, p.depth * 0.4),
            )
        )
    inset = 0.7 if p.seat == "oval" else 0.86
    if p.base == "pedestal":
        parts.append(
            turned("post", "frame", (0, h - p.seat_thick, 0), (0, 3, 0), [(0, p.leg_thick * 0.5), (1, p.leg_thick)])
        )
        parts.append(turned("foot", "frame", (0, 3.5, 0), (0, 0, 0), [(0, p.width * 0.3), (1, p.width * p.foot)]))
        return parts
    half_x, half_z = p.width / 2 * inset, p.depth / 2 * inset
    return parts + legs(p, half_x, half_z, h - p.seat_thick) + stretchers(p, half_x, half_z, h)


STOOL = Category(
    "stool",
    {
        "height": Number(38, 78),
        "width": Number(30, 48),
        "depth": Number(28, 42),
        "seat_thick": Number(2.5, 6),
        "corner": Number(3, 14),
        "leg_thick": Number(2.6, 5),
        "splay": Number(0, 9),
        "stretcher_height": Number(0.15, 0.5),
        "pad": Number(2.5, 9),
        "puff": Number(0.04, 0.14),
        "foot": Number(0.42, 0.6),
        "step_height": Number(0.28, 0.5),
        "seat": Choice(["oval", "rounded", "square"]),
        "cushion": Choice(["none", "pad"]),
        "leg": LEGS,
        "stretcher": Choice(["none", "box", "h", "cross"]),
        "base": Choice(["legs", "pedestal"], [4, 1]),
        "steps": Choice([False, True], [5, 1]),
    },
    stool,
    {"frame": ("wood", "painted", "metal"), "seat": ("wood", "painted", "weave"), "fabric": ("fabric", "leather")},
    pitch=(10, 24),
)


def bench(p: Values) -> list[Part]:
    """The parts of one bench."""
    w, d, h = p.width, p.depth, p.height
    parts: list[Part] = []
    if p.planks == 1:
        parts.append(box("seat", "frame", (0, h - p.thick / 2, 0), (w, p.thick, d)))
    else:
        step = d / p.planks
        for i in range(p.planks):
            z = -d / 2 + step * (i + 0.5)
            parts.append(box("seat", "frame", (0, h - p.thick / 2, z), (w, p.thick, step * 0.82)))
    half_x = w / 2 - p.inset
    if p.base == "slab":
        parts += [
            box("leg", "frame", (s * half_x, (h - p.thick) / 2, 0), (p.leg_thick, h - p.thick, d * 0.85))
            for s in (-1, 1)
        ]
    else:
        parts += legs(p, half_x, d / 2 - 4, h - p.thick) + stretchers(p, half_x, d / 2 - 4, h)
    if p.back != "none":
        top, z = h + p.back_height, -d / 2 + 1
        lean = p.lean * p.back_height
        for s in (-1, 1):
            parts.append(bar("back post", "frame", (s * half_x, h, z), (s * half_x, top, z - lean), p.leg_thick * 0.8))
        if p.back == "rails":
            for i in range(p.rails):
                y = p.back_height * (i + 0.6) / p.rails
                parts.append(
                    panel("rail", "frame", rectangle(w, p.rail), 2, (0, h + y, z + 1.5 - p.lean * y), lean=p.lean)
                )
        else:
            at = (0, top - p.rail / 2, z - lean)
            shape = arched(w, p.rail, p.rise if p.arched else 0.0)
            parts.append(panel("crest", "frame", shape, 2.5, at, lean=p.lean))
            for i in range(p.slats):
                x = half_x * (2 * (i + 1) / (p.slats + 1) - 1)
                parts.append(bar("slat", "frame", (x, h, z), (x, top - p.rail, z - lean * 0.9), 3.5, 1.2))
    if p.arms:
        for s in (-1, 1):
            y = h + p.arm_height
            parts.append(bar("arm", "frame", (s * half_x, y, -d / 2), (s * half_x, y, d / 2), 4.5, 3))
            parts.append(bar("arm post", "frame", (s * half_x, h, d / 2 - 5), (s * half_x, y - 1.5, d / 2 - 5), 3.5))
    return parts


BENCH = Category(
    "bench",
    {
        "width": Number(95, 160),
        "depth": Number(32, 52),
        "height": Number(38, 52),
        "thick": Number(3, 7),
        "inset": Number(5, 20),
        "leg_thick": Number(4, 8),
        "splay": Number(0, 5),
        "stretcher_height": Number(0.15, 0.5),
        "back_height": Number(24, 48),
        "lean": Number(0.02, 0.25),
        "rail": Number(6, 11),
        "rise": Number(3, 10),
        "arm_height": Number(16, 24),
        "planks": Choice([1, 3, 4, 5]),
        "base": Choice(["legs", "slab"], [3, 1]),
        "leg": LEGS,
        "stretcher": Choice(["none", "h", "box"]),
        "back": Choice(["none", "rails", "slats"]),
        "rails": Choice([2, 3, 4]),
        "slats": Choice([4, 6, 8]),
        "arched": Choice([True, False]),
        "arms": Choice([True, False]),
    },
    bench,
    {"frame": WOODEN},
    pitch=(10, 22),
)

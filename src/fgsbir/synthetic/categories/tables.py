"""Tables and trolleys."""

from fgsbir.synthetic.categories.legs import LEGS, TURNINGS, WOODEN, legs, stretchers, top_shape
from fgsbir.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import ball, bar, box, plate, tube, turned, wheel


def table(p: Values) -> list[Part]:
    """The parts of one table."""
    w, d, h = p.width, p.depth, p.height
    parts = [plate("top", "top", top_shape(p.top, w, d, p.corner), h - p.thick, h)]
    shrink = 0.68 if p.top == "oval" else 1.0
    half_x, half_z, under = w / 2 * shrink - p.inset, d / 2 * shrink - p.inset * 0.6, h - p.thick
    if p.base == "pedestal":
        profile = [(t, r * p.leg_thick * 0.9) for t, r in TURNINGS["vase"]]
        parts.append(turned("post", "frame", (0, under, 0), (0, 7, 0), profile))
        for x, z in ((1, 0.7), (-1, 0.7), (1, -0.7), (-1, -0.7)):
            parts.append(bar("foot", "frame", (0, 9, 0), (x * w * 0.26, 2, z * d * 0.36), 6, taper=0.6))
    elif p.base == "trestle":
        for s in (-1, 1):
            parts.append(bar("leg", "frame", (s * half_x, under, -half_z), (s * half_x, 0, half_z), p.leg_thick))
            parts.append(bar("leg", "frame", (s * half_x, under, half_z), (s * half_x, 0, -half_z), p.leg_thick))
        parts.append(bar("stretcher", "frame", (-half_x, h * 0.45, 0), (half_x, h * 0.45, 0), p.leg_thick * 0.8))
    else:
        parts += legs(p, half_x, half_z, under) + stretchers(p, half_x, half_z, h)
        if p.apron > 4:
            parts.append(box("apron", "frame", (0, under - p.apron / 2, 0), (2 * half_x, p.apron, 2 * half_z)))
    if p.drawers and p.base == "legs" and p.apron > 4:
        for i in range(p.drawers):
            x = 2 * half_x * ((i + 0.5) / p.drawers - 0.5)
            z = half_z + 0.5
            parts.append(
                box("drawer", "top", (x, under - p.apron / 2, z), (1.7 * half_x / p.drawers, p.apron * 0.75, 1.5))
            )
            parts.append(ball("knob", "accent", (x, under - p.apron / 2, z + 2), p.knob))
    if p.shelf and p.base == "legs":
        parts.append(box("shelf", "frame", (0, h * p.shelf_height, 0), (2 * half_x, 2.2, 2 * half_z)))
    return parts


TABLE = Category(
    "table",
    {
        "width": Number(60, 150),
        "depth": Number(50, 85),
        "height": Number(40, 78),
        "thick": Number(2.5, 6),
        "corner": Number(4, 20),
        "inset": Number(3, 14),
        "leg_thick": Number(3.5, 8),
        "splay": Number(0, 8),
        "stretcher_height": Number(0.12, 0.4),
        "apron": Number(0, 14),
        "shelf_height": Number(0.2, 0.45),
        "knob": Number(1.2, 2.4),
        "top": Choice(["square", "rounded", "oval"]),
        "base": Choice(["legs", "pedestal", "trestle"], [4, 1, 1]),
        "leg": LEGS,
        "stretcher": Choice(["none", "h", "box", "cross"], [3, 1, 1, 1]),
        "drawers": Choice([0, 1, 2, 3]),
        "shelf": Choice([False, True], [3, 1]),
    },
    table,
    {"frame": ("wood", "painted", "metal"), "top": WOODEN, "accent": ("metal", "painted")},
    pitch=(12, 26),
)


def trolley(p: Values) -> list[Part]:
    """The parts of one trolley."""
    w, d, low = p.width, p.depth, p.wheel * 2
    parts: list[Part] = []
    levels = [low + p.lowest + p.gap * i for i in range(p.trays)]
    top = levels[-1]
    for y in levels:
        parts.append(box("tray", "tray", (0, y, 0), (w, p.tray, d)))
        if p.rails:
            for s in (-1, 1):
                parts.append(bar("rail", "frame", (-w / 2, y + p.rail, s * d / 2), (w / 2, y + p.rail, s * d / 2), 1.2))
    for x in (-1, 1):
        for z in (-1, 1):
            end = top + (p.rail if p.rails else 2)
            at = (x * (w / 2 - 1), z * (d / 2 - 1))
            parts.append(bar("post", "frame", (at[0], low * 0.7, at[1]), (at[0], end, at[1]), p.post))
            big = p.big_wheels and x > 0
            radius = p.wheel * (1.9 if big else 1.0)
            parts.append(
                wheel("wheel", "wheel", (at[0], radius, at[1] + z * (1.5 if big else 0)), radius, 2, (0, 0, 1))
            )
    y = top + p.handle_height
    half, x = d / 2 - 1, -w / 2
    if p.handle == "loop":
        path = [(x, top, -half), (x - p.reach, y, -half), (x - p.reach, y, half), (x, top, half)]
        parts.append(tube("handle", "frame", path, p.post * 0.5))
    elif p.handle == "both":
        for s in (-1, 1):
            path = [
                (s * w / 2, top, -half),
                (s * (w / 2 + p.reach * 0.5), y * 0.98, -half),
                (s * (w / 2 + p.reach * 0.5), y * 0.98, half),
                (s * w / 2, top, half),
            ]
            parts.append(tube("handle", "frame", path, p.post * 0.5))
    if p.drawer:
        parts.append(box("drawer", "tray", (0, top - p.tray / 2 - 5, d / 2 - 3), (w * p.drawer_width, 8, 6)))
        parts.append(ball("knob", "frame", (0, top - p.tray / 2 - 5, d / 2 + 1), 1.3))
    if p.basket:
        y0 = levels[0] + p.tray / 2
        parts.append(
            box("basket", "basket", (w * 0.12, y0 + p.basket_height / 2, 0), (w * 0.55, p.basket_height, d * 0.7))
        )
    return parts


TROLLEY = Category(
    "trolley",
    {
        "width": Number(42, 78),
        "depth": Number(30, 46),
        "wheel": Number(2.6, 5),
        "lowest": Number(2, 12),
        "gap": Number(20, 34),
        "tray": Number(2, 6),
        "rail": Number(5, 9),
        "post": Number(1.6, 3),
        "handle_height": Number(2, 16),
        "reach": Number(6, 16),
        "drawer_width": Number(0.4, 0.8),
        "basket_height": Number(8, 16),
        "trays": Choice([2, 3]),
        "rails": Choice([True, False]),
        "big_wheels": Choice([False, True]),
        "handle": Choice(["loop", "both", "none"]),
        "drawer": Choice([False, True]),
        "basket": Choice([False, True]),
    },
    trolley,
    {
        "frame": ("metal", "painted", "wood"),
        "tray": ("wood", "painted"),
        "wheel": ("painted",),
        "basket": ("weave", "fabric"),
    },
    pitch=(10, 22),
)

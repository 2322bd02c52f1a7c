"""Handbags and suitcases."""

from fgsbir.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, ball, bar, box, curve, ellipse, panel, rounded, trapezoid, tube, wheel


def handbag(p: Values) -> list[Part]:
    """The parts of one handbag."""
    w, h, d = p.width, p.height, p.depth
    outline = {
        "box": rounded(w, h, p.corner),
        "trapeze": trapezoid(w, w * p.taper, h),
        "moon": ellipse(w, h * 1.1, 24),
        "arched": arched(w, h * 0.8, h * 0.2),
    }[p.shape]
    parts: list[Part] = [panel("body", "body", outline, d, (0, h / 2, 0))]
    z = d / 2 + 0.5
    if p.flap:
        tall = h * p.flap_height
        flap = [
            (x, -y) for x, y in arched(w * (p.taper if p.shape == "trapeze" else 1) * 0.98, tall * 0.7, tall * 0.3)
        ][::-1]
        if p.shape != "moon":
            parts.append(panel("flap", "trim", flap, 1.0, (0, h - tall * 0.36, z)))
    if p.pocket:
        parts.append(panel("pocket", "body", rounded(w * p.pocket_width, h * 0.36, 2), 1.4, (0, h * 0.26, z + 0.2)))
    if p.clasp == "ball":
        parts.append(ball("clasp", "metal", (0, h * p.clasp_height, z + 1.5), 1.3))
    elif p.clasp == "buckle":
        parts.append(box("clasp", "metal", (0, h * p.clasp_height, z + 1), (4, 3, 0.8)))
    x, top, up = w * p.grip * 0.5, h * (0.98 if p.shape != "moon" else 0.9), h + p.handle
    shape = [(-x, top, 0.0), (-x * 0.85, up, 0.0), (x * 0.85, up, 0.0), (x, top, 0.0)]
    if p.straps == 2:
        for s in (-1, 1):
            parts.append(
                tube(
                    "handle",
                    "trim",
                    [(a, b, s * d * 0.4 + s * 0.06 * (b - top)) for a, b, _ in curve(shape, 4)],
                    p.thick,
                )
            )
    elif p.straps == 1:
        parts.append(tube("handle", "trim", curve(shape, 4), p.thick))
    else:
        parts.append(
            tube(
                "handle",
                "trim",
                curve(
                    [(-w * 0.48, h * 0.9, 0), (-w * 0.4, up + 8, 0), (w * 0.4, up + 8, 0), (w * 0.48, h * 0.9, 0)], 4
                ),
                p.thick * 0.8,
            )
        )
    if p.tassel:
        parts.append(
            bar("tassel", "metal", (x, top - 1, z + 0.6), (x, top - 1 - p.tassel_length, z + 0.6), 1.4, taper=1.6)
        )
    return parts


HANDBAG = Category(
    "handbag",
    {
        "width": Number(22, 38),
        "height": Number(16, 30),
        "depth": Number(6, 14),
        "corner": Number(1, 8),
        "taper": Number(0.65, 0.95),
        "flap_height": Number(0.35, 0.75),
        "pocket_width": Number(0.4, 0.8),
        "grip": Number(0.3, 0.75),
        "handle": Number(6, 18),
        "thick": Number(0.5, 1.1),
        "tassel_length": Number(5, 10),
        "clasp_height": Number(0.44, 0.66),
        "shape": Choice(["box", "trapeze", "moon", "arched"]),
        "flap": Choice([True, False]),
        "pocket": Choice([False, True], [2, 1]),
        "clasp": Choice(["ball", "buckle", "none"]),
        "straps": Choice([1, 2, 0]),
        "tassel": Choice([False, True], [3, 1]),
    },
    handbag,
    {"body": ("leather", "fabric", "weave"), "trim": ("leather", "fabric"), "metal": ("metal",)},
    yaw=(12, 40),
    pitch=(6, 18),
)


def suitcase(p: Values) -> list[Part]:
    """The parts of one suitcase."""
    w, h, d, low = p.width, p.height, p.depth, p.lift
    z = d / 2 + 0.4
    parts: list[Part] = [panel("body", "body", rounded(w, h, p.corner), d, (0, low + h / 2, 0))]
    for i in range(p.ribs):
        x = w * 0.84 * ((i + 0.5) / p.ribs - 0.5)
        parts.append(box("rib", "trim", (x, low + h / 2, z), (1.6, h * 0.82, 0.8)))
    for i in range(p.belts):
        x = w * p.belt_place * (0.5 if p.belts == 1 else (-1 if i == 0 else 1)) * (0 if p.belts == 1 else 1)
        parts.append(box("belt", "trim", (x, low + h / 2, z + 0.4), (3.2, h, 1)))
        parts.append(box("buckle", "metal", (x, low + h * p.buckle_height, z + 1.2), (4.4, 4, 0.8)))
    if p.pocket:
        parts.append(
            panel(
                "pocket",
                "body",
                rounded(w * 0.74, h * p.pocket_height, 3),
                2,
                (0, low + h * p.pocket_height * 0.7, z + 0.6),
            )
        )
    if p.handle == "pull":
        up, half = low + h + p.pull, w * p.grip * 0.5
        for s in (-1, 1):
            parts.append(bar("handle", "metal", (s * half, low + h, -d * 0.25), (s * half, up, -d * 0.25), 1.4))
        parts.append(bar("grip", "trim", (-half - 1, up, -d * 0.25), (half + 1, up, -d * 0.25), 3))
    else:
        half, top = w * p.grip * 0.5, low + h
        path = [
            (-half, top, 0.0),
            (-half * 0.85, top + p.grip_height, 0.0),
            (half * 0.85, top + p.grip_height, 0.0),
            (half, top, 0.0),
        ]
        parts.append(tube("handle", "trim", curve(path, 3), 1.1))
    for s in (-1, 1):
        for depth in (-1, 1):
            at = (s * (w / 2 - 4), p.wheel, depth * (d / 2 - 3))
            if p.wheels:
                parts.append(wheel("wheel", "trim", at, p.wheel, 2))
            else:
                parts.append(box("foot", "trim", (at[0], low / 2, at[2]), (3, low, 3)))
    if p.corners:
        for s in (-1, 1):
            for y in (low + 4, low + h - 4):
                parts.append(panel("corner", "trim", rounded(7, 7, 2.4), 0.8, (s * (w / 2 - 3.6), y, z)))
    return parts


SUITCASE = Category(
    "suitcase",
    {
        "width": Number(34, 62),
        "height": Number(34, 66),
        "depth": Number(16, 28),
        "corner": Number(2, 12),
        "lift": Number(3, 5),
        "belt_place": Number(0.18, 0.34),
        "pocket_height": Number(0.28, 0.45),
        "pull": Number(12, 34),
        "grip": Number(0.25, 0.5),
        "grip_height": Number(4, 8),
        "wheel": Number(1.8, 3.2),
        "buckle_height": Number(0.55, 0.85),
        "ribs": Choice([0, 0, 4, 6]),
        "belts": Choice([0, 1, 2]),
        "pocket": Choice([False, True]),
        "handle": Choice(["pull", "top"]),
        "wheels": Choice([True, False]),
        "corners": Choice([False, True], [2, 1]),
    },
    suitcase,
    {"body": ("leather", "painted", "fabric"), "trim": ("leather", "painted"), "metal": ("metal",)},
    yaw=(18, 42),
    pitch=(8, 18),
)

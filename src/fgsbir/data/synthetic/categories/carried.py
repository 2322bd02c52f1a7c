"""Things to carry or roll: handbags, suitcases, trolleys and radios."""

from fgsbir.data.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.data.synthetic.parts import Part
from fgsbir.data.synthetic.shapes import (
    arched,
    ball,
    bar,
    box,
    curve,
    ellipse,
    panel,
    rectangle,
    rounded,
    trapezoid,
    tube,
    wheel,
)


def handbag(p: Values) -> list[Part]:
    w, h, d = p.width, p.height, p.depth
    outline = {"box": rounded(w, h, p.corner), "trapeze": trapezoid(w, w * p.taper, h), "moon": ellipse(w, h * 1.1, 24),
               "arched": arched(w, h * 0.8, h * 0.2)}[p.shape]
    parts: list[Part] = [panel("body", "body", outline, d, (0, h / 2, 0))]
    z = d / 2 + 0.5
    if p.flap:
        tall = h * p.flap_height
        flap = [(x, -y) for x, y in arched(w * (p.taper if p.shape == "trapeze" else 1) * 0.98, tall * 0.7, tall * 0.3)][::-1]
        if p.shape != "moon":
            parts.append(panel("flap", "trim", flap, 1.0, (0, h - tall * 0.36, z)))
    if p.pocket:
        parts.append(panel("pocket", "body", rounded(w * p.pocket_width, h * 0.36, 2), 1.4, (0, h * 0.26, z + 0.2)))
    if p.clasp == "ball":
        parts.append(ball("clasp", "metal", (0, h * 0.6, z + 1.5), 1.3))
    elif p.clasp == "buckle":
        parts.append(box("clasp", "metal", (0, h * 0.52, z + 1), (4, 3, 0.8)))
    x, top, up = w * p.grip * 0.5, h * (0.98 if p.shape != "moon" else 0.9), h + p.handle
    shape = [(-x, top, 0.0), (-x * 0.85, up, 0.0), (x * 0.85, up, 0.0), (x, top, 0.0)]
    if p.straps == 2:
        for s in (-1, 1):
            parts.append(tube("handle", "trim", [(a, b, s * d * 0.4 + s * 0.06 * (b - top)) for a, b, _ in curve(shape, 4)], p.thick))
    elif p.straps == 1:
        parts.append(tube("handle", "trim", curve(shape, 4), p.thick))
    else:
        parts.append(tube("handle", "trim", curve([(-w * 0.48, h * 0.9, 0), (-w * 0.4, up + 8, 0), (w * 0.4, up + 8, 0), (w * 0.48, h * 0.9, 0)], 4), p.thick * 0.8))
    if p.tassel:
        parts.append(bar("tassel", "metal", (x, top - 1, z + 0.6), (x, top - 1 - p.tassel_length, z + 0.6), 1.4, taper=1.6))
    return parts


HANDBAG = Category(
    "handbag",
    {
        "width": Number(22, 38), "height": Number(16, 30), "depth": Number(6, 14), "corner": Number(1, 8), "taper": Number(0.65, 0.95),
        "flap_height": Number(0.35, 0.75), "pocket_width": Number(0.4, 0.8), "grip": Number(0.3, 0.75), "handle": Number(6, 18),
        "thick": Number(0.5, 1.1), "tassel_length": Number(5, 10), "lip": Number(0, 1),
        "shape": Choice(["box", "trapeze", "moon", "arched"]), "flap": Choice([True, False]), "pocket": Choice([False, True], [2, 1]),
        "clasp": Choice(["ball", "buckle", "none"]), "straps": Choice([1, 2, 0]), "tassel": Choice([False, True], [3, 1]),
    },
    handbag,
    {"body": ("leather", "fabric", "weave"), "trim": ("leather", "fabric"), "metal": ("metal",)},
    yaw=(12, 40),
    pitch=(6, 18),
)


def suitcase(p: Values) -> list[Part]:
    w, h, d, low = p.width, p.height, p.depth, p.lift
    z = d / 2 + 0.4
    parts: list[Part] = [panel("body", "body", rounded(w, h, p.corner), d, (0, low + h / 2, 0))]
    for i in range(p.ribs):
        x = w * 0.84 * ((i + 0.5) / p.ribs - 0.5)
        parts.append(box("rib", "trim", (x, low + h / 2, z), (1.6, h * 0.82, 0.8)))
    for i in range(p.belts):
        x = w * p.belt_place * (0.5 if p.belts == 1 else (-1 if i == 0 else 1)) * (0 if p.belts == 1 else 1)
        parts.append(box("belt", "trim", (x, low + h / 2, z + 0.4), (3.2, h, 1)))
        parts.append(box("buckle", "metal", (x, low + h * 0.7, z + 1.2), (4.4, 4, 0.8)))
    if p.pocket:
        parts.append(panel("pocket", "body", rounded(w * 0.74, h * p.pocket_height, 3), 2, (0, low + h * p.pocket_height * 0.7, z + 0.6)))
    if p.handle == "pull":
        up, half = low + h + p.pull, w * p.grip * 0.5
        for s in (-1, 1):
            parts.append(bar("handle", "metal", (s * half, low + h, -d * 0.25), (s * half, up, -d * 0.25), 1.4))
        parts.append(bar("grip", "trim", (-half - 1, up, -d * 0.25), (half + 1, up, -d * 0.25), 3))
    else:
        half, top = w * p.grip * 0.5, low + h
        path = [(-half, top, 0.0), (-half * 0.85, top + p.grip_height, 0.0), (half * 0.85, top + p.grip_height, 0.0), (half, top, 0.0)]
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
        "width": Number(34, 62), "height": Number(34, 66), "depth": Number(16, 28), "corner": Number(2, 12), "lift": Number(3, 5),
        "belt_place": Number(0.18, 0.34), "pocket_height": Number(0.28, 0.45), "pull": Number(12, 34), "grip": Number(0.25, 0.5),
        "grip_height": Number(4, 8), "wheel": Number(1.8, 3.2), "lip": Number(0, 1),
        "ribs": Choice([0, 0, 4, 6]), "belts": Choice([0, 1, 2]), "pocket": Choice([False, True]), "handle": Choice(["pull", "top"]),
        "wheels": Choice([True, False]), "corners": Choice([False, True], [2, 1]),
    },
    suitcase,
    {"body": ("leather", "painted", "fabric"), "trim": ("leather", "painted"), "metal": ("metal",)},
    yaw=(18, 42),
    pitch=(8, 18),
)


def trolley(p: Values) -> list[Part]:
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
            parts.append(wheel("wheel", "wheel", (at[0], radius, at[1] + z * (1.5 if big else 0)), radius, 2, (0, 0, 1)))
    y = top + p.handle_height
    half, x = d / 2 - 1, -w / 2
    if p.handle == "loop":
        path = [(x, top, -half), (x - p.reach, y, -half), (x - p.reach, y, half), (x, top, half)]
        parts.append(tube("handle", "frame", path, p.post * 0.5))
    elif p.handle == "both":
        for s in (-1, 1):
            path = [(s * w / 2, top, -half), (s * (w / 2 + p.reach * 0.5), y * 0.98, -half), (s * (w / 2 + p.reach * 0.5), y * 0.98, half), (s * w / 2, top, half)]
            parts.append(tube("handle", "frame", path, p.post * 0.5))
    if p.drawer:
        parts.append(box("drawer", "tray", (0, top - p.tray / 2 - 5, d / 2 - 3), (w * p.drawer_width, 8, 6)))
        parts.append(ball("knob", "frame", (0, top - p.tray / 2 - 5, d / 2 + 1), 1.3))
    if p.basket:
        y0 = levels[0] + p.tray / 2
        parts.append(box("basket", "basket", (w * 0.12, y0 + p.basket_height / 2, 0), (w * 0.55, p.basket_height, d * 0.7)))
    return parts


TROLLEY = Category(
    "trolley",
    {
        "width": Number(42, 78), "depth": Number(30, 46), "wheel": Number(2.6, 5), "lowest": Number(2, 12), "gap": Number(20, 34), "tray": Number(2, 6),
        "rail": Number(5, 9), "post": Number(1.6, 3), "handle_height": Number(2, 16), "reach": Number(6, 16), "drawer_width": Number(0.4, 0.8),
        "basket_height": Number(8, 16),
        "trays": Choice([2, 3]), "rails": Choice([True, False]), "big_wheels": Choice([False, True]), "handle": Choice(["loop", "both", "none"]),
        "drawer": Choice([False, True]), "basket": Choice([False, True]),
    },
    trolley,
    {"frame": ("metal", "painted", "wood"), "tray": ("wood", "painted"), "wheel": ("painted",), "basket": ("weave", "fabric")},
    pitch=(10, 22),
)


def radio(p: Values) -> list[Part]:
    w, h, d, low = p.width, p.height, p.depth, p.foot
    shape = {"box": rectangle(w, h), "rounded": rounded(w, h, p.corner), "arched": arched(w, h * 0.7, h * 0.3)}[p.shape]
    parts: list[Part] = [panel("body", "body", shape, d, (0, low + h / 2, 0))]
    z, side = d / 2 + 0.4, p.speaker_side
    r = min(h * p.speaker, w * 0.24)
    x = side * w * 0.24
    for i in range(p.speakers):
        at = x if p.speakers == 1 else (-1 if i == 0 else 1) * w * 0.28
        parts.append(wheel("speaker", "cloth", (at, low + h * 0.45, z), r, 0.8, (0, 0, 1)))
        if p.cone:
            parts.append(wheel("cone", "trim", (at, low + h * 0.45, z + 0.6), r * 0.4, 0.6, (0, 0, 1)))
    at = -x if p.speakers == 1 else 0.0
    wide = w * p.dial if p.speakers == 1 else w * 0.2
    if p.scale == "window":
        parts.append(panel("dial", "face", rounded(wide, h * p.dial_height, 1), 0.8, (at, low + h * 0.68, z)))
        parts.append(bar("needle", "trim", (at - wide * 0.2, low + h * (0.7 - p.dial_height / 2), z + 0.6), (at - wide * 0.2, low + h * (0.66 + p.dial_height / 2), z + 0.6), 0.5))
    else:
        parts.append(wheel("dial", "face", (at, low + h * 0.64, z), min(wide, h) * 0.3, 0.8, (0, 0, 1)))
    for i in range(p.knobs):
        dx = wide * ((i + 0.5) / p.knobs - 0.5)
        parts.append(wheel("knob", "trim", (at + dx, low + h * 0.24, z + 0.6), p.knob, 1.6, (0, 0, 1)))
    top = low + h
    if p.handle:
        half = w * p.grip * 0.5
        path = [(-half, top * 0.98, 0.0), (-half * 0.95, top + p.handle_height, 0.0), (half * 0.95, top + p.handle_height, 0.0), (half, top * 0.98, 0.0)]
        parts.append(tube("handle", "trim", curve(path, 2), 0.8))
    if p.antenna:
        parts.append(bar("antenna", "trim", (w * 0.44, top, -d * 0.3), (w * 0.44 + p.antenna_lean, top + p.antenna_length, -d * 0.3), 0.7))
    parts += [box("foot", "trim", (s * w * 0.36, low / 2, 0), (3, low, d * 0.8)) for s in (-1, 1)]
    return parts


RADIO = Category(
    "radio",
    {
        "width": Number(22, 42), "height": Number(14, 26), "depth": Number(7, 14), "foot": Number(0.6, 2), "corner": Number(2, 6),
        "speaker": Number(0.24, 0.4), "dial": Number(0.3, 0.45), "dial_height": Number(0.16, 0.32), "knob": Number(0.9, 2), "grip": Number(0.4, 0.9),
        "handle_height": Number(3, 8), "antenna_lean": Number(-4, 12), "antenna_length": Number(12, 28),
        "shape": Choice(["box", "rounded", "arched"]), "speakers": Choice([1, 2], [3, 1]), "speaker_side": Choice([-1, 1]), "cone": Choice([True, False]),
        "scale": Choice(["window", "round"]), "knobs": Choice([1, 2, 3]), "handle": Choice([True, False]), "antenna": Choice([True, False]),
    },
    radio,
    {"body": ("wood", "painted", "leather"), "cloth": ("fabric", "weave"), "trim": ("metal", "painted"), "face": ("painted", "ceramic")},
    yaw=(12, 38),
    pitch=(6, 16),
)

"""Furniture besides chairs: stools, benches, sofas, tables, cabinets, shelves and beds."""

from fgsbir.data.synthetic.categories.chair import TURNINGS, leg
from fgsbir.data.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.data.synthetic.parts import Part
from fgsbir.data.synthetic.shapes import (
    Flat,
    arched,
    ball,
    bar,
    box,
    cushion,
    ellipse,
    panel,
    plate,
    rectangle,
    rounded,
    turned,
    upright_cushion,
)

LEGS = Choice(["square", "tapered", "round", *TURNINGS])
WOODEN = ("wood", "painted")


def legs(p: Values, half_x: float, half_z: float, height: float, kind: str | None = None) -> list[Part]:
    """Four legs under a top at ``height``, splayed by ``p.splay``, as thick as ``p.leg_thick``."""
    parts: list[Part] = []
    for x in (-half_x, half_x):
        for z in (-half_z, half_z):
            foot = (x + p.splay * (1 if x > 0 else -1), 0.0, z + p.splay * (0.6 if z > 0 else -0.6))
            parts += leg(kind or p.leg, "frame", (x, height, z), foot, p.leg_thick)
    return parts


def stretchers(p: Values, half_x: float, half_z: float, height: float) -> list[Part]:
    y, parts = height * p.stretcher_height, []
    x, z = half_x + p.splay * (1 - p.stretcher_height), half_z + p.splay * 0.6 * (1 - p.stretcher_height)
    if p.stretcher in ("box", "h"):
        parts += [bar("stretcher", "frame", (s * x, y, -z), (s * x, y, z), p.leg_thick * 0.6) for s in (-1, 1)]
    if p.stretcher == "h":
        parts.append(bar("stretcher", "frame", (-x, y, 0), (x, y, 0), p.leg_thick * 0.6))
    if p.stretcher == "box":
        parts += [bar("stretcher", "frame", (-x, y + 3, s * z), (x, y + 3, s * z), p.leg_thick * 0.6) for s in (-1, 1)]
    if p.stretcher == "cross":
        parts.append(bar("stretcher", "frame", (-x, y, -z), (x, y, z), p.leg_thick * 0.6))
        parts.append(bar("stretcher", "frame", (-x, y, z), (x, y, -z), p.leg_thick * 0.6))
    return parts


def top_shape(kind: str, width: float, depth: float, corner: float) -> Flat:
    """The outline of a seat or table top."""
    if kind == "oval":
        return ellipse(width, depth, 24)
    return rounded(width, depth, corner) if kind == "rounded" else rectangle(width, depth)


def stool(p: Values) -> list[Part]:
    h, shape = p.height, top_shape(p.seat, p.width, p.depth, p.corner)
    parts = [plate("seat", "seat", shape, h - p.seat_thick, h)]
    if p.cushion != "none":
        small = [(x * 0.95, z * 0.95) for x, z in shape]
        parts.append(cushion("cushion", "fabric", small, h, h + p.pad, p.puff))
    if p.steps:
        parts.append(plate("step", "seat", rectangle(p.width * 0.9, p.depth * 0.6), h * 0.38, h * 0.38 + 3, (0, 0, p.depth * 0.4)))
    inset = 0.7 if p.seat == "oval" else 0.86
    if p.base == "pedestal":
        parts.append(turned("post", "frame", (0, h - p.seat_thick, 0), (0, 3, 0), [(0, p.leg_thick * 0.5), (1, p.leg_thick)]))
        parts.append(turned("foot", "frame", (0, 3.5, 0), (0, 0, 0), [(0, p.width * 0.3), (1, p.width * p.foot)]))
        return parts
    half_x, half_z = p.width / 2 * inset, p.depth / 2 * inset
    return parts + legs(p, half_x, half_z, h - p.seat_thick) + stretchers(p, half_x, half_z, h)


STOOL = Category(
    "stool",
    {
        "height": Number(38, 78), "width": Number(30, 48), "depth": Number(28, 42), "seat_thick": Number(2.5, 6),
        "corner": Number(3, 14), "leg_thick": Number(2.6, 5), "splay": Number(0, 9), "stretcher_height": Number(0.15, 0.5),
        "pad": Number(2.5, 9), "puff": Number(0.04, 0.14), "foot": Number(0.42, 0.6), "lip": Number(0, 1),
        "seat": Choice(["oval", "rounded", "square"]), "cushion": Choice(["none", "pad"]), "leg": LEGS,
        "stretcher": Choice(["none", "box", "h", "cross"]), "base": Choice(["legs", "pedestal"], [4, 1]),
        "steps": Choice([False, True], [5, 1]),
    },
    stool,
    {"frame": ("wood", "painted", "metal"), "seat": ("wood", "painted", "weave"), "fabric": ("fabric", "leather")},
    pitch=(10, 24),
)


def bench(p: Values) -> list[Part]:
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
        parts += [box("leg", "frame", (s * half_x, (h - p.thick) / 2, 0), (p.leg_thick, h - p.thick, d * 0.85)) for s in (-1, 1)]
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
                parts.append(panel("rail", "frame", rectangle(w, p.rail), 2, (0, h + y, z + 1.5 - p.lean * y), lean=p.lean))
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
        "width": Number(95, 160), "depth": Number(32, 52), "height": Number(38, 52), "thick": Number(3, 7),
        "inset": Number(5, 20), "leg_thick": Number(4, 8), "splay": Number(0, 5), "stretcher_height": Number(0.15, 0.5),
        "back_height": Number(24, 48), "lean": Number(0.02, 0.25), "rail": Number(6, 11), "rise": Number(3, 10),
        "arm_height": Number(16, 24),
        "planks": Choice([1, 3, 4, 5]), "base": Choice(["legs", "slab"], [3, 1]), "leg": LEGS,
        "stretcher": Choice(["none", "h", "box"]), "back": Choice(["none", "rails", "slats"]), "rails": Choice([2, 3, 4]),
        "slats": Choice([4, 6, 8]), "arched": Choice([True, False]), "arms": Choice([True, False]),
    },
    bench,
    {"frame": WOODEN},
    pitch=(10, 22),
)


def sofa(p: Values) -> list[Part]:
    w, d, h, arm = p.width, p.depth, p.seat_height, p.arm_width
    inner = w - 2 * arm
    parts = [box("base", "fabric", (0, p.leg_height + (h - p.leg_height) / 2, 0), (w, h - p.leg_height, d))]
    for s in (-1, 1):
        x = s * (w - arm) / 2
        height = h + p.arm_height
        if p.arms == "round":
            shape = [(u + x, v) for u, v in ellipse(arm * 1.15, arm * 1.15, 16)]
            loops = [(u, v + height) for u, v in shape]
            parts.append(box("arm", "fabric", (x, (p.leg_height + height) / 2, 0), (arm, height - p.leg_height, d)))
            parts.append(panel("arm roll", "fabric", [(u - x, v - height) for u, v in loops], d * 0.98, (x, height, 0.5)))
        elif p.arms == "block":
            parts.append(box("arm", "fabric", (x, (p.leg_height + height) / 2, 0), (arm, height - p.leg_height, d)))
        else:
            parts.append(bar("arm", "frame", (x, height, -d / 2 + 4), (x, height, d / 2 - 4), 5, 3))
            parts.append(bar("arm post", "frame", (x, h, d / 2 - 6), (x, height, d / 2 - 6), 3.5))
        for z in (-d / 2 + 6, d / 2 - 6):
            parts += leg(p.leg, "frame", (s * (w / 2 - 8), p.leg_height, z), (s * (w / 2 - 8 + p.splay), 0, z), p.leg_thick)
    each = inner / p.seats
    back = h + p.back_height
    rise = p.rise if p.back == "camel" else 0.0
    shape = arched(w - arm * 0.6, p.back_height + 4, rise)
    parts.append(panel("back", "fabric", shape, p.back_thick, (0, h + p.back_height / 2, -d / 2 + p.back_thick / 2), lean=0.05))
    for i in range(p.seats):
        x = -inner / 2 + each * (i + 0.5)
        parts.append(cushion("cushion", "fabric", rounded(each * 0.98, d - p.back_thick - 2, 5), h, h + p.pad, p.puff,
                             (x, 0, p.back_thick / 2 + 1)))
        if p.back == "cushions":
            at = (x, h + p.pad + p.back_height * 0.42, -d / 2 + p.back_thick + 5)
            parts.append(upright_cushion("back cushion", "fabric", rounded(each * 0.95, p.back_height * 0.8, 6), 9, p.puff, at, 0.12))
    for i in range(p.pillows):
        x = (inner / 2 - p.pillow * 0.6) * (1 if i else -1)
        at = (x, h + p.pad + p.pillow * 0.45, -d / 2 + p.back_thick + 15)
        parts.append(upright_cushion("pillow", "accent", rounded(p.pillow, p.pillow * 0.9, 3), 6, 0.18, at, 0.25))
    del back
    return parts


SOFA = Category(
    "sofa",
    {
        "width": Number(110, 210), "depth": Number(65, 85), "seat_height": Number(26, 38), "arm_width": Number(8, 24),
        "arm_height": Number(14, 30), "leg_height": Number(4, 15), "leg_thick": Number(4, 7), "splay": Number(0, 4),
        "back_height": Number(32, 56), "back_thick": Number(10, 20), "pad": Number(8, 16), "puff": Number(0.04, 0.1),
        "rise": Number(6, 18), "pillow": Number(26, 40),
        "seats": Choice([1, 2, 3], [1, 3, 3]), "arms": Choice(["block", "round", "open"], [3, 2, 1]),
        "back": Choice(["plain", "camel", "cushions"]), "pillows": Choice([0, 1, 2]),
        "leg": Choice(["square", "tapered", "round", "vase"]),
    },
    sofa,
    {"fabric": ("fabric", "leather", "fabric"), "frame": WOODEN, "accent": ("fabric",)},
    pitch=(10, 20),
)


def table(p: Values) -> list[Part]:
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
            parts.append(box("drawer", "top", (x, under - p.apron / 2, z), (1.7 * half_x / p.drawers, p.apron * 0.75, 1.5)))
            parts.append(ball("knob", "accent", (x, under - p.apron / 2, z + 2), 1.6))
    if p.shelf and p.base == "legs":
        parts.append(box("shelf", "frame", (0, h * p.shelf_height, 0), (2 * half_x, 2.2, 2 * half_z)))
    return parts


TABLE = Category(
    "table",
    {
        "width": Number(60, 150), "depth": Number(50, 85), "height": Number(40, 78), "thick": Number(2.5, 6),
        "corner": Number(4, 20), "inset": Number(3, 14), "leg_thick": Number(3.5, 8), "splay": Number(0, 8),
        "stretcher_height": Number(0.12, 0.4), "apron": Number(0, 14), "shelf_height": Number(0.2, 0.45), "lip": Number(0, 1),
        "top": Choice(["square", "rounded", "oval"]), "base": Choice(["legs", "pedestal", "trestle"], [4, 1, 1]), "leg": LEGS,
        "stretcher": Choice(["none", "h", "box", "cross"], [3, 1, 1, 1]), "drawers": Choice([0, 1, 2, 3]),
        "shelf": Choice([False, True], [3, 1]),
    },
    table,
    {"frame": ("wood", "painted", "metal"), "top": WOODEN, "accent": ("metal", "painted")},
    pitch=(12, 26),
)


def cabinet(p: Values) -> list[Part]:
    w, h, d, low = p.width, p.height, p.depth, p.leg_height
    parts = [box("body", "frame", (0, low + h / 2, 0), (w, h, d))]
    parts.append(box("top", "frame", (0, low + h + p.top / 2, 0), (w + 2 * p.overhang, p.top, d + 2 * p.overhang)))
    if p.base == "plinth":
        parts.append(box("plinth", "frame", (0, low / 2, 0), (w - 2 * p.inset, low, d - 4)))
    else:
        parts += legs(p, w / 2 - p.inset, d / 2 - 4, low)
    drawers = h * p.split if p.doors else h
    front = d / 2 + 0.6
    rows = p.rows if p.split > 0.2 or not p.doors else 0
    for row in range(rows):
        for column in range(p.columns):
            wide, tall = w / p.columns, drawers / rows
            x, y = -w / 2 + wide * (column + 0.5), low + h - tall * (row + 0.5)
            parts.append(box("drawer", "front", (x, y, front), (wide - p.gap * 2, tall - p.gap * 2, 1.5)))
            parts += _handle(p, x, y, front + 1.4, wide, False)
    if p.doors:
        tall = h - (drawers if rows else 0)
        for i in range(p.doors):
            wide = w / p.doors
            x, y = -w / 2 + wide * (i + 0.5), low + tall / 2
            inner = rectangle(wide - p.gap * 2 - p.stile * 2, tall - p.gap * 2 - p.stile * 2)
            if p.arched_door:
                inner = arched(wide - p.gap * 2 - p.stile * 2, tall - p.gap * 2 - p.stile * 2.6, p.stile * 0.8)
            parts.append(panel("door", "front", rectangle(wide - p.gap * 2, tall - p.gap * 2), 1.5, (x, y, front),
                               details=[inner] if p.framed else []))
            at = x + (wide / 2 - p.stile / 2 - 1) * (1 if i < p.doors / 2 else -1)
            parts += _handle(p, at, y, front + 1.4, wide, True)
    if p.crown:
        parts.append(panel("crown", "frame", arched(w, 3, p.crown_rise), 2, (0, low + h + p.top + 1.5, -d / 2 + 1)))
    return parts


def _handle(p: Values, x: float, y: float, z: float, wide: float, upright: bool) -> list[Part]:
    if p.handle == "knob":
        return [ball("knob", "metal", (x, y, z + 0.6), 1.7)]
    if p.handle == "bar":
        reach = 5.0 if upright else min(8.0, wide * 0.22)
        a, b = ((x, y - reach, z), (x, y + reach, z)) if upright else ((x - reach, y, z), (x + reach, y, z))
        return [bar("handle", "metal", a, b, 1.6)]
    return []


CABINET = Category(
    "cabinet",
    {
        "width": Number(45, 120), "height": Number(50, 130), "depth": Number(32, 50), "leg_height": Number(5, 22),
        "top": Number(2, 4), "overhang": Number(0, 4), "inset": Number(3, 10), "leg_thick": Number(4, 7),
        "splay": Number(0, 4), "split": Number(0.12, 0.6), "gap": Number(0.7, 2), "stile": Number(4, 8),
        "crown_rise": Number(5, 14),
        "base": Choice(["plinth", "legs"]), "leg": LEGS, "doors": Choice([0, 1, 2, 3], [2, 1, 4, 1]), "rows": Choice([1, 2, 3, 4]),
        "columns": Choice([1, 2, 3]), "framed": Choice([True, False]), "arched_door": Choice([False, True], [3, 1]),
        "handle": Choice(["knob", "bar", "none"], [3, 3, 1]), "crown": Choice([False, True], [3, 1]),
    },
    cabinet,
    {"frame": WOODEN, "front": WOODEN, "metal": ("metal", "painted")},
    pitch=(8, 18),
)


def shelf(p: Values) -> list[Part]:
    w, h, d, t = p.width, p.height, p.depth, p.board
    parts: list[Part] = []
    if p.sides == "boards":
        parts += [box("side", "frame", (s * (w - t) / 2, h / 2 + p.foot, 0), (t, h, d)) for s in (-1, 1)]
        parts += [box("leg", "frame", (s * (w / 2 - 3), p.foot / 2, z), (4, p.foot, 4)) for s in (-1, 1) for z in (4 - d / 2, d / 2 - 4)]
    else:
        for s in (-1, 1):
            for z in (-d / 2 + 1.5, d / 2 - 1.5):
                parts.append(bar("post", "frame", (s * (w / 2 - 1.5), 0, z), (s * (w / 2 - 1.5), h + p.foot, z), p.post))
    levels = [p.foot + t / 2 + (h - t) * i / p.shelves for i in range(p.shelves + 1)]
    for i, y in enumerate(levels):
        shift = (p.stagger if i % 2 else -p.stagger) if 0 < i < p.shelves else 0
        parts.append(box("shelf", "board", (0, y + shift, 0), (w - t, t, d * 0.98)))
    if p.back == "board":
        parts.append(box("back", "board", (0, p.foot + h / 2, -d / 2 + 0.5), (w - t, h, 1)))
    elif p.back == "cross":
        z = -d / 2
        parts.append(bar("brace", "frame", (-w / 2, p.foot, z), (w / 2, p.foot + h, z), 1.5))
        parts.append(bar("brace", "frame", (w / 2, p.foot, z), (-w / 2, p.foot + h, z), 1.5))
    for i in range(p.dividers):
        row = (i * 2 + p.offset) % p.shelves
        x = (w * p.divide - w / 2) * (1 if i % 2 else -1)
        parts.append(box("divider", "board", (x, (levels[row] + levels[row + 1]) / 2, 0), (t, levels[row + 1] - levels[row] - t, d * 0.95)))
    for i in range(p.books):
        row = (i + p.offset) % p.shelves
        x = -w * 0.42
        for k in range(5):
            tall = min(p.book * (0.8 + 0.08 * ((k * 7 + i) % 5)), (levels[row + 1] - levels[row]) * 0.8)
            parts.append(box("book", ("fabric", "accent")[k % 2], (x + 3.2 * k, levels[row] + t / 2 + tall / 2, d * 0.08), (3, tall, d * 0.6)))
    if p.top == "arch":
        parts.append(panel("crown", "frame", arched(w, 2, p.rise), 1.6, (0, p.foot + h + 1, -d / 2 + 1)))
    return parts


SHELF = Category(
    "shelf",
    {
        "width": Number(50, 110), "height": Number(80, 180), "depth": Number(22, 38), "board": Number(2, 4), "foot": Number(2, 14),
        "post": Number(2, 4.5), "stagger": Number(0, 4), "divide": Number(0.35, 0.7), "book": Number(16, 26), "rise": Number(6, 16),
        "lip": Number(0, 1), "gap": Number(0, 1),
        "sides": Choice(["boards", "posts"]), "shelves": Choice([2, 3, 4, 5]), "back": Choice(["board", "none", "cross"], [3, 2, 1]),
        "dividers": Choice([0, 1, 2]), "books": Choice([0, 1, 2]), "offset": Choice([0, 1, 2]), "top": Choice(["flat", "arch"], [3, 1]),
    },
    shelf,
    {"frame": ("wood", "painted", "metal"), "board": WOODEN, "fabric": ("fabric",), "accent": ("painted",)},
    pitch=(8, 18),
)


def bed(p: Values) -> list[Part]:
    w, d, h = p.width, p.length, p.height
    parts = [box("rail", "frame", (0, h - 5, 0), (w, 9, d))]
    parts.append(cushion("mattress", "fabric", rounded(w - 4, d - 6, 6), h - 1, h + p.mattress, 0.02))
    ends = ((-d / 2, p.head, "head"), (d / 2, p.foot, "foot"))
    for z, tall, name in ends:
        for s in (-1, 1):
            profile = leg(p.post, "frame", (s * (w / 2), tall, z), (s * (w / 2), 0, z), p.post_thick, "post")
            parts += profile
            if p.finials:
                parts.append(ball("finial", "frame", (s * (w / 2), tall + 2, z), p.post_thick * 0.7))
        rise = p.rise if p.arched else 0.0
        if p.board == "panel" or (name == "foot" and p.board != "bars"):
            parts.append(panel(name, "frame", arched(w, tall - h + 4, rise), 3, (0, (tall + h) / 2 - 4, z)))
        elif p.board == "padded":
            parts.append(upright_cushion(name, "accent", arched(w, tall - h + 6, rise), 6, 0.03, (0, (tall + h) / 2, z)))
        else:
            parts.append(panel(name + " rail", "frame", arched(w, 4, rise), 3, (0, tall - 5, z)))
            for i in range(p.bars):
                x = w / 2 * (2 * (i + 1) / (p.bars + 1) - 1)
                parts.append(bar("bar", "frame", (x, h - 4, z), (x, tall - 5, z), 2.2))
    wide = (w - 10) / p.pillows
    for i in range(p.pillows):
        x = -w / 2 + 5 + wide * (i + 0.5)
        parts.append(cushion("pillow", "pillow", rounded(wide * 0.86, p.pillow, 7), h + p.mattress, h + p.mattress + 9, 0.14, (x, 0, -d / 2 + p.pillow * 0.8)))
    if p.blanket > 0.25:
        z = d / 2 - d * p.blanket / 2 - 2
        parts.append(cushion("blanket", "accent", rounded(w + 1, d * p.blanket, 3), h - 3, h + p.mattress + 1.5, 0.015, (0, 0, z)))
    return parts


BED = Category(
    "bed",
    {
        "width": Number(80, 160), "length": Number(150, 200), "height": Number(24, 42), "mattress": Number(12, 22),
        "head": Number(65, 125), "foot": Number(42, 70), "post_thick": Number(4, 9), "rise": Number(6, 20), "pillow": Number(28, 42),
        "blanket": Number(0.1, 0.7), "lip": Number(0, 1), "inset": Number(0, 1),
        "post": LEGS, "board": Choice(["panel", "padded", "bars"]), "bars": Choice([4, 6, 8]), "arched": Choice([True, False]),
        "finials": Choice([True, False]), "pillows": Choice([1, 2]),
    },
    bed,
    {"frame": ("wood", "painted", "metal"), "fabric": ("painted", "fabric"), "accent": ("fabric",), "pillow": ("fabric", "painted")},
    yaw=(25, 50),
    pitch=(14, 26),
)

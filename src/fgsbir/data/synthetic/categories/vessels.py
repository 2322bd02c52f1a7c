"""Things turned on a wheel: mugs, teapots, watering cans, vases and lamps."""

from collections.abc import Sequence

from fgsbir.data.synthetic.geometry import Vec
from fgsbir.data.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.data.synthetic.parts import Part, Round
from fgsbir.data.synthetic.shapes import ball, bar, curve, tube, turned, vessel, wheel

Profile = list[tuple[float, float]]


def body_profile(shape: str, height: float, foot: float, belly: float, rim: float, at: float) -> Profile:
    """A vessel's outline: heights and radii from foot to rim; ``at`` is the share of the height where it is widest."""
    if shape == "straight":
        return [(0, foot * 0.96), (height * 0.04, foot), (height, rim)]
    if shape == "cone":
        return [(0, belly), (height * 0.06, belly * 1.02), (height, rim * 0.8)]
    if shape == "shouldered":
        return [(0, foot), (height * at, belly), (height * min(0.92, at + 0.2), belly), (height * 0.95, rim), (height, rim)]
    found = []
    for i in range(9):
        t = i / 8
        if t < at:
            k = 1 - ((at - t) / at) ** 2
            found.append((height * t, foot + (belly - foot) * k))
        else:
            k = 1 - ((t - at) / (1 - at)) ** 2
            found.append((height * t, rim + (belly - rim) * k))
    return found


def radius_at(profile: Sequence[tuple[float, float]], y: float) -> float:
    """Radius of a profile at height ``y``."""
    for (y0, r0), (y1, r1) in zip(profile, profile[1:], strict=False):
        if y0 <= y <= y1:
            return r0 + (r1 - r0) * (y - y0) / max(y1 - y0, 1e-6)
    return profile[-1][1]


def ear(role: str, kind: str, profile: Profile, low: float, high: float, reach: float, thick: float, side: float) -> Part:
    """A handle on a vessel's side (``side`` 1 right, -1 left) between two heights."""
    a, b = side * radius_at(profile, high) * 0.97, side * radius_at(profile, low) * 0.97
    out = side * reach
    if kind == "square":
        path: list[Vec] = [(a, high, 0), (a + out, high, 0), (a + out * 0.95, low, 0), (b, low, 0)]
    elif kind == "ear":
        path = curve([(a, high, 0), (a + out, high + 1, 0), (a + out * 0.9, (low + high) / 2, 0), (b, low, 0)], 4)
    else:
        middle = (low + high) / 2
        path = curve([(a, high, 0), (a + out * 0.8, high - 0.5, 0), (a + out, middle, 0), (b + out * 0.7, low + 0.5, 0), (b, low, 0)], 3)
    return tube(role, "handle", path, thick)


def mug(p: Values) -> list[Part]:
    profile = body_profile(p.shape, p.height, p.foot, p.belly, p.rim, p.widest)
    marks = [i for i in range(1, len(profile) - 1)][: p.bands]
    parts: list[Part] = [vessel("body", "body", (0, 0, 0), profile, hollow=True, marks=tuple(marks))]
    if p.handle != "none":
        low, high = p.height * p.handle_low, p.height * p.handle_high
        parts.append(ear("handle", p.handle, profile, low, high, p.reach, p.thick, 1))
    if p.saucer:
        parts.append(vessel("saucer", "body", (0, -1.6, 0), [(0, p.foot * 0.9), (1.6, p.saucer_width)]))
    if p.stem:
        parts = [_raised(part, p.stem_height) for part in parts if part.role != "saucer"]
        r = p.foot
        parts.append(vessel("stem", "body", (0, 0, 0), [(0, r * 1.05), (p.stem_height * 0.25, r * 0.5), (p.stem_height, r * 0.45)]))
    if p.spoon:
        parts.append(bar("spoon", "metal", (-p.rim * 0.3, p.height * 0.6, 0), (-p.rim * 1.3, p.height * 1.35, 0), 0.9))
    return parts


def _raised(part: Part, by: float) -> Part:
    if not isinstance(part, Round):
        return part
    rings = tuple(((x, y + by, z), r) for (x, y, z), r in part.rings)
    return Round(part.role, part.material, part.details, part.spine, part.width, rings, part.hollow, part.marks, part.bands)


MUG = Category(
    "mug",
    {
        "height": Number(7, 14), "foot": Number(3, 4.6), "belly": Number(4, 6.2), "rim": Number(3.4, 5.8),
        "widest": Number(0.25, 0.75), "handle_low": Number(0.12, 0.4), "handle_high": Number(0.66, 0.92), "reach": Number(2, 4.6),
        "thick": Number(0.4, 0.9), "saucer_width": Number(6.4, 9), "stem_height": Number(2, 6), "lip": Number(0, 1),
        "shape": Choice(["straight", "cone", "belly", "shouldered"], [3, 1, 3, 1]),
        "handle": Choice(["round", "square", "ear", "none"], [3, 2, 2, 1]),
        "saucer": Choice([False, True], [2, 1]), "stem": Choice([False, True], [4, 1]), "spoon": Choice([False, True], [4, 1]),
        "bands": Choice([0, 1, 2]),
    },
    mug,
    {"body": ("ceramic",), "handle": ("ceramic",), "metal": ("metal",)},
    yaw=(-25, 25),
    pitch=(14, 32),
)


def teapot(p: Values) -> list[Part]:
    profile = body_profile(p.shape, p.height, p.foot, p.belly, p.rim, p.widest)
    parts: list[Part] = [vessel("body", "body", (0, 0, 0), profile, marks=(len(profile) - 2,) if p.collar else ())]
    top = p.height
    lid = [(0, p.rim), (p.lid * 0.5, p.rim * 0.8), (p.lid, p.rim * 0.25)]
    parts.append(vessel("lid", "lid", (0, top, 0), lid))
    if p.knob == "ball":
        parts.append(ball("knob", "lid", (0, top + p.lid + p.knob_size * 0.8, 0), p.knob_size))
    elif p.knob == "post":
        parts.append(vessel("knob", "lid", (0, top + p.lid, 0), [(0, p.knob_size * 0.5), (p.knob_size * 1.4, p.knob_size)]))
    else:
        y, r = top + p.lid - 0.4, p.knob_size * 1.4
        parts.append(tube("knob", "lid", curve([(-r, y, 0), (-r * 0.7, y + 2, 0), (r * 0.7, y + 2, 0), (r, y, 0)], 3), 0.5))
    low = p.height * p.spout_low
    root = radius_at(profile, low) * 0.9
    tip = (-p.belly - p.spout, p.height * p.spout_high, 0.0)
    bend = (-p.belly - p.spout * 0.55, low + (tip[1] - low) * (0.15 if p.spout_bend else 0.5), 0.0)
    path = curve([(-root, low, 0), bend, tip], 4)
    rings = tuple((q, p.spout_thick * (1 - 0.55 * i / (len(path) - 1))) for i, q in enumerate(path))
    parts.append(Round("spout", "body", rings=rings, bands=6))
    if p.handle == "over":
        x, up = p.belly * 0.8, top + p.reach * 2.2
        parts.append(tube("handle", "handle", curve([(-x, top * 0.85, 0), (-x * 0.9, up * 0.9, 0), (0, up, 0), (x * 0.9, up * 0.9, 0), (x, top * 0.85, 0)], 3), p.thick))
    else:
        parts.append(ear("handle", p.handle, profile, p.height * 0.22, p.height * 0.85, p.reach, p.thick, 1))
    return parts


TEAPOT = Category(
    "teapot",
    {
        "height": Number(9, 17), "foot": Number(4, 6.5), "belly": Number(6.5, 9.5), "rim": Number(2.8, 5.2), "widest": Number(0.3, 0.6),
        "lid": Number(0.8, 3.5), "knob_size": Number(0.8, 1.7), "spout_low": Number(0.2, 0.5), "spout_high": Number(0.75, 1.15),
        "spout": Number(4, 8), "spout_thick": Number(1.4, 2.6), "reach": Number(3.5, 6.5), "thick": Number(0.5, 1.0),
        "shape": Choice(["belly", "cone", "shouldered", "straight"], [4, 1.5, 1.5, 1]), "knob": Choice(["ball", "post", "loop"]),
        "handle": Choice(["round", "square", "ear", "over"]), "spout_bend": Choice([True, False]), "collar": Choice([True, False]),
    },
    teapot,
    {"body": ("ceramic", "metal"), "lid": ("ceramic", "metal"), "handle": ("ceramic", "wood", "metal")},
    yaw=(-25, 25),
    pitch=(10, 26),
)


def watering_can(p: Values) -> list[Part]:
    profile = body_profile(p.shape, p.height, p.foot, p.belly, p.rim, p.widest)
    parts: list[Part] = [vessel("body", "body", (0, 0, 0), profile, hollow=True, marks=(1,) if p.band else ())]
    low = p.height * p.spout_low
    start = (-radius_at(profile, low) * 0.9, low, 0.0)
    tip = (-p.belly - p.spout, p.height * p.spout_high, 0.0)
    middle = ((start[0] + tip[0]) / 2, (start[1] + tip[1]) / 2 - (p.sag if p.bent else 0), 0.0)
    path = curve([start, middle, tip], 4) if p.bent else [start, tip]
    rings = tuple((q, p.spout_thick * (1 - 0.45 * i / (len(path) - 1))) for i, q in enumerate(path))
    parts.append(Round("spout", "body", rings=rings, bands=6))
    if p.rose:
        dx, dy = tip[0] - middle[0], tip[1] - middle[1]
        n = (dx * dx + dy * dy) ** 0.5
        end = (tip[0] + dx / n * p.rose_size, tip[1] + dy / n * p.rose_size, 0.0)
        parts.append(Round("rose", "body", rings=((tip, p.spout_thick * 0.6), (end, p.rose_size)), bands=8))
    if p.handle == "top":
        x, up = p.rim * 0.9, p.height + p.reach
        parts.append(tube("handle", "handle", curve([(-x, p.height, 0), (-x * 0.7, up, 0), (x * 0.7, up, 0), (x, p.height, 0)], 3), p.thick))
    elif p.handle == "long":
        path = curve([(-p.rim * 0.6, p.height, 0), (0, p.height + p.reach, 0), (p.belly + p.reach, p.height * 0.95, 0), (radius_at(profile, p.height * 0.3), p.height * 0.3, 0)], 4)
        parts.append(tube("handle", "handle", path, p.thick))
    else:
        parts.append(ear("handle", "round", profile, p.height * 0.2, p.height * 0.9, p.reach, p.thick, 1))
    if p.brace:
        parts.append(bar("brace", "handle", (-p.rim, p.height, 0), ((start[0] + tip[0]) / 2, (start[1] + tip[1]) / 2, 0), p.thick * 1.4))
    return parts


WATERING_CAN = Category(
    "watering_can",
    {
        "height": Number(16, 28), "foot": Number(8, 11), "belly": Number(8, 12.5), "rim": Number(5.5, 9.5), "widest": Number(0.25, 0.6),
        "spout_low": Number(0.12, 0.4), "spout_high": Number(0.9, 1.4), "spout": Number(10, 22), "spout_thick": Number(1.4, 2.8),
        "sag": Number(1.5, 5), "rose_size": Number(2.6, 5), "reach": Number(6, 12), "thick": Number(0.6, 1.2),
        "shape": Choice(["straight", "belly", "cone", "shouldered"]), "bent": Choice([True, False]), "rose": Choice([True, False]),
        "handle": Choice(["top", "long", "side"]), "brace": Choice([True, False]), "band": Choice([True, False]),
    },
    watering_can,
    {"body": ("metal", "painted", "ceramic"), "handle": ("metal", "painted", "wood")},
    yaw=(-25, 25),
    pitch=(10, 24),
)


def lamp(p: Values) -> list[Part]:
    parts: list[Part] = []
    stem_top = p.foot_height + p.height
    if p.foot == "tripod":
        for x, z in ((1, 0.5), (-1, 0.5), (0, -1)):
            parts.append(bar("leg", "stem", (0, stem_top * 0.62, 0), (x * p.foot_width * 1.1, 0, z * p.foot_width * 1.1), p.stem * 1.6, taper=0.7))
        parts.append(turned("stem", "stem", (0, stem_top * 0.6, 0), (0, stem_top, 0), [(0, p.stem), (1, p.stem)]))
    else:
        foot = [(0, p.foot_width), (p.foot_height, p.foot_width * (0.9 if p.foot == "disc" else 0.3))]
        parts.append(vessel("foot", "stem", (0, 0, 0), foot))
        at = (0.0, p.foot_height, 0.0)
        if p.body == "stick":
            parts.append(turned("stem", "stem", at, (0, stem_top, 0), [(0, p.stem), (1, p.stem)]))
        elif p.body == "gourd":
            parts.append(vessel("body", "body", at, [(0, p.stem * 2), (p.height * 0.25, p.belly), (p.height * 0.5, p.belly * 0.5), (p.height * 0.68, p.belly * 0.62), (p.height * 0.9, p.stem), (p.height, p.stem)]))
        elif p.body == "urn":
            parts.append(vessel("body", "body", at, [(0, p.belly * 0.5), (p.height * 0.45, p.belly), (p.height * 0.7, p.belly * 0.8), (p.height * 0.85, p.stem), (p.height, p.stem)]))
        else:
            for i in range(p.balls):
                y = p.foot_height + p.height * (i + 0.5) / p.balls
                parts.append(ball("ball", "body", (0, y, 0), min(p.belly * 0.8, p.height / p.balls * 0.55)))
    rim, top, tall = p.shade_width, p.shade_width * p.shade_taper, p.shade_height
    profile: Profile = [(0, rim), (tall, top)]
    if p.shade == "bell":
        profile = [(0, rim), (tall * 0.2, rim * 0.82), (tall * 0.6, top * 1.15), (tall, top)]
    elif p.shade == "dome":
        profile = [(0, rim), (tall * 0.35, rim * 0.94), (tall * 0.7, rim * 0.72), (tall, rim * 0.2)]
    elif p.shade == "globe":
        r = rim * 0.75
        profile = [(0, r * 0.4), (r * 0.3, r * 0.8), (r, r), (r * 1.7, r * 0.75), (r * 2, r * 0.2)]
    parts.append(vessel("shade", "shade", (0, stem_top - tall * 0.2, 0), profile))
    if p.chain:
        x, y = rim * 0.45, stem_top - tall * 0.2
        parts.append(bar("chain", "stem", (x, y, rim * 0.6), (x, y - p.chain_length, rim * 0.6), 0.8))
        parts.append(ball("pull", "body", (x, y - p.chain_length - 1, rim * 0.6), 1.2))
    return parts


LAMP = Category(
    "lamp",
    {
        "height": Number(22, 60), "foot_width": Number(8, 14), "foot_height": Number(1.2, 5), "stem": Number(0.8, 1.8), "belly": Number(5, 10),
        "shade_width": Number(12, 22), "shade_taper": Number(0.4, 0.95), "shade_height": Number(12, 26), "chain_length": Number(3, 9),
        "lip": Number(0, 1), "collar": Number(0, 1), "finial": Number(0, 1),
        "foot": Choice(["disc", "cone", "tripod"], [3, 2, 1.2]), "body": Choice(["stick", "gourd", "urn", "balls"]),
        "balls": Choice([2, 3, 4]), "shade": Choice(["cone", "bell", "dome", "globe"], [4, 2, 1.5, 1]), "chain": Choice([False, True], [3, 1]),
    },
    lamp,
    {"stem": ("metal", "wood", "painted"), "body": ("ceramic", "wood", "metal"), "shade": ("fabric", "painted")},
    yaw=(0, 45),
    pitch=(6, 18),
)


def clock(p: Values) -> list[Part]:
    r, d = p.radius, p.depth
    y = p.foot + r
    parts: list[Part] = [wheel("body", "frame", (0, y, 0), r, d, (0, 0, 1)), wheel("face", "face", (0, y, d / 2 + 0.2), r * (1 - p.rim), 0.6, (0, 0, 1))]
    z = d / 2 + 0.9
    for share, turn, wide in ((0.5, p.hour, 1.1), (0.74, p.minute, 0.8)):
        tip = _on_dial(turn, r * (1 - p.rim) * share, y, z)
        parts.append(bar("hand", "mark", (0, y, z), tip, wide))
    for i in range(p.ticks):
        turn = i / p.ticks
        inner, outer = _on_dial(turn, r * (1 - p.rim) * 0.82, y, z), _on_dial(turn, r * (1 - p.rim) * 0.95, y, z)
        parts.append(bar("tick", "mark", inner, outer, 0.8))
    if p.stand == "legs":
        parts += [bar("leg", "frame", (s * r * 0.5, y - r * 0.8, 0), (s * r * p.spread, 0, 0), 1.8, taper=0.6) for s in (-1, 1)]
    else:
        parts.append(bar("base", "frame", (-r * p.spread, p.foot * 0.4, 0), (r * p.spread, p.foot * 0.4, 0), p.foot * 0.8 + 1, d * 1.2))
    if p.bells:
        for s in (-1, 1):
            x = s * r * 0.55
            parts.append(vessel("bell", "frame", (x, y + r * 0.86, 0), [(0, p.bell), (p.bell * 0.6, p.bell * 0.8), (p.bell, p.bell * 0.2)]))
    if p.ring:
        top = y + r * (1.0 if not p.bells else 1.02)
        w = p.ring_width
        path: list[Vec] = curve([(-w, top, 0), (-w * 0.8, top + p.ring_height, 0), (w * 0.8, top + p.ring_height, 0), (w, top, 0)], 3)
        parts.append(tube("ring", "frame", path, 0.6))
    return parts


_DIAL = ((0.0, 1.0), (0.5, 0.866), (0.866, 0.5), (1.0, 0.0), (0.866, -0.5), (0.5, -0.866), (0.0, -1.0), (-0.5, -0.866),
         (-0.866, -0.5), (-1.0, 0.0), (-0.866, 0.5), (-0.5, 0.866), (0.0, 1.0))  # fmt: skip


def _on_dial(turn: float, radius: float, y: float, z: float) -> Vec:
    """A point of a dial, ``turn`` in [0, 1) clockwise from the top."""
    place = (turn % 1.0) * 12
    i = int(place)
    (ax, ay), (bx, by) = _DIAL[i], _DIAL[i + 1]
    t = place - i
    return ((ax + (bx - ax) * t) * radius, y + (ay + (by - ay) * t) * radius, z)


CLOCK = Category(
    "clock",
    {
        "radius": Number(8, 13), "depth": Number(3, 8), "foot": Number(1.5, 5), "rim": Number(0.06, 0.2), "hour": Number(0, 1),
        "minute": Number(0, 1), "spread": Number(0.5, 0.95), "bell": Number(2.5, 4.5), "ring_width": Number(1.5, 4),
        "ring_height": Number(2, 6), "lip": Number(0, 1), "inset": Number(0, 1),
        "stand": Choice(["legs", "base"]), "bells": Choice([True, False]), "ring": Choice([True, False]), "ticks": Choice([4, 6, 12]),
    },
    clock,
    {"frame": ("metal", "painted", "wood"), "face": ("painted", "ceramic"), "mark": ("metal",)},
    yaw=(10, 35),
    pitch=(5, 16),
)

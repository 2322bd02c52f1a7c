"""The main category: chairs on four legs, a pedestal, sled runners or rockers."""

from fgsbir.data.synthetic.geometry import Vec, blend
from fgsbir.data.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.data.synthetic.parts import Part
from fgsbir.data.synthetic.shapes import (
    Flat,
    arched,
    ball,
    bar,
    curve,
    cushion,
    ellipse,
    panel,
    plate,
    rounded,
    trapezoid,
    tube,
    turned,
    upright_cushion,
    wheel,
)

TURNINGS = {
    "vase": [(0, 0.7), (0.15, 1.1), (0.3, 0.6), (0.42, 1.3), (0.6, 1.0), (0.9, 0.55), (1, 0.6)],
    "ring": [(0, 0.9), (0.4, 0.8), (0.45, 1.35), (0.5, 0.8), (0.85, 0.7), (0.9, 1.2), (1, 0.5)],
    "spindle": [(0, 0.6), (0.5, 1.1), (1, 0.5)],
}


def leg(kind: str, material: str, top: Vec, foot: Vec, thick: float, role: str = "leg") -> list[Part]:
    """One leg from ``top`` to ``foot``: square, tapered, round, or one of the turnings."""
    if kind in TURNINGS:
        return [turned(role, material, top, foot, [(t, r * thick / 2) for t, r in TURNINGS[kind]])]
    if kind == "round":
        return [turned(role, material, top, foot, [(0, thick * 0.5), (1, thick * 0.38)])]
    return [bar(role, material, top, foot, thick, taper=0.5 if kind == "tapered" else 1.0)]


def seat_outline(p: Values) -> Flat:
    front, back, deep = p.seat_width, p.seat_width * p.seat_taper, p.seat_depth
    if p.seat == "round":
        return ellipse(front, deep, 20)
    if p.seat == "rounded":
        return rounded((front + back) / 2, deep, 0.3 * deep)
    if p.seat == "saddle":
        return [(x, -y) for x, y in arched(back, deep, -0.1 * deep)][::-1]
    return [(x, -y) for x, y in trapezoid(front, back, deep)]


def chair(p: Values) -> list[Part]:
    parts: list[Part] = []
    h, thick = p.seat_height, p.seat_thick
    half_front, half_back = p.seat_width / 2 - 2.5, p.seat_width * p.seat_taper / 2 - 2.5
    if p.seat == "round":
        half_front, half_back = half_front * 0.72, half_back * 0.72
    z_front, z_back = p.seat_depth / 2 - 2.5, -p.seat_depth / 2 + 2.5
    if p.seat == "round":
        z_front, z_back = z_front * 0.72, z_back * 0.72
    outline = seat_outline(p)
    parts.append(plate("seat", "seat", outline, h - thick, h))
    surface = h
    if p.cushion != "none":
        deep = 3.0 if p.cushion == "pad" else 6.5
        inset = [(x * 0.94, z * 0.94) for x, z in outline]
        parts.append(cushion("cushion", "fabric", inset, h, h + deep, 0.05 if p.cushion == "pad" else 0.09))
        surface = h + deep
    parts += base(p, half_front, half_back, z_front, z_back)
    parts += back(p, half_back, z_back, surface)
    if p.arms != "none":
        parts += arms(p, half_front, half_back, z_front, z_back, h)
    return parts


def base(p: Values, half_front: float, half_back: float, z_front: float, z_back: float) -> list[Part]:
    h = p.seat_height - p.seat_thick
    splay, lean = p.splay, p.back_splay
    if p.base == "pedestal":
        parts = [turned("post", "metal", (0, h, 0), (0, 8, 0), [(0, p.leg_thick * 0.7), (1, p.leg_thick * 0.55)])]
        for x, z in ((1, 0.35), (-1, 0.35), (0.6, -0.8), (-0.6, -0.8), (0, 1.05)):
            reach = p.foot_reach
            end = (x * reach, 3.5, z * reach)
            parts.append(bar("foot", "metal", (0, 8, 0), end, 3.0, taper=0.6))
            parts.append(wheel("caster", "accent", (end[0], 2.2, end[2]), 2.2, 2.0))
        return parts
    corners = {
        "front left": ((-half_front, h, z_front), (-half_front - splay, 0.0, z_front + splay * 0.6)),
        "front right": ((half_front, h, z_front), (half_front + splay, 0.0, z_front + splay * 0.6)),
        "back left": ((-half_back, h, z_back), (-half_back - splay * 0.5, 0.0, z_back - lean)),
        "back right": ((half_back, h, z_back), (half_back + splay * 0.5, 0.0, z_back - lean)),
    }
    parts = []
    if p.base == "sled":
        for side in (-1, 1):
            x = side * half_front
            path = [
                (side * half_back, h, z_back), (x, 6, z_back - 1), (x, 1.3, z_back + 4),
                (x, 1.3, z_front - 3), (x, 6, z_front + 1), (x, h, z_front - 1),
            ]
            parts.append(tube("leg", "metal", path, p.leg_thick * 0.32))
        return parts
    kind = p.leg
    for name, (top, foot) in corners.items():
        parts += leg("square" if kind in TURNINGS and "back" in name and not p.same_legs else kind, "frame", top, foot,
                     p.leg_thick)
    if p.base == "rocker":
        for side in (-1, 1):
            x = side * (half_front + splay)
            path = [(x, 5.5, z_back - 14), (x, 0.8, z_back - 2), (x, -1.0, 0), (x, 0.5, z_front), (x, 4, z_front + 10)]
            parts.append(tube("runner", "frame", curve(path, 3), 1.4))
    at = p.stretcher_height
    down = {name: blend(foot, top, at) for name, (top, foot) in corners.items()}
    wide = p.leg_thick * 0.55
    if p.stretcher in ("h", "box"):
        for side in ("left", "right"):
            parts.append(bar("stretcher", "frame", down[f"front {side}"], down[f"back {side}"], wide))
    if p.stretcher == "h":
        a = blend(down["front left"], down["back left"], 0.5)
        b = blend(down["front right"], down["back right"], 0.5)
        parts.append(bar("stretcher", "frame", a, b, wide))
    if p.stretcher in ("box", "front"):
        up = {name: blend(foot, top, min(at + 0.1, 0.8)) for name, (top, foot) in corners.items()}
        parts.append(bar("stretcher", "frame", up["front left"], up["front right"], wide))
    if p.stretcher == "cross":
        parts.append(bar("stretcher", "frame", down["front left"], down["back right"], wide))
        parts.append(bar("stretcher", "frame", down["front right"], down["back left"], wide))
    if p.apron:
        parts.append(bar("apron", "frame", (-half_front, h - 2.5, z_front), (half_front, h - 2.5, z_front), 5.0, 1.5))
        for side in (-1, 1):
            parts.append(
                bar("apron", "frame", (side * half_front, h - 2.5, z_front), (side * half_back, h - 2.5, z_back), 5.0, 1.5)
            )
    return parts


def back(p: Values, half: float, z: float, surface: float) -> list[Part]:
    """The back rest: two posts with what stands between them, or one body."""
    h, tall, lean = p.seat_height, p.back_height, p.back_lean
    wide = 2 * half * p.back_flare

    def at(x: float, y: float) -> Vec:
        """A point of the back: x a share of its half width, y a share of its height."""
        return (x * (half + (wide / 2 - half) * y), h + y * tall, z - lean * y * tall)

    post = p.leg_thick * 0.8
    if p.back == "upholstered":
        shape = rounded(wide + 6, tall - 4, p.corner) if not p.crest_arch else arched(wide + 6, tall - 6, p.crest_rise)
        middle = (surface + h + tall) / 2
        body = upright_cushion("back", "fabric", shape, 7, 0.06, (0, middle, z - lean * tall / 2 + 1), lean)
        return [body, *buttons(p, wide, tall, middle, z - lean * tall / 2 + 4.6, lean)]
    if p.back == "shell":
        shape = arched(wide + 8, tall * 0.8, p.crest_rise + 4) if p.crest_arch else rounded(wide + 8, tall * 0.8, p.corner)
        return [panel("back", "seat", shape, 2.0, (0, h + tall * 0.52, z - lean * tall / 2), lean=lean, bend=p.back_bend)]
    parts: list[Part] = []
    if p.back == "hoop":
        path = curve([at(-1, 0), at(-1.06, 0.5), at(-0.75, 0.88), at(0, 1), at(0.75, 0.88), at(1.06, 0.5), at(1, 0)], 3)
        parts.append(tube("back post", "frame", path, post * 0.45))
        for i in range(p.slats):
            x = (2 * (i + 1) / (p.slats + 1) - 1) * 0.86
            parts.append(bar("spindle", "frame", at(x * 0.8, 0.02), at(x, 0.95 - 0.32 * x * x), p.slat_width * 0.25))
        return parts
    for side in (-1, 1):
        parts += leg("square" if p.leg == "square" else "round", "frame", at(side, 1.0), at(side, 0), post, "back post")
    if p.finials:
        parts += [ball("finial", "frame", at(side, 1.04), post * 0.7) for side in (-1, 1)]
    crest = p.crest_height
    shape = arched(wide + 2 * post, crest, p.crest_rise if p.crest_arch else 0.0)
    top = at(0, 1)
    parts.append(
        panel("crest", "frame", shape, post * 0.7, (0, top[1] - crest / 2, top[2] + lean * crest / 2), lean=lean,
              bend=p.back_bend * 0.5)
    )
    low, high = p.rail_height, 1 - crest / tall
    if p.back == "ladder":
        for i in range(p.rungs):
            y = low + (high - low) * (i + 0.5) / (p.rungs + 0.0)
            rail = arched(wide, p.rail_thick, p.crest_rise * 0.5 if p.crest_arch else 0.0)
            parts.append(panel("rung", "frame", rail, post * 0.5, at(0, y), lean=lean, bend=p.back_bend * 0.5))
        return parts
    parts.append(bar("rail", "frame", at(-1, low), at(1, low), post * 0.8))
    if p.back == "panel":
        shape = rounded(2 * half * 0.86, (high - low) * tall * 0.92, 2.0)
        parts.append(upright_cushion("back", p.back_material, shape, 3.0, 0.04, at(0, (low + high) / 2), lean))
    elif p.back == "splat":
        w, t = p.splat_width, (high - low) * tall
        shape = [(-w * 0.3, -t / 2), (w * 0.3, -t / 2), (w * 0.22, -t * 0.25), (w * 0.5, t * 0.1), (w * 0.35, t * 0.35),
                 (w * 0.45, t / 2), (-w * 0.45, t / 2), (-w * 0.35, t * 0.35), (-w * 0.5, t * 0.1), (-w * 0.22, -t * 0.25)]
        parts.append(panel("back", "frame", shape, 1.5, at(0, (low + high) / 2), lean=lean))
    elif p.back == "cross":
        parts.append(bar("slat", "frame", at(-0.92, low), at(0.92, high), p.slat_width * 0.7, 1.5))
        parts.append(bar("slat", "frame", at(0.92, low), at(-0.92, high), p.slat_width * 0.7, 1.5))
    else:
        for i in range(p.slats):
            x = (2 * (i + 1) / (p.slats + 1) - 1) * 0.95
            if p.back == "slats":
                parts.append(bar("slat", "frame", at(x, low), at(x, high), p.slat_width * 0.6, 1.2))
            else:
                parts.append(turned("spindle", "frame", at(x, low), at(x, high),
                                    [(t, r * 1.0) for t, r in TURNINGS["spindle"]]))
    return parts


def buttons(p: Values, wide: float, tall: float, y: float, z: float, lean: float) -> list[Part]:
    found: list[Part] = []
    for row in range(p.buttons):
        for column in range(3):
            dx, dy = (column - 1) * wide * 0.28, (row - (p.buttons - 1) / 2) * tall * 0.25
            found.append(ball("button", "accent", (dx, y + dy, z - lean * dy), 1.5))
    return found


def arms(p: Values, half_front: float, half_back: float, z_front: float, z_back: float, h: float) -> list[Part]:
    parts: list[Part] = []
    up = h + p.arm_height
    for side in (-1, 1):
        back_end = (side * (half_back + 1.5), up, z_back - p.back_lean * p.arm_height)
        front_end = (side * (half_front + 2 + p.arm_spread), up - p.arm_slope, z_back + (z_front - z_back) * p.arm_length)
        foot = (side * half_front, h - 1, z_back + (z_front - z_back) * (p.arm_length - 0.12))
        if p.arms == "loop":
            bend = (front_end[0], front_end[1] - 4, front_end[2] + 3)
            parts.append(tube("arm", "metal", curve([back_end, front_end, bend, foot], 4), p.leg_thick * 0.35))
            continue
        if p.arms == "padded":
            parts.append(bar("arm", "fabric", back_end, front_end, 5.0, 4.0))
        else:
            parts.append(bar("arm", "frame", back_end, front_end, p.leg_thick * 1.1, p.leg_thick * 0.6))
        kind = p.leg if p.leg in TURNINGS else "square"
        parts += leg(kind, "frame", (front_end[0], front_end[1], front_end[2] - 3), foot, p.leg_thick * 0.8, "arm post")
    return parts


CHAIR = Category(
    "chair",
    {
        "seat_height": Number(40, 52), "seat_width": Number(38, 56), "seat_depth": Number(36, 50),
        "seat_taper": Number(0.74, 1.0), "seat_thick": Number(2, 5), "leg_thick": Number(2.8, 5.2),
        "splay": Number(0, 6), "back_splay": Number(0, 8), "back_height": Number(30, 66),
        "back_lean": Number(0.02, 0.28), "back_flare": Number(0.88, 1.18), "back_bend": Number(0.0, 1.2),
        "crest_height": Number(4, 13), "crest_rise": Number(2, 7), "rail_height": Number(0.06, 0.36),
        "rail_thick": Number(3.5, 7), "slat_width": Number(4, 8), "splat_width": Number(12, 22),
        "stretcher_height": Number(0.18, 0.55), "arm_height": Number(16, 26), "arm_slope": Number(-2, 4),
        "arm_length": Number(0.6, 0.98), "arm_spread": Number(0, 5), "corner": Number(3, 18),
        "foot_reach": Number(20, 30),
        "seat": Choice(["square", "rounded", "round", "saddle"], [4, 3, 1.5, 1.5]),
        "cushion": Choice(["none", "pad", "thick"], [5, 3, 2]),
        "base": Choice(["legs", "sled", "pedestal", "rocker"], [10, 1.5, 1.5, 1]),
        "leg": Choice(["square", "tapered", "round", "vase", "ring"], [3, 3, 2, 1.5, 1]),
        "same_legs": Choice([True, False]),
        "stretcher": Choice(["none", "h", "box", "front", "cross"], [4, 2, 3, 1, 1]),
        "apron": Choice([True, False], [1, 2]),
        "back": Choice(
            ["slats", "spindles", "ladder", "panel", "splat", "cross", "hoop", "upholstered", "shell"],
            [3, 2, 3, 2.5, 1.5, 1.5, 2, 3, 2],
        ),
        "back_material": Choice(["fabric", "frame"]),
        "slats": Choice([2, 3, 4, 5, 6], [1, 2, 2, 2, 1]),
        "rungs": Choice([2, 3, 4], [2, 3, 2]),
        "crest_arch": Choice([True, False]),
        "finials": Choice([True, False], [1, 4]),
        "buttons": Choice([0, 1, 2], [3, 1, 1]),
        "arms": Choice(["none", "straight", "padded", "loop"], [6, 2, 1, 1.5]),
    },
    chair,
    {"frame": ("wood", "painted"), "seat": ("wood", "painted", "weave", "fabric"), "fabric": ("fabric", "leather"),
     "metal": ("metal", "painted"), "accent": ("painted",)},
    yaw=(18.0, 45.0),
    pitch=(9.0, 22.0),
)

"""The main category: chairs on four legs, a pedestal, sled runners or rockers."""

from fgsbir.synthetic.categories.chair_back import arms, back
from fgsbir.synthetic.categories.legs import TURNINGS, leg
from fgsbir.synthetic.geometry import blend
from fgsbir.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import (
    Flat,
    arched,
    bar,
    curve,
    cushion,
    ellipse,
    plate,
    rounded,
    trapezoid,
    tube,
    turned,
    wheel,
)


def seat_outline(p: Values) -> Flat:
    """The seat from above, its front towards negative y."""
    front, back, deep = p.seat_width, p.seat_width * p.seat_taper, p.seat_depth
    if p.seat == "round":
        return ellipse(front, deep, 20)
    if p.seat == "rounded":
        return rounded((front + back) / 2, deep, 0.3 * deep)
    if p.seat == "saddle":
        return [(x, -y) for x, y in arched(back, deep, -0.1 * deep)][::-1]
    return [(x, -y) for x, y in trapezoid(front, back, deep)]


def chair(p: Values) -> list[Part]:
    """The parts of one chair."""
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
    """What the seat stands on: a post with casters, runners, rockers, or legs at the given corners."""
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
                (side * half_back, h, z_back),
                (x, 6, z_back - 1),
                (x, 1.3, z_back + 4),
                (x, 1.3, z_front - 3),
                (x, 6, z_front + 1),
                (x, h, z_front - 1),
            ]
            parts.append(tube("leg", "metal", path, p.leg_thick * 0.32))
        return parts
    kind = p.leg
    for name, (top, foot) in corners.items():
        parts += leg(
            "square" if kind in TURNINGS and "back" in name and not p.same_legs else kind,
            "frame",
            top,
            foot,
            p.leg_thick,
        )
    if p.base == "rocker":
        for side in (-1, 1):
            x = side * (half_front + splay)
            path = [(x, 5.5, z_back - 14), (x, 0.8, z_back - 2), (x, -1.0, 0), (x, 0.5, z_front), (x, 4, z_front + 10)]
            parts.append(tube("runner", "frame", curve(path, 3), 1.4))
    at = p.stretcher_height
    down = {name: blend(foot, top, at) for name, (top, foot) in corners.items()}
    wide = p.leg_thick * 0.55
    if p.stretcher in ("h", "box"):
        for flank in ("left", "right"):
            parts.append(bar("stretcher", "frame", down[f"front {flank}"], down[f"back {flank}"], wide))
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
                bar(
                    "apron",
                    "frame",
                    (side * half_front, h - 2.5, z_front),
                    (side * half_back, h - 2.5, z_back),
                    5.0,
                    1.5,
                )
            )
    return parts


CHAIR = Category(
    "chair",
    {
        "seat_height": Number(40, 52),
        "seat_width": Number(38, 56),
        "seat_depth": Number(36, 50),
        "seat_taper": Number(0.74, 1.0),
        "seat_thick": Number(2, 5),
        "leg_thick": Number(2.8, 5.2),
        "splay": Number(0, 6),
        "back_splay": Number(0, 8),
        "back_height": Number(30, 66),
        "back_lean": Number(0.02, 0.28),
        "back_flare": Number(0.88, 1.18),
        "back_bend": Number(0.0, 1.2),
        "crest_height": Number(4, 13),
        "crest_rise": Number(2, 7),
        "rail_height": Number(0.06, 0.36),
        "rail_thick": Number(3.5, 7),
        "slat_width": Number(4, 8),
        "splat_width": Number(12, 22),
        "stretcher_height": Number(0.18, 0.55),
        "arm_height": Number(16, 26),
        "arm_slope": Number(-2, 4),
        "arm_length": Number(0.6, 0.98),
        "arm_spread": Number(0, 5),
        "corner": Number(3, 18),
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
    {
        "frame": ("wood", "painted"),
        "seat": ("wood", "painted", "weave", "fabric"),
        "fabric": ("fabric", "leather"),
        "metal": ("metal", "painted"),
        "accent": ("painted",),
    },
    yaw=(18.0, 45.0),
    pitch=(9.0, 22.0),
)

"""The main category: chairs on four legs, a pedestal, sled runners or rockers."""

from collections.abc import Iterator

from fgsbir.synthetic.categories.chair_back import Corners, arms, back
from fgsbir.synthetic.categories.legs import TURNINGS, leg
from fgsbir.synthetic.geometry import blend
from fgsbir.synthetic.grammar import Values, category
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


@category(
    yaw=(18.0, 45.0), pitch=(9.0, 22.0),
    materials={
        "frame": "wood painted", "seat": "wood painted weave fabric", "fabric": "fabric leather",
        "metal": "metal painted", "accent": "painted",
    },
    seat_height=(40, 52), seat_width=(38, 56), seat_depth=(36, 50), seat_taper=(0.74, 1.0), seat_thick=(2, 5),
    leg_thick=(2.8, 5.2), splay=(0, 6), back_splay=(0, 8), back_height=(30, 66), back_lean=(0.02, 0.28),
    back_flare=(0.88, 1.18), back_bend=(0.0, 1.2), crest_height=(4, 13), crest_rise=(2, 7), rail_height=(0.06, 0.36),
    rail_thick=(3.5, 7), slat_width=(4, 8), splat_width=(12, 22), stretcher_height=(0.18, 0.55), arm_height=(16, 26),
    arm_slope=(-2, 4), arm_length=(0.6, 0.98), arm_spread=(0, 5), corner=(3, 18), foot_reach=(20, 30),
    seat={"square": 4, "rounded": 3, "round": 1.5, "saddle": 1.5}, cushion={"none": 5, "pad": 3, "thick": 2},
    base={"legs": 10, "sled": 1.5, "pedestal": 1.5, "rocker": 1},
    leg={"square": 3, "tapered": 3, "round": 2, "vase": 1.5, "ring": 1}, same_legs=[True, False],
    stretcher={"none": 4, "h": 2, "box": 3, "front": 1, "cross": 1}, apron={True: 1, False: 2},
    back={"slats": 3, "spindles": 2, "ladder": 3, "panel": 2.5, "splat": 1.5, "cross": 1.5, "hoop": 2,
          "upholstered": 3, "shell": 2},
    back_material=["fabric", "frame"], slats={2: 1, 3: 2, 4: 2, 5: 2, 6: 1}, rungs={2: 2, 3: 3, 4: 2},
    crest_arch=[True, False], finials={True: 1, False: 4}, buttons={0: 3, 1: 1, 2: 1},
    arms={"none": 6, "straight": 2, "padded": 1, "loop": 1.5},
)  # fmt: skip
def chair(p: Values) -> Iterator[Part]:
    """The parts of one chair."""
    h, outline = p.seat_height, seat_outline(p)
    k = 0.72 if p.seat == "round" else 1.0
    front, behind = (p.seat_width / 2 - 2.5) * k, (p.seat_width * p.seat_taper / 2 - 2.5) * k
    z = (p.seat_depth / 2 - 2.5) * k
    corners = Corners(front, behind, z, -z)
    yield plate("seat", "seat", outline, h - p.seat_thick, h)
    surface = h
    if p.cushion != "none":
        deep, puff = (3.0, 0.05) if p.cushion == "pad" else (6.5, 0.09)
        yield cushion("cushion", "fabric", [(x * 0.94, z * 0.94) for x, z in outline], h, h + deep, puff)
        surface = h + deep
    yield from base(p, corners)
    yield from back(p, corners, surface)
    if p.arms != "none":
        yield from arms(p, corners)


def base(p: Values, corners: Corners) -> Iterator[Part]:
    """What the seat stands on: a post with casters, runners, rockers, or legs at its corners."""
    h, splay, lean = p.seat_height - p.seat_thick, p.splay, p.back_splay
    half_front, half_back, z_front, z_back = corners
    if p.base == "pedestal":
        yield turned("post", "metal", (0, h, 0), (0, 8, 0), [(0, p.leg_thick * 0.7), (1, p.leg_thick * 0.55)])
        for x, z in ((1, 0.35), (-1, 0.35), (0.6, -0.8), (-0.6, -0.8), (0, 1.05)):
            x, z = x * p.foot_reach, z * p.foot_reach
            yield bar("foot", "metal", (0, 8, 0), (x, 3.5, z), 3.0, taper=0.6)
            yield wheel("caster", "accent", (x, 2.2, z), 2.2, 2.0)
        return
    if p.base == "sled":
        for side in (-1, 1):
            x = side * half_front
            start, end = (side * half_back, h, z_back), (x, h, z_front - 1)
            low = [(x, 6, z_back - 1), (x, 1.3, z_back + 4), (x, 1.3, z_front - 3), (x, 6, z_front + 1)]
            yield tube("leg", "metal", [start, *low, end], p.leg_thick * 0.32)
        return
    # Top and foot of each leg: front left, front right, back left, back right.
    ends = [((s * half_front, h, z_front), (s * (half_front + splay), 0.0, z_front + splay * 0.6)) for s in (-1, 1)]
    ends += [((s * half_back, h, z_back), (s * (half_back + splay * 0.5), 0.0, z_back - lean)) for s in (-1, 1)]
    for i, (top, foot) in enumerate(ends):
        plain = p.leg in TURNINGS and i > 1 and not p.same_legs
        yield leg("square" if plain else p.leg, "frame", top, foot, p.leg_thick)
    if p.base == "rocker":
        for side in (-1, 1):
            x = side * (half_front + splay)
            path = [(x, 5.5, z_back - 14), (x, 0.8, z_back - 2), (x, -1.0, 0), (x, 0.5, z_front), (x, 4, z_front + 10)]
            yield tube("runner", "frame", curve(path, 3), 1.4)
    front_left, front_right, back_left, back_right = (blend(foot, top, p.stretcher_height) for top, foot in ends)
    joined = []
    if p.stretcher in ("h", "box"):
        joined += [(front_left, back_left), (front_right, back_right)]
    if p.stretcher == "h":
        joined.append((blend(front_left, back_left, 0.5), blend(front_right, back_right, 0.5)))
    if p.stretcher in ("box", "front"):
        up = min(p.stretcher_height + 0.1, 0.8)
        joined.append((blend(ends[0][1], ends[0][0], up), blend(ends[1][1], ends[1][0], up)))
    if p.stretcher == "cross":
        joined += [(front_left, back_right), (front_right, back_left)]
    for a, b in joined:
        yield bar("stretcher", "frame", a, b, p.leg_thick * 0.55)
    if p.apron:
        y = h - 2.5
        yield bar("apron", "frame", (-half_front, y, z_front), (half_front, y, z_front), 5.0, 1.5)
        for side in (-1, 1):
            yield bar("apron", "frame", (side * half_front, y, z_front), (side * half_back, y, z_back), 5.0, 1.5)

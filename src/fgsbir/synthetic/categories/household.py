"""Things of a household: bottles, saucepans, stepladders, fans, coat racks and birdhouses."""

import math
from collections.abc import Iterator

from fgsbir.synthetic.categories.legs import TURNINGS, WOODEN
from fgsbir.synthetic.categories.profiles import body_profile, ear, radius_at
from fgsbir.synthetic.geometry import Vec, blend
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import Flat, ball, bar, box, curve, panel, tube, turned, vessel, wheel

FORWARD = (0, 0, 1)


@category(
    yaw=(-25, 25), pitch=(6, 18),
    materials={
        "body": "ceramic painted", "label": "painted fabric", "stopper": "wood metal", "handle": "ceramic metal",
    },
    height=(18, 30), radius=(3.2, 6), foot=(0.8, 1.0), shoulder=(0.45, 0.72), slope=(0.06, 0.2), neck=(0.8, 1.7),
    waist=(0.7, 0.92), lip=(0.1, 0.6), label_low=(0.08, 0.16), label_height=(0.16, 0.28), stopper_height=(1.2, 4),
    reach=(1.5, 3.5), thick=(0.35, 0.7), shape=["straight", "waisted", "sloping"], label={True: 2, False: 1},
    stopper=["cork", "ball", "pump", "none"], handle={False: 3, True: 1},
)  # fmt: skip
def bottle(p: Values) -> Iterator[Part]:
    """The parts of one bottle."""
    h, r = p.height, p.radius
    wide = r * (1.12 if p.shape == "sloping" else 1.0)
    low, high = h * p.label_low, h * (p.label_low + p.label_height)
    middle = r * (p.waist if p.shape == "waisted" else 1.0)
    start, end = h * p.shoulder, h * (p.shoulder + p.slope)
    bend = [(start + (end - start) * 0.5, (r + p.neck) * 0.55)] if p.shape != "sloping" else []
    upper = [(high, middle), (start, r), *bend, (end, p.neck), (h * 0.96, p.neck), (h, p.neck + p.lip)]
    yield vessel("body", "body", (0, 0, 0), [(0, wide * p.foot), (low, wide)])
    yield vessel("label", "label" if p.label else "body", (0, 0, 0), [(low, wide), (high, middle)])
    yield vessel("body", "body", (0, 0, 0), upper, hollow=True)
    if p.stopper == "cork":
        yield vessel("stopper", "stopper", (0, h, 0), [(0, p.neck * 0.8), (p.stopper_height * 0.6, p.neck)])
    elif p.stopper == "ball":
        yield ball("stopper", "stopper", (0, h + p.stopper_height * 0.6, 0), p.stopper_height * 0.6)
    elif p.stopper == "pump":
        y = h + p.stopper_height * 1.2
        yield turned("stopper", "stopper", (0, h, 0), (0, y, 0), [(0, p.neck * 0.4), (1, p.neck * 0.4)])
        yield bar("stopper", "stopper", (p.neck, y, 0), (-r, y - 0.4, 0), 1.0)
    if p.handle:
        profile = [(0.0, wide), (low, wide), *upper]
        yield ear("round", profile, start * 0.9, h * 0.86, p.reach, p.thick)


@category(
    yaw=(-30, 30), pitch=(14, 30),
    materials={"body": "metal painted ceramic", "lid": "metal ceramic painted", "handle": "wood metal painted"},
    height=(8, 18), foot=(7, 10), belly=(8.5, 12), rim=(7.5, 11.5), widest=(0.35, 0.65), reach=(10, 24), rise=(-2, 6),
    grip=(1.2, 2.4), grip_height=(0.6, 0.9), lid=(1.2, 4.5), knob_size=(1.0, 2.2), ear=(2.2, 4.5), thick=(0.6, 1.1),
    shape={"straight": 3, "belly": 2, "cone": 1}, handle={"long": 3, "ears": 2}, lid_on={True: 2, False: 1},
    knob=["ball", "loop"], helper=[True, False],
)  # fmt: skip
def saucepan(p: Values) -> Iterator[Part]:
    """The parts of one saucepan, with a long handle or with two ears."""
    profile, h = body_profile(p), p.height
    yield vessel("body", "body", (0, 0, 0), profile, hollow=not p.lid_on)
    y = h * p.grip_height
    x = radius_at(profile, y)
    if p.handle == "long":
        yield bar("handle", "handle", (x, y, 0), (x + p.reach, y + p.rise, 0), p.grip, taper=1.3)
    sides = [-1, 1] if p.handle == "ears" else ([-1] if p.helper else [])
    for s in sides:
        path: list[Vec] = [(s * x, y, -2.6), (s * (x + p.ear), y, -2.2), (s * (x + p.ear), y, 2.2), (s * x, y, 2.6)]
        yield tube("handle", "handle", curve(path, 3), p.thick)
    if p.lid_on:
        rim, top = profile[-1][1], h + p.lid
        yield vessel("lid", "lid", (0, h, 0), [(0, rim * 1.03), (p.lid * 0.6, rim * 0.75), (p.lid, rim * 0.12)])
        if p.knob == "ball":
            yield ball("knob", "handle", (0, top + p.knob_size * 0.7, 0), p.knob_size)
        else:
            r = p.knob_size * 1.4
            yield tube(
                "knob", "handle", [(-r, top - 0.6, 0), (-r, top + r, 0), (r, top + r, 0), (r, top - 0.6, 0)], 0.5
            )


@category(
    yaw=(22, 48), pitch=(8, 20), materials={"rail": "wood metal painted", "step": "wood metal painted", "top": WOODEN},
    height=(70, 170), width=(34, 52), taper=(0.55, 0.9), reach=(0.28, 0.45), rail=(2.6, 5), step_deep=(5, 10),
    step_thick=(1.6, 3.2), lowest=(0.12, 0.24), highest=(0.74, 0.9), top_deep=(8, 20), top_thick=(1.8, 4),
    hold=(12, 34), brace=(0.2, 0.5), steps=[3, 4, 5, 6], behind=["legs", "rungs", "cross"], top={True: 3, False: 1},
    hoop=[False, True],
)  # fmt: skip
def ladder(p: Values) -> Iterator[Part]:
    """The parts of one stepladder."""
    h, half, upper, z = p.height, p.width / 2, p.width / 2 * p.taper, p.height * p.reach
    front = [((s * half, 0.0, z * 0.6), (s * upper, h, 0.0)) for s in (-1, 1)]
    back = [((s * half, 0.0, -z * 0.6), (s * upper, h, -2.0)) for s in (-1, 1)]
    for foot, head in (*back, *front):
        yield bar("leg", "rail", foot, head, p.rail)
    for i in range(p.steps):
        t = p.lowest + (p.highest - p.lowest) * i / (p.steps - 1)
        _, y, depth = blend(*front[0], t)
        wide = 2 * (half + (upper - half) * t)
        yield box("step", "step", (0, y, depth), (wide, p.step_thick, p.step_deep))
        if p.behind == "rungs" and i % 2 == 0:
            yield bar("rung", "rail", blend(*back[0], t), blend(*back[1], t), p.rail * 0.5)
    if p.behind == "cross":
        up = p.brace + 0.4
        for one, other in ((0, 1), (1, 0)):
            yield bar("brace", "rail", blend(*back[one], p.brace), blend(*back[other], up), p.rail * 0.5)
    if p.top:
        yield box("top", "top", (0, h + p.top_thick / 2, 0), (2 * upper + 4, p.top_thick, p.top_deep))
    if p.hoop:
        path = [(-upper, h, -1), (-upper, h + p.hold, -3), (upper, h + p.hold, -3), (upper, h, -1)]
        yield tube("handle", "rail", path, p.rail * 0.4)


@category(
    yaw=(8, 38), pitch=(5, 15),
    materials={"body": "metal painted", "blade": "painted metal wood", "cage": "metal", "foot": "metal painted wood"},
    height=(10, 48), radius=(13, 22), depth=(4, 8), foot_width=(9, 17), foot_height=(1.2, 3.5), pole=(0.9, 2.2),
    hub=(0.12, 0.24), blade_width=(0.3, 0.55), turn=(0, 1), motor=(5, 10), motor_width=(2.6, 5), thick=(0.35, 0.7),
    knob=(1.0, 2.0), blades=[3, 4, 5], spokes=[0, 4, 8], foot=["disc", "cross", "block"], rings=[1, 2],
    dial=[True, False],
)  # fmt: skip
def fan(p: Values) -> Iterator[Part]:
    """The parts of one fan on a pole."""
    r, y = p.radius, p.foot_height + p.height + p.radius * 0.9
    w = p.foot_width
    if p.foot == "disc":
        yield vessel("foot", "foot", (0, 0, 0), [(0, w), (p.foot_height, w * 0.85)])
    elif p.foot == "block":
        yield box("foot", "foot", (0, p.foot_height / 2, 0), (w * 1.7, p.foot_height, w * 1.4))
    else:
        for x, z in ((1, 1), (-1, 1)):
            yield bar("foot", "foot", (-x * w, 1, -z * w * 0.8), (x * w, 1, z * w * 0.8), p.foot_height)
    yield turned("post", "body", (0, p.foot_height, -2), (0, y - 1, -2), [(0, p.pole * 1.2), (1, p.pole)])
    yield wheel("motor", "body", (0, y, -p.motor / 2 - 1), p.motor_width, p.motor, FORWARD)
    if p.dial:
        yield wheel("knob", "cage", (0, p.foot_height + p.height * 0.3, p.pole), p.knob, 1.2, FORWARD)
    for i in range(p.blades):
        a = math.tau * (i + p.turn) / p.blades
        yield panel("blade", "blade", _blade(a, r * 0.9, r * p.blade_width), 0.8, (0, y, p.depth * 0.3))
    yield wheel("hub", "body", (0, y, p.depth * 0.5), r * p.hub, 1.6, FORWARD)
    circle = [(r * math.cos(math.tau * i / 20), r * math.sin(math.tau * i / 20)) for i in range(21)]
    for i in range(p.rings):
        k, front = (1.0, 0.0) if i == 0 else (0.97, p.depth)
        yield tube("wheel", "cage", [(x * k, y + v * k, front) for x, v in circle], p.thick)
    for i in range(p.spokes):
        x, v = circle[(i * 20 // p.spokes + 1) % 20]
        yield bar("spoke", "cage", (x * p.hub, y + v * p.hub, p.depth), (x, y + v, p.depth), p.thick)


def _blade(angle: float, length: float, width: float) -> Flat:
    """The outline of a fan's blade, from (0, 0) towards ``angle``."""
    across, along = math.sin(angle), math.cos(angle)
    shape = [(0.12, 0.1), (0.6, 0.5), (0.95, 0.4), (1.0, 0.0), (0.85, -0.4), (0.12, -0.1)]
    return [(length * t * across + width * s * along, length * t * along - width * s * across) for t, s in shape]


@category(
    yaw=(0, 40), pitch=(6, 16),
    materials={"frame": "wood painted metal", "metal": "metal painted", "accent": "painted"},
    height=(60, 115), pole=(1.8, 4), foot_width=(16, 30), foot_height=(3, 24), hook=(12, 24), hook_rise=(4, 14),
    hook_thick=(0.8, 1.8), tier_gap=(8, 26), turn=(0, 1), ring_height=(0.2, 0.4), ring_width=(9, 15), knob=(2.2, 5),
    foot=["legs", "disc", "cross"], hooks=[3, 4, 5, 6], tiers={1: 2, 2: 2}, bend=["up", "straight"],
    ring={False: 2, True: 1}, pole_kind={"plain": 2, "vase": 1, "ring": 1}, top=["ball", "none"],
)  # fmt: skip
def coat_rack(p: Values) -> Iterator[Part]:
    """The parts of one coat rack on a pole."""
    h, w, low = p.height, p.foot_width, p.foot_height
    if p.foot == "disc":
        yield vessel("foot", "frame", (0, 0, 0), [(0, w * 0.8), (min(low, 6), w * 0.7)])
    else:
        up = low if p.foot == "legs" else 2.0
        for x, z in ((1, 0.6), (-1, 0.6), (0.5, -1), (-0.5, -1)):
            yield bar("foot", "frame", (0, up, 0), (x * w, 1.2, z * w * 0.8), p.pole * 1.1, taper=0.8)
    profile = [(t, r * p.pole) for t, r in TURNINGS.get(p.pole_kind, [(0, 0.7), (1, 0.7)])]
    yield turned("post", "frame", (0, h, 0), (0, 2, 0), profile)
    for tier in range(p.tiers):
        y = h - 5 - p.tier_gap * tier
        for i in range(p.hooks):
            a = math.tau * (i + p.turn + tier * 0.5) / p.hooks
            x, z = math.sin(a) * p.hook, math.cos(a) * p.hook
            path: list[Vec] = [(0, y, 0), (x, y + p.hook_rise, z)]
            if p.bend == "up":
                path = curve([(0, y, 0), (x * 0.7, y - 1, z * 0.7), (x, y + p.hook_rise, z)], 3)
            yield tube("arm", "metal", path, p.hook_thick)
    if p.ring:
        y, circle = h * p.ring_height, [math.tau * i / 16 for i in range(17)]
        path = [(p.ring_width * math.cos(a), y, p.ring_width * math.sin(a)) for a in circle]
        yield tube("ring", "metal", path, 0.8)
    if p.top == "ball":
        yield ball("knob", "accent", (0, h + p.knob * 0.8, 0), p.knob)


@category(
    yaw=(18, 44), pitch=(6, 18),
    materials={"body": "wood painted", "roof": "wood painted weave", "trim": "painted wood", "pole": "wood metal"},
    width=(16, 30), height=(16, 34), depth=(14, 24), gable=(7, 18), eave=(2, 6), roof=(1.2, 2.6), hole=(2, 4.4),
    hole_height=(0.5, 0.8), perch=(4, 9), perch_drop=(4, 7), pole=(1.4, 3), pole_height=(14, 60), chimney=(3, 7),
    floor=(1, 5), door_width=(0.2, 0.34), stand=["pole", "hung", "none"], holes=[1, 2],
    front=["hole", "arch", "square"], chimney_side={0: 3, 1: 1, -1: 1}, perch_on=[True, False],
)  # fmt: skip
def birdhouse(p: Values) -> Iterator[Part]:
    """The parts of one birdhouse."""
    w, h, d, low = p.width, p.height, p.depth, p.pole_height if p.stand == "pole" else 0.0
    z, ridge = d / 2 + 0.4, low + h + p.gable
    if p.stand == "pole":
        yield turned("post", "pole", (0, low, 0), (0, 0, 0), [(0, p.pole), (1, p.pole)])
    yield box("floor", "trim", (0, low + 0.6, 0), (w + 2 * p.floor, 1.2, d + 2 * p.floor))
    gable = [(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (0, h / 2 + p.gable), (-w / 2, h / 2)]
    yield panel("body", "body", gable, d, (0, low + h / 2 + 1.2, 0))
    if p.chimney_side:
        x, y = p.chimney_side * w * 0.28, low + h + p.gable * 0.6
        yield box("chimney", "trim", (x, y + p.chimney * 0.7, 0), (p.chimney, p.chimney * 1.6, p.chimney))
    drop = p.gable / (w / 2) * p.eave
    for s in (-1, 1):
        eave = (s * (w / 2 + p.eave), low + h - drop + 1.8, 0.0)
        yield bar("roof", "roof", (0, ridge + 1.8, 0), eave, p.roof, d + 2 * p.eave)
    y = low + h * p.hole_height
    for i in range(p.holes):
        x = (i - (p.holes - 1) / 2) * w * 0.46
        if p.front == "hole":
            yield wheel("hole", "trim", (x, y, z), p.hole, 0.6, FORWARD)
        else:
            wide = w * p.door_width
            yield panel("hole", "trim", _door(wide, p.hole * 2.2, p.front == "arch"), 0.6, (x, y, z))
        if p.perch_on:
            yield bar("perch", "pole", (x, y - p.perch_drop, z), (x, y - p.perch_drop, z + p.perch), 1.0)
    if p.stand == "hung":
        top = ridge + 2
        yield tube("ring", "pole", [(0, top, -d * 0.3), (0, top + 7, 0), (0, top, d * 0.3)], 0.4)


def _door(width: float, height: float, arch: bool) -> Flat:
    """A door's outline round (0, 0), its upper end straight or a pointed arch."""
    x, y = width / 2, height / 2
    return [(-x, -y), (x, -y), (x, y * 0.4), *([(x * 0.6, y * 0.85), (0, y), (-x * 0.6, y * 0.85)] if arch else [(x, y),
            (-x, y)]), (-x, y * 0.4)]  # fmt: skip

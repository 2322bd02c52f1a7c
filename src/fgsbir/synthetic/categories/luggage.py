"""Handbags and suitcases."""

from collections.abc import Iterator

from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, ball, bar, bow, box, ellipse, panel, rounded, trapezoid, tube, wheel


@category(
    yaw=(12, 40), pitch=(6, 18), materials={"body": "leather fabric weave", "trim": "leather fabric", "metal": "metal"},
    width=(22, 38), height=(16, 30), depth=(6, 14), corner=(1, 8), taper=(0.65, 0.95), flap_height=(0.35, 0.75),
    pocket_width=(0.4, 0.8), grip=(0.3, 0.75), handle=(6, 18), thick=(0.5, 1.1), tassel_length=(5, 10),
    clasp_height=(0.44, 0.66), shape=["box", "trapeze", "moon", "arched"], flap=[True, False],
    pocket={False: 2, True: 1}, clasp=["ball", "buckle", "none"], straps=[1, 2, 0], tassel={False: 3, True: 1},
)  # fmt: skip
def handbag(p: Values) -> Iterator[Part]:
    """The parts of one handbag."""
    w, h, d = p.width, p.height, p.depth
    outline = {
        "box": rounded(w, h, p.corner),
        "trapeze": trapezoid(w, w * p.taper, h),
        "moon": ellipse(w, h * 1.1, 24),
        "arched": arched(w, h * 0.8, h * 0.2),
    }[p.shape]
    yield panel("body", "body", outline, d, (0, h / 2, 0))
    z = d / 2 + 0.5
    if p.flap and p.shape != "moon":
        tall, wide = h * p.flap_height, w * (p.taper if p.shape == "trapeze" else 1) * 0.98
        flap = [(x, -y) for x, y in arched(wide, tall * 0.7, tall * 0.3)][::-1]
        yield panel("flap", "trim", flap, 1.0, (0, h - tall * 0.36, z))
    if p.pocket:
        yield panel("pocket", "body", rounded(w * p.pocket_width, h * 0.36, 2), 1.4, (0, h * 0.26, z + 0.2))
    if p.clasp == "ball":
        yield ball("clasp", "metal", (0, h * p.clasp_height, z + 1.5), 1.3)
    elif p.clasp == "buckle":
        yield box("clasp", "metal", (0, h * p.clasp_height, z + 1), (4, 3, 0.8))
    x, top, up = w * p.grip * 0.5, h * (0.98 if p.shape != "moon" else 0.9), h + p.handle
    strap = bow(x, top, x * 0.85, up, 4)
    if p.straps == 2:
        for s in (-1, 1):
            apart = [(a, b, s * d * 0.4 + s * 0.06 * (b - top)) for a, b, _ in strap]
            yield tube("handle", "trim", apart, p.thick)
    elif p.straps == 1:
        yield tube("handle", "trim", strap, p.thick)
    else:
        yield tube("handle", "trim", bow(w * 0.48, h * 0.9, w * 0.4, up + 8, 4), p.thick * 0.8)
    if p.tassel:
        y, z = top - 1, z + 0.6
        yield bar("tassel", "metal", (x, y, z), (x, y - p.tassel_length, z), 1.4, taper=1.6)


@category(
    yaw=(18, 42), pitch=(8, 18),
    materials={"body": "leather painted fabric", "trim": "leather painted", "metal": "metal"},
    width=(34, 62), height=(34, 66), depth=(16, 28), corner=(2, 12), lift=(3, 5), belt_place=(0.18, 0.34),
    pocket_height=(0.28, 0.45), pull=(12, 34), grip=(0.25, 0.5), grip_height=(4, 8), wheel=(1.8, 3.2),
    buckle_height=(0.55, 0.85), ribs=[0, 0, 4, 6], belts=[0, 1, 2], pocket=[False, True], handle=["pull", "top"],
    wheels=[True, False], corners={False: 2, True: 1},
)  # fmt: skip
def suitcase(p: Values) -> Iterator[Part]:
    """The parts of one suitcase."""
    w, h, d, low = p.width, p.height, p.depth, p.lift
    z, middle, top = d / 2 + 0.4, low + h / 2, low + h
    yield panel("body", "body", rounded(w, h, p.corner), d, (0, middle, 0))
    for i in range(p.ribs):
        x = w * 0.84 * ((i + 0.5) / p.ribs - 0.5)
        yield box("rib", "trim", (x, middle, z), (1.6, h * 0.82, 0.8))
    for x in {0: (), 1: (0.0,), 2: (-w * p.belt_place, w * p.belt_place)}[p.belts]:
        yield box("belt", "trim", (x, middle, z + 0.4), (3.2, h, 1))
        yield box("buckle", "metal", (x, low + h * p.buckle_height, z + 1.2), (4.4, 4, 0.8))
    if p.pocket:
        pocket = rounded(w * 0.74, h * p.pocket_height, 3)
        yield panel("pocket", "body", pocket, 2, (0, low + h * p.pocket_height * 0.7, z + 0.6))
    half = w * p.grip * 0.5
    if p.handle == "pull":
        up, back = top + p.pull, -d * 0.25
        for s in (-1, 1):
            yield bar("handle", "metal", (s * half, top, back), (s * half, up, back), 1.4)
        yield bar("grip", "trim", (-half - 1, up, back), (half + 1, up, back), 3)
    else:
        yield tube("handle", "trim", bow(half, top, half * 0.85, top + p.grip_height, 3), 1.1)
    for s in (-1, 1):
        for depth in (-1, 1):
            x, y = s * (w / 2 - 4), depth * (d / 2 - 3)
            if p.wheels:
                yield wheel("wheel", "trim", (x, p.wheel, y), p.wheel, 2)
            else:
                yield box("foot", "trim", (x, low / 2, y), (3, low, 3))
    if p.corners:
        for s in (-1, 1):
            for y in (low + 4, low + h - 4):
                yield panel("corner", "trim", rounded(7, 7, 2.4), 0.8, (s * (w / 2 - 3.6), y, z))

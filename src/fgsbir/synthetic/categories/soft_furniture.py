"""Sofas and beds."""

from collections.abc import Iterator

from fgsbir.synthetic.categories.legs import LEGS, WOODEN, leg
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, ball, bar, box, cushion, ellipse, panel, rounded, upright_cushion


@category(
    pitch=(10, 20), materials={"fabric": "fabric leather fabric", "frame": WOODEN, "accent": "fabric"},
    width=(110, 210), depth=(65, 85), seat_height=(26, 38), arm_width=(8, 24), arm_height=(14, 30), leg_height=(4, 15),
    leg_thick=(4, 7), splay=(0, 4), back_height=(32, 56), back_thick=(10, 20), pad=(8, 16), puff=(0.04, 0.1),
    rise=(6, 18), pillow=(26, 40), seats={1: 1, 2: 3, 3: 3}, arms={"block": 3, "round": 2, "open": 1},
    back=["plain", "camel", "cushions"], pillows=[0, 1, 2], leg=["square", "tapered", "round", "vase"],
)  # fmt: skip
def sofa(p: Values) -> Iterator[Part]:
    """The parts of one sofa."""
    w, d, h, low = p.width, p.depth, p.seat_height, p.leg_height
    yield box("base", "fabric", (0, low + (h - low) / 2, 0), (w, h - low, d))
    for s in (-1, 1):
        yield from arm(p, s * (w - p.arm_width) / 2)
        for z in (-d / 2 + 6, d / 2 - 6):
            x = w / 2 - 8
            yield leg(p.leg, "frame", (s * x, low, z), (s * (x + p.splay), 0, z), p.leg_thick)
    inner, behind = w - 2 * p.arm_width, -d / 2 + p.back_thick
    each = inner / p.seats
    shape = arched(w - p.arm_width * 0.6, p.back_height + 4, p.rise if p.back == "camel" else 0.0)
    at = (0, h + p.back_height / 2, -d / 2 + p.back_thick / 2)
    yield panel("back", "fabric", shape, p.back_thick, at, lean=0.05)
    for i in range(p.seats):
        x, shape = -inner / 2 + each * (i + 0.5), rounded(each * 0.98, d - p.back_thick - 2, 5)
        yield cushion("cushion", "fabric", shape, h, h + p.pad, p.puff, (x, 0, p.back_thick / 2 + 1))
        if p.back == "cushions":
            shape = rounded(each * 0.95, p.back_height * 0.8, 6)
            at = (x, h + p.pad + p.back_height * 0.42, behind + 5)
            yield upright_cushion("back cushion", "fabric", shape, 9, p.puff, at, 0.12)
    for i in range(p.pillows):
        x = (inner / 2 - p.pillow * 0.6) * (1 if i else -1)
        at = (x, h + p.pad + p.pillow * 0.45, behind + 15)
        yield upright_cushion("pillow", "accent", rounded(p.pillow, p.pillow * 0.9, 3), 6, 0.18, at, 0.25)


def arm(p: Values, x: float) -> Iterator[Part]:
    """A sofa's arm at ``x``: a block, a block with a roll on it, or a rail on a post."""
    d, low, top = p.depth, p.leg_height, p.seat_height + p.arm_height
    if p.arms == "open":
        yield bar("arm", "frame", (x, top, -d / 2 + 4), (x, top, d / 2 - 4), 5, 3)
        yield bar("arm post", "frame", (x, p.seat_height, d / 2 - 6), (x, top, d / 2 - 6), 3.5)
        return
    yield box("arm", "fabric", (x, (low + top) / 2, 0), (p.arm_width, top - low, d))
    if p.arms == "round":
        roll = ellipse(p.arm_width * 1.15, p.arm_width * 1.15, 16)
        yield panel("arm roll", "fabric", roll, d * 0.98, (x, top, 0.5))


@category(
    yaw=(25, 50), pitch=(14, 26),
    materials={
        "frame": "wood painted metal", "fabric": "painted fabric", "accent": "fabric", "pillow": "fabric painted",
    },
    width=(80, 160), length=(150, 200), height=(24, 42), mattress=(12, 22), head=(65, 125), foot=(42, 70),
    post_thick=(4, 9), rise=(6, 20), pillow=(28, 42), blanket=(0.1, 0.7), rail=(7, 15), bar_thick=(1.6, 3.6), post=LEGS,
    board=["panel", "padded", "bars"], bars=[4, 6, 8], arched=[True, False], finials=[True, False], pillows=[1, 2],
)  # fmt: skip
def bed(p: Values) -> Iterator[Part]:
    """The parts of one bed."""
    w, d, h, top = p.width, p.length, p.height, p.height + p.mattress
    yield box("rail", "frame", (0, h - p.rail / 2, 0), (w, p.rail, d))
    yield cushion("mattress", "fabric", rounded(w - 4, d - 6, 6), h - 1, top, 0.02)
    for z, tall, name in ((-d / 2, p.head, "head"), (d / 2, p.foot, "foot")):
        yield from end(p, z, tall, name)
    wide = (w - 10) / p.pillows
    for i in range(p.pillows):
        x = -w / 2 + 5 + wide * (i + 0.5)
        shape, at = rounded(wide * 0.86, p.pillow, 7), (x, 0, -d / 2 + p.pillow * 0.8)
        yield cushion("pillow", "pillow", shape, top, top + 9, 0.14, at)
    if p.blanket > 0.25:
        shape, at = rounded(w + 1, d * p.blanket, 3), (0, 0, d / 2 - d * p.blanket / 2 - 2)
        yield cushion("blanket", "accent", shape, h - 3, top + 1.5, 0.015, at)


def end(p: Values, z: float, tall: float, name: str) -> Iterator[Part]:
    """A bed's head or foot: two posts with a board, a cushion or bars between them."""
    w, h, rise = p.width, p.height, p.rise if p.arched else 0.0
    for x in (-w / 2, w / 2):
        yield leg(p.post, "frame", (x, tall, z), (x, 0, z), p.post_thick, "post")
        if p.finials:
            yield ball("finial", "frame", (x, tall + 2, z), p.post_thick * 0.7)
    if p.board == "panel" or (name == "foot" and p.board != "bars"):
        yield panel(name, "frame", arched(w, tall - h + 4, rise), 3, (0, (tall + h) / 2 - 4, z))
    elif p.board == "padded":
        yield upright_cushion(name, "accent", arched(w, tall - h + 6, rise), 6, 0.03, (0, (tall + h) / 2, z))
    else:
        yield panel(name + " rail", "frame", arched(w, 4, rise), 3, (0, tall - 5, z))
        for i in range(p.bars):
            x = w / 2 * (2 * (i + 1) / (p.bars + 1) - 1)
            yield bar("bar", "frame", (x, h - 4, z), (x, tall - 5, z), p.bar_thick)

"""Stools and benches."""

from collections.abc import Iterator

from fgsbir.synthetic.categories.legs import LEGS, WOODEN, legs, stretchers, top_shape
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, bar, box, cushion, panel, plate, rectangle, turned


@category(
    pitch=(10, 24), materials={"frame": "wood painted metal", "seat": "wood painted weave", "fabric": "fabric leather"},
    height=(38, 78), width=(30, 48), depth=(28, 42), seat_thick=(2.5, 6), corner=(3, 14), leg_thick=(2.6, 5),
    splay=(0, 9), stretcher_height=(0.15, 0.5), pad=(2.5, 9), puff=(0.04, 0.14), foot=(0.42, 0.6),
    step_height=(0.28, 0.5), seat=["oval", "rounded", "square"], cushion=["none", "pad"], leg=LEGS,
    stretcher=["none", "box", "h", "cross"], base={"legs": 4, "pedestal": 1}, steps={False: 5, True: 1},
)  # fmt: skip
def stool(p: Values) -> Iterator[Part]:
    """The parts of one stool."""
    h, under, shape = p.height, p.height - p.seat_thick, top_shape(p.seat, p.width, p.depth, p.corner)
    yield plate("seat", "seat", shape, under, h)
    if p.cushion != "none":
        yield cushion("cushion", "fabric", [(x * 0.95, z * 0.95) for x, z in shape], h, h + p.pad, p.puff)
    if p.steps:
        y, step = h * p.step_height, rectangle(p.width * 0.9, p.depth * 0.6)
        yield plate("step", "seat", step, y, y + 3, (0, 0, p.depth * 0.4))
    if p.base == "pedestal":
        yield turned("post", "frame", (0, under, 0), (0, 3, 0), [(0, p.leg_thick * 0.5), (1, p.leg_thick)])
        yield turned("foot", "frame", (0, 3.5, 0), (0, 0, 0), [(0, p.width * 0.3), (1, p.width * p.foot)])
        return
    inset = 0.7 if p.seat == "oval" else 0.86
    half_x, half_z = p.width / 2 * inset, p.depth / 2 * inset
    yield from legs(p, half_x, half_z, under)
    yield from stretchers(p, half_x, half_z, h)


@category(
    pitch=(10, 22), materials={"frame": WOODEN},
    width=(95, 160), depth=(32, 52), height=(38, 52), thick=(3, 7), inset=(5, 20), leg_thick=(4, 8), splay=(0, 5),
    stretcher_height=(0.15, 0.5), back_height=(24, 48), lean=(0.02, 0.25), rail=(6, 11), rise=(3, 10),
    arm_height=(16, 24), planks=[1, 3, 4, 5], base={"legs": 3, "slab": 1}, leg=LEGS, stretcher=["none", "h", "box"],
    back=["none", "rails", "slats"], rails=[2, 3, 4], slats=[4, 6, 8], arched=[True, False], arms=[True, False],
)  # fmt: skip
def bench(p: Values) -> Iterator[Part]:
    """The parts of one bench."""
    w, d, h, under = p.width, p.depth, p.height, p.height - p.thick
    step = d / p.planks
    for i in range(p.planks):
        z, deep = (-d / 2 + step * (i + 0.5), step * 0.82) if p.planks > 1 else (0.0, d)
        yield box("seat", "frame", (0, h - p.thick / 2, z), (w, p.thick, deep))
    half_x = w / 2 - p.inset
    if p.base == "slab":
        for s in (-1, 1):
            yield box("leg", "frame", (s * half_x, under / 2, 0), (p.leg_thick, under, d * 0.85))
    else:
        yield from legs(p, half_x, d / 2 - 4, under)
        yield from stretchers(p, half_x, d / 2 - 4, h)
    if p.back != "none":
        yield from back(p, half_x, -d / 2 + 1)
    if p.arms:
        y, z = h + p.arm_height, d / 2 - 5
        for s in (-1, 1):
            yield bar("arm", "frame", (s * half_x, y, -d / 2), (s * half_x, y, d / 2), 4.5, 3)
            yield bar("arm post", "frame", (s * half_x, h, z), (s * half_x, y - 1.5, z), 3.5)


def back(p: Values, half_x: float, z: float) -> Iterator[Part]:
    """A bench's back: two posts at ``z`` with rails across, or with slats under a crest."""
    w, h, top, lean = p.width, p.height, p.height + p.back_height, p.lean * p.back_height
    for s in (-1, 1):
        yield bar("back post", "frame", (s * half_x, h, z), (s * half_x, top, z - lean), p.leg_thick * 0.8)
    if p.back == "rails":
        for i in range(p.rails):
            y = p.back_height * (i + 0.6) / p.rails
            yield panel("rail", "frame", rectangle(w, p.rail), 2, (0, h + y, z + 1.5 - p.lean * y), lean=p.lean)
    else:
        shape = arched(w, p.rail, p.rise if p.arched else 0.0)
        yield panel("crest", "frame", shape, 2.5, (0, top - p.rail / 2, z - lean), lean=p.lean)
        for i in range(p.slats):
            x = half_x * (2 * (i + 1) / (p.slats + 1) - 1)
            yield bar("slat", "frame", (x, h, z), (x, top - p.rail, z - lean * 0.9), 3.5, 1.2)

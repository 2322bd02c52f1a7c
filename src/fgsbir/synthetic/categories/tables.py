"""Tables and trolleys."""

from collections.abc import Iterator

from fgsbir.synthetic.categories.legs import LEGS, TURNINGS, WOODEN, legs, stretchers, top_shape
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import ball, bar, box, plate, tube, turned, wheel


@category(
    pitch=(12, 26), materials={"frame": "wood painted metal", "top": WOODEN, "accent": "metal painted"},
    width=(60, 150), depth=(50, 85), height=(40, 78), thick=(2.5, 6), corner=(4, 20), inset=(3, 14), leg_thick=(3.5, 8),
    splay=(0, 8), stretcher_height=(0.12, 0.4), apron=(0, 14), shelf_height=(0.2, 0.45), knob=(1.2, 2.4),
    top=["square", "rounded", "oval"], base={"legs": 4, "pedestal": 1, "trestle": 1}, leg=LEGS,
    stretcher={"none": 3, "h": 1, "box": 1, "cross": 1}, drawers=[0, 1, 2, 3], shelf={False: 3, True: 1},
)  # fmt: skip
def table(p: Values) -> Iterator[Part]:
    """The parts of one table."""
    w, d, h, under = p.width, p.depth, p.height, p.height - p.thick
    yield plate("top", "top", top_shape(p.top, w, d, p.corner), under, h)
    shrink = 0.68 if p.top == "oval" else 1.0
    half_x, half_z = w / 2 * shrink - p.inset, d / 2 * shrink - p.inset * 0.6
    if p.base == "pedestal":
        yield turned(
            "post", "frame", (0, under, 0), (0, 7, 0), [(t, r * p.leg_thick * 0.9) for t, r in TURNINGS["vase"]]
        )
        for x, z in ((1, 0.7), (-1, 0.7), (1, -0.7), (-1, -0.7)):
            yield bar("foot", "frame", (0, 9, 0), (x * w * 0.26, 2, z * d * 0.36), 6, taper=0.6)
    elif p.base == "trestle":
        for x in (-half_x, half_x):
            for z in (-half_z, half_z):
                yield bar("leg", "frame", (x, under, z), (x, 0, -z), p.leg_thick)
        yield bar("stretcher", "frame", (-half_x, h * 0.45, 0), (half_x, h * 0.45, 0), p.leg_thick * 0.8)
    else:
        yield from legs(p, half_x, half_z, under)
        yield from stretchers(p, half_x, half_z, h)
        if p.apron > 4:
            y, z = under - p.apron / 2, half_z + 0.5
            yield box("apron", "frame", (0, y, 0), (2 * half_x, p.apron, 2 * half_z))
            for i in range(p.drawers):
                x = 2 * half_x * ((i + 0.5) / p.drawers - 0.5)
                yield box("drawer", "top", (x, y, z), (1.7 * half_x / p.drawers, p.apron * 0.75, 1.5))
                yield ball("knob", "accent", (x, y, z + 2), p.knob)
        if p.shelf:
            yield box("shelf", "frame", (0, h * p.shelf_height, 0), (2 * half_x, 2.2, 2 * half_z))


@category(
    pitch=(10, 22),
    materials={"frame": "metal painted wood", "tray": "wood painted", "wheel": "painted", "basket": "weave fabric"},
    width=(42, 78), depth=(30, 46), wheel=(2.6, 5), lowest=(2, 12), gap=(20, 34), tray=(2, 6), rail=(5, 9),
    post=(1.6, 3), handle_height=(2, 16), reach=(6, 16), drawer_width=(0.4, 0.8), basket_height=(8, 16), trays=[2, 3],
    rails=[True, False], big_wheels=[False, True], handle=["loop", "both", "none"], drawer=[False, True],
    basket=[False, True],
)  # fmt: skip
def trolley(p: Values) -> Iterator[Part]:
    """The parts of one trolley."""
    w, d, low = p.width, p.depth, p.wheel * 2
    levels = [low + p.lowest + p.gap * i for i in range(p.trays)]
    top = levels[-1]
    for y in levels:
        yield box("tray", "tray", (0, y, 0), (w, p.tray, d))
        if p.rails:
            for z in (-d / 2, d / 2):
                yield bar("rail", "frame", (-w / 2, y + p.rail, z), (w / 2, y + p.rail, z), 1.2)
    for s in (-1, 1):
        for side in (-1, 1):
            x, z = s * (w / 2 - 1), side * (d / 2 - 1)
            yield bar("post", "frame", (x, low * 0.7, z), (x, top + (p.rail if p.rails else 2), z), p.post)
            radius, out = (p.wheel * 1.9, side * 1.5) if p.big_wheels and s > 0 else (p.wheel, 0.0)
            yield wheel("wheel", "wheel", (x, radius, z + out), radius, 2, (0, 0, 1))
    y, half = top + p.handle_height, d / 2 - 1
    ends = {"loop": [(-1, p.reach, y)], "both": [(s, p.reach * 0.5, y * 0.98) for s in (-1, 1)], "none": []}
    for s, reach, up in ends[p.handle]:
        x, out = s * w / 2, s * (w / 2 + reach)
        path = [(x, top, -half), (out, up, -half), (out, up, half), (x, top, half)]
        yield tube("handle", "frame", path, p.post * 0.5)
    if p.drawer:
        y = top - p.tray / 2 - 5
        yield box("drawer", "tray", (0, y, d / 2 - 3), (w * p.drawer_width, 8, 6))
        yield ball("knob", "frame", (0, y, d / 2 + 1), 1.3)
    if p.basket:
        y = levels[0] + p.tray / 2 + p.basket_height / 2
        yield box("basket", "basket", (w * 0.12, y, 0), (w * 0.55, p.basket_height, d * 0.7))

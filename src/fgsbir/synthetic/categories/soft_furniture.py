"""Sofas and beds."""

from fgsbir.synthetic.categories.legs import LEGS, WOODEN, leg
from fgsbir.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, ball, bar, box, cushion, ellipse, panel, rounded, upright_cushion


def sofa(p: Values) -> list[Part]:
    """The parts of one sofa."""
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
            parts.append(
                panel("arm roll", "fabric", [(u - x, v - height) for u, v in loops], d * 0.98, (x, height, 0.5))
            )
        elif p.arms == "block":
            parts.append(box("arm", "fabric", (x, (p.leg_height + height) / 2, 0), (arm, height - p.leg_height, d)))
        else:
            parts.append(bar("arm", "frame", (x, height, -d / 2 + 4), (x, height, d / 2 - 4), 5, 3))
            parts.append(bar("arm post", "frame", (x, h, d / 2 - 6), (x, height, d / 2 - 6), 3.5))
        for z in (-d / 2 + 6, d / 2 - 6):
            parts += leg(
                p.leg, "frame", (s * (w / 2 - 8), p.leg_height, z), (s * (w / 2 - 8 + p.splay), 0, z), p.leg_thick
            )
    each = inner / p.seats
    back = h + p.back_height
    rise = p.rise if p.back == "camel" else 0.0
    shape = arched(w - arm * 0.6, p.back_height + 4, rise)
    parts.append(
        panel("back", "fabric", shape, p.back_thick, (0, h + p.back_height / 2, -d / 2 + p.back_thick / 2), lean=0.05)
    )
    for i in range(p.seats):
        x = -inner / 2 + each * (i + 0.5)
        parts.append(
            cushion(
                "cushion",
                "fabric",
                rounded(each * 0.98, d - p.back_thick - 2, 5),
                h,
                h + p.pad,
                p.puff,
                (x, 0, p.back_thick / 2 + 1),
            )
        )
        if p.back == "cushions":
            at = (x, h + p.pad + p.back_height * 0.42, -d / 2 + p.back_thick + 5)
            parts.append(
                upright_cushion(
                    "back cushion", "fabric", rounded(each * 0.95, p.back_height * 0.8, 6), 9, p.puff, at, 0.12
                )
            )
    for i in range(p.pillows):
        x = (inner / 2 - p.pillow * 0.6) * (1 if i else -1)
        at = (x, h + p.pad + p.pillow * 0.45, -d / 2 + p.back_thick + 15)
        parts.append(upright_cushion("pillow", "accent", rounded(p.pillow, p.pillow * 0.9, 3), 6, 0.18, at, 0.25))
    del back
    return parts


SOFA = Category(
    "sofa",
    {
        "width": Number(110, 210),
        "depth": Number(65, 85),
        "seat_height": Number(26, 38),
        "arm_width": Number(8, 24),
        "arm_height": Number(14, 30),
        "leg_height": Number(4, 15),
        "leg_thick": Number(4, 7),
        "splay": Number(0, 4),
        "back_height": Number(32, 56),
        "back_thick": Number(10, 20),
        "pad": Number(8, 16),
        "puff": Number(0.04, 0.1),
        "rise": Number(6, 18),
        "pillow": Number(26, 40),
        "seats": Choice([1, 2, 3], [1, 3, 3]),
        "arms": Choice(["block", "round", "open"], [3, 2, 1]),
        "back": Choice(["plain", "camel", "cushions"]),
        "pillows": Choice([0, 1, 2]),
        "leg": Choice(["square", "tapered", "round", "vase"]),
    },
    sofa,
    {"fabric": ("fabric", "leather", "fabric"), "frame": WOODEN, "accent": ("fabric",)},
    pitch=(10, 20),
)


def bed(p: Values) -> list[Part]:
    """The parts of one bed."""
    w, d, h = p.width, p.length, p.height
    parts = [box("rail", "frame", (0, h - p.rail / 2, 0), (w, p.rail, d))]
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
            parts.append(
                upright_cushion(name, "accent", arched(w, tall - h + 6, rise), 6, 0.03, (0, (tall + h) / 2, z))
            )
        else:
            parts.append(panel(name + " rail", "frame", arched(w, 4, rise), 3, (0, tall - 5, z)))
            for i in range(p.bars):
                x = w / 2 * (2 * (i + 1) / (p.bars + 1) - 1)
                parts.append(bar("bar", "frame", (x, h - 4, z), (x, tall - 5, z), p.bar_thick))
    wide = (w - 10) / p.pillows
    for i in range(p.pillows):
        x = -w / 2 + 5 + wide * (i + 0.5)
        parts.append(
            cushion(
                "pillow",
                "pillow",
                rounded(wide * 0.86, p.pillow, 7),
                h + p.mattress,
                h + p.mattress + 9,
                0.14,
                (x, 0, -d / 2 + p.pillow * 0.8),
            )
        )
    if p.blanket > 0.25:
        z = d / 2 - d * p.blanket / 2 - 2
        parts.append(
            cushion(
                "blanket", "accent", rounded(w + 1, d * p.blanket, 3), h - 3, h + p.mattress + 1.5, 0.015, (0, 0, z)
            )
        )
    return parts


BED = Category(
    "bed",
    {
        "width": Number(80, 160),
        "length": Number(150, 200),
        "height": Number(24, 42),
        "mattress": Number(12, 22),
        "head": Number(65, 125),
        "foot": Number(42, 70),
        "post_thick": Number(4, 9),
        "rise": Number(6, 20),
        "pillow": Number(28, 42),
        "blanket": Number(0.1, 0.7),
        "rail": Number(7, 15),
        "bar_thick": Number(1.6, 3.6),
        "post": LEGS,
        "board": Choice(["panel", "padded", "bars"]),
        "bars": Choice([4, 6, 8]),
        "arched": Choice([True, False]),
        "finials": Choice([True, False]),
        "pillows": Choice([1, 2]),
    },
    bed,
    {
        "frame": ("wood", "painted", "metal"),
        "fabric": ("painted", "fabric"),
        "accent": ("fabric",),
        "pillow": ("fabric", "painted"),
    },
    yaw=(25, 50),
    pitch=(14, 26),
)

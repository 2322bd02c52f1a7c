"""Lamps."""

from fgsbir.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import ball, bar, turned, vessel


def lamp(p: Values) -> list[Part]:
    """The parts of one lamp."""
    parts: list[Part] = []
    stem_top = p.foot_height + p.height
    if p.foot == "tripod":
        for x, z in ((1, 0.5), (-1, 0.5), (0, -1)):
            parts.append(
                bar(
                    "leg",
                    "stem",
                    (0, stem_top * 0.62, 0),
                    (x * p.foot_width * p.spread, 0, z * p.foot_width * p.spread),
                    p.stem * 1.6,
                    taper=0.7,
                )
            )
        parts.append(turned("stem", "stem", (0, stem_top * 0.6, 0), (0, stem_top, 0), [(0, p.stem), (1, p.stem)]))
    else:
        foot = [(0, p.foot_width), (p.foot_height, p.foot_width * (0.9 if p.foot == "disc" else 0.3))]
        parts.append(vessel("foot", "stem", (0, 0, 0), foot))
        at = (0.0, p.foot_height, 0.0)
        if p.body == "stick":
            parts.append(turned("stem", "stem", at, (0, stem_top, 0), [(0, p.stem), (1, p.stem)]))
        elif p.body == "gourd":
            parts.append(
                vessel(
                    "body",
                    "body",
                    at,
                    [
                        (0, p.stem * 2),
                        (p.height * 0.25, p.belly),
                        (p.height * 0.5, p.belly * p.waist),
                        (p.height * 0.68, p.belly * 0.62),
                        (p.height * 0.9, p.stem),
                        (p.height, p.stem),
                    ],
                )
            )
        elif p.body == "urn":
            parts.append(
                vessel(
                    "body",
                    "body",
                    at,
                    [
                        (0, p.belly * 0.5),
                        (p.height * 0.45, p.belly),
                        (p.height * 0.7, p.belly * 0.8),
                        (p.height * 0.85, p.stem),
                        (p.height, p.stem),
                    ],
                )
            )
        else:
            for i in range(p.balls):
                y = p.foot_height + p.height * (i + 0.5) / p.balls
                parts.append(ball("ball", "body", (0, y, 0), min(p.belly * 0.8, p.height / p.balls * 0.55)))
    rim, top, tall = p.shade_width, p.shade_width * p.shade_taper, p.shade_height
    profile: list[tuple[float, float]] = [(0, rim), (tall, top)]
    if p.shade == "bell":
        profile = [(0, rim), (tall * 0.2, rim * 0.82), (tall * 0.6, top * 1.15), (tall, top)]
    elif p.shade == "dome":
        profile = [(0, rim), (tall * 0.35, rim * 0.94), (tall * 0.7, rim * 0.72), (tall, rim * 0.2)]
    elif p.shade == "globe":
        r = rim * 0.75
        profile = [(0, r * 0.4), (r * 0.3, r * 0.8), (r, r), (r * 1.7, r * 0.75), (r * 2, r * 0.2)]
    parts.append(vessel("shade", "shade", (0, stem_top - tall * p.sink, 0), profile))
    if p.chain:
        x, y = rim * 0.45, stem_top - tall * p.sink
        parts.append(bar("chain", "stem", (x, y, rim * 0.6), (x, y - p.chain_length, rim * 0.6), 0.8))
        parts.append(ball("pull", "body", (x, y - p.chain_length - 1, rim * 0.6), 1.2))
    return parts


LAMP = Category(
    "lamp",
    {
        "height": Number(22, 60),
        "foot_width": Number(8, 14),
        "foot_height": Number(1.2, 5),
        "stem": Number(0.8, 1.8),
        "belly": Number(5, 10),
        "shade_width": Number(12, 22),
        "shade_taper": Number(0.4, 0.95),
        "shade_height": Number(12, 26),
        "chain_length": Number(3, 9),
        "spread": Number(0.9, 1.5),
        "waist": Number(0.3, 0.55),
        "sink": Number(0.1, 0.3),
        "foot": Choice(["disc", "cone", "tripod"], [3, 2, 1.2]),
        "body": Choice(["stick", "gourd", "urn", "balls"]),
        "balls": Choice([2, 3, 4]),
        "shade": Choice(["cone", "bell", "dome", "globe"], [4, 2, 1.5, 1]),
        "chain": Choice([False, True], [3, 1]),
    },
    lamp,
    {"stem": ("metal", "wood", "painted"), "body": ("ceramic", "wood", "metal"), "shade": ("fabric", "painted")},
    yaw=(0, 45),
    pitch=(6, 18),
)

"""Bicycles and toy trucks."""

import math
from collections.abc import Iterator

from fgsbir.synthetic.geometry import Vec, blend
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, bar, box, panel, rounded, trapezoid, tube, vessel, wheel

SIDEWAYS = (0, 0, 1)


@category(
    yaw=(-26, 26), pitch=(4, 14),
    materials={
        "frame": "painted metal", "tyre": "painted", "saddle": "leather", "metal": "metal", "basket": "weave wood",
    },
    radius=(28, 36), small=(0.6, 1.0), base=(92, 112), tyre=(1.2, 2.4), tube=(1.3, 2.2), saddle_height=(72, 92),
    bar_height=(80, 104), bar_reach=(6, 20), bar_width=(22, 34), saddle=(16, 26), crank=(11, 15), gear=(6, 10),
    basket_size=(18, 30), rake=(4, 14), drop=(0.2, 0.9), frame=["diamond", "low", "cross"], spokes=[0, 4, 6],
    bars=["flat", "swept", "racing"], guards=[True, False], carrier={False: 2, True: 1}, basket={False: 2, True: 1},
)  # fmt: skip
def bicycle(p: Values) -> Iterator[Part]:
    """The parts of one bicycle, seen from its side."""
    r, front = p.radius, p.radius * p.small
    rear_at: Vec = (p.base / 2, r, 0.0)
    front_at: Vec = (-p.base / 2, front, 0.0)
    crank: Vec = (p.base * 0.1, r * 0.85, 0.0)
    head, lower = (
        (-p.base / 2 + p.rake + 16, p.bar_height * 0.86, 0.0),
        (-p.base / 2 + p.rake + 10, front + r * 0.55, 0.0),
    )
    seat: Vec = (p.base * 0.24, p.saddle_height - 6, 0.0)
    for (x, y, _), size in ((rear_at, r), (front_at, front)):
        yield tube("wheel", "tyre", _arc(x, y, size, 0, 360), p.tyre)
        yield wheel("hub", "metal", (x, y, 0), 2.2, 5, SIDEWAYS)
        for i in range(p.spokes):
            a = math.tau * (i + 0.3) / p.spokes
            yield bar("spoke", "metal", (x, y, 0), (x + size * math.cos(a), y + size * math.sin(a), 0), 0.5)
        if p.guards:
            yield tube("guard", "frame", _arc(x, y, size + 4, 20, 160), 0.9)
    joined = [(crank, rear_at), (seat, rear_at), (seat, crank), (lower, crank)]
    if p.frame == "diamond":
        joined.append((blend(seat, crank, 0.08), head))
    elif p.frame == "cross":
        joined.append((blend(seat, crank, p.drop), head))
    for a, b in (*joined, (head, lower), (lower, front_at)):
        yield bar("post", "frame", a, b, 2 * p.tube)
    yield wheel("gear", "metal", (crank[0], crank[1], 2.5), p.gear, 1, SIDEWAYS)
    for s in (-1, 1):
        pedal = (crank[0] + s * p.crank * 0.8, crank[1] - s * p.crank * 0.6, s * 5.0)
        yield bar("pedal", "metal", (crank[0], crank[1], s * 4.0), pedal, 1.6)
        yield box("pedal", "tyre", pedal, (8, 2, 6))
    yield bar("post", "metal", seat, (seat[0] + 2, p.saddle_height, 0), 2.0)
    yield box("saddle", "saddle", (seat[0] + 2, p.saddle_height + 1.5, 0), (p.saddle, 4, p.saddle * 0.6))
    stem: Vec = (head[0] + 2, p.bar_height, 0.0)
    yield bar("post", "metal", head, stem, 2.2)
    reach = {"flat": -p.bar_reach * 0.3, "swept": p.bar_reach, "racing": -p.bar_reach}[p.bars]
    for s in (-1, 1):
        out = s * p.bar_width / 2
        end: list[Vec] = [stem, (stem[0], stem[1] + 1, out * 0.6), (stem[0] + reach, stem[1] + 1, out)]
        if p.bars == "racing":
            end.append((stem[0] + reach * 0.6, stem[1] - 12, out))
        yield tube("handle", "metal", end, 1.1)
    if p.carrier:
        x, y = rear_at[0], r * 2 + 8
        yield box("carrier", "metal", (x + 2, y, 0), (34, 1.6, 12))
        yield bar("brace", "metal", (x + 10, y, 0), rear_at, 1.0)
    if p.basket:
        size = p.basket_size
        yield box("basket", "basket", (head[0] - size * 0.75, head[1] - 2, 0), (size, size * 0.7, size))


def _arc(x: float, y: float, radius: float, first: float, last: float) -> list[Vec]:
    """A path on an upright circle round (x, y, 0), from ``first`` to ``last`` degrees."""
    angles = [math.radians(first + (last - first) * i / 18) for i in range(19)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a), 0.0) for a in angles]


@category(
    yaw=(-38, -10), pitch=(8, 20),
    materials={
        "cab": "painted metal wood", "load": "wood painted metal", "glass": "ceramic", "wheel": "painted wood",
        "trim": "metal painted",
    },
    length=(34, 60), width=(16, 22), bed_height=(7, 11), bed_thick=(2, 4), cab_length=(9, 15), cab_height=(12, 20),
    hood=(5, 12), hood_height=(0.4, 0.65), load_height=(8, 20), wheel=(3.6, 6.2), wheel_width=(2.5, 4.5),
    lamp=(0.8, 1.8), pipe=(4, 12), bumper=(1.5, 3), window=(0.4, 0.6), corner=(1, 4),
    load=["box", "dump", "tank", "logs", "open"], nose=[True, False], axles=[2, 3], pipe_on=[False, True],
    roof=["flat", "round"], hub=[True, False],
)  # fmt: skip
def truck(p: Values) -> Iterator[Part]:
    """The parts of one toy truck, its cab to the left."""
    n, w, low = p.length, p.width, p.bed_height
    left, top, z = -n / 2, p.bed_height + p.bed_thick, p.width / 2
    yield box("base", "trim", (0, low + p.bed_thick / 2, 0), (n, p.bed_thick, w * 0.9))
    hood = p.hood if p.nose else 0.0
    start, middle = left + hood, left + hood + p.cab_length / 2
    if p.nose:
        tall = p.cab_height * p.hood_height
        yield panel("hood", "cab", rounded(hood, tall, p.corner), w * 0.9, (left + hood / 2, top + tall / 2, 0))
    rise = 2.5 if p.roof == "round" else 0.0
    yield panel("cab", "cab", arched(p.cab_length, p.cab_height, rise), w, (middle, top + p.cab_height / 2, 0))
    pane = trapezoid(p.cab_length * 0.8, p.cab_length * 0.62, p.cab_height * p.window * 0.8)
    yield panel("window", "glass", pane, 0.6, (middle, top + p.cab_height * (1 - p.window * 0.5), z + 0.4))
    yield box("bumper", "trim", (left - p.bumper / 2, low + 1, 0), (p.bumper, 3, w))
    for s in (-1, 1):
        yield wheel("lamp", "glass", (left - 0.5, top + 2.5, s * w * 0.32), p.lamp, 1)
    at = start + p.cab_length + 1.5
    deep, h = n / 2 - at, p.load_height
    centre = (at + n / 2) / 2
    if p.load == "box":
        yield box("load", "load", (centre, top + h * 0.6, 0), (deep, h * 1.2, w))
    elif p.load == "dump":
        side = [(-deep / 2, -h * 0.35), (deep * 0.4, -h * 0.35), (deep / 2, h * 0.35), (-deep * 0.6, h * 0.35)]
        yield panel("load", "load", side, w, (centre, top + h * 0.4, 0))
    elif p.load == "tank":
        r = min(w * 0.5, h * 0.5)
        yield wheel("load", "load", (centre, top + r, 0), r, deep)
        yield vessel("lid", "trim", (centre, top + 2 * r, 0), [(0, r * 0.3), (1.5, r * 0.3)])
    elif p.load == "logs":
        r = w * 0.16
        for row, places in ((0, (-2, 0, 2)), (1, (-1, 1))):
            for place in places:
                yield wheel("log", "load", (centre, top + r + row * r * 1.8, place * r), r, deep * 0.98)
    else:
        for s in (-1, 1):
            yield box("side", "load", (centre, top + h * 0.2, s * (z - 0.6)), (deep, h * 0.4, 1.2))
        for x in (at, n / 2):
            yield box("side", "load", (x, top + h * 0.2, 0), (1.2, h * 0.4, w - 2.4))
    if p.pipe_on:
        x = start + p.cab_length + 0.6
        yield tube("pipe", "trim", [(x, top, z - 2), (x, top + p.cab_height + p.pipe, z - 2)], 0.8)
    axles = [left + p.wheel * 1.5, n / 2 - p.wheel * 1.3, n / 2 - p.wheel * 3.5][: p.axles]
    for x in axles:
        for s in (-1, 1):
            yield wheel("wheel", "wheel", (x, p.wheel, s * (z - 0.5)), p.wheel, p.wheel_width, SIDEWAYS)
            if p.hub and s > 0:
                yield wheel("hub", "trim", (x, p.wheel, z + p.wheel_width / 2), p.wheel * 0.4, 0.6, SIDEWAYS)

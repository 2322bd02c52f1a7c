"""Radios and clocks."""

from collections.abc import Iterator

from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, bar, bow, box, panel, rectangle, rounded, tube, vessel, wheel

FORWARD = (0, 0, 1)


@category(
    yaw=(12, 38), pitch=(6, 16),
    materials={
        "body": "wood painted leather", "cloth": "fabric weave", "trim": "metal painted", "face": "painted ceramic",
    },
    width=(22, 42), height=(14, 26), depth=(7, 14), foot=(0.6, 2), corner=(2, 6), speaker=(0.24, 0.4), dial=(0.3, 0.45),
    dial_height=(0.16, 0.32), knob=(0.9, 2), grip=(0.4, 0.9), handle_height=(3, 8), antenna_lean=(-4, 12),
    antenna_length=(12, 28), shape=["box", "rounded", "arched"], speakers={1: 3, 2: 1}, speaker_side=[-1, 1],
    cone=[True, False], scale=["window", "round"], knobs=[1, 2, 3], handle=[True, False], antenna=[True, False],
)  # fmt: skip
def radio(p: Values) -> Iterator[Part]:
    """The parts of one radio."""
    w, h, d, low = p.width, p.height, p.depth, p.foot
    shape = {"box": rectangle(w, h), "rounded": rounded(w, h, p.corner), "arched": arched(w, h * 0.7, h * 0.3)}[p.shape]
    yield panel("body", "body", shape, d, (0, low + h / 2, 0))
    z, top, alone = d / 2 + 0.4, low + h, p.speakers == 1
    r, x = min(h * p.speaker, w * 0.24), p.speaker_side * w * 0.24
    for i in range(p.speakers):
        at = x if alone else (-1 if i == 0 else 1) * w * 0.28
        yield wheel("speaker", "cloth", (at, low + h * 0.45, z), r, 0.8, FORWARD)
        if p.cone:
            yield wheel("cone", "trim", (at, low + h * 0.45, z + 0.6), r * 0.4, 0.6, FORWARD)
    at, wide = (-x, w * p.dial) if alone else (0.0, w * 0.2)
    if p.scale == "window":
        yield panel("dial", "face", rounded(wide, h * p.dial_height, 1), 0.8, (at, low + h * 0.68, z))
        x, half = at - wide * 0.2, p.dial_height / 2
        yield bar("needle", "trim", (x, low + h * (0.7 - half), z + 0.6), (x, low + h * (0.66 + half), z + 0.6), 0.5)
    else:
        yield wheel("dial", "face", (at, low + h * 0.64, z), min(wide, h) * 0.3, 0.8, FORWARD)
    for i in range(p.knobs):
        dx = wide * ((i + 0.5) / p.knobs - 0.5)
        yield wheel("knob", "trim", (at + dx, low + h * 0.24, z + 0.6), p.knob, 1.6, FORWARD)
    if p.handle:
        half = w * p.grip * 0.5
        yield tube("handle", "trim", bow(half, top * 0.98, half * 0.95, top + p.handle_height, 2), 0.8)
    if p.antenna:
        x, z = w * 0.44, -d * 0.3
        yield bar("antenna", "trim", (x, top, z), (x + p.antenna_lean, top + p.antenna_length, z), 0.7)
    for s in (-1, 1):
        yield box("foot", "trim", (s * w * 0.36, low / 2, 0), (3, low, d * 0.8))


@category(
    yaw=(10, 35), pitch=(5, 16), materials={"frame": "metal painted wood", "face": "painted ceramic", "mark": "metal"},
    radius=(8, 13), depth=(3, 8), foot=(1.5, 5), rim=(0.06, 0.2), hour=(0, 1), minute=(0, 1), spread=(0.5, 0.95),
    bell=(2.5, 4.5), ring_width=(1.5, 4), ring_height=(2, 6), hand=(0.6, 0.85), tick=(0.08, 0.2),
    stand=["legs", "base"], bells=[True, False], ring=[True, False], ticks=[4, 6, 12],
)  # fmt: skip
def clock(p: Values) -> Iterator[Part]:
    """The parts of one clock."""
    r, d, y = p.radius, p.depth, p.foot + p.radius
    face, z = r * (1 - p.rim), d / 2 + 0.9
    yield wheel("body", "frame", (0, y, 0), r, d, FORWARD)
    yield wheel("face", "face", (0, y, d / 2 + 0.2), face, 0.6, FORWARD)
    for share, turn, wide in ((p.hand * 0.66, p.hour, 1.1), (p.hand, p.minute, 0.8)):
        yield bar("hand", "mark", (0, y, z), _on_dial(turn, face * share, y, z), wide)
    for i in range(p.ticks):
        inner, outer = (_on_dial(i / p.ticks, face * share, y, z) for share in (0.95 - p.tick, 0.95))
        yield bar("tick", "mark", inner, outer, 0.8)
    if p.stand == "legs":
        for s in (-1, 1):
            yield bar("leg", "frame", (s * r * 0.5, y - r * 0.8, 0), (s * r * p.spread, 0, 0), 1.8, taper=0.6)
    else:
        half, low = r * p.spread, p.foot * 0.4
        yield bar("base", "frame", (-half, low, 0), (half, low, 0), p.foot * 0.8 + 1, d * 1.2)
    if p.bells:
        bell = [(0, p.bell), (p.bell * 0.6, p.bell * 0.8), (p.bell, p.bell * 0.2)]
        for s in (-1, 1):
            yield vessel("bell", "frame", (s * r * 0.55, y + r * 0.86, 0), bell)
    if p.ring:
        top, half = y + r * (1.02 if p.bells else 1.0), p.ring_width
        yield tube("ring", "frame", bow(half, top, half * 0.8, top + p.ring_height, 3), 0.6)


_DIAL = ((0.0, 1.0), (0.5, 0.866), (0.866, 0.5), (1.0, 0.0), (0.866, -0.5), (0.5, -0.866), (0.0, -1.0), (-0.5, -0.866),
         (-0.866, -0.5), (-1.0, 0.0), (-0.866, 0.5), (-0.5, 0.866), (0.0, 1.0))  # fmt: skip


def _on_dial(turn: float, radius: float, y: float, z: float) -> Vec:
    """A point of a dial, ``turn`` in [0, 1) clockwise from the top."""
    place = (turn % 1.0) * 12
    i = int(place)
    (ax, ay), (bx, by) = _DIAL[i], _DIAL[i + 1]
    t = place - i
    return ((ax + (bx - ax) * t) * radius, y + (ay + (by - ay) * t) * radius, z)

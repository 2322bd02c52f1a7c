"""Radios and clocks."""

from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.grammar import Category, Choice, Number, Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import (
    arched,
    bar,
    box,
    curve,
    panel,
    rectangle,
    rounded,
    tube,
    vessel,
    wheel,
)


def radio(p: Values) -> list[Part]:
    """The parts of one radio."""
    w, h, d, low = p.width, p.height, p.depth, p.foot
    shape = {"box": rectangle(w, h), "rounded": rounded(w, h, p.corner), "arched": arched(w, h * 0.7, h * 0.3)}[p.shape]
    parts: list[Part] = [panel("body", "body", shape, d, (0, low + h / 2, 0))]
    z, side = d / 2 + 0.4, p.speaker_side
    r = min(h * p.speaker, w * 0.24)
    x = side * w * 0.24
    for i in range(p.speakers):
        at = x if p.speakers == 1 else (-1 if i == 0 else 1) * w * 0.28
        parts.append(wheel("speaker", "cloth", (at, low + h * 0.45, z), r, 0.8, (0, 0, 1)))
        if p.cone:
            parts.append(wheel("cone", "trim", (at, low + h * 0.45, z + 0.6), r * 0.4, 0.6, (0, 0, 1)))
    at = -x if p.speakers == 1 else 0.0
    wide = w * p.dial if p.speakers == 1 else w * 0.2
    if p.scale == "window":
        parts.append(panel("dial", "face", rounded(wide, h * p.dial_height, 1), 0.8, (at, low + h * 0.68, z)))
        parts.append(
            bar(
                "needle",
                "trim",
                (at - wide * 0.2, low + h * (0.7 - p.dial_height / 2), z + 0.6),
                (at - wide * 0.2, low + h * (0.66 + p.dial_height / 2), z + 0.6),
                0.5,
            )
        )
    else:
        parts.append(wheel("dial", "face", (at, low + h * 0.64, z), min(wide, h) * 0.3, 0.8, (0, 0, 1)))
    for i in range(p.knobs):
        dx = wide * ((i + 0.5) / p.knobs - 0.5)
        parts.append(wheel("knob", "trim", (at + dx, low + h * 0.24, z + 0.6), p.knob, 1.6, (0, 0, 1)))
    top = low + h
    if p.handle:
        half = w * p.grip * 0.5
        path = [
            (-half, top * 0.98, 0.0),
            (-half * 0.95, top + p.handle_height, 0.0),
            (half * 0.95, top + p.handle_height, 0.0),
            (half, top * 0.98, 0.0),
        ]
        parts.append(tube("handle", "trim", curve(path, 2), 0.8))
    if p.antenna:
        parts.append(
            bar(
                "antenna",
                "trim",
                (w * 0.44, top, -d * 0.3),
                (w * 0.44 + p.antenna_lean, top + p.antenna_length, -d * 0.3),
                0.7,
            )
        )
    parts += [box("foot", "trim", (s * w * 0.36, low / 2, 0), (3, low, d * 0.8)) for s in (-1, 1)]
    return parts


RADIO = Category(
    "radio",
    {
        "width": Number(22, 42),
        "height": Number(14, 26),
        "depth": Number(7, 14),
        "foot": Number(0.6, 2),
        "corner": Number(2, 6),
        "speaker": Number(0.24, 0.4),
        "dial": Number(0.3, 0.45),
        "dial_height": Number(0.16, 0.32),
        "knob": Number(0.9, 2),
        "grip": Number(0.4, 0.9),
        "handle_height": Number(3, 8),
        "antenna_lean": Number(-4, 12),
        "antenna_length": Number(12, 28),
        "shape": Choice(["box", "rounded", "arched"]),
        "speakers": Choice([1, 2], [3, 1]),
        "speaker_side": Choice([-1, 1]),
        "cone": Choice([True, False]),
        "scale": Choice(["window", "round"]),
        "knobs": Choice([1, 2, 3]),
        "handle": Choice([True, False]),
        "antenna": Choice([True, False]),
    },
    radio,
    {
        "body": ("wood", "painted", "leather"),
        "cloth": ("fabric", "weave"),
        "trim": ("metal", "painted"),
        "face": ("painted", "ceramic"),
    },
    yaw=(12, 38),
    pitch=(6, 16),
)


def clock(p: Values) -> list[Part]:
    """The parts of one clock."""
    r, d = p.radius, p.depth
    y = p.foot + r
    parts: list[Part] = [
        wheel("body", "frame", (0, y, 0), r, d, (0, 0, 1)),
        wheel("face", "face", (0, y, d / 2 + 0.2), r * (1 - p.rim), 0.6, (0, 0, 1)),
    ]
    z = d / 2 + 0.9
    for share, turn, wide in ((p.hand * 0.66, p.hour, 1.1), (p.hand, p.minute, 0.8)):
        tip = _on_dial(turn, r * (1 - p.rim) * share, y, z)
        parts.append(bar("hand", "mark", (0, y, z), tip, wide))
    for i in range(p.ticks):
        turn = i / p.ticks
        inner, outer = (
            _on_dial(turn, r * (1 - p.rim) * (0.95 - p.tick), y, z),
            _on_dial(turn, r * (1 - p.rim) * 0.95, y, z),
        )
        parts.append(bar("tick", "mark", inner, outer, 0.8))
    if p.stand == "legs":
        parts += [
            bar("leg", "frame", (s * r * 0.5, y - r * 0.8, 0), (s * r * p.spread, 0, 0), 1.8, taper=0.6)
            for s in (-1, 1)
        ]
    else:
        parts.append(
            bar(
                "base",
                "frame",
                (-r * p.spread, p.foot * 0.4, 0),
                (r * p.spread, p.foot * 0.4, 0),
                p.foot * 0.8 + 1,
                d * 1.2,
            )
        )
    if p.bells:
        for s in (-1, 1):
            x = s * r * 0.55
            parts.append(
                vessel(
                    "bell",
                    "frame",
                    (x, y + r * 0.86, 0),
                    [(0, p.bell), (p.bell * 0.6, p.bell * 0.8), (p.bell, p.bell * 0.2)],
                )
            )
    if p.ring:
        top = y + r * (1.0 if not p.bells else 1.02)
        w = p.ring_width
        path: list[Vec] = curve(
            [(-w, top, 0), (-w * 0.8, top + p.ring_height, 0), (w * 0.8, top + p.ring_height, 0), (w, top, 0)], 3
        )
        parts.append(tube("ring", "frame", path, 0.6))
    return parts


_DIAL = ((0.0, 1.0), (0.5, 0.866), (0.866, 0.5), (1.0, 0.0), (0.866, -0.5), (0.5, -0.866), (0.0, -1.0), (-0.5, -0.866),
         (-0.866, -0.5), (-1.0, 0.0), (-0.866, 0.5), (-0.5, 0.866), (0.0, 1.0))  # fmt: skip


def _on_dial(turn: float, radius: float, y: float, z: float) -> Vec:
    """A point of a dial, ``turn`` in [0, 1) clockwise from the top."""
    place = (turn % 1.0) * 12
    i = int(place)
    (ax, ay), (bx, by) = _DIAL[i], _DIAL[i + 1]
    t = place - i
    return ((ax + (bx - ax) * t) * radius, y + (ay + (by - ay) * t) * radius, z)


CLOCK = Category(
    "clock",
    {
        "radius": Number(8, 13),
        "depth": Number(3, 8),
        "foot": Number(1.5, 5),
        "rim": Number(0.06, 0.2),
        "hour": Number(0, 1),
        "minute": Number(0, 1),
        "spread": Number(0.5, 0.95),
        "bell": Number(2.5, 4.5),
        "ring_width": Number(1.5, 4),
        "ring_height": Number(2, 6),
        "hand": Number(0.6, 0.85),
        "tick": Number(0.08, 0.2),
        "stand": Choice(["legs", "base"]),
        "bells": Choice([True, False]),
        "ring": Choice([True, False]),
        "ticks": Choice([4, 6, 12]),
    },
    clock,
    {"frame": ("metal", "painted", "wood"), "face": ("painted", "ceramic"), "mark": ("metal",)},
    yaw=(10, 35),
    pitch=(5, 16),
)

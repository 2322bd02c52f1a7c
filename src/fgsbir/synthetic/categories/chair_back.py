"""Back rests and arms of chairs."""

from collections.abc import Iterator
from typing import NamedTuple

from fgsbir.synthetic.categories.legs import TURNINGS, leg
from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.grammar import Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, ball, bar, curve, panel, rounded, tube, turned, upright_cushion


class Corners(NamedTuple):
    """Where a seat's legs stand: half the width in front and behind, and z there."""

    half_front: float
    half_back: float
    z_front: float
    z_back: float


def back(p: Values, corners: Corners, surface: float) -> Iterator[Part]:
    """The back rest of a seat whose cushion ends at ``surface``: two posts and what is between them, or one body."""
    half, z = corners.half_back, corners.z_back
    h, tall, lean = p.seat_height, p.back_height, p.back_lean
    wide, post = 2 * half * p.back_flare, p.leg_thick * 0.8

    def at(x: float, y: float) -> Vec:
        """A point of the back: x a share of its half width, y a share of its height."""
        return (x * (half + (wide / 2 - half) * y), h + y * tall, z - lean * y * tall)

    if p.back == "upholstered":
        shape = arched(wide + 6, tall - 6, p.crest_rise) if p.crest_arch else rounded(wide + 6, tall - 4, p.corner)
        y, behind = (surface + h + tall) / 2, z - lean * tall / 2
        for side in (-1, 1):
            yield bar("back post", "frame", at(side * 0.6, 0), at(side * 0.6, 0.4), post * 0.7)
        yield upright_cushion("back", "fabric", shape, 7, 0.06, (0, y, behind + 1), lean)
        yield from buttons(p, wide, tall, y, behind + 4.6, lean)
        return
    if p.back == "shell":
        high, rise = tall * 0.8, p.crest_rise + 4
        shape = arched(wide + 8, high, rise) if p.crest_arch else rounded(wide + 8, high, p.corner)
        middle = (0, h + tall * 0.41, z - lean * tall * 0.4)
        yield panel("back", "seat", shape, 2.0, middle, lean=lean, bend=p.back_bend)
        return
    if p.back == "hoop":
        path = curve([at(-1, 0), at(-1.06, 0.5), at(-0.75, 0.88), at(0, 1), at(0.75, 0.88), at(1.06, 0.5), at(1, 0)], 3)
        yield tube("back post", "frame", path, post * 0.45)
        for i in range(p.slats):
            x = (2 * (i + 1) / (p.slats + 1) - 1) * 0.86
            yield bar("spindle", "frame", at(x * 0.8, 0.02), at(x, 0.95 - 0.32 * x * x), p.slat_width * 0.25)
        return
    for side in (-1, 1):
        yield leg("square" if p.leg == "square" else "round", "frame", at(side, 1.0), at(side, 0), post, "back post")
    if p.finials:
        for side in (-1, 1):
            yield ball("finial", "frame", at(side, 1.04), post * 0.7)
    crest, bend = p.crest_height, p.back_bend * 0.5
    shape = arched(wide + 2 * post, crest, p.crest_rise if p.crest_arch else 0.0)
    _, y, behind = at(0, 1)
    middle = (0, y - crest / 2, behind + lean * crest / 2)
    yield panel("crest", "frame", shape, post * 0.7, middle, lean=lean, bend=bend)
    low, high = p.rail_height, 1 - crest / tall
    if p.back == "ladder":
        for i in range(p.rungs):
            rail = arched(wide, p.rail_thick, p.crest_rise * 0.5 if p.crest_arch else 0.0)
            place = at(0, low + (high - low) * (i + 0.5) / p.rungs)
            yield panel("rung", "frame", rail, post * 0.5, place, lean=lean, bend=bend)
        return
    yield bar("rail", "frame", at(-1, low), at(1, low), post * 0.8)
    between = at(0, (low + high) / 2)
    if p.back == "panel":
        shape = rounded(2 * half * 0.86, (high - low) * tall * 0.92, 2.0)
        yield upright_cushion("back", p.back_material, shape, 3.0, 0.04, between, lean)
    elif p.back == "splat":
        w, t = p.splat_width, (high - low) * tall
        right = [(w * 0.3, -t / 2), (w * 0.22, -t * 0.25), (w * 0.5, t * 0.1), (w * 0.35, t * 0.35), (w * 0.45, t / 2)]
        left = [(-x, y) for x, y in right]
        yield panel("back", "frame", [left[0], *right, *left[:0:-1]], 1.5, between, lean=lean)
    elif p.back == "cross":
        for side in (-1, 1):
            yield bar("slat", "frame", at(side * 0.92, low), at(-side * 0.92, high), p.slat_width * 0.7, 1.5)
    else:
        for i in range(p.slats):
            x = (2 * (i + 1) / (p.slats + 1) - 1) * 0.95
            if p.back == "slats":
                yield bar("slat", "frame", at(x, low), at(x, high), p.slat_width * 0.6, 1.2)
            else:
                yield turned("spindle", "frame", at(x, low), at(x, high), TURNINGS["spindle"])


def buttons(p: Values, wide: float, tall: float, y: float, z: float, lean: float) -> Iterator[Part]:
    """Rows of three buttons on an upholstered back round (0, y, z)."""
    for row in range(p.buttons):
        for column in range(3):
            dx, dy = (column - 1) * wide * 0.28, (row - (p.buttons - 1) / 2) * tall * 0.25
            yield ball("button", "accent", (dx, y + dy, z - lean * dy), 1.5)


def arms(p: Values, corners: Corners) -> Iterator[Part]:
    """Two armrests from the back towards the front of a seat."""
    half_front, half_back, z_front, z_back = corners
    up = p.seat_height + p.arm_height
    for side in (-1, 1):
        start = (side * (half_back + 1.5), up, z_back - p.back_lean * p.arm_height)
        x, y, z = side * (half_front + 2 + p.arm_spread), up - p.arm_slope, z_back + (z_front - z_back) * p.arm_length
        foot = (side * half_front, p.seat_height - 1, z_back + (z_front - z_back) * (p.arm_length - 0.12))
        if p.arms == "loop":
            path = curve([start, (x, y, z), (x, y - 4, z + 3), foot], 4)
            yield tube("arm", "metal", path, p.leg_thick * 0.35)
            continue
        if p.arms == "padded":
            yield bar("arm", "fabric", start, (x, y, z), 5.0, 4.0)
        else:
            yield bar("arm", "frame", start, (x, y, z), p.leg_thick * 1.1, p.leg_thick * 0.6)
        kind = p.leg if p.leg in TURNINGS else "square"
        yield leg(kind, "frame", (x, y, z - 3), foot, p.leg_thick * 0.8, "arm post")

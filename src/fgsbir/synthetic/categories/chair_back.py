"""Back rests and arms of chairs."""

from fgsbir.synthetic.categories.legs import TURNINGS, leg
from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.grammar import Values
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import (
    arched,
    ball,
    bar,
    curve,
    panel,
    rounded,
    tube,
    turned,
    upright_cushion,
)


def back(p: Values, half: float, z: float, surface: float) -> list[Part]:
    """The back rest: two posts with what stands between them, or one body."""
    h, tall, lean = p.seat_height, p.back_height, p.back_lean
    wide = 2 * half * p.back_flare

    def at(x: float, y: float) -> Vec:
        """A point of the back: x a share of its half width, y a share of its height."""
        return (x * (half + (wide / 2 - half) * y), h + y * tall, z - lean * y * tall)

    post = p.leg_thick * 0.8
    if p.back == "upholstered":
        shape = rounded(wide + 6, tall - 4, p.corner) if not p.crest_arch else arched(wide + 6, tall - 6, p.crest_rise)
        middle = (surface + h + tall) / 2
        body = upright_cushion("back", "fabric", shape, 7, 0.06, (0, middle, z - lean * tall / 2 + 1), lean)
        holders = [bar("back post", "frame", at(s * 0.6, 0), at(s * 0.6, 0.4), post * 0.7) for s in (-1, 1)]
        return [*holders, body, *buttons(p, wide, tall, middle, z - lean * tall / 2 + 4.6, lean)]
    if p.back == "shell":
        shape = (
            arched(wide + 8, tall * 0.8, p.crest_rise + 4) if p.crest_arch else rounded(wide + 8, tall * 0.8, p.corner)
        )
        return [
            panel("back", "seat", shape, 2.0, (0, h + tall * 0.41, z - lean * tall * 0.4), lean=lean, bend=p.back_bend)
        ]
    parts: list[Part] = []
    if p.back == "hoop":
        path = curve([at(-1, 0), at(-1.06, 0.5), at(-0.75, 0.88), at(0, 1), at(0.75, 0.88), at(1.06, 0.5), at(1, 0)], 3)
        parts.append(tube("back post", "frame", path, post * 0.45))
        for i in range(p.slats):
            x = (2 * (i + 1) / (p.slats + 1) - 1) * 0.86
            parts.append(bar("spindle", "frame", at(x * 0.8, 0.02), at(x, 0.95 - 0.32 * x * x), p.slat_width * 0.25))
        return parts
    for side in (-1, 1):
        parts += leg("square" if p.leg == "square" else "round", "frame", at(side, 1.0), at(side, 0), post, "back post")
    if p.finials:
        parts += [ball("finial", "frame", at(side, 1.04), post * 0.7) for side in (-1, 1)]
    crest = p.crest_height
    shape = arched(wide + 2 * post, crest, p.crest_rise if p.crest_arch else 0.0)
    top = at(0, 1)
    parts.append(
        panel(
            "crest",
            "frame",
            shape,
            post * 0.7,
            (0, top[1] - crest / 2, top[2] + lean * crest / 2),
            lean=lean,
            bend=p.back_bend * 0.5,
        )
    )
    low, high = p.rail_height, 1 - crest / tall
    if p.back == "ladder":
        for i in range(p.rungs):
            y = low + (high - low) * (i + 0.5) / (p.rungs + 0.0)
            rail = arched(wide, p.rail_thick, p.crest_rise * 0.5 if p.crest_arch else 0.0)
            parts.append(panel("rung", "frame", rail, post * 0.5, at(0, y), lean=lean, bend=p.back_bend * 0.5))
        return parts
    parts.append(bar("rail", "frame", at(-1, low), at(1, low), post * 0.8))
    if p.back == "panel":
        shape = rounded(2 * half * 0.86, (high - low) * tall * 0.92, 2.0)
        parts.append(upright_cushion("back", p.back_material, shape, 3.0, 0.04, at(0, (low + high) / 2), lean))
    elif p.back == "splat":
        w, t = p.splat_width, (high - low) * tall
        shape = [
            (-w * 0.3, -t / 2),
            (w * 0.3, -t / 2),
            (w * 0.22, -t * 0.25),
            (w * 0.5, t * 0.1),
            (w * 0.35, t * 0.35),
            (w * 0.45, t / 2),
            (-w * 0.45, t / 2),
            (-w * 0.35, t * 0.35),
            (-w * 0.5, t * 0.1),
            (-w * 0.22, -t * 0.25),
        ]
        parts.append(panel("back", "frame", shape, 1.5, at(0, (low + high) / 2), lean=lean))
    elif p.back == "cross":
        parts.append(bar("slat", "frame", at(-0.92, low), at(0.92, high), p.slat_width * 0.7, 1.5))
        parts.append(bar("slat", "frame", at(0.92, low), at(-0.92, high), p.slat_width * 0.7, 1.5))
    else:
        for i in range(p.slats):
            x = (2 * (i + 1) / (p.slats + 1) - 1) * 0.95
            if p.back == "slats":
                parts.append(bar("slat", "frame", at(x, low), at(x, high), p.slat_width * 0.6, 1.2))
            else:
                parts.append(
                    turned("spindle", "frame", at(x, low), at(x, high), [(t, r * 1.0) for t, r in TURNINGS["spindle"]])
                )
    return parts


def buttons(p: Values, wide: float, tall: float, y: float, z: float, lean: float) -> list[Part]:
    """Rows of three buttons on an upholstered back round (0, y, z)."""
    found: list[Part] = []
    for row in range(p.buttons):
        for column in range(3):
            dx, dy = (column - 1) * wide * 0.28, (row - (p.buttons - 1) / 2) * tall * 0.25
            found.append(ball("button", "accent", (dx, y + dy, z - lean * dy), 1.5))
    return found


def arms(p: Values, half_front: float, half_back: float, z_front: float, z_back: float, h: float) -> list[Part]:
    """Two armrests from the back towards the front of a seat at height ``h``."""
    parts: list[Part] = []
    up = h + p.arm_height
    for side in (-1, 1):
        back_end = (side * (half_back + 1.5), up, z_back - p.back_lean * p.arm_height)
        front_end = (
            side * (half_front + 2 + p.arm_spread),
            up - p.arm_slope,
            z_back + (z_front - z_back) * p.arm_length,
        )
        foot = (side * half_front, h - 1, z_back + (z_front - z_back) * (p.arm_length - 0.12))
        if p.arms == "loop":
            bend = (front_end[0], front_end[1] - 4, front_end[2] + 3)
            parts.append(tube("arm", "metal", curve([back_end, front_end, bend, foot], 4), p.leg_thick * 0.35))
            continue
        if p.arms == "padded":
            parts.append(bar("arm", "fabric", back_end, front_end, 5.0, 4.0))
        else:
            parts.append(bar("arm", "frame", back_end, front_end, p.leg_thick * 1.1, p.leg_thick * 0.6))
        kind = p.leg if p.leg in TURNINGS else "square"
        parts += leg(kind, "frame", (front_end[0], front_end[1], front_end[2] - 3), foot, p.leg_thick * 0.8, "arm post")
    return parts

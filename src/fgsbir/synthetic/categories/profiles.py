"""Outlines of turned vessels, and the handles that stand on them."""

import itertools
from collections.abc import Sequence

from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import (
    curve,
    tube,
)

Profile = list[tuple[float, float]]


def body_profile(shape: str, height: float, foot: float, belly: float, rim: float, at: float) -> Profile:
    """A vessel's outline: heights and radii from foot to rim; ``at`` is the share of the height where it is widest."""
    if shape == "straight":
        return [(0, foot * 0.96), (height * 0.04, foot), (height, rim)]
    if shape == "cone":
        return [(0, belly), (height * 0.06, belly * 1.02), (height, rim * 0.8)]
    if shape == "shouldered":
        return [
            (0, foot),
            (height * at, belly),
            (height * min(0.92, at + 0.2), belly),
            (height * 0.95, rim),
            (height, rim),
        ]
    found = []
    for i in range(9):
        t = i / 8
        if t < at:
            k = 1 - ((at - t) / at) ** 2
            found.append((height * t, foot + (belly - foot) * k))
        else:
            k = 1 - ((t - at) / (1 - at)) ** 2
            found.append((height * t, rim + (belly - rim) * k))
    return found


def radius_at(profile: Sequence[tuple[float, float]], y: float) -> float:
    """Radius of a profile at height ``y``."""
    for (y0, r0), (y1, r1) in itertools.pairwise(profile):
        if y0 <= y <= y1:
            return r0 + (r1 - r0) * (y - y0) / max(y1 - y0, 1e-6)
    return profile[-1][1]


def ear(
    role: str, kind: str, profile: Profile, low: float, high: float, reach: float, thick: float, side: float
) -> Part:
    """A handle on a vessel's side (``side`` 1 right, -1 left) between two heights."""
    a, b = side * radius_at(profile, high) * 0.97, side * radius_at(profile, low) * 0.97
    out = side * reach
    if kind == "square":
        path: list[Vec] = [(a, high, 0), (a + out, high, 0), (a + out * 0.95, low, 0), (b, low, 0)]
    elif kind == "ear":
        path = curve([(a, high, 0), (a + out, high + 1, 0), (a + out * 0.9, (low + high) / 2, 0), (b, low, 0)], 4)
    else:
        middle = (low + high) / 2
        path = curve(
            [
                (a, high, 0),
                (a + out * 0.8, high - 0.5, 0),
                (a + out, middle, 0),
                (b + out * 0.7, low + 0.5, 0),
                (b, low, 0),
            ],
            3,
        )
    return tube(role, "handle", path, thick)

"""Outlines of turned vessels, and the handles that stand on them."""

import itertools
from collections.abc import Sequence

from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.grammar import Values
from fgsbir.synthetic.round import Round
from fgsbir.synthetic.shapes import curve, tube

Profile = list[tuple[float, float]]


def body_profile(p: Values) -> Profile:
    """A vessel's outline: heights and radii from foot to rim; ``p.widest`` is the share of the height of its belly."""
    height, foot, belly, rim, at = p.height, p.foot, p.belly, p.rim, p.widest
    if p.shape == "straight":
        return [(0, foot * 0.96), (height * 0.04, foot), (height, rim)]
    if p.shape == "cone":
        return [(0, belly), (height * 0.06, belly * 1.02), (height, rim * 0.8)]
    if p.shape == "shouldered":
        shoulder = height * min(0.92, at + 0.2)
        return [(0, foot), (height * at, belly), (shoulder, belly), (height * 0.95, rim), (height, rim)]
    found = []
    for i in range(9):
        t = i / 8
        end, k = (foot, (at - t) / at) if t < at else (rim, (t - at) / (1 - at))
        found.append((height * t, end + (belly - end) * (1 - k**2)))
    return found


def radius_at(profile: Sequence[tuple[float, float]], y: float) -> float:
    """Radius of a profile at height ``y``."""
    for (y0, r0), (y1, r1) in itertools.pairwise(profile):
        if y0 <= y <= y1:
            return r0 + (r1 - r0) * (y - y0) / max(y1 - y0, 1e-6)
    return profile[-1][1]


def ear(kind: str, profile: Profile, low: float, high: float, out: float, thick: float) -> Round:
    """A handle on a vessel's right side between two heights, which reaches ``out`` from it."""
    a, b, middle = radius_at(profile, high) * 0.97, radius_at(profile, low) * 0.97, (low + high) / 2
    if kind == "square":
        path: list[Vec] = [(a, high, 0), (a + out, high, 0), (a + out * 0.95, low, 0), (b, low, 0)]
    elif kind == "ear":
        path = curve([(a, high, 0), (a + out, high + 1, 0), (a + out * 0.9, middle, 0), (b, low, 0)], 4)
    else:
        upper, lower = (a + out * 0.8, high - 0.5, 0), (b + out * 0.7, low + 0.5, 0)
        path = curve([(a, high, 0), upper, (a + out, middle, 0), lower, (b, low, 0)], 3)
    return tube("handle", "handle", path, thick)

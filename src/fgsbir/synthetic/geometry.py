"""Vectors, and the parallel projection from product space to the picture.

Product space: x to the product's left-right, y up, z towards its front, units of about a
centimetre. Pictures: 256 x 256, x right, y down. Projected points are rounded to 1/16 pixel, so that
the last bits of sine and cosine, which differ between processors, never reach a picture.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import ConvexHull, QhullError

Vec = tuple[float, float, float]
Point = tuple[float, float]

PICTURE = 256
GRAIN = 16.0


def add(a: Vec, b: Vec) -> Vec:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def sub(a: Vec, b: Vec) -> Vec:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def scaled(a: Vec, k: float) -> Vec:
    return (a[0] * k, a[1] * k, a[2] * k)


def dot(a: Vec, b: Vec) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vec, b: Vec) -> Vec:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def unit(a: Vec) -> Vec:
    """``a`` at length 1; a vector without length comes back as (0, 0, 0)."""
    length = math.sqrt(dot(a, a))
    return scaled(a, 1 / length) if length > 1e-9 else (0.0, 0.0, 0.0)


def blend(a: Vec, b: Vec, t: float) -> Vec:
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def mean(points: Sequence[Vec]) -> Vec:
    """The middle of some points."""
    n = len(points)
    return (sum(p[0] for p in points) / n, sum(p[1] for p in points) / n, sum(p[2] for p in points) / n)


def loop_normal(loop: Sequence[Vec]) -> Vec:
    """Unit normal of a closed loop by Newell's sum, which also serves loops that are not quite plane."""
    x = y = z = 0.0
    for a, b in zip(loop, (*loop[1:], loop[0]), strict=True):
        x += (a[1] - b[1]) * (a[2] + b[2])
        y += (a[2] - b[2]) * (a[0] + b[0])
        z += (a[0] - b[0]) * (a[1] + b[1])
    return unit((x, y, z))


def convex_hull(points: Iterable[Point]) -> list[Point]:
    """The corners of the convex hull in turn, from the leftmost on; of points on a line, its ends."""
    ordered = sorted(set(points))
    try:
        corners = ConvexHull(ordered).vertices
    except (QhullError, ValueError):  # fewer than three points, or all on a line
        return sorted({ordered[0], ordered[-1]})
    return [ordered[corner] for corner in np.roll(corners, -corners.argmin())]


@dataclass(frozen=True, slots=True)
class View:
    """A parallel projection: picture x and y axes, the direction to the viewer, scale and place."""

    right: Vec
    up: Vec
    toward: Vec
    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def project(self, p: Vec) -> Point:
        """Picture coordinates of ``p``, rounded to 1/16 pixel."""
        x = self.x + self.scale * dot(p, self.right)
        y = self.y - self.scale * dot(p, self.up)
        return (math.floor(x * GRAIN + 0.5) / GRAIN, math.floor(y * GRAIN + 0.5) / GRAIN)

    def depth(self, p: Vec) -> float:
        """Nearness to the viewer, rounded so that ties stay ties on every processor."""
        return round(dot(p, self.toward), 4)

    def fitted(self, points: Sequence[Vec], side: float, x: float, y: float) -> "View":
        """The same view, scaled so that ``points`` span ``side`` pixels, their box centred on (x, y)."""
        across = [dot(p, self.right) for p in points]
        upward = [dot(p, self.up) for p in points]
        low_x, high_x, low_y, high_y = min(across), max(across), min(upward), max(upward)
        scale = side / max(high_x - low_x, high_y - low_y, 1e-6)
        return replace(self, scale=scale, x=x - scale * (low_x + high_x) / 2, y=y + scale * (low_y + high_y) / 2)


def look(yaw: float, pitch: float, roll: float, mirrored: bool) -> View:
    """A view from ``yaw`` degrees to the side and ``pitch`` degrees above, the picture rolled by ``roll`` degrees."""
    a, b, c = (math.radians(angle) for angle in (yaw, pitch, roll))
    toward = (math.sin(a) * math.cos(b), math.sin(b), math.cos(a) * math.cos(b))
    right = (math.cos(a), 0.0, -math.sin(a))
    up = cross(toward, right)
    turned_right = add(scaled(right, math.cos(c)), scaled(up, math.sin(c)))
    turned_up = sub(scaled(up, math.cos(c)), scaled(right, math.sin(c)))
    if mirrored:
        turned_right = scaled(turned_right, -1.0)
    return View(turned_right, turned_up, toward)

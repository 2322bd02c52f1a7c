"""A drawing as it lies on the canvas: areas, shapes with their paints and clips, and the page that holds them.

Points are complex numbers, x + iy.
"""

from dataclasses import dataclass, field

import numpy as np

OPAQUE = 0.9
SHOWN = 0.2  # of a mask's light, from which what it masks is seen

Paint = tuple[np.ndarray, float]  # red, green and blue of 255, and the opacity


@dataclass(slots=True, kw_only=True)
class Region:
    """An area: its outlines, complex (m,) each, which of them are closed, and the rule that says what is inside.

    With a ``pen`` it is what a line of that width covers, ``capped`` beyond its ends. In a mask it is painted in a
    ``light`` of 0 to 1. It is there where the regions of each of its ``clips`` are, painted in their order.
    """

    even_odd: bool
    pen: float = 0.0
    capped: bool = False
    light: float = 1.0
    opacity: float = 1.0
    clips: tuple[list["Region"], ...] = ()
    lines: list[np.ndarray] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Layer:
    """Shapes that are painted on their own, and then together on what is beneath: paler, like ink ("multiply"), or like
    light ("screen").
    """

    opacity: float
    blend: str
    shapes: list["Shape"] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Shape(Region):
    """One path in canvas pixels, and how it is painted."""

    fill: Paint | None
    stroke: Paint | None
    width: float  # of the stroke
    layer: Layer | None


@dataclass(slots=True)
class Page:
    """A drawing's shapes in their order, the corners of its viewport on the canvas, and its pictures as data URLs.

    What lies beyond the viewport is seen up to a ``margin``.
    """

    low: complex
    high: complex
    margin: float = 0.0
    shapes: list[Shape] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


def cutting_clips(shape: Shape) -> tuple[list[Region], ...]:
    """The clips of a shape that are no box around all of it."""
    if not shape.clips:
        return ()
    points, pen = np.concatenate(shape.lines), shape.width / 2 if shape.stroke else 0.0
    box = points.real.min() - pen, points.imag.min() - pen, points.real.max() + pen, points.imag.max() + pen
    return tuple(
        clip for clip in shape.clips if not (all(map(_is_light, clip)) and any(_holds(one, box) for one in clip))
    )


def _holds(region: Region, box: tuple[float, float, float, float]) -> bool:
    """Whether a region is an upright rectangle with a box, its left, top, right and bottom, in it."""
    outline = np.concatenate(region.lines)
    steps = np.diff(outline)
    if len(region.lines) > 1 or len(outline) != 5 or region.pen or (steps.real * steps.imag).any():
        return False
    x, y = outline.real, outline.imag
    return bool(x.min() <= box[0] and y.min() <= box[1] and x.max() >= box[2] and y.max() >= box[3])


def _is_light(region: Region) -> bool:
    return region.light >= SHOWN and region.opacity == 1 and not region.clips

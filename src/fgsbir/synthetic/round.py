"""Round bodies along a path: tubes, turned legs, vessels, wheels and knobs."""

import itertools
import math
from dataclasses import dataclass

from fgsbir.synthetic.geometry import Point, Vec, View, add, blend, cross, dot, scaled, sub, unit
from fgsbir.synthetic.parts import Face, Line, Part, texture_frame

# Of each ring: axis, the direction across as the viewer sees it, the direction to the viewer.
Frames = list[tuple[Vec, Vec, Vec]]


@dataclass(frozen=True, slots=True)
class Round(Part):
    """A round body along a path: ``rings`` are (centre, radius). Tubes, turned legs, vessels, wheels, knobs.

    ``hollow`` shows the last ring as an opening. ``marks`` are rings that a drawing may show as a
    moulding. ``bands`` is the number of facets across the visible half.
    """

    rings: tuple[tuple[Vec, float], ...] = ()
    hollow: bool = False
    marks: tuple[int, ...] = ()
    bands: int = 4

    def points(self) -> list[Vec]:
        found = []
        for (centre, radius), axis in zip(self.rings, self._axes(), strict=True):
            for direction in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)):
                reach = radius * math.sqrt(max(0.0, 1 - dot(direction, axis) ** 2))
                found.append(add(centre, scaled(direction, reach)))
                found.append(sub(centre, scaled(direction, reach)))
        return found

    def _axes(self) -> list[Vec]:
        centres = [centre for centre, _ in self.rings]
        axes: list[Vec] = []
        for i in range(len(centres)):
            axis = unit(sub(centres[min(i + 1, len(centres) - 1)], centres[max(i - 1, 0)]))
            axes.append(axis if dot(axis, axis) > 0.5 else (axes[-1] if axes else (0.0, 1.0, 0.0)))
        return axes

    def _frames(self, view: View) -> Frames:
        frames: Frames = []
        for axis in self._axes():
            across = cross(axis, view.toward)
            if dot(across, across) < 4e-3:
                across = frames[-1][1] if frames else cross(axis, view.up)
            across = unit(across)
            if frames and dot(across, frames[-1][1]) < 0:
                across = scaled(across, -1.0)
            near = cross(across, axis)
            if dot(near, view.toward) < 0:
                near = scaled(near, -1.0)
            frames.append((axis, across, near))
        return frames

    def _ring(self, view: View, frames: Frames, index: int, first: float, last: float, steps: int) -> list[Point]:
        """Picture points of a ring from angle ``first`` to ``last`` degrees; 0 is nearest to the viewer."""
        (centre, radius), (_, across, near) = self.rings[index], frames[index]
        found = []
        for step in range(steps + 1):
            angle = math.radians(first + (last - first) * step / steps)
            out = add(scaled(across, math.sin(angle)), scaled(near, math.cos(angle)))
            found.append(view.project(add(centre, scaled(out, radius))))
        return found

    def faces(self, view: View) -> list[Face]:
        frames = self._frames(view)
        middles = [view.depth(blend(a, b, 0.5)) for (a, _), (b, _) in itertools.pairwise(self.rings)]
        found: list[Face] = []
        for i in sorted(range(len(middles)), key=middles.__getitem__):
            (low, low_radius), (high, high_radius) = self.rings[i], self.rings[i + 1]
            length = math.sqrt(dot(sub(high, low), sub(high, low)))
            slope = (low_radius - high_radius) / max(length, 1e-6)
            whole = abs(slope) > 0.4
            first, last, bands = (-180.0, 180.0, 3 * self.bands) if whole else (-90.0, 90.0, self.bands)
            a, b = self._ring(view, frames, i, first, last, bands), self._ring(view, frames, i + 1, first, last, bands)
            axis, across, near = frames[i]
            strips = []
            for band in range(bands):
                angle = math.radians(first + (last - first) * (band + 0.5) / bands)
                out = add(scaled(across, math.sin(angle)), scaled(near, math.cos(angle)))
                normal = unit(add(out, scaled(axis, slope)))
                if dot(normal, view.toward) > 0:
                    frame = texture_frame(view, low, scaled(across, 1.0), axis) if self.bands > 5 else None
                    strips.append((math.cos(angle), Face([a[band], a[band + 1], b[band + 1], b[band]], normal, frame)))
            found += [face for _, face in sorted(strips, key=lambda strip: round(strip[0], 6))]
        found += [cap for index in (0, len(self.rings) - 1) if (cap := self._cap(view, frames, index))]
        return found

    def _cap(self, view: View, frames: Frames, index: int) -> Face | None:
        """The disc at an end, where it faces the viewer."""
        axis = frames[index][0]
        outward = axis if index else scaled(axis, -1.0)
        if self.rings[index][1] < 1e-6 or dot(outward, view.toward) <= 1e-3:
            return None
        dark = 0.45 if self.hollow and index else 1.0
        return Face(self._ring(view, frames, index, 0, 345, 23), outward, None, dark)

    def outlines(self, view: View) -> list[Line]:
        last = len(self.rings) - 1
        frames = self._frames(view)
        reaches = [(centre, scaled(across, r)) for (centre, r), (_, across, _) in zip(self.rings, frames, strict=True)]
        left = [view.project(sub(centre, reach)) for centre, reach in reaches]
        right = [view.project(add(centre, reach)) for centre, reach in reaches]
        discs: list[Line] = []
        arcs: dict[int, list[Point] | None] = {}  # None: an end whose whole disc is seen
        for index in (0, last):
            axis = frames[index][0]
            tilt = dot(axis if index else scaled(axis, -1.0), view.toward)
            arcs[index] = []
            if self.rings[index][1] * view.scale > 2 and abs(tilt) > 0.04:
                arcs[index] = None if tilt > 0 else self._ring(view, frames, index, -90, 90, 6)[1:-1]
                if tilt > 0:
                    discs.append(Line(self._ring(view, frames, index, -90, 255, 15), "outline", True))
        start, end = arcs[0], arcs[last]
        if start is None and end is None:
            found = [Line(left, "outline"), Line(right, "outline")]
        elif end is None:
            found = [Line([*reversed(left), *(start or []), *right], "outline")]
        elif start is None:
            found = [Line([*left, *end, *reversed(right)], "outline")]
        else:
            found = [Line([*left, *end, *reversed(right), *reversed(start)], "outline", True)]
        found += discs
        found += [Line(self._ring(view, frames, index, -90, 90, 8), "detail") for index in self.marks]
        return found

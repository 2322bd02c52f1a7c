"""What every product is made of: solids between loops, round bodies along a path, and surface details.

A part knows its faces (for photos) and its lines (for sketches), both from one geometry, so that a
sketch and a photo of one product agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fgsbir.data.synthetic.geometry import (
    Point,
    Vec,
    View,
    add,
    blend,
    convex_hull,
    cross,
    dot,
    loop_normal,
    mean,
    scaled,
    sub,
    unit,
)

SHARP = 0.80  # cosine between neighbouring edges, below which a corner counts as a corner


@dataclass(frozen=True, slots=True)
class Face:
    """One visible polygon: picture points, unit normal, and the texture frame (origin, u and v of one unit)."""

    points: list[Point]
    normal: Vec
    frame: tuple[Point, Point, Point] | None = None
    dark: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a drawing can show.

    ``kind``: "outline" (the part's silhouette), "inner" (an edge between two visible faces),
    "detail" (a seam or a moulding) or "spine" (what a thin part shrinks to).
    """

    points: list[Point]
    kind: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """A line on a part's surface, visible from the side that ``normal`` points to."""

    points: tuple[Vec, ...]
    normal: Vec
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a product: what it is (``role``) and which of the product's materials it is made of."""

    role: str
    material: str
    details: tuple[Detail, ...] = ()
    spine: tuple[Vec, ...] = ()
    width: float = 1e9  # product units; with ``spine``, below which a drawing may use one line

    def points(self) -> list[Vec]:
        raise NotImplementedError

    def faces(self, view: View) -> list[Face]:
        raise NotImplementedError

    def outlines(self, view: View) -> list[Line]:
        raise NotImplementedError

    def lines(self, view: View) -> list[Line]:
        """Outlines, inner edges, visible details, and the spine of a thin part."""
        found = self.outlines(view)
        for detail in self.details:
            if dot(detail.normal, view.toward) > 0.08:
                found.append(Line([view.project(p) for p in detail.points], "detail", detail.closed))
        if self.spine:
            found.append(Line([view.project(p) for p in self.spine], "spine"))
        return found


@dataclass(frozen=True, slots=True)
class Solid(Part):
    """A body stretched over two or more loops of equally many points; the first and last are its caps.

    ``soft`` marks a convex body without hard edges (a cushion): its outline is its hull, and the
    loop of the visible cap is only a seam.
    """

    loops: tuple[tuple[Vec, ...], ...] = ()
    soft: bool = False

    def points(self) -> list[Vec]:
        return [p for loop in self.loops for p in loop]

    def _sides(self, view: View) -> list[tuple[int, int, Vec]]:
        """Visible side faces as (lower loop, point, normal)."""
        axis = sub(mean(self.loops[-1]), mean(self.loops[0]))
        sign = 1.0 if dot(loop_normal(self.loops[-1]), axis) >= 0 else -1.0
        seen = []
        for layer in range(len(self.loops) - 1):
            low, high = self.loops[layer], self.loops[layer + 1]
            n = len(low)
            for i in range(n):
                j = (i + 1) % n
                rise = sub(blend(high[i], high[j], 0.5), blend(low[i], low[j], 0.5))
                run = add(sub(low[j], low[i]), sub(high[j], high[i]))
                normal = scaled(unit(cross(run, rise)), sign)
                if dot(normal, view.toward) > 1e-3:
                    seen.append((layer, i, normal))
        return seen

    def _caps(self, view: View) -> list[tuple[int, Vec]]:
        axis = sub(mean(self.loops[-1]), mean(self.loops[0]))
        caps = []
        for index, away in ((0, -1.0), (len(self.loops) - 1, 1.0)):
            normal = loop_normal(self.loops[index])
            if dot(normal, axis) * away < 0:
                normal = scaled(normal, -1.0)
            if dot(normal, view.toward) > 1e-3:
                caps.append((index, normal))
        return caps

    def faces(self, view: View) -> list[Face]:
        flat = [[view.project(p) for p in loop] for loop in self.loops]
        found = []
        sides = self._sides(view)
        rising = dot(sub(mean(self.loops[-1]), mean(self.loops[0])), view.toward) >= 0
        for layer, i, normal in sorted(sides, key=lambda side: side[0] if rising else -side[0]):
            low, high = flat[layer], flat[layer + 1]
            j = (i + 1) % len(low)
            points = [low[i], low[j], high[j], high[i]]
            a, b = self.loops[layer][i], self.loops[layer][j]
            along = unit(sub(b, a))
            found.append(Face(points, normal, _frame(view, a, along, unit(cross(normal, along)))))
        for index, normal in self._caps(view):
            loop = self.loops[index]
            flat_x = unit(sub((1.0, 0.0, 0.0), scaled(normal, normal[0])))
            along = flat_x if abs(normal[0]) < 0.9 else (0.0, 0.0, 1.0)
            found.append(Face(flat[index], normal, _frame(view, mean(loop), along, unit(cross(normal, along)))))
        return found

    def outlines(self, view: View) -> list[Line]:
        caps = self._caps(view)
        if self.soft:
            hull = convex_hull(view.project(p) for p in self.points())
            lines = [Line(hull, "outline", True)]
            lines += [Line([view.project(p) for p in self.loops[index]], "inner", True) for index, _ in caps]
            return lines
        lines = [Line([view.project(p) for p in self.loops[index]], "outline", True) for index, _ in caps]
        shown = {index for index, _ in caps}
        layers = len(self.loops) - 1
        n = len(self.loops[0])
        for layer in range(layers):
            visible = {i for at, i, _ in self._sides(view) if at == layer}
            for row in (layer, layer + 1):
                if row not in shown and (row in (0, layers)):
                    for run in _runs(visible, n):
                        chain = [self.loops[row][i % n] for i in (*run, run[-1] + 1)]
                        if len(run) < n:
                            other = self.loops[layer if row == layer + 1 else layer + 1]
                            chain = [other[run[0] % n], *chain, other[(run[-1] + 1) % n]]
                        lines.append(Line([view.project(p) for p in chain], "outline", len(run) == n))
            for i in sorted(visible):
                if (i - 1) % n in visible and self._corner(layer, i):
                    ends = (self.loops[layer][i], self.loops[layer + 1][i])
                    lines.append(Line([view.project(p) for p in ends], "inner"))
        return lines

    def _corner(self, layer: int, i: int) -> bool:
        loop = self.loops[layer]
        before, after = unit(sub(loop[i], loop[i - 1])), unit(sub(loop[(i + 1) % len(loop)], loop[i]))
        return dot(before, after) < SHARP


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
        axes = self._axes()
        for (centre, radius), axis in zip(self.rings, axes, strict=True):
            for direction in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)):
                reach = radius * math.sqrt(max(0.0, 1 - dot(direction, axis) ** 2))
                found.append(add(centre, scaled(direction, reach)))
                found.append(sub(centre, scaled(direction, reach)))
        return found

    def _axes(self) -> list[Vec]:
        centres = [centre for centre, _ in self.rings]
        axes = []
        for i in range(len(centres)):
            axis = unit(sub(centres[min(i + 1, len(centres) - 1)], centres[max(i - 1, 0)]))
            axes.append(axis if dot(axis, axis) > 0.5 else (axes[-1] if axes else (0.0, 1.0, 0.0)))
        return axes

    def _frames(self, view: View) -> list[tuple[Vec, Vec, Vec]]:
        """For each ring: axis, the direction across as the viewer sees it, the direction to the viewer."""
        frames: list[tuple[Vec, Vec, Vec]] = []
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

    def _ring(self, view: View, index: int, first: float, last: float, steps: int) -> list[Point]:
        """Picture points of a ring from angle ``first`` to ``last`` degrees; 0 is nearest to the viewer."""
        (centre, radius), (_, across, near) = self.rings[index], self._frames(view)[index]
        found = []
        for step in range(steps + 1):
            angle = math.radians(first + (last - first) * step / steps)
            out = add(scaled(across, math.sin(angle)), scaled(near, math.cos(angle)))
            found.append(view.project(add(centre, scaled(out, radius))))
        return found

    def faces(self, view: View) -> list[Face]:
        frames = self._frames(view)
        order = sorted(
            range(len(self.rings) - 1),
            key=lambda i: view.depth(blend(self.rings[i][0], self.rings[i + 1][0], 0.5)),
        )
        found: list[Face] = []
        start_cap, end_cap = self._cap(view, 0), self._cap(view, len(self.rings) - 1)
        found += [cap for cap in (start_cap, end_cap) if cap and self.hollow and cap.dark < 1]
        for i in order:
            (low, low_radius), (high, high_radius) = self.rings[i], self.rings[i + 1]
            length = math.sqrt(dot(sub(high, low), sub(high, low)))
            slope = (low_radius - high_radius) / max(length, 1e-6)
            whole = abs(slope) > 0.4
            first, last, bands = (-180.0, 180.0, 3 * self.bands) if whole else (-90.0, 90.0, self.bands)
            a, b = self._ring(view, i, first, last, bands), self._ring(view, i + 1, first, last, bands)
            axis, across, near = frames[i]
            strips = []
            for band in range(bands):
                angle = math.radians(first + (last - first) * (band + 0.5) / bands)
                out = add(scaled(across, math.sin(angle)), scaled(near, math.cos(angle)))
                normal = unit(add(out, scaled(axis, slope)))
                if dot(normal, view.toward) > 0:
                    frame = _frame(view, low, scaled(across, 1.0), axis) if self.bands > 5 else None
                    strips.append((math.cos(angle), Face([a[band], a[band + 1], b[band + 1], b[band]], normal, frame)))
            found += [face for _, face in sorted(strips, key=lambda strip: round(strip[0], 6))]
        found += [cap for cap in (start_cap, end_cap) if cap and not (self.hollow and cap.dark < 1)]
        if self.hollow and end_cap and end_cap.dark < 1:
            found.append(end_cap)
        return found

    def _cap(self, view: View, index: int) -> Face | None:
        """The disc at an end, where it faces the viewer."""
        axis = self._axes()[index]
        outward = axis if index else scaled(axis, -1.0)
        if self.rings[index][1] < 1e-6 or dot(outward, view.toward) <= 1e-3:
            return None
        dark = 0.45 if self.hollow and index else 1.0
        return Face(self._ring(view, index, 0, 345, 23), outward, None, dark)

    def outlines(self, view: View) -> list[Line]:
        last = len(self.rings) - 1
        frames = self._frames(view)
        left, right = (
            [
                view.project(add(centre, scaled(across, side * radius)))
                for (centre, radius), (_, across, _) in zip(self.rings, frames, strict=True)
            ]
            for side in (-1.0, 1.0)
        )
        discs: list[Line] = []
        arcs: dict[int, list[Point] | None] = {}  # None: an end whose whole disc is seen
        for index in (0, last):
            axis = frames[index][0]
            tilt = dot(axis if index else scaled(axis, -1.0), view.toward)
            arcs[index] = []
            if self.rings[index][1] * view.scale > 2 and abs(tilt) > 0.04:
                arcs[index] = None if tilt > 0 else self._ring(view, index, -90, 90, 6)[1:-1]
                if tilt > 0:
                    discs.append(Line(self._ring(view, index, -90, 255, 15), "outline", True))
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
        found += [Line(self._ring(view, index, -90, 90, 8), "detail") for index in self.marks]
        return found


def _frame(view: View, origin: Vec, u: Vec, v: Vec) -> tuple[Point, Point, Point]:
    o = view.project(origin)
    return (
        o,
        (round(view.scale * dot(u, view.right), 4), round(-view.scale * dot(u, view.up), 4)),
        (round(view.scale * dot(v, view.right), 4), round(-view.scale * dot(v, view.up), 4)),
    )


def _runs(members: set[int], n: int) -> list[list[int]]:
    """Runs of neighbouring numbers on a ring of ``n``; numbers past n - 1 wrap round."""
    if len(members) == n:
        return [list(range(n))]
    found = []
    for start in sorted(members):
        if (start - 1) % n in members:
            continue
        run = [start]
        while (run[-1] + 1) % n in members:
            run.append(run[-1] + 1)
        found.append(run)
    return found


def box_of(points: Sequence[Vec]) -> tuple[Vec, Vec]:
    """Lowest and highest corner of the box round ``points``."""
    xs, ys, zs = zip(*points, strict=True)
    return (min(xs), min(ys), min(zs)), (max(xs), max(ys), max(zs))


def back_to_front(parts: Sequence[Part], view: View) -> list[int]:
    """Painting order: positions of ``parts``, farthest first.

    Two parts whose boxes some axis keeps apart are ordered exactly by the side the viewer is on;
    the rest, and cycles, by the nearness of their centres.
    """
    boxes = [box_of(part.points()) for part in parts]
    centres = [view.depth(mean([low, high])) for low, high in boxes]
    flat = []
    for low, high in boxes:
        corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
        xs, ys = zip(*(view.project(c) for c in corners), strict=True)
        flat.append((min(xs), min(ys), max(xs), max(ys)))
    behind: list[set[int]] = [set() for _ in parts]
    for a in range(len(parts)):
        for b in range(a):
            fa, fb = flat[a], flat[b]
            if fa[0] > fb[2] or fb[0] > fa[2] or fa[1] > fb[3] or fb[1] > fa[3]:
                continue
            best, front = 0.0, 0
            for axis in range(3):
                gap_ab = boxes[a][0][axis] - boxes[b][1][axis]
                gap_ba = boxes[b][0][axis] - boxes[a][1][axis]
                side = view.toward[axis]
                for gap, sign in ((gap_ab, 1), (gap_ba, -1)):
                    weight = (gap + 0.9) * abs(side)
                    if gap > -0.9 and weight > best:
                        best, front = round(weight, 6), (1 if side * sign > 0 else -1)
            if not front:
                front = 1 if centres[a] >= centres[b] else -1
            if front > 0:
                behind[a].add(b)
            else:
                behind[b].add(a)
    left = sorted(range(len(parts)), key=lambda i: (centres[i], i))
    order: list[int] = []
    while left:
        free = next((i for i in left if not behind[i].intersection(left)), left[0])
        left.remove(free)
        order.append(free)
    return order

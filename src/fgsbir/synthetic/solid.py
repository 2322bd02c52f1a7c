"""Solids: bodies stretched over loops, from boxes and panels to cushions."""

import math
from dataclasses import dataclass

from fgsbir.synthetic.geometry import (
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
from fgsbir.synthetic.parts import Face, Line, Part, texture_frame

THICK = 8.0  # pixels; the edges of a thinner slab are inner lines, which a drawing may leave out
SHARP = 0.80  # cosine between neighbouring edges, below which a corner counts as a corner


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
            found.append(Face(points, normal, texture_frame(view, a, along, unit(cross(normal, along)))))
        for index, normal in self._caps(view):
            loop = self.loops[index]
            flat_x = unit(sub((1.0, 0.0, 0.0), scaled(normal, normal[0])))
            along = flat_x if abs(normal[0]) < 0.9 else (0.0, 0.0, 1.0)
            found.append(Face(flat[index], normal, texture_frame(view, mean(loop), along, unit(cross(normal, along)))))
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
        (ax, ay), (bx, by) = view.project(mean(self.loops[0])), view.project(mean(self.loops[-1]))
        far = "outline" if math.hypot(bx - ax, by - ay) > THICK or not caps else "inner"
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
                        lines.append(Line([view.project(p) for p in chain], far, len(run) == n))
            for i in sorted(visible):
                if (i - 1) % n in visible and self._corner(layer, i):
                    ends = (self.loops[layer][i], self.loops[layer + 1][i])
                    lines.append(Line([view.project(p) for p in ends], "inner"))
        return lines

    def _corner(self, layer: int, i: int) -> bool:
        loop = self.loops[layer]
        before, after = unit(sub(loop[i], loop[i - 1])), unit(sub(loop[(i + 1) % len(loop)], loop[i]))
        return dot(before, after) < SHARP


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

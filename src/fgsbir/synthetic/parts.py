"""What every product is made of: parts with faces and lines, and the order in which they hide one another.

A part knows its faces (for photos) and its lines (for sketches), both from one geometry, so that a
sketch and a photo of one product agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fgsbir.synthetic.geometry import Point, Vec, View, dot, mean


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


def texture_frame(view: View, origin: Vec, u: Vec, v: Vec) -> tuple[Point, Point, Point]:
    """Where a face's texture starts in the picture, and how one unit along its axes ``u`` and ``v`` runs there."""

    def run(axis: Vec) -> Point:
        return (round(view.scale * dot(axis, view.right), 4), round(-view.scale * dot(axis, view.up), 4))

    return view.project(origin), run(u), run(v)


def _box_of(points: Sequence[Vec]) -> tuple[Vec, Vec]:
    """Lowest and highest corner of the box round ``points``."""
    xs, ys, zs = zip(*points, strict=True)
    return (min(xs), min(ys), min(zs)), (max(xs), max(ys), max(zs))


def back_to_front(parts: Sequence[Part], view: View) -> list[int]:
    """Painting order: positions of ``parts``, farthest first.

    Two parts whose boxes some axis keeps apart are ordered exactly by the side the viewer is on;
    the rest, and cycles, by the nearness of their centres.
    """
    boxes = [_box_of(part.points()) for part in parts]
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
            for axis, side in enumerate(view.toward):
                for near, far, sign in ((a, b, 1), (b, a, -1)):
                    gap = boxes[near][0][axis] - boxes[far][1][axis]
                    weight = (gap + 0.9) * abs(side)
                    if gap > -0.9 and weight > best:
                        best, front = round(weight, 6), (1 if side * sign > 0 else -1)
            if not front:
                front = 1 if centres[a] >= centres[b] else -1
            near, far = (a, b) if front > 0 else (b, a)
            behind[near].add(far)
    left = sorted(range(len(parts)), key=lambda i: (centres[i], i))
    order: list[int] = []
    while left:
        free = next((i for i in left if not behind[i].intersection(left)), left[0])
        left.remove(free)
        order.append(free)
    return order

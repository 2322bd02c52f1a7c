"""Cabinets and shelves."""

from collections.abc import Iterator

from fgsbir.synthetic.categories.legs import LEGS, WOODEN, legs
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.shapes import arched, ball, bar, box, panel, rectangle


@category(
    pitch=(8, 18), materials={"frame": WOODEN, "front": WOODEN, "metal": "metal painted"},
    width=(45, 120), height=(50, 130), depth=(32, 50), leg_height=(5, 22), top=(2, 4), overhang=(0, 4), inset=(3, 10),
    leg_thick=(4, 7), splay=(0, 4), split=(0.12, 0.6), gap=(0.7, 2), stile=(4, 8), crown_rise=(5, 14),
    base=["plinth", "legs"], leg=LEGS, doors={0: 2, 1: 1, 2: 4, 3: 1}, rows=[1, 2, 3, 4], columns=[1, 2, 3],
    framed=[True, False], arched_door={False: 3, True: 1}, handle={"knob": 3, "bar": 3, "none": 1},
    crown={False: 3, True: 1},
)  # fmt: skip
def cabinet(p: Values) -> Iterator[Part]:
    """The parts of one cabinet."""
    w, h, d, low = p.width, p.height, p.depth, p.leg_height
    yield box("body", "frame", (0, low + h / 2, 0), (w, h, d))
    yield box("top", "frame", (0, low + h + p.top / 2, 0), (w + 2 * p.overhang, p.top, d + 2 * p.overhang))
    if p.base == "plinth":
        yield box("plinth", "frame", (0, low / 2, 0), (w - 2 * p.inset, low, d - 4))
    else:
        yield from legs(p, w / 2 - p.inset, d / 2 - 4, low)
    drawers, front, gap = h * p.split if p.doors else h, d / 2 + 0.6, p.gap * 2
    rows = p.rows if p.split > 0.2 or not p.doors else 0
    for row in range(rows):
        for column in range(p.columns):
            wide, tall = w / p.columns, drawers / rows
            x, y = -w / 2 + wide * (column + 0.5), low + h - tall * (row + 0.5)
            yield box("drawer", "front", (x, y, front), (wide - gap, tall - gap, 1.5))
            yield from _handle(p, x, y, front + 1.4, wide, False)
    for i in range(p.doors):
        wide, tall = w / p.doors, h - (drawers if rows else 0)
        x, y = -w / 2 + wide * (i + 0.5), low + tall / 2
        frame = rectangle(wide - gap - p.stile * 2, tall - gap - p.stile * 2)
        if p.arched_door:
            frame = arched(wide - gap - p.stile * 2, tall - gap - p.stile * 2.6, p.stile * 0.8)
        door, details = rectangle(wide - gap, tall - gap), [frame] if p.framed else []
        yield panel("door", "front", door, 1.5, (x, y, front), details=details)
        at = x + (wide / 2 - p.stile / 2 - 1) * (1 if i < p.doors / 2 else -1)
        yield from _handle(p, at, y, front + 1.4, wide, True)
    if p.crown:
        yield panel("crown", "frame", arched(w, 3, p.crown_rise), 2, (0, low + h + p.top + 1.5, -d / 2 + 1))


def _handle(p: Values, x: float, y: float, z: float, wide: float, upright: bool) -> Iterator[Part]:
    if p.handle == "knob":
        yield ball("knob", "metal", (x, y, z + 0.6), 1.7)
    elif p.handle == "bar":
        dx, dy = (0.0, 5.0) if upright else (min(8.0, wide * 0.22), 0.0)
        yield bar("handle", "metal", (x - dx, y - dy, z), (x + dx, y + dy, z), 1.6)


@category(
    pitch=(8, 18), materials={"frame": "wood painted metal", "board": WOODEN, "fabric": "fabric", "accent": "painted"},
    width=(50, 110), height=(80, 180), depth=(22, 38), board=(2, 4), foot=(2, 14), post=(2, 4.5), stagger=(0, 4),
    divide=(0.35, 0.7), book=(16, 26), rise=(6, 16), book_place=(0.1, 0.43), brace=(1, 2.6), sides=["boards", "posts"],
    shelves=[2, 3, 4, 5], back={"board": 3, "none": 2, "cross": 1}, dividers=[0, 1, 2], books=[0, 1, 2],
    offset=[0, 1, 2], top={"flat": 3, "arch": 1},
)  # fmt: skip
def shelf(p: Values) -> Iterator[Part]:
    """The parts of one shelf."""
    w, h, d, t = p.width, p.height, p.depth, p.board
    if p.sides == "boards":
        for s in (-1, 1):
            yield box("side", "frame", (s * (w - t) / 2, h / 2 + p.foot, 0), (t, h, d))
    for s in (-1, 1):
        if p.sides == "boards":
            for z in (4 - d / 2, d / 2 - 4):
                yield box("leg", "frame", (s * (w / 2 - 3), p.foot / 2, z), (4, p.foot, 4))
        else:
            x = s * (w / 2 - 1.5)
            for z in (-d / 2 + 1.5, d / 2 - 1.5):
                yield bar("post", "frame", (x, 0, z), (x, h + p.foot, z), p.post)
    levels = [p.foot + t / 2 + (h - t) * i / p.shelves for i in range(p.shelves + 1)]
    for i, y in enumerate(levels):
        shift = (p.stagger if i % 2 else -p.stagger) if 0 < i < p.shelves else 0
        yield box("shelf", "board", (0, y + shift, 0), (w - t, t, d * 0.98))
    if p.back == "board":
        yield box("back", "board", (0, p.foot + h / 2, -d / 2 + 0.5), (w - t, h, 1))
    elif p.back == "cross":
        for x in (-w / 2, w / 2):
            yield bar("brace", "frame", (x, p.foot, -d / 2), (-x, p.foot + h, -d / 2), p.brace)
    for i in range(p.dividers):
        row = (i * 2 + p.offset) % p.shelves
        low, high = levels[row], levels[row + 1]
        x = (w * p.divide - w / 2) * (1 if i % 2 else -1)
        yield box("divider", "board", (x, (low + high) / 2, 0), (t, high - low - t, d * 0.95))
    for i in range(p.books):
        row = (i + p.offset) % p.shelves
        low, high = levels[row], levels[row + 1]
        for k in range(5):
            tall = min(p.book * (0.8 + 0.08 * ((k * 7 + i) % 5)), (high - low) * 0.8)
            at = (-w * p.book_place + 3.2 * k, low + t / 2 + tall / 2, d * 0.08)
            yield box("book", ("fabric", "accent")[k % 2], at, (3, tall, d * 0.6))
    if p.top == "arch":
        yield panel("crown", "frame", arched(w, 2, p.rise), 1.6, (0, p.foot + h + 1, -d / 2 + 1))

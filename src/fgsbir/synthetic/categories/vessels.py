"""Vessels for drinks and water: mugs, teapots and watering cans."""

from collections.abc import Iterator
from dataclasses import replace

from fgsbir.synthetic.categories.profiles import body_profile, ear, radius_at
from fgsbir.synthetic.geometry import Vec
from fgsbir.synthetic.grammar import Values, category
from fgsbir.synthetic.parts import Part
from fgsbir.synthetic.round import Round
from fgsbir.synthetic.shapes import ball, bar, bow, curve, tube, vessel


@category(
    yaw=(-25, 25), pitch=(14, 32), materials={"body": "ceramic", "handle": "ceramic", "metal": "metal"},
    height=(7, 14), foot=(3, 4.6), belly=(4, 6.2), rim=(3.4, 5.8), widest=(0.25, 0.75), handle_low=(0.12, 0.4),
    handle_high=(0.66, 0.92), reach=(2, 4.6), thick=(0.4, 0.9), saucer_width=(6.4, 9), stem_height=(2, 6),
    spoon_reach=(1.0, 1.9), shape={"straight": 3, "cone": 1, "belly": 3, "shouldered": 1},
    handle={"round": 3, "square": 2, "ear": 2, "none": 1}, saucer={False: 2, True: 1}, stem={False: 4, True: 1},
    spoon={False: 4, True: 1}, bands=[0, 1, 2],
)  # fmt: skip
def mug(p: Values) -> Iterator[Part]:
    """The parts of one mug."""
    profile, y = body_profile(p), p.stem_height if p.stem else 0.0
    marks = tuple(range(1, len(profile) - 1))[: p.bands]
    yield vessel("body", "body", (0, y, 0), profile, hollow=True, marks=marks)
    if p.handle != "none":
        low, high = p.height * p.handle_low, p.height * p.handle_high
        handle = ear(p.handle, profile, low, high, p.reach, p.thick)
        yield replace(handle, rings=tuple(((a, b + y, c), r) for (a, b, c), r in handle.rings))
    if p.stem:
        r = p.foot
        stem = [(0, r * 1.05), (p.stem_height * 0.25, r * 0.5), (p.stem_height, r * 0.45)]
        yield vessel("stem", "body", (0, 0, 0), stem)
    elif p.saucer:
        yield vessel("saucer", "body", (0, -1.6, 0), [(0, p.foot * 0.9), (1.6, p.saucer_width)])
    if p.spoon:
        top = p.height + y
        yield bar("spoon", "metal", (-p.rim * 0.5, top, 0), (-p.rim * p.spoon_reach, top * 1.35, 0), 0.9)


@category(
    yaw=(-25, 25), pitch=(10, 26),
    materials={"body": "ceramic metal", "lid": "ceramic metal", "handle": "ceramic wood metal"},
    height=(9, 17), foot=(4, 6.5), belly=(6.5, 9.5), rim=(2.8, 5.2), widest=(0.3, 0.6), lid=(0.8, 3.5),
    knob_size=(0.8, 1.7), spout_low=(0.2, 0.5), spout_high=(0.75, 1.15), spout=(4, 8), spout_thick=(1.4, 2.6),
    reach=(3.5, 6.5), thick=(0.5, 1.0), shape={"belly": 4, "cone": 1.5, "shouldered": 1.5, "straight": 1},
    knob=["ball", "post", "loop"], handle=["round", "square", "ear", "over"], spout_bend=[True, False],
    collar=[True, False],
)  # fmt: skip
def teapot(p: Values) -> Iterator[Part]:
    """The parts of one teapot."""
    profile, top = body_profile(p), p.height
    yield vessel("body", "body", (0, 0, 0), profile, marks=(len(profile) - 2,) if p.collar else ())
    yield vessel("lid", "lid", (0, top, 0), [(0, p.rim), (p.lid * 0.5, p.rim * 0.8), (p.lid, p.rim * 0.25)])
    if p.knob == "ball":
        yield ball("knob", "lid", (0, top + p.lid + p.knob_size * 0.8, 0), p.knob_size)
    elif p.knob == "post":
        yield vessel("knob", "lid", (0, top + p.lid, 0), [(0, p.knob_size * 0.5), (p.knob_size * 1.4, p.knob_size)])
    else:
        y, r = top + p.lid - 0.4, p.knob_size * 1.4
        yield tube("knob", "lid", bow(r, y, r * 0.7, y + 2, 3), 0.5)
    low = p.height * p.spout_low
    root, tip = (-radius_at(profile, low) * 0.9, low, 0), (-p.belly - p.spout, p.height * p.spout_high, 0)
    bend = (-p.belly - p.spout * 0.55, low + (tip[1] - low) * (0.15 if p.spout_bend else 0.5), 0)
    yield spout(curve([root, bend, tip], 4), p.spout_thick, 0.55)
    if p.handle == "over":
        x, up = p.belly * 0.8, top + p.reach * 2.2
        ends = [(-x, top * 0.85, 0), (-x * 0.9, up * 0.9, 0)]
        path = [*ends, (0, up, 0), *((-a, b, c) for a, b, c in reversed(ends))]
        yield tube("handle", "handle", curve(path, 3), p.thick)
    else:
        yield ear(p.handle, profile, p.height * 0.22, p.height * 0.85, p.reach, p.thick)


def spout(path: list[Vec], thick: float, taper: float) -> Part:
    """A spout along ``path``, at whose end ``taper`` of its thickness is lost."""
    rings = tuple((point, thick * (1 - taper * i / (len(path) - 1))) for i, point in enumerate(path))
    return Round("spout", "body", rings=rings, bands=6)


@category(
    yaw=(-25, 25), pitch=(10, 24), materials={"body": "metal painted ceramic", "handle": "metal painted wood"},
    height=(16, 28), foot=(8, 11), belly=(8, 12.5), rim=(5.5, 9.5), widest=(0.25, 0.6), spout_low=(0.12, 0.4),
    spout_high=(0.9, 1.4), spout=(10, 22), spout_thick=(1.4, 2.8), sag=(1.5, 5), rose_size=(2.6, 5), reach=(6, 12),
    thick=(0.6, 1.2), shape=["straight", "belly", "cone", "shouldered"], bent=[True, False], rose=[True, False],
    handle=["top", "long", "side"], brace=[True, False], band=[True, False],
)  # fmt: skip
def watering_can(p: Values) -> Iterator[Part]:
    """The parts of one watering can."""
    profile = body_profile(p)
    yield vessel("body", "body", (0, 0, 0), profile, hollow=True, marks=(1,) if p.band else ())
    low = p.height * p.spout_low
    start = (-radius_at(profile, low) * 0.9, low, 0.0)
    tip = (-p.belly - p.spout, p.height * p.spout_high, 0.0)
    x, y = (start[0] + tip[0]) / 2, (start[1] + tip[1]) / 2
    middle = (x, y - (p.sag if p.bent else 0), 0.0)
    yield spout(curve([start, middle, tip], 4) if p.bent else [start, tip], p.spout_thick, 0.45)
    if p.rose:
        dx, dy = tip[0] - middle[0], tip[1] - middle[1]
        n = (dx * dx + dy * dy) ** 0.5
        end = (tip[0] + dx / n * p.rose_size, tip[1] + dy / n * p.rose_size, 0.0)
        yield Round("rose", "body", rings=((tip, p.spout_thick * 0.6), (end, p.rose_size)), bands=8)
    if p.handle == "top":
        half = p.rim * 0.9
        yield tube("handle", "handle", bow(half, p.height, half * 0.7, p.height + p.reach, 3), p.thick)
    elif p.handle == "long":
        over = [(-p.rim * 0.6, p.height, 0), (0, p.height + p.reach, 0), (p.belly + p.reach, p.height * 0.95, 0)]
        path = curve([*over, (radius_at(profile, p.height * 0.3), p.height * 0.3, 0)], 4)
        yield tube("handle", "handle", path, p.thick)
    else:
        yield ear("round", profile, p.height * 0.2, p.height * 0.9, p.reach, p.thick)
    if p.brace:
        yield bar("brace", "handle", (-p.rim, p.height, 0), (x, y, 0), p.thick * 1.4)

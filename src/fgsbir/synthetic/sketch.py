"""Sketches of products: what a user sees of the product, drawn by that user's hand as strokes."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fgsbir.data.strokes import LONGEST_SIDE, join_strokes, kept_points
from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.geometry import PICTURE, Point, add, look, scaled
from fgsbir.synthetic.grammar import misjudge
from fgsbir.synthetic.instance import instance
from fgsbir.synthetic.lines import Drawn, owners, path_length, visible_lines
from fgsbir.synthetic.user import User, style

TOLERANCE = 3.0  # of the simplification, on the centred canvas, that the budget of points refers to
MOST_POINTS = 96
WEIGHTS = {"outline": 1.0, "spine": 1.2, "inner": 0.4, "detail": 0.3}
ESSENTIAL = ("leg", "post", "foot", "handle", "spout", "wheel", "back", "arm", "seat", "runner", "stem", "shade")
Stroke = list[Point]


def draw_sketch(photo_id: str, user_id: str, *, seed: int) -> np.ndarray:
    """A drawing of photo ``photo_id`` by ``user_id``: canonical strokes float32 (n, 3) on the 256 canvas.

    A pure function of its arguments, for any photo, labelled or not.
    """
    user, dice = style(seed, user_id), Dice(seed, photo_id, user_id, 0, "sketch")
    lines = _chosen(_seen_by(photo_id, user, seed, dice), user, dice)
    strokes = [(line, _by_hand(line, user, dice)) for line in _ordered(lines, user, dice)]
    strokes = _within_budget(strokes, min(user.budget + 8, MOST_POINTS))
    return join_strokes([np.round(stroke, 1).astype(np.float32) for _, hand in strokes for stroke in hand])


def _seen_by(photo_id: str, user: User, seed: int, dice: Dice) -> list[Drawn]:
    """The visible lines of the product as the user takes it to be, thin parts merged to fit the budget."""
    product = instance(seed, photo_id)
    parts = list(product.category.parts(misjudge(product.category, product.values, dice, user.proportion)))
    pose = product.pose
    yaw, pitch = pose.yaw + user.turn + dice.bell(user.view), pose.pitch + user.tilt + dice.bell(user.view * 0.6)
    view = look(yaw, pitch, pose.roll * 0.5, pose.mirrored)
    squeeze = 1 + user.squeeze + dice.bell(0.03)
    view = replace(view, right=add(scaled(view.right, squeeze), scaled(view.up, user.slant)))
    side = user.side + dice.bell(8)
    slack = (PICTURE - side) * 0.3
    points = [p for part in parts for p in part.points()]
    x, y = (PICTURE / 2 + dice.between(-slack, slack) for _ in range(2))
    view = view.fitted(points, side, x, y)
    below, owner = user.line_below * side / 200, owners(parts, view)
    lines = visible_lines(parts, view, owner, below)
    while _cost(lines) > user.budget * 1.3 and below < 40:
        below = below * 1.6 + 2
        lines = visible_lines(parts, view, owner, below)
    if not user.taper:
        return lines
    return [replace(line, points=[_tapered(point, user.taper, x, y) for point in line.points]) for line in lines]


def _tapered(point: Point, taper: float, x: float, y: float) -> Point:
    """A point of a drawing round (x, y), moved outwards above it and inwards below."""
    return (x + (point[0] - x) * (1 + taper * (y - point[1]) / (PICTURE / 2)), point[1])


def _cost(lines: Sequence[Drawn]) -> int:
    main = [line for line in lines if line.kind in ("outline", "spine")]
    return sum(len(kept_points(line.points, TOLERANCE)) + line.closed for line in main)


def _chosen(lines: Sequence[Drawn], user: User, dice: Dice) -> list[Drawn]:
    """What the user bothers to draw; a part is left out whole, and the longest lines never are."""
    longest = max(line.length for line in lines)
    sizes: dict[int, float] = {}
    for line in lines:
        sizes[line.part] = max(sizes.get(line.part, 0.0), line.length)
    roles = {line.part: line.role for line in lines}
    dropped = {
        part
        for part in sorted(sizes)
        if sizes[part] < 0.3 * longest and roles[part] not in ESSENTIAL and dice.chance(user.careless)
    }
    habits = {kind: dice.chance(chance) for kind, chance in (("inner", user.inner), ("detail", user.detail))}
    return [line for line in lines if line.part not in dropped and habits.get(line.kind, True)]


def _ordered(lines: Sequence[Drawn], user: User, dice: Dice) -> list[Drawn]:
    """Stroke order, by the user's habit."""
    if user.order == "random":
        return dice.shuffled(lines)
    key = {
        "large first": lambda line: -line.length,
        "top down": lambda line: min(y for _, y in line.points),
        "part by part": lambda line: (line.part, line.kind),
        "left to right": lambda line: min(x for x, _ in line.points),
    }[user.order]
    return sorted(lines, key=key)


def _by_hand(line: Drawn, user: User, dice: Dice) -> list[Stroke]:
    """One line as the hand draws it: misplaced, cut at corners, wobbly, perhaps gone over again."""
    local = Dice(dice.between(0, 1), line.part)
    dx, dy = local.bell(user.shift), local.bell(user.shift)
    points = [(x + dx, y + dy) for x, y in line.points]
    if line.closed:
        start = int(dice.between(0, len(points)))
        points = [*points[start:], *points[: start + 1]]
    if dice.chance(0.5):
        points.reverse()
    strokes = []
    for piece in _cut(points, user, dice):
        if user.rounding and len(piece) > 2:
            piece = _rounded(piece, user.rounding)
        strokes.append(_wobbly(_overshot(piece, user, dice), user, dice))
        if dice.chance(user.again) and path_length(piece) > 30:
            beside = [(x + dice.bell(user.apart), y + dice.bell(user.apart)) for x, y in piece]
            strokes.append(_wobbly(beside, user, dice))
    return strokes


def _cut(points: Stroke, user: User, dice: Dice) -> list[Stroke]:
    """Lift the pen at some sharp corners."""
    pieces: list[Stroke] = [[points[0]]]
    for i in range(1, len(points) - 1):
        pieces[-1].append(points[i])
        (ax, ay), (bx, by), (cx, cy) = points[i - 1], points[i], points[i + 1]
        before, after = math.hypot(bx - ax, by - ay), math.hypot(cx - bx, cy - by)
        straight = (bx - ax) * (cx - bx) + (by - ay) * (cy - by)
        if min(before, after) > 8 and straight < 0.8 * before * after and dice.chance(user.split):
            pieces.append([points[i]])
    pieces[-1].append(points[-1])
    return pieces


def _rounded(points: Stroke, depth: float) -> Stroke:
    """Corner cutting (Chaikin), no deeper than ``depth`` pixels."""
    found = [points[0]]
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        length = max(math.hypot(bx - ax, by - ay), 1e-6)
        t = min(0.25, depth / length)
        found += [(ax + (bx - ax) * t, ay + (by - ay) * t), (bx + (ax - bx) * t, by + (ay - by) * t)]
    return [*found, points[-1]]


def _overshot(points: Stroke, user: User, dice: Dice) -> Stroke:
    found = list(points)
    for end, inner in ((0, 1), (-1, -2)):
        (ax, ay), (bx, by) = found[inner], found[end]
        length = math.hypot(bx - ax, by - ay)
        if length > 8:
            t = max((user.overshoot + dice.bell(1.0)) / length, -0.65)
            found[end] = (bx + (bx - ax) * t, by + (by - ay) * t)
    return found


def _wobbly(points: Stroke, user: User, dice: Dice) -> Stroke:
    """Resample every few pixels and stray smoothly: a random path over control points 30 pixels apart."""
    length = path_length(points)
    knots = max(2, int(length / 30) + 2)
    reach = user.wobble * min(1.0, 0.35 + length / 90)
    offsets = [(dice.bell(reach), dice.bell(reach)) for _ in range(knots + 2)]
    found: Stroke = []
    done = 0.0
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        piece = math.hypot(bx - ax, by - ay)
        steps = max(1, round(piece / 7))
        for step in range(steps):
            t = step / steps
            share = (done + piece * t) / max(length, 1e-6)
            found.append(_strayed(ax + (bx - ax) * t, ay + (by - ay) * t, share, offsets))
        done += piece
    found.append(_strayed(*points[-1], 1.0, offsets))
    return found


def _strayed(x: float, y: float, share: float, offsets: Sequence[Point]) -> Point:
    """(x, y) moved by a uniform cubic B-spline over ``offsets`` at ``share`` of the way."""
    place = min(share, 0.9999) * (len(offsets) - 3)
    i = int(place)
    t = place - i
    basis = ((1 - t) ** 3 / 6, (3 * t**3 - 6 * t * t + 4) / 6, (-3 * t**3 + 3 * t * t + 3 * t + 1) / 6, t**3 / 6)
    dx = sum(b * offsets[i + k][0] for k, b in enumerate(basis))
    dy = sum(b * offsets[i + k][1] for k, b in enumerate(basis))
    limit = PICTURE - 1.0
    return (min(max(x + dx * 1.6, 1.0), limit), min(max(y + dy * 1.6, 1.0), limit))


def _within_budget(strokes: list[tuple[Drawn, list[Stroke]]], budget: int) -> list[tuple[Drawn, list[Stroke]]]:
    """Leave out the least important lines until what simplification keeps fits ``budget`` points."""
    points = [p for _, hand in strokes for stroke in hand for p in stroke]
    xs, ys = zip(*points, strict=True)
    tolerance = TOLERANCE * max(max(xs) - min(xs), max(ys) - min(ys)) / LONGEST_SIDE
    cost = [sum(len(kept_points(stroke, tolerance)) for stroke in hand) for _, hand in strokes]
    worth = _worth([line for line, _ in strokes])
    kept = set(range(len(strokes)))
    for i in sorted(kept, key=lambda i: (worth[i], i)):
        if sum(cost[k] for k in kept) <= budget or len(kept) == 1:
            break
        kept.discard(i)
    return [strokes[i] for i in sorted(kept)]


def _worth(lines: Sequence[Drawn]) -> list[float]:
    """What each line tells of the product: its length, less for the fourth plank than for the first leg."""
    before: dict[str, set[int]] = {}
    worth = []
    for line in lines:
        alike = before.setdefault(line.role, set())
        alike.add(line.part)
        share = 1.0 if line.role in ESSENTIAL else 2.0 / (1 + len(alike))
        base = 25.0 if line.role in ESSENTIAL else 0.0
        worth.append((base + line.length) * WEIGHTS[line.kind] * share)
    return worth

"""The people who draw: each user's hand and habits, from the seed and the user's id.

Users that training may see draw alike: skill and effort differ. Users that are met anew, whose ids begin with ``NEW``,
each have strong habits, which last over all their drawings: there is something to adapt to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fgsbir.synthetic.dice import Dice

ORDERS = ("large first", "top down", "part by part", "left to right", "random")


NEW = "n"

# A new user's habits: how the product is seen, how lines are drawn, and what is drawn. User i has entry i of each, from
# the first again past the last; the lengths have no common factor, so that 180 users differ.
SEEN_AS: tuple[Mapping[str, Any], ...] = (
    {"slant": 0.3}, {"squeeze": -0.28}, {"tilt": 20.0}, {"taper": -0.45}, {"turn": 24.0},
    {"slant": -0.3}, {"squeeze": 0.38}, {"tilt": -14.0, "turn": -14.0}, {"taper": 0.45},
)  # fmt: skip
LINES: tuple[Mapping[str, Any], ...] = (
    {"wobble": 4.5}, {"rounding": 40.0}, {"overshoot": 12.0, "split": 1.0}, {"overshoot": -9.0, "split": 1.0},
    {"again": 1.0, "apart": 3.0},
)  # fmt: skip
CONTENT: tuple[Mapping[str, Any], ...] = (
    {"inner": 0.0, "detail": 0.0, "line_below": 2.0, "budget": 88},  # outlines
    {"inner": 1.0, "detail": 1.0, "line_below": 2.0, "budget": 88},  # everything
    {"inner": 0.0, "detail": 0.0, "line_below": 60.0, "budget": 60},  # sticks
    {"inner": 0.0, "detail": 0.0, "line_below": 9.0, "budget": 28},  # the largest parts alone
)
PLAIN = {"careless": 0.0, "again": 0.0, "overshoot": 0.0, "rounding": 0.0, "split": 0.0, "squeeze": 0.0, "wobble": 0.8}


@dataclass(frozen=True, slots=True)
class User:
    """One drawing style. Lengths in pixels of the 256 canvas, probabilities in [0, 1]."""

    proportion: float  # error of every measure, as a share of its range
    view: float  # error of the angle, in degrees
    squeeze: float  # a constant bias of width against height
    wobble: float  # how far a line strays
    shift: float  # how far a part is misplaced
    line_below: float  # thinner parts become one line
    inner: float  # chance that an inner line is drawn at all
    detail: float  # and a detail
    careless: float  # chance that a small part is left out
    again: float  # chance that a stroke is gone over once more
    overshoot: float  # how far ends run past corners (negative: fall short)
    rounding: float  # corners become curves, which begin at most so far from the corner
    split: float  # chance that a corner lifts the pen
    order: str  # of the strokes
    budget: int  # simplified points that a drawing may take
    side: float  # of the drawing, the longer one
    apart: float = 1.2  # how far a second stroke strays from the first
    slant: float = 0.0  # how far upright lines lean to the right, as a share of their height
    taper: float = 0.0  # how much wider the drawing becomes from its middle to the picture's top (negative: narrower)
    turn: float = 0.0  # degrees by which the product is seen further from its side than it is
    tilt: float = 0.0  # and from above


def style(seed: int, user_id: str) -> User:
    """The style of one user."""
    dice = Dice(seed, "user", user_id)
    new = user_id.startswith(NEW)
    skill = dice.between(0.6 if new else 0.0, 1.0)  # 1: a practised hand
    effort = dice.between(0.25, 1.0)  # 1: draws everything
    user = User(
        proportion=0.075 - 0.045 * skill,
        view=3.5 - 2.5 * skill,
        squeeze=dice.bell(0.05),
        wobble=2.0 - 1.4 * skill,
        shift=2.2 - 1.5 * skill,
        line_below=dice.pick((2.0, 4.0, 6.0, 9.0, 13.0)),
        inner=0.4 + 0.6 * effort,
        detail=0.2 + 0.7 * effort,
        careless=0.25 * (1 - effort),
        again=dice.pick((0.0, 0.0, 0.05, 0.2)),
        overshoot=dice.between(-2.0, 3.5),
        rounding=8.0 if dice.chance(0.35) else 0.0,
        split=dice.pick((0.0, 0.1, 0.5, 0.9)),
        order=dice.pick(ORDERS),
        budget=int(44 + 36 * effort),
        side=dice.between(150, 225),
    )
    if not new:
        return user
    number = int(user_id.removeprefix(NEW))
    habits = [table[number % len(table)] for table in (SEEN_AS, LINES, CONTENT)]
    return replace(user, **{name: value for one in (PLAIN, *habits) for name, value in one.items()})

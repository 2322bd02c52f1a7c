"""The people who draw: each user's hand and habits, from the seed and the user's id."""

from dataclasses import dataclass

from fgsbir.synthetic.dice import Dice

ORDERS = ("large first", "top down", "part by part", "left to right", "random")


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
    rounding: bool  # corners become curves
    split: float  # chance that a corner lifts the pen
    order: str  # of the strokes
    budget: int  # simplified points that a drawing may take
    side: float  # of the drawing, the longer one


def style(seed: int, user_id: str) -> User:
    """The style of one user."""
    dice = Dice(seed, "user", user_id)
    skill = dice.between(0.0, 1.0)  # 1: a practised hand
    effort = dice.between(0.25, 1.0)  # 1: draws everything
    return User(
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
        rounding=dice.chance(0.35),
        split=dice.pick((0.0, 0.1, 0.5, 0.9)),
        order=dice.pick(ORDERS),
        budget=int(44 + 36 * effort),
        side=dice.between(150, 225),
    )

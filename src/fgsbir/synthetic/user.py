"""The people who draw: each user's hand and habits, from the seed and the user's id."""

from dataclasses import dataclass

from fgsbir.synthetic.dice import Dice

ORDERS = ("large first", "top down", "part by part", "left to right", "random")


@dataclass(frozen=True, slots=True)
class User:
    """One drawing style. Lengths in pixels of the 256 canvas, probabilities in [0, 1].

    ``proportion``: error of every measure, as a share of its range; ``view``: error of the angle, in degrees;
    ``squeeze``: a constant bias of width against height; ``wobble``: how far a line strays;
    ``shift``: how far a part is misplaced; ``line_below``: thinner parts become one line;
    ``inner`` and ``detail``: chance that such a line is drawn at all; ``careless``: chance that a small
    part is left out; ``again``: chance that a stroke is gone over once more; ``overshoot``: how far ends
    run past corners (negative: fall short); ``rounding``: corners become curves; ``split``: chance that a
    corner lifts the pen; ``budget``: simplified points that a drawing may take.
    """

    id: str
    proportion: float
    view: float
    squeeze: float
    wobble: float
    shift: float
    line_below: float
    inner: float
    detail: float
    careless: float
    again: float
    overshoot: float
    rounding: bool
    split: float
    order: str
    budget: int
    side: float


def style(seed: int, user_id: str) -> User:
    """The style of one user."""
    dice = Dice(seed, "user", user_id)
    skill = dice.between(0.0, 1.0)  # 1: a practised hand
    effort = dice.between(0.25, 1.0)  # 1: draws everything
    return User(
        id=user_id,
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

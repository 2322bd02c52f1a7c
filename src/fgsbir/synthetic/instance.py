"""One product and how it is seen, from the seed and the photo's id alone."""

from dataclasses import dataclass

from fgsbir.synthetic.categories import CATEGORIES
from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.geometry import PICTURE
from fgsbir.synthetic.grammar import Category, Values, sample


@dataclass(frozen=True, slots=True)
class Pose:
    """How a photo shows its product: angles in degrees; place and longest side in pixels."""

    yaw: float
    pitch: float
    roll: float
    mirrored: bool
    side: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Instance:
    """A product: its category, parameters and pose."""

    id: str
    category: Category
    values: Values
    pose: Pose


def instance(seed: int, photo_id: str) -> Instance:
    """The product that photo ``photo_id`` (``<category>-<number>``) shows."""
    category = CATEGORIES[photo_id.rsplit("-", 1)[0]]
    values = sample(category, Dice(seed, photo_id, "values"))
    dice = Dice(seed, photo_id, "pose")
    side = dice.between(0.76, 0.92) * PICTURE
    slack = (PICTURE - side) * 0.32
    pose = Pose(
        yaw=dice.between(*category.yaw),
        pitch=dice.between(*category.pitch),
        roll=dice.bell(1.5),
        mirrored=dice.chance(0.5),
        side=side,
        x=PICTURE / 2 + dice.between(-slack, slack),
        y=PICTURE / 2 + dice.between(-0.4, 0.8) * slack,
    )
    return Instance(photo_id, category, values, pose)

"""Categories: what varies in a product, and how its parts are put together."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.parts import Part

# What varies: a number, uniform in (low, high); or one of [options], or of {option: its chance, in proportion}.
Parameter = tuple[float, float] | list[Any] | dict[Any, float]
# The parameters of one product.
Values = SimpleNamespace


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of product: its name, its parameters, and the parts of a product with given values.

    ``materials`` names, for each material of the parts, the kinds that it may be of; ``yaw`` and ``pitch``
    bound the usual view in degrees.
    """

    name: str
    parameters: Mapping[str, Parameter]
    parts: Callable[[Values], Iterator[Part]]
    materials: Mapping[str, str]
    yaw: tuple[float, float]
    pitch: tuple[float, float]


def category(
    *,
    materials: Mapping[str, str],
    yaw: tuple[float, float] = (20.0, 45.0),
    pitch: tuple[float, float],
    **parameters: Parameter,
) -> Callable[[Callable[[Values], Iterator[Part]]], Category]:
    """Make the function that yields a product's parts the category of its name."""
    return lambda parts: Category(parts.__name__, parameters, parts, materials, yaw, pitch)


def sample(category: Category, dice: Dice) -> Values:
    """Draw a product's parameters."""
    return Values(
        **{
            name: dice.between(*parameter) if isinstance(parameter, tuple) else dice.pick(parameter)
            for name, parameter in category.parameters.items()
        }
    )


def misjudge(category: Category, values: Values, dice: Dice, error: float) -> Values:
    """The parameters as someone drawing by eye takes them to be.

    Every number is off by ``error`` (standard deviation, a share of its range), kept within a little more than
    its range; options stay.
    """
    seen = Values(**vars(values))
    for name, parameter in category.parameters.items():
        if isinstance(parameter, tuple):
            low, high = parameter
            wrong = getattr(values, name) + dice.bell(error * (high - low))
            setattr(seen, name, min(max(wrong, low - 0.05 * (high - low)), high + 0.05 * (high - low)))
    return seen

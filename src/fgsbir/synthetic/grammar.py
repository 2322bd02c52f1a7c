"""Categories: what varies in a product, and how its parts are put together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fgsbir.synthetic.dice import Dice
from fgsbir.synthetic.parts import Part


@dataclass(frozen=True, slots=True)
class Number:
    """A continuous parameter, uniform in [low, high]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A discrete parameter; ``weights`` are chances in proportion (equal where left out)."""

    options: Sequence[Any]
    weights: Sequence[float] | None = None


class Values(dict[str, Any]):
    """One instance's parameters, readable as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of product.

    ``yaw`` and ``pitch`` bound the usual view in degrees. ``materials`` names, for each material
    slot that ``parts`` uses, the kinds it may be made of.
    """

    name: str
    parameters: Mapping[str, Number | Choice]
    parts: Callable[[Values], Iterator[Part]]
    materials: Mapping[str, Sequence[str]]
    yaw: tuple[float, float] = (20.0, 45.0)
    pitch: tuple[float, float] = (10.0, 22.0)

    def build(self, values: Values) -> list[Part]:
        """The parts of one instance."""
        return list(self.parts(values))


def sample(category: Category, dice: Dice) -> Values:
    """Draw an instance's parameters."""
    values = Values()
    for name, parameter in category.parameters.items():
        if isinstance(parameter, Number):
            values[name] = dice.between(parameter.low, parameter.high)
        else:
            values[name] = dice.pick(parameter.options, parameter.weights)
    return values


def misjudge(category: Category, values: Values, dice: Dice, error: float) -> Values:
    """The parameters as someone drawing by eye takes them to be.

    Every continuous one is off by ``error`` (standard deviation, a share of its range), kept within
    a little more than its range; discrete ones stay.
    """
    seen = Values(values)
    for name, parameter in category.parameters.items():
        if isinstance(parameter, Number):
            span = parameter.high - parameter.low
            wrong = values[name] + dice.bell(error * span)
            seen[name] = min(max(wrong, parameter.low - 0.05 * span), parameter.high + 0.05 * span)
    return seen

"""The only source of chance in the synthetic set: the same numbers on every machine and Python version.

``random.Random.random`` is the one method whose sequence Python promises to keep, so everything
else is built on it; seeds come from SHA-256 of the words that name a decision.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws that depend on nothing but the words in ``names`` (for example seed, photo id, purpose)."""

    def __init__(self, *names: object) -> None:
        text = "/".join(str(name) for name in names)
        self._random = random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))

    def between(self, low: float, high: float) -> float:
        """A uniform number in [low, high)."""
        return low + (high - low) * self._random.random()

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random.random() < probability

    def bell(self, spread: float) -> float:
        """A number around 0 with standard deviation ``spread``, never beyond 3 of them (sum of three uniforms)."""
        return spread * 2.0 * (self._random.random() + self._random.random() + self._random.random() - 1.5)

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of ``options``, with chances in proportion to ``weights`` (equal where left out)."""
        if weights is None:
            return options[int(self._random.random() * len(options))]
        mark = self._random.random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            mark -= weight
            if mark < 0:
                return option
        return options[-1]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """A copy of ``items`` in random order."""
        left = list(items)
        return [left.pop(int(self._random.random() * len(left))) for _ in range(len(left))]

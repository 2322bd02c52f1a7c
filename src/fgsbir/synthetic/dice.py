"""The only source of chance in the synthetic set: the same numbers on every machine and Python version.

``random.Random.random`` is the one method whose sequence Python promises to keep, so everything
else is built on it; seeds come from SHA-256 of the words that name a decision.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
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

    def pick(self, options: Sequence[T] | Mapping[T, float]) -> T:
        """One of ``options``: of a sequence each as likely, of a mapping with chances in proportion to its values."""
        if not isinstance(options, Mapping):
            return options[int(self._random.random() * len(options))]
        mark = self._random.random() * sum(options.values())
        for option, weight in options.items():
            mark -= weight
            if mark < 0:
                return option
        return list(options)[-1]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """A copy of ``items`` in random order."""
        left = list(items)
        return [left.pop(int(self._random.random() * len(left))) for _ in range(len(left))]

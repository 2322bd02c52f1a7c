"""Canonical sketches as the padded point sequences that G learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fgsbir.data.strokes import join_strokes, simplify, split_strokes, to_sequence

COARSER, FINEST = 1.3, 0.5
SWEEP = np.array([0.4, 1.0], np.float32)


@dataclass(frozen=True, slots=True)
class SequenceForm:
    """How G reads people's sketches: simplified by ``simplify`` canvas pixels to at most ``max_points`` points, and,
    with ``reorder``, in one order (:func:`sweep_order`).
    """

    simplify: float
    max_points: int
    reorder: bool

    def simplified(self, strokes: np.ndarray) -> np.ndarray:
        """A canonical sketch of so many points."""
        return simplify_to(strokes, self.simplify, self.max_points)

    def ordered(self, strokes: np.ndarray) -> np.ndarray:
        """A canonical sketch in G's order, or as it was drawn."""
        return sweep_order(strokes) if self.reorder else strokes


def simplify_to(strokes: np.ndarray, tolerance: float, max_points: int) -> np.ndarray:
    """Simplify to at most ``max_points`` points, with the smallest tolerance (canvas pixels) that does.

    Starts at ``tolerance`` >= 0 and coarsens by steps of 30 %. A sketch of more strokes than fit keeps its first ones.
    """
    simplified = simplify(strokes, tolerance)
    while len(simplified) > max_points and tolerance < 64:
        tolerance = max(tolerance * COARSER, FINEST)
        simplified = simplify(strokes, tolerance)
    if len(simplified) > max_points:
        simplified = simplified[:max_points].copy()
        simplified[-1, 2] = 1
    return simplified


def sweep_order(strokes: np.ndarray) -> np.ndarray:
    """Put the strokes into one order, whoever drew them: down the page and, less so, from left to right.

    Each stroke is drawn from its end that the sweep meets first. People draw the same parts in any order, which a
    decoder trained on few sketches cannot guess; the raster stays the same.
    """
    parts = []
    for part in split_strokes(strokes):
        key = part @ SWEEP
        parts.append((float(key.mean()), part if key[0] <= key[-1] else part[::-1]))
    return join_strokes([part for _, part in sorted(parts, key=lambda item: item[0])])


def offset_scale(sketches: Sequence[np.ndarray]) -> float:
    """The standard deviation of all offsets, in canvas pixels: the one number that sequences are divided by."""
    offsets = np.concatenate([to_sequence(strokes)[:-1, :2] for strokes in sketches])
    return float(offsets.std())


def pad_sequences(sketches: Sequence[np.ndarray]) -> np.ndarray:
    """Canonical sketches as sequences of one length: float32 (n, T, 5), T one more than the longest has points.

    Offsets are in canvas pixels. The row after a sketch's last point and all rows behind it are ends.
    """
    stacked = np.zeros((len(sketches), 1 + max(map(len, sketches), default=0), 5), np.float32)
    stacked[:, :, 4] = 1
    for row, strokes in enumerate(sketches):
        stacked[row, : len(strokes) + 1] = to_sequence(strokes)
    return stacked

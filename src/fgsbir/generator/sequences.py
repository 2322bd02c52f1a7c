"""Canonical sketches as the padded point sequences that G learns from."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fgsbir.data.pairs import PairSet
from fgsbir.data.strokes import join_strokes, simplify, split_strokes, to_sequence

COARSER, FINEST = 1.3, 0.5
SWEEP = np.array([0.4, 1.0], np.float32)


def simplify_to(strokes: np.ndarray, tolerance: float, max_points: int) -> np.ndarray:
    """Simplify to at most ``max_points`` points, with the smallest tolerance (canvas pixels) that does.

    Starts at ``tolerance`` >= 0 and coarsens by steps of 30 %. Public code drops long sketches instead,
    which on a small set throws away the most careful drawings. A sketch of more strokes than fit
    keeps its first ones.
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

    Each stroke is drawn from its end that the sweep meets first. People draw the same parts in any
    order, which a decoder trained on few sketches cannot guess; the raster stays the same.
    """
    parts = []
    for part in split_strokes(strokes):
        key = part @ SWEEP
        parts.append((float(key.mean()), part if key[0] <= key[-1] else part[::-1]))
    return join_strokes([part for _, part in sorted(parts, key=lambda item: item[0])])


def sequence_pairs(pairs: PairSet, *, tolerance: float, max_points: int, reorder: bool) -> PairSet:
    """The same photos with their sketches as G reads them: simplified and, if ``reorder``, in :func:`sweep_order`.

    Done once and not after each augmentation: the joint change is affine and keeps what a
    simplified line is near to.
    """
    sketches = [[simplify_to(strokes, tolerance, max_points) for strokes in choice] for choice in pairs.sketches]
    if reorder:
        sketches = [[sweep_order(strokes) for strokes in choice] for choice in sketches]
    return replace(pairs, sketches=sketches)


def offset_scale(sketches: Sequence[np.ndarray]) -> float:
    """The standard deviation of all offsets, in canvas pixels: the one number that sequences are divided by."""
    offsets = np.concatenate([to_sequence(strokes)[:-1, :2] for strokes in sketches])
    return float(offsets.std())


def pad_sequences(sketches: Sequence[np.ndarray], scale: float, max_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Stack simplified sketches as float32 (n, max_points + 1, 5) and their lengths int64 (n,).

    Offsets are divided by ``scale``. A length counts the rows up to and including the end; the
    rows after it are ends too.
    """
    stacked = np.zeros((len(sketches), max_points + 1, 5), np.float32)
    stacked[:, :, 4] = 1
    lengths = np.empty(len(sketches), np.int64)
    for row, strokes in enumerate(sketches):
        sequence = to_sequence(strokes)
        sequence[:, :2] /= scale
        stacked[row, : len(sequence)] = sequence
        lengths[row] = len(sequence)
    return stacked, lengths

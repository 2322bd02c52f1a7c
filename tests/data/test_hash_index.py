"""Hashes within a bound, against a naive loop."""

import numpy as np
import pytest

from fgsbir.data.hash_index import HashIndex


@pytest.mark.parametrize("bits", [0, 1, 2, 3, 6, 7, 8, 22, 64])
def test_those_within_the_bound_are_found_and_no_others(bits: int) -> None:
    rng = np.random.default_rng(bits)
    held = rng.integers(0, 2**64, (60, 4), dtype=np.uint64)
    held[7] = held[8]  # the same photo twice
    masks = [rng.permutation(64)[: max(0, bits + change)] for change in (-1, 0, 1) for _ in range(10)]
    flips = [sum(1 << int(bit) for bit in mask) for mask in masks]
    moved = np.array([int(held[row % 60, row % 4]) ^ flip for row, flip in enumerate(flips)], np.uint64)
    index, found = HashIndex(held, bits), 0
    for own in moved.reshape(-1, 2):
        naive = {row for row in range(60) if min(int(a ^ b).bit_count() for a in own for b in held[row]) <= bits}
        assert index.rows(own) == naive
        found += len(naive)
    assert found >= 15
    assert HashIndex(np.zeros((0, 4), np.uint64), bits).rows(moved) == set()

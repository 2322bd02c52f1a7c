"""Perceptual hashes near a hash, found by multi-index hashing (Norouzi et al., CVPR 2012) and not one by one.

Two of 64 bits that differ in r of them differ in r // 4 at most in one of their quarters: only hashes that agree so far
in a quarter are compared.
"""

import numpy as np

QUARTERS, BITS = 4, 16
# What turns a quarter into itself, and into those that differ from it in one bit.
FLIPS = np.array([0, *(1 << bit for bit in range(BITS))], np.uint16)


class HashIndex:
    """Hashes uint64 (n, m), m of each row, to be searched for those within ``bits`` of 64."""

    def __init__(self, hashes: np.ndarray, bits: int) -> None:
        self._hashes, self._bits, self._each = hashes.ravel(), bits, hashes.shape[1]
        quarters = self._hashes.view(np.uint16).reshape(-1, QUARTERS).T
        self._order = quarters.argsort(1, kind="stable")
        self._sorted = np.take_along_axis(quarters, self._order, 1)

    def rows(self, hashes: np.ndarray) -> set[int]:
        """The rows with a hash within the bound of one of ``hashes`` uint64 (k,)."""
        found: set[int] = set()
        for hash in hashes:
            places = self._candidates(hash)
            close = np.bitwise_count(self._hashes[places] ^ hash) <= self._bits
            found.update((places[close] // self._each).tolist())
        return found

    def _candidates(self, hash: np.uint64) -> np.ndarray:
        """Places that may be within the bound, and all that are: int64 (c,), some of them more than once."""
        if self._bits // QUARTERS > 1:  # so many variants of a quarter that all hashes are compared as fast
            return np.arange(len(self._hashes))
        places = [np.zeros(0, np.int64)]
        for quarter, own in enumerate(np.array([hash]).view(np.uint16)):
            wanted = own ^ FLIPS
            first, last = (np.searchsorted(self._sorted[quarter], wanted, side) for side in ("left", "right"))
            places += [self._order[quarter, first[some] : last[some]] for some in np.flatnonzero(first < last)]
        return np.concatenate(places)

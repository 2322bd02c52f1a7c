"""Perceptual hashes near a hash, found by multi-index hashing (Norouzi et al., CVPR 2012) and not one by one.

Two of 64 bits that differ in r of them differ in r // 4 at most in one of their quarters: only hashes that agree so far
in a quarter are compared.
"""

import numpy as np

QUARTERS, BITS = 4, 16
# What turns a quarter into itself, and into those that differ from it in one bit.
FLIPS = np.array([0, *(1 << bit for bit in range(BITS))])


class HashIndex:
    """Hashes uint64 (n, m), m of each row, to be searched for those within ``bits`` of 64."""

    def __init__(self, hashes: np.ndarray, bits: int) -> None:
        self._hashes, self._bits, self._each = hashes.ravel(), bits, hashes.shape[1]
        quarters = _quarters(self._hashes).T
        # Of each quarter, the hashes by its value, and where each value begins among them.
        self._order = quarters.argsort(1, kind="stable")
        values = np.arange(1 << BITS)
        ordered = np.take_along_axis(quarters, self._order, 1)
        self._begin = np.array([[0, *np.searchsorted(quarter, values, "right")] for quarter in ordered])

    def rows(self, hashes: np.ndarray) -> set[int]:
        """The rows with a hash within the bound of one of ``hashes`` uint64 (k,)."""
        if self._bits // QUARTERS > 1:  # so many variants of a quarter that all hashes are compared as fast
            own, places = np.repeat(hashes, len(self._hashes)), np.tile(np.arange(len(self._hashes)), len(hashes))
        else:
            own, places = self._candidates(hashes)
        close = np.bitwise_count(self._hashes[places] ^ own) <= self._bits
        return set((places[close] // self._each).tolist())

    def _candidates(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each of ``hashes`` with the places that may be near it, and all that are: uint64 (c,) and int64 (c,)."""
        wanted = _quarters(hashes)[:, :, None] ^ FLIPS
        quarter = np.arange(QUARTERS)[:, None]
        first = self._begin[quarter, wanted]
        counts = self._begin[quarter, wanted + 1] - first
        first += quarter * len(self._hashes)  # in the order of all quarters, one after the other
        counts, before = counts.ravel(), np.cumsum(counts) - counts.ravel()
        places = np.repeat(first.ravel() - before, counts) + np.arange(counts.sum())
        return np.repeat(np.repeat(hashes, QUARTERS * len(FLIPS)), counts), self._order.ravel()[places]


def _quarters(hashes: np.ndarray) -> np.ndarray:
    """Hashes uint64 (n,) in quarters: int64 (n, QUARTERS)."""
    return hashes.view(np.uint16).reshape(-1, QUARTERS).astype(np.int64)

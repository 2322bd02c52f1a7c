"""How the process keeps its memory. Imports nothing heavy, as it has to act before torch allocates."""

import atexit
import ctypes
import gc
import sys

# glibc's mallopt: how much free memory is kept at the end of the heap, and how many allocations lie outside it.
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Have the C library use freed memory again instead of giving it back to the system, where it is glibc.

    A training step frees what the next one asks for; to fetch it anew takes a quarter to a half of its time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)


def end_without_collecting() -> None:
    """Have the interpreter end without a last walk through all objects: with torch's this takes over half a second."""
    atexit.register(gc.freeze)

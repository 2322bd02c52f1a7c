"""The processor's cores: how many there are, and processes that share work among them."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from fgsbir.data.records import DataError


def available_cores() -> int:
    """How many cores this process may use, at least 1. Where the system does not say, as macOS, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def sharing_processes(number: int) -> Iterator[Executor]:
    """Yield ``number`` processes that share work, and leave Ctrl-C to this one.

    They are spawned, not forked: this process may run threads, as a loaded torch does, and a lock that one of them
    holds would be held for ever. Raises DataError where one is killed.
    """
    quiet = (signal.SIGINT, signal.SIG_IGN)
    pool = ProcessPoolExecutor(number, get_context("spawn"), signal.signal, quiet)
    try:
        yield pool
    except BrokenProcessPool:
        raise DataError(f"one of {number} processes was killed, perhaps for want of memory; try fewer") from None
    finally:
        pool.shutdown(cancel_futures=True)

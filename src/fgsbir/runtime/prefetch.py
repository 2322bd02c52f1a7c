"""What a loop needs next is made while it works."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def prefetch(make: Callable[[int], Made], first: int, last: int) -> Iterator[tuple[int, Made]]:
    """Yield (step, make(step)) for first <= step < last, one step ahead in a thread."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, first)] if first < last else []
        for step in range(first, last):
            ready = waiting.pop().result()
            if step + 1 < last:
                waiting.append(pool.submit(make, step + 1))
            yield step, ready

"""Threads for what would keep the server from answering others: models, and the decoding of pictures."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import torch
from starlette.exceptions import HTTPException

Result = TypeVar("Result")


class Workers:
    """A few threads, with at most ``waiting`` calls behind those that they are at."""

    def __init__(self, threads: int, waiting: int) -> None:
        # One sketch is too small to share: with several threads for each, those of several requests wait for each
        # other, and one answer takes many times as long.
        self._pool = ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1))
        self._calls, self._most = 0, threads + waiting

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What ``function`` gives for ``arguments``. Raises HTTPException 429 where too many wait already."""
        if self._calls >= self._most:
            raise HTTPException(429, "the server has too much to do; try again", {"Retry-After": "1"})
        self._calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        finally:
            self._calls -= 1

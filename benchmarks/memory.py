"""The most memory that this process holds while something runs."""

import os
import threading
from pathlib import Path
from types import TracebackType

INTERVAL = 0.01  # seconds between two looks


class PeakMemory:
    """Inside the block, looks how much memory the process itself has, a hundred times a second; ``mib`` is the most.

    Pages of mapped files are left out: the system drops them when others need the memory.
    """

    def __init__(self) -> None:
        self.mib = 0.0
        self._over, self._thread = threading.Event(), threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        over = False
        while not over:
            over = self._over.wait(INTERVAL)
            resident, mapped = map(int, Path("/proc/self/statm").read_text().split()[1:3])
            self.mib = max(self.mib, (resident - mapped) * os.sysconf("SC_PAGE_SIZE") / 2**20)

"""How many cores there are, on systems that say what a process may use and on others; processes that share work."""

import math
import os
import signal

import pytest

from fgsbir.data.cores import available_cores, sharing_processes
from fgsbir.data.records import DataError


def test_what_the_process_may_use_or_all_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert available_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert available_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1


def test_processes_share_work_and_one_that_is_killed_is_told() -> None:
    with sharing_processes(2) as pool:
        assert list(pool.map(math.sqrt, [1, 4, 9, 16])) == [1, 2, 3, 4]
    with pytest.raises(DataError, match="one of 2 processes was killed"), sharing_processes(2) as pool:
        list(pool.map(signal.raise_signal, [signal.SIGKILL]))

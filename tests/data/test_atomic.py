import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.atomic import hold, new_array, write_bytes, write_folder, write_json
from fgsbir.data.records import DataError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    for content in ("first", "second"):
        with write_folder(folder) as partial:
            (partial / content).write_text(content)
            assert not (folder / content).exists()
        assert names(folder) == [content]
    assert names(tmp_path / "deep") == ["out"]


# The processes of a container have numbers of their own, though its host's name may be the same.
NUMBERED = Path("/proc/self/ns/pid")
HERE = f"a_host-{NUMBERED.stat().st_ino}" if NUMBERED.exists() else "a_host"


def leftover(path: Path, process: int, host: str = "") -> Path:
    """Where a process writes what will be ``path``; on another host, or in a container of ``host``'s."""
    return path.with_name(f".{path.name}.{host or HERE}-{process}-01234567.partial")


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a.host")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder ``out`` with a file ``good``."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/good").write_text("old")
    return tmp_path / "out"


def raising(error: BaseException) -> Callable[[Path], None]:
    def write(partial: Path) -> None:
        assert names(partial) == []
        (partial / "half").write_text("ha")
        raise error

    return write


def replacement_fails(partial: Path) -> None:
    partial.rmdir()  # what is not there cannot be renamed


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(
    "write",
    [raising(ValueError()), raising(KeyboardInterrupt()), raising(OSError(errno.ENOSPC, "full")), replacement_fails],
)
def test_a_folder_that_fails_leaves_the_old_one(old: Path, write: Callable[[Path], None], killed: bool) -> None:
    if killed:
        # An earlier process died between the two renames: the new folder is whole, the old one stepped aside.
        half = leftover(old, os.getpid())
        half.mkdir()
        (half / "half").write_text("ha")
        old.replace(old.parent / ".out.old")
    with pytest.raises((ValueError, KeyboardInterrupt, OSError)), write_folder(old) as partial:
        write(partial)
    assert names(old.parent) == ["out"] and names(old) == ["good"]


@pytest.fixture
def another() -> Iterator[int]:
    """The number of a process that lives."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate()


def test_what_others_are_writing_stays_and_what_dead_ones_left_goes(tmp_path: Path, another: int) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living, elsewhere = leftover(tmp_path / "a", another), leftover(tmp_path / "a", 1, "host-2")
    forgotten, container = leftover(tmp_path / "b", 1, "host-3"), leftover(tmp_path / "b", dead.pid, "a_host-1")
    for path in (leftover(tmp_path / "a", dead.pid), living, elsewhere, forgotten, container):
        path.mkdir()
        (path / "half").write_text("ha")
    leftover(tmp_path / "c.json", dead.pid).write_text("ha")
    os.utime(forgotten, (0, 0))
    with write_folder(tmp_path / "a") as partial:
        write_bytes(tmp_path / "c.json", b"whole")
        assert set(names(tmp_path)) == {living.name, elsewhere.name, container.name, partial.name, "c.json"}
    assert names(tmp_path) == sorted([living.name, elsewhere.name, container.name, "a", "c.json"])


def test_two_that_write_one_folder_do_not_write_into_each_other(tmp_path: Path) -> None:
    with write_folder(tmp_path / "out") as orphan:
        (orphan / "shard").write_text("whole")
        with write_folder(tmp_path / "out") as partial:
            (partial / "shard").write_text("who")
            assert (orphan / "shard").read_text() == "whole"
            (partial / "shard").write_text("whole")
    assert names(tmp_path) == ["out"] and (tmp_path / "out/shard").read_text() == "whole"


def test_a_folder_that_a_link_leads_to_is_replaced_and_not_the_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "out")
    for content in ("first", "second"):
        with write_folder(tmp_path / "out") as partial:
            (partial / content).write_text(content)
            assert partial.parent == tmp_path / "disk"
    assert (tmp_path / "out").is_symlink() and names(tmp_path / "disk" / "out") == ["second"]


def test_without_locks_work_goes_on_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_lock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_lock)
    with hold(tmp_path / "held", "another run"):
        assert "held: this file system has no locks, so start one run at a time" in caplog.text


def test_an_array_has_its_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the system kills the process that writes to it when the disk is full."""
    array = new_array(tmp_path / "a.npy", np.float16, (1000, 1000))
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= array.nbytes
    assert new_array(tmp_path / "none.npy", np.float16, (0, 3)).size == 0

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        new_array(tmp_path / "b.npy", np.float16, (1000, 1000))


def test_what_is_held_may_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, flock = tmp_path / "held", fcntl.flock
    first = hold(path, "another")
    with pytest.raises(DataError, match="held: another works here"):
        hold(path, "another")

    def let_go(file: Any, how: int) -> None:  # between the opening by the second and its lock
        monkeypatch.undo()
        path.unlink()
        first.close()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", let_go)
    with hold(path, "another"), pytest.raises(DataError, match="held: another works here"):
        hold(path, "another")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"a": 1})

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {"a": 2})
    assert names(tmp_path) == ["metrics.json"]
    assert json.loads(path.read_text()) == {"a": 1}


def test_a_file_replaces_a_read_only_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    # Files that DVC checked out can be read-only links into its cache.
    cached = tmp_path / "cached"
    cached.write_text("old")
    cached.chmod(0o444)
    path = tmp_path / "out.txt"
    path.symlink_to(cached)
    write_bytes(path, b"new")
    assert cached.read_text() == "old" and path.read_text() == "new" and not path.is_symlink()


def test_json_is_sorted_rounded_and_ends_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    value = {"b": 1 / 3, "a": [np.float32(1e-9), -1e-9, np.int64(2)], "é": {"n": None, "t": True}}
    write_json(path, value)
    assert json.loads(path.read_text()) == {"a": [0, 0, 2], "b": 0.333333, "é": {"n": None, "t": True}}
    assert path.read_text().startswith('{\n  "a": [\n    0.0,\n    0.0,\n    2\n  ],\n  "b"')
    write_json(path, value, indent=None)
    assert path.read_text() == '{"a":[0.0,0.0,2],"b":0.333333,"é":{"n":null,"t":true}}\n'


@pytest.mark.parametrize("value", [float("nan"), -float("inf"), np.float32("nan")])
def test_numbers_that_json_lacks_are_refused_by_name(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match=r"a\.json: joint: acc\[1\]: expected a finite number"):
        write_json(tmp_path / "a.json", {"joint": {"acc": [1.0, value]}})
    assert names(tmp_path) == []

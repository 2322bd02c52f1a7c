import errno
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fgsbir.data.atomic import round_floats, write_bytes, write_file, write_folder, write_json


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


@pytest.mark.parametrize("error", [ValueError("bad photo"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_a_failed_folder_leaves_the_old_one(tmp_path: Path, error: BaseException) -> None:
    folder = tmp_path / "out"
    with write_folder(folder) as partial:
        (partial / "good").write_text("old")
    with pytest.raises(type(error)), write_folder(folder) as partial:
        (partial / "half").write_text("ha")
        raise error
    assert names(tmp_path) == ["out"]
    assert names(folder) == ["good"]


def test_a_failed_replacement_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "good").write_text("old")
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if self.name.endswith("partial"):
            raise OSError(errno.EIO, "input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="input/output"), write_folder(folder):
        pass
    assert names(tmp_path) == ["out"]
    assert names(folder) == ["good"]


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "half").write_text("ha")
    with write_folder(tmp_path / "out") as partial:
        assert names(partial) == []
    assert names(tmp_path) == ["out"]


def test_the_old_folder_survives_a_kill_between_the_two_renames(tmp_path: Path) -> None:
    # The state just after the old folder stepped aside: the next writer must not lose both.
    (tmp_path / ".out.old").mkdir()
    (tmp_path / ".out.old" / "good").write_text("old")
    with pytest.raises(ValueError, match="stop"), write_folder(tmp_path / "out"):
        raise ValueError("stop")
    assert names(tmp_path / "out") == ["good"]


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
    assert cached.read_text() == "old"
    assert path.read_text() == "new"
    assert not path.is_symlink()


def test_the_sibling_keeps_the_suffix(tmp_path: Path) -> None:
    with write_file(tmp_path / "new" / "figure.png") as partial:
        assert partial.suffix == ".png"
        partial.write_bytes(b"x")
    assert names(tmp_path / "new") == ["figure.png"]


def test_json_is_sorted_rounded_and_ends_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": 1 / 3, "a": [np.float32(1e-9), -1e-9, np.int64(2)], "é": {"n": None, "t": True}})
    assert path.read_text() == (
        '{\n  "a": [\n    0.0,\n    0.0,\n    2\n  ],\n  "b": 0.333333,\n'
        '  "é": {\n    "n": null,\n    "t": true\n  }\n}\n'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_numbers_that_json_lacks_are_refused_by_name(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match=r"a\.json: joint: acc\[1\]: expected a finite number"):
        write_json(tmp_path / "a.json", {"joint": {"acc": [1.0, value]}})
    assert names(tmp_path) == []


@settings(deadline=None)
@given(st.recursive(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(), st.lists))
def test_rounding_moves_no_float_by_more_than_half_a_millionth(value: object) -> None:
    def compare(a: object, b: object) -> None:
        if isinstance(a, list):
            assert isinstance(b, list) and len(a) == len(b)
            for x, y in zip(a, b, strict=True):
                compare(x, y)
        elif isinstance(a, float):
            assert isinstance(b, float) and abs(a - b) <= 0.51e-6
        else:
            assert a == b

    compare(value, round_floats(value))

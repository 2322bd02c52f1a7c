"""The frame of all commands: what goes wrong is told in one line, and by the exit status."""

from pathlib import Path

import pytest

from fgsbir.__main__ import COMMANDS, main
from fgsbir.commands import index
from fgsbir.data.records import DataError


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(name, "--help") == 0
    assert f"fgsbir {name}" in capsys.readouterr().out


def test_no_command_or_another_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert status() == status("fly") == 2
    assert "usage: fgsbir" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (DataError("a.jpg: no photo"), 1, "error: a.jpg: no photo\n"),
        (PermissionError(13, "Permission denied", "out/a.svg"), 1, "error: out/a.svg: Permission denied\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_error_is_told_in_one_line(
    raised: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: object) -> None:
        raise raised

    monkeypatch.setattr(index, "run", fail)
    assert status("index", "photos", "--out", "index") == code
    assert capsys.readouterr().err == told


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(index, "run", lambda options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["index", str(tmp_path), "--out", str(tmp_path)])

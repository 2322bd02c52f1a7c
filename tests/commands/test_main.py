"""The frame of all commands: what goes wrong is told in one line, and by the exit status."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fgsbir.__main__ import COMMANDS
from fgsbir.commands import index as index_command
from fgsbir.data.records import DataError
from tests.data.readers.toy_files import write_sketch

Run = Callable[..., int]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, fgsbir: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert fgsbir(name, "--help") == 0
    told = capsys.readouterr().out
    assert f"usage: fgsbir {name}" in told and f"example: fgsbir {name}" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("index photos --out index", "photos: expected a photo or a folder of photos, found nothing"),
        ("index . --model m --out i", "m: expected a folder of a retrieval model, found nothing"),
        ("index . --adaptive a --out i", "a: expected a folder of an adaptive model, found nothing"),
        ("draw .", "models/joint: drawing needs a trained generator, and there is none; make repro, in a clone"),
        ("search a.svg --index .", "a.svg: expected a sketch, found nothing"),
        ("search a.ndjson:3 --index .", "a.ndjson: expected a sketch, found nothing"),
        ("search . --index index", "index: expected a folder that fgsbir index has written, found nothing"),
        ("serve --index . --generator g", "g: expected a folder of a generator, found nothing"),
        ("serve --index index", "index: expected a folder that fgsbir index has written, found nothing"),
        ("draw a.jpg", "a.jpg: expected a photo or a folder of photos, found nothing"),
        ("export --model m --onnx f.onnx", "m: expected a folder of a retrieval model, found nothing"),
        ("adapt --model . --support mine --out o", "mine: expected a folder of sketches"),
    ],
)
def test_what_is_not_there_is_told_before_anything_slow_is_loaded(arguments: str, message: str, tmp_path: Path) -> None:
    code = f"""import sys
from fgsbir.__main__ import main
try: main({arguments.split()!r})
finally: print("torch" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 1 and found.stderr.startswith(f"error: {message}") and found.stdout == "False\n"


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], ["numpy", "torch"]),
        (["search", "{sketch}", "--index", "{index}"], ["torch._dynamo", "lightning_fabric", "matplotlib"]),
    ],
)
def test_a_command_loads_no_more_than_it_needs(
    arguments: list[str], unneeded: list[str], index: Path, tmp_path: Path
) -> None:
    paths = {"index": index, "sketch": write_sketch(tmp_path / "a.svg")}
    code = f"""import sys
from fgsbir.__main__ import main
try: main({[argument.format(**paths) for argument in arguments]!r})
except SystemExit as left: assert not left.code
print([name for name in {unneeded!r} if name in sys.modules], file=sys.stderr)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr == "[]\n" and found.returncode == 0


def test_no_command_or_another_is_an_error(fgsbir: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert fgsbir() == fgsbir("fly") == 2
    assert "usage: fgsbir" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (DataError("a.jpg: no photo"), 1, "error: a.jpg: no photo\n"),
        (PermissionError(13, "Permission denied", "out/a.svg"), 1, "error: out/a.svg: Permission denied\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(28, "No space left on device"), 1, "error: the disk is full ([Errno 28] No space left on device); "),
        (ZeroDivisionError(), None, ""),  # a fault of the program, which keeps its traceback
    ],
)
def test_an_error_is_told_in_one_line(
    raised: BaseException,
    code: int | None,
    told: str,
    fgsbir: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(options: object) -> None:
        raise raised

    monkeypatch.setattr(index_command, "run", fail)
    if code is None:
        with pytest.raises(type(raised)):
            fgsbir("index", "photos", "--out", "index")
    else:
        assert fgsbir("index", "photos", "--out", "index") == code
    assert capsys.readouterr().err.startswith(told)


def test_who_reads_the_answer_may_stop_reading() -> None:
    """As head does; the answer is longer than a pipe holds."""
    code = """import sys
from fgsbir.__main__ import main
from fgsbir.commands import export
export.run = lambda options: sys.stdout.write("a line\\n" * 100_000)
main(["export", "--onnx", "a"])
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "" and process.wait() == 0

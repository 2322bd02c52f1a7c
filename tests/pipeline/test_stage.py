"""The frame of every stage: exit codes, clear errors, and the folder that an interrupted stage goes on from."""

import errno
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fgsbir.data.records import DataError
from fgsbir.runtime.faults import TrainingDiverged, TrainingInterrupted
from pipeline import stage
from pipeline.params import ParamsError

ROOT = Path(__file__).resolve().parents[2]


def left(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status and stderr of a stage that raises ``error``."""

    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        stage.run(main)
    return int(str(caught.value.code)), capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        ParamsError("params.yaml: seed: found -1"),
        DataError("data/raw/x/photos/a.jpg: truncated"),
        TrainingDiverged("the loss became NaN at step 7"),
    ],
)
def test_what_a_user_can_mend_is_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert left(error, capsys) == (1, f"error: {error}\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TrainingInterrupted()])
def test_an_interruption_leaves_with_130(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = left(error, capsys)
    assert status == 130
    assert said == "interrupted; the same command goes on from where it stopped\n"


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "data/raw/mine")
    assert left(error, capsys) == (1, "error: data/raw/mine: No such file or directory\n")


def from_other(error: Exception, cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except Exception as caught:
            raise error from caught
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "models/joint/model.safetensors"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        # As safetensors and torch pass it on.
        RuntimeError('Error while serializing: I/O error: No space left on device (os error 28)"'),
        from_other(RuntimeError("unexpected pos 64 vs 0"), OSError(errno.ENOSPC, "No space left on device")),
    ],
)
def test_a_full_disk_is_told_as_such(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = left(error, capsys)
    assert status == 1
    assert said.startswith("error: the disk is full (")
    assert said.count("\n") == 1


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    def main() -> None:
        raise KeyError("pair")

    with pytest.raises(KeyError):
        stage.run(main)


def test_a_stage_that_ends_well_returns() -> None:
    stage.run(lambda: None)


def test_a_real_full_disk(tmp_path: Path) -> None:
    program = """
from pathlib import Path
from pipeline.stage import run

def main():
    with Path("/dev/full").open("wb") as file:
        file.write(bytes(10))

run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the disk is full (")


def test_a_real_interrupt(tmp_path: Path) -> None:
    program = "import time; from pipeline.stage import run; run(lambda: (print('up', flush=True), time.sleep(60)))"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "interrupted; the same command goes on from where it stopped\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_freed_memory_is_used_again(tmp_path: Path) -> None:
    """Pages that a second large array has to fetch anew, in a stage and outside one."""
    program = """
import resource
import sys

import numpy as np
from pipeline.stage import run

def fetched() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(64 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def main() -> None:
    fetched()
    print(fetched())

main() if sys.argv[1:] else run(main)
"""
    outside, inside = (
        int(
            subprocess.run(
                [sys.executable, "-c", program, *arguments],
                env={"PYTHONPATH": str(ROOT)},
                cwd=tmp_path,
                capture_output=True,
                check=True,
            ).stdout
        )
        for arguments in (["outside"], [])
    )
    assert inside < 10 < outside


# The scratch folder.


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one stage, that depends on a file of code, a folder of shards and a model."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name in ("pipeline/joint.py", "data/shards/index.json", "data/shards/train-00000.tar", "models/retrieval/a"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    declared = {
        "deps": ["pipeline/joint.py", "data/shards", "models/retrieval"],
        "params": ["seed", "unlabelled_frac", "joint"],
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"joint": declared}}))
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path


def edit(name: str, old: str, new: str) -> Callable[[], object]:
    def change() -> None:
        path = Path(name)
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


def put(key: str, value: object) -> Callable[[], object]:
    """Give a key of params.yaml another value."""

    def change() -> None:
        values = yaml.safe_load(Path("params.yaml").read_text())
        *sections, last = key.split(".")
        section = values
        for name in sections:
            section = section[name]
        assert section[last] != value
        section[last] = value
        Path("params.yaml").write_text(yaml.safe_dump(values))

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("unlabelled_frac", 0.123),
        put("joint.k_r", 77),
        edit("pipeline/joint.py", "joint", "joint "),
        edit("data/shards/index.json", "index", "other"),
        edit("models/retrieval/a", "a", "b"),
    ],
)
def test_another_run_has_another_scratch_folder(project: Path, change: Callable[[], object]) -> None:
    before = stage.scratch_folder("joint")
    change()
    assert stage.scratch_folder("joint") != before


@pytest.mark.parametrize(
    "change",
    [
        put("synthesise.labelled", 77),
        put("runtime.devices", 77),
        edit("params.yaml", "\nseed:", "\n# A remark.\nseed:"),
        lambda: Path("pipeline/evaluate.py").write_text("new"),
    ],
)
def test_what_the_stage_does_not_depend_on_leaves_the_folder(project: Path, change: Callable[[], object]) -> None:
    before = stage.scratch_folder("joint")
    change()
    assert stage.scratch_folder("joint") == before


def test_the_scratch_folder_lies_in_the_repository_of_dvc(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage.scratch_folder("joint")
    assert here.parent == project / ".scratch" / "joint"
    elsewhere = project.parent / "repository"
    monkeypatch.setenv("DVC_ROOT", str(elsewhere))
    assert stage.scratch_folder("joint") == elsewhere / ".scratch" / "joint" / here.name


def test_a_missing_input_is_named(project: Path) -> None:
    shutil.rmtree("models/retrieval")
    with pytest.raises(DataError, match=r"models/retrieval: no such file or folder"):
        stage.scratch_folder("joint")


def test_a_temporary_run_uses_its_own_snapshot_of_the_code(tmp_path: Path) -> None:
    # As in a queued run: a copy of the project, while the environment points at the workspace's src.
    copy = tmp_path / "snapshot"
    for folder in ("pipeline", "src"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    program = "import pipeline, fgsbir; print(fgsbir.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == copy / "src" / "fgsbir" / "__init__.py"

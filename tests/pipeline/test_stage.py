"""The frame of every stage: exit codes, clear errors, and the folder that an interrupted stage goes on from."""

import errno
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
import yaml

from fgsbir.data.records import DataError
from fgsbir.runtime.faults import TrainingDiverged, TrainingInterrupted
from pipeline import stage
from pipeline.params import ParamsError

ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED = "interrupted; the same command goes on from where it stopped\n"
FULL = "error: the disk is full ("


def from_other(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ParamsError("params.yaml: seed: found -1"), "error: params.yaml: seed: found -1\n"),
        (DataError("data/raw/x/photos/a.jpg: truncated"), "error: data/raw/x/photos/a.jpg: truncated\n"),
        (TrainingDiverged("the loss became NaN at step 7"), "error: the loss became NaN at step 7\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "data/raw/mine"), "error: data/raw/mine: No such file\n"),
        (KeyboardInterrupt(), INTERRUPTED),
        (TrainingInterrupted(), INTERRUPTED),
        (OSError(errno.ENOSPC, "No space left on device", "models/a"), FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
        # As safetensors and torch pass it on.
        (RuntimeError('I/O error: No space left on device (os error 28)"'), FULL),
        (from_other(RuntimeError("unexpected pos 64 vs 0"), OSError(errno.ENOSPC, "No space left on device")), FULL),
    ],
)
def test_what_a_user_can_mend_is_one_line(error: BaseException, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        stage.run(main)
    message = capsys.readouterr().err
    assert caught.value.code == (130 if said == INTERRUPTED else 1)
    assert message.startswith(said) and message.count("\n") == 1


def test_a_path_that_dvc_cannot_write_is_named_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage.run(lambda: None)
    assert not caplog.messages
    monkeypatch.setattr(stage, "ROOT", Path("/home/jürgen/fgsbir"))
    stage.run(lambda: None)
    assert "/home/jürgen/fgsbir: this path has letters that are not ASCII" in caplog.text


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    stage.run(lambda: None)
    with pytest.raises(KeyError):
        stage.run(lambda: {}["pair"])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_freed_memory_is_used_again(tmp_path: Path) -> None:
    """Pages that a second large array has to fetch anew, in a stage and outside one."""
    program = """
import resource, sys
import numpy as np
from pipeline.stage import run

def main() -> None:
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.ones(64 << 20, np.uint8)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

main() if sys.argv[1:] else run(main)
"""
    fetched, outside = (
        int(subprocess.check_output(command, env={"PYTHONPATH": str(ROOT)}, cwd=tmp_path))
        for command in ([sys.executable, "-c", program], [sys.executable, "-c", program, "outside"])
    )
    assert fetched < 10 < outside


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one stage, that depends on a file of code, a folder of shards and a model."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    folders = {"data/shards": "train-00000.tar", "data/pseudo": "sketches.npz"}
    inputs = [f"{folder}/{name}" for folder, other in folders.items() for name in ("index.json", other)]
    for name in ("pipeline/joint.py", "models/retrieval/a", "data/features/features.json", *inputs):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    declared = {
        "deps": ["pipeline/joint.py", *folders, "data/features", "models/retrieval"],
        "params": ["seed", "unlabelled_frac", "joint"],
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"joint": declared}}))
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "another_run"),
    [
        ("params.yaml", "unlabelled_frac: 1.0", "unlabelled_frac: 0.5", True),
        ("params.yaml", "k_r: ", "k_r: 1", True),
        ("pipeline/joint.py", "joint", "joint ", True),
        ("data/shards/index.json", "index", "other", True),
        ("models/retrieval/a", "a", "b", True),
        ("data/pseudo/sketches.npz", "sketches", "others", True),
        ("params.yaml", "  strength: 1.0", "  strength: 0.5", True),  # which changed the stored features
        ("params.yaml", " labelled: ", " labelled: 1", False),
        ("params.yaml", "devices: ", "devices: 1", False),
        ("params.yaml", "\nseed:", "\n# A remark.\nseed:", False),
        ("data/shards/train-00000.tar", "train", "other", False),  # the index tells what the shards hold
        ("dvc.yaml", "stages:", "# A remark.\nstages:", False),
    ],
)
def test_a_run_has_a_scratch_folder_of_its_own(project: Path, file: str, old: str, new: str, another_run: bool) -> None:
    before, text = stage.scratch_folder("joint"), Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))
    assert (stage.scratch_folder("joint") != before) == another_run


def test_two_runs_in_one_scratch_folder_are_refused_and_a_dead_one_holds_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = dict[Path, IO[bytes]]()
    monkeypatch.setattr(stage, "_held", holder)
    folder = stage.scratch_folder("joint")
    monkeypatch.setattr(stage, "_held", {})  # as another process
    with pytest.raises(DataError, match=f"{folder.name}.held: another run of the stage joint works here"):
        stage.scratch_folder("joint")
    monkeypatch.setenv("RANK", "1")  # what the first process of a run holds, it holds for all
    assert stage.scratch_folder("joint") == folder
    monkeypatch.delenv("RANK")
    holder.pop(folder).close()
    assert stage.scratch_folder("joint") == folder


def test_the_scratch_folder_lies_in_the_repository_of_dvc_and_a_missing_input_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = stage.scratch_folder("joint")
    assert here.parent == project / ".scratch" / "joint"
    elsewhere = project.parent / "repository"
    monkeypatch.setenv("DVC_ROOT", str(elsewhere))
    assert stage.scratch_folder("joint") == elsewhere / ".scratch" / "joint" / here.name
    shutil.rmtree("models/retrieval")
    with pytest.raises(DataError, match=r"models/retrieval: no such file or folder"):
        stage.scratch_folder("joint")

"""A copy of the project for the slow tests: tiny params, and folders that stages are run in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

TINY = Path(__file__).with_name("tiny.yaml")
ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 900

Values = dict[str, Any]


def lay_over(values: Values, changes: Values) -> None:
    """Put ``changes`` into ``values``, section by section; only keys that are there may be changed."""
    for key, value in changes.items():
        assert key in values, key
        if isinstance(value, dict):
            lay_over(values[key], value)
        else:
            values[key] = value


@pytest.fixture(scope="session")
def project_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files as git would commit them, with tiny params; a snapshot that no edit reaches."""
    folder = tmp_path_factory.mktemp("project")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        # What an earlier run measured is no part of the code.
        if name and (ROOT / name).is_file() and not name.startswith("metrics/") and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    values = yaml.safe_load((folder / "params.yaml").read_text())
    lay_over(values, yaml.safe_load(TINY.read_text()))
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return folder


Start = Callable[[str, Path], "subprocess.Popen[str]"]
Train = Callable[..., dict[str, bytes]]
TRAINING = ("pretrain_retrieval", "pretrain_generator", "sketch_classifier", "pseudo", "joint", "adapt")


@pytest.fixture(scope="session")
def start(project_copy: Path) -> Start:
    """Start one stage in a folder of its own, with the copy's code."""
    alone = {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "DVC_ROOT": "", "PYTHONPATH": str(project_copy)}
    pipes: Values = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return lambda name, folder: subprocess.Popen(
        [sys.executable, "-m", f"pipeline.{name}"], cwd=folder, env=os.environ | alone, **pipes
    )


@pytest.fixture(scope="session")
def train(start: Start) -> Train:
    """Run stages in a folder, one after the other, and give all that lies there then; a failure fails the test."""

    def run(folder: Path, *stages: str) -> dict[str, bytes]:
        for name in stages:
            with start(name, folder) as process:
                _, said = process.communicate(timeout=TIMEOUT)
            assert process.returncode == 0, said[-3000:]
        return outputs_of(folder)

    return run


@pytest.fixture(scope="session")
def packed(project_copy: Path, train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with params.yaml and the tiny default set in data/shards, its features and its edges."""
    folder = tmp_path_factory.mktemp("packed")
    shutil.copy(project_copy / "params.yaml", folder)
    train(folder, "synthesise", "shard", "features", "edges")
    shutil.rmtree(folder / "data" / "raw")
    return folder


@pytest.fixture(scope="session")
def unbroken(packed: Path, train: Train, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each training stage, the folder as it was before the stage, and under "end" as it was after all."""
    work = tmp_path_factory.mktemp("unbroken")
    shutil.copytree(packed, work, dirs_exist_ok=True)
    before = {}
    for stage in TRAINING:
        before[stage] = tmp_path_factory.mktemp(f"before_{stage}")
        shutil.copytree(work, before[stage], dirs_exist_ok=True)
        train(work, stage)
    assert not list((work / ".scratch").rglob("*.pt")), "a finished stage leaves no checkpoint"
    return before | {"end": work}


def contents(folder: Path, *below: str) -> dict[str, bytes]:
    """Every file under the folders ``below``, by its path."""
    files = [path for name in below for path in sorted((folder / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def outputs_of(folder: Path) -> dict[str, bytes]:
    """All that the training stages wrote into a folder."""
    return contents(folder, "models", "metrics", "data/pseudo")


def assert_same(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """The same files with the same bytes; of others, the names alone are shown."""
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []

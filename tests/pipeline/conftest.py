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
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        # What an earlier run measured is no part of the code.
        if name and (ROOT / name).is_file() and not name.startswith("metrics/") and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    values = yaml.safe_load((folder / "params.yaml").read_text())
    lay_over(values, yaml.safe_load((ROOT / "tests" / "pipeline" / "tiny.yaml").read_text()))
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return folder


@pytest.fixture(scope="session")
def environment(project_copy: Path) -> dict[str, str]:
    """The environment of a stage that runs in a folder of its own, with the copy's code."""
    return os.environ | {
        "PYTHONPATH": str(project_copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "DVC_ROOT": "",
    }


Stage = Callable[[str, Path], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_stage(environment: dict[str, str]) -> Stage:
    """Run one stage in a folder; the test fails with its output if it fails."""

    def run(name: str, folder: Path) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", f"pipeline.{name}"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done

    return run


@pytest.fixture(scope="session")
def packed(project_copy: Path, run_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with params.yaml and the tiny default set in data/shards, its features and its edges."""
    folder = tmp_path_factory.mktemp("packed")
    shutil.copy(project_copy / "params.yaml", folder)
    for name in ("synthesise", "shard", "features", "edges"):
        run_stage(name, folder)
    return folder


def contents(folder: Path, *below: str) -> dict[str, bytes]:
    """Every file under the folders ``below``, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in below
        for path in sorted((folder / name).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def outputs_of() -> Callable[[Path], dict[str, bytes]]:
    """All that the training stages wrote into a folder."""
    return lambda folder: contents(folder, "models", "metrics", "data/pseudo")

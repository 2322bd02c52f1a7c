"""A sweep in DVC's queue, and a worker that is killed: the commands of docs/gpus.md and docs/troubleshooting.md."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.pipeline.pages import block
from tests.pipeline.repositories import Repository, clean_environment

pytestmark = pytest.mark.slow


def test_a_sweep_goes_on_after_a_worker_was_killed(project_copy: Path, tmp_path: Path) -> None:
    shutil.copytree(project_copy, tmp_path / "project")
    repository = Repository(tmp_path / "project", clean_environment(tmp_path))
    repository.git("init", "-q", "-b", "main")
    repository.commit(".")
    queue, start = block("docs/gpus.md", "Sweeps", here={"range(0,3)": "range(1,3)"}).splitlines()
    start += " > /dev/null 2>&1"  # the worker keeps what it is given, and a pipe would not end before it does
    repository.shell(queue)
    assert statuses(repository) == ["Queued", "Queued"]
    try:
        repository.shell(start)
        until_some_have(repository, "Running", 1)
        kill_all_below(repository.path)
        assert sorted(statuses(repository)) == ["Queued", "Running"]
        (name,) = re.findall(r"(\S+) +\S+ +\S+ +Running", repository.dvc("queue", "status"))
        repository.dvc("queue", "kill", name)
        repository.dvc("queue", "remove", name)
        repository.dvc("exp", "run", "--queue", "-S", "seed=1")
        repository.shell(start)
        until_some_have(repository, "Success", 2)
    finally:
        kill_all_below(repository.path)
    runs = [run for branch in repository.json("exp", "show", "--json") for run in branch["experiments"] or []]
    seeds = {run["revs"][0]["data"]["params"]["params.yaml"]["data"]["seed"] for run in runs}
    assert seeds == {1, 2}


def statuses(repository: Repository) -> list[str]:
    return re.findall(r"(Queued|Running|Success|Failed)\s*$", repository.dvc("queue", "status"), re.MULTILINE)


def until_some_have(repository: Repository, status: str, number: int, timeout: float = 900) -> None:
    end = time.monotonic() + timeout
    while statuses(repository).count(status) < number:
        assert "Failed" not in statuses(repository) and time.monotonic() < end, repository.dvc("queue", "status")
        time.sleep(1)


def kill_all_below(folder: Path) -> None:
    """Kill every process whose working directory lies in ``folder``: a worker, and what it runs."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder.resolve()):
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue  # it has ended, or is another user's

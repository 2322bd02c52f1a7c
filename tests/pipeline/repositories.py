"""Repositories with a pipeline, and the commands that a user gives in them."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.pipeline.conftest import ROOT, contents

STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
DVC = (sys.executable, "-m", "dvc")


@dataclass
class Repository:
    """A clone with its pipeline, and the commands that a user gives in it."""

    path: Path
    environment: dict[str, str]

    def __call__(self, *command: str, check: bool = True) -> str:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(command, cwd=self.path, env=self.environment, **pipes, text=True, timeout=1800)
        assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout[-5000:]}"
        return done.stdout

    def shell(self, commands: str, check: bool = True) -> str:
        """What bash says to lines as they stand in the docs; the first that fails ends them."""
        return self("bash", "-ec", commands, check=check)

    def dvc(self, *arguments: str) -> str:
        return self(*DVC, *arguments)

    def git(self, *arguments: str) -> str:
        return self("git", *arguments)

    def json(self, *arguments: str) -> Any:
        """What a command of DVC prints as JSON, without its warnings."""
        return json.loads(subprocess.check_output([*DVC, *arguments], cwd=self.path, env=self.environment))

    def commit(self, *paths: str) -> None:
        self.git("add", *paths)
        self.git("commit", "-q", "-m", "A commit")

    def undo(self) -> None:
        """Back to what is committed."""
        self.git("checkout", "-q", ".")
        self.dvc("checkout")

    def bytes(self) -> dict[str, bytes]:
        return contents(self.path, "data", "models", "metrics")

    def hashes_of_outs(self) -> dict[str, str]:
        stages = yaml.safe_load((self.path / "dvc.lock").read_text())["stages"]
        return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}


def ran(output: str) -> list[str]:
    """The stages that ran, in the order of dvc.yaml."""
    return sorted(re.findall(r"Running stage '(\w+)'", output), key=STAGES.index)


def clean_environment(outside: Path) -> dict[str, str]:
    """Settings that are no user's and no machine's; ``python`` is the one that runs the tests."""
    home = outside / "home"
    home.mkdir(exist_ok=True)
    foreign = ("DVC_", "GIT_", "PYTHON", "AWS_", "SSH_")
    values = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return values | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "DVC_SYSTEM_CONFIG_DIR": str(outside / "system"),
        "DVC_GLOBAL_CONFIG_DIR": str(outside / "global"),
        "DVC_SITE_CACHE_DIR": str(outside / "site"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{person}_{key}": "a@example.org" for person in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")},
    }

"""Stages run once for all settings that share their recipe, and again when anything in it changes."""

import fcntl
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.recipes import DONE, LOCK, SPENT, Recipes, changed
from pipeline.stage import ROOT

VALUES: dict[str, Any] = {
    "seed": 0,
    "runtime": {"workers": 1},
    "dataset": {"root": "raw"},
    "b": {"x": 1},
    "c": {"y": 1},
}
STAGE = """
import sys
from pathlib import Path

import yaml

values = yaml.safe_load(Path("params.yaml").read_text())
Path("runs").open("a").write("once ")
seen = [Path(path).read_text() for path in {reads}]
if values["b"]["x"] == 13:
    sys.exit(3)
Path("{out}").write_text("{name}" + str(values["{name}"] if "{name}" in values else "") + "".join(seen))
"""
FILES = {"a": ("data/a", []), "b": ("models/b", ["data/a"]), "c": ("models/c", ["data/a", "models/b"])}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of three stages: a reads the raw data, b reads a, c reads both."""
    root = tmp_path / "project"
    (root / "pipeline").mkdir(parents=True)
    (root / "raw").mkdir()
    (root / "raw" / "photo").write_text("photo")
    stages = {}
    for name, (out, reads) in FILES.items():
        (root / "pipeline" / f"{name}.py").write_text(STAGE.format(name=name, out=out, reads=reads))
        stages[name] = {
            "cmd": f"python -m pipeline.{name}",
            "deps": [f"pipeline/{name}.py", *(reads or ["${dataset.root}"])],
            "params": ["seed", *([name] if name in VALUES else [])],
            "outs": [{out: {"cache": False}} if name == "c" else out],
        }
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    return root


def recipes(root: Path) -> Recipes:
    return Recipes(root, root / "kept")


def keys(root: Path, changes: dict[str, Any] | None = None) -> dict[str, str]:
    return {name: step.key for name, step in recipes(root).steps(changed(VALUES, changes or {}), "c").items()}


def test_the_steps_come_in_an_order_that_works(root: Path) -> None:
    steps = recipes(root).steps(VALUES, "c")
    assert list(steps) == ["a", "b", "c"]
    assert steps["c"].inputs == {"data/a": steps["a"], "models/b": steps["b"]}
    assert list(recipes(root).steps(VALUES, "b")) == ["a", "b"]


def test_code_that_changes_during_a_run_is_not_run_under_the_old_key(root: Path) -> None:
    """c's code changes while a runs: a and b are done, c is not."""
    ran = recipes(root)
    steps = ran.steps(VALUES, "c")

    def report(line: str) -> None:
        if line.startswith("a-"):
            with (root / "pipeline" / "c.py").open("a") as code:
                code.write("print(1)\n")

    assert ran.run(list(steps.values()), jobs=1, report=report) == [steps["c"]]
    assert ran.is_done(steps["b"]) and not ran.is_done(steps["c"])
    assert "have changed since this run began" in (ran.folder(steps["c"]) / "log").read_text()
    assert not recipes(root).run(recipes(root).steps(VALUES, "c").values(), jobs=1)


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"c.y": 2}, {"c"}),
        ({"b.x": 2}, {"b", "c"}),
        ({"seed": 1}, {"a", "b", "c"}),
        ({"runtime.workers": 2}, set()),
    ],
)
def test_a_recipe_is_the_params_that_a_stage_tracks_and_its_inputs(
    root: Path, changes: dict[str, Any], other: set[str]
) -> None:
    before, after = keys(root), keys(root, changes)
    assert {name for name in before if before[name] != after[name]} == other


def test_a_recipe_is_the_code_and_the_data(root: Path) -> None:
    before = keys(root)
    stage = root / "pipeline" / "b.py"
    stage.write_text(f'"""Words."""\n# More of them.\n{stage.read_text()}')
    assert keys(root) == before
    stage.write_text('def b():\n    """Words."""\n    return 1\n')
    once = keys(root)
    stage.write_text('def b():\n    """Others."""\n    return 1\n')
    assert keys(root) == once
    stage.write_text("pass")
    assert {name for name, key in keys(root).items() if key != before[name]} == {"b", "c"}
    (root / "raw" / "photo").write_text("another photo")
    assert {name for name, key in keys(root).items() if key != before[name]} == {"a", "b", "c"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_runs_share_is_run_once(root: Path, jobs: int) -> None:
    kept = recipes(root)
    chains = [kept.steps(changed(VALUES, changes), "c") for changes in ({}, {"c.y": 2}, {"b.x": 2})]
    steps = [step for chain in chains for step in chain.values()]
    told: list[str] = []
    assert kept.run(steps, jobs=jobs, report=told.append) == []
    assert len(told) == len(set(told)) == 1 + 2 + 3
    assert all((kept.folder(step) / "runs").read_text() == "once " for step in steps)
    found = [(kept.folder(chain["c"]) / "models" / "c").read_text() for chain in chains]
    assert found == ["c{'y': 1}ab{'x': 1}a", "c{'y': 2}ab{'x': 1}a", "c{'y': 1}ab{'x': 2}a"]
    assert kept.run(steps, jobs=jobs, report=told.append) == [] and len(told) == 6


def test_a_failure_stops_what_needs_it_and_nothing_else(root: Path) -> None:
    kept = recipes(root)
    bad, good = (kept.steps(changed(VALUES, {"b.x": x}), "c") for x in (13, 1))
    told: list[str] = []
    failed = kept.run([*bad.values(), *good.values()], jobs=1, report=told.append)
    assert {step.name for step in failed} == {bad["b"].name, bad["c"].name}
    assert any("failed, see" in line and line.startswith(bad["b"].name) for line in told)
    assert kept.is_done(good["c"]) and not kept.folder(bad["c"]).exists()


def test_a_step_that_was_killed_goes_on_in_its_folder(root: Path) -> None:
    kept = recipes(root)
    steps = kept.steps(VALUES, "c")
    kept.run([steps["a"]], jobs=1, report=lambda line: None)
    folder = kept.folder(steps["b"])
    (folder / ".scratch").mkdir(parents=True)
    assert not kept.is_done(steps["b"])
    assert kept.run(steps.values(), jobs=1, report=lambda line: None) == []
    assert kept.is_done(steps["b"]) and (folder / ".scratch").is_dir()


def test_the_time_of_a_step_is_that_of_all_its_attempts(root: Path) -> None:
    kept = recipes(root)
    step = kept.steps(VALUES, "a")["a"]
    kept.folder(step).mkdir(parents=True)
    (kept.folder(step) / SPENT).write_text("1000\n")
    kept.run([step], jobs=1, report=lambda line: None)
    assert json.loads((kept.folder(step) / DONE).read_text())["seconds"] > 1000


def test_a_step_waits_while_another_runner_works_in_its_folder(root: Path) -> None:
    kept = recipes(root)
    steps = kept.steps(VALUES, "b")
    folder = kept.folder(steps["a"])
    folder.mkdir(parents=True)
    with (folder / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def the_other_one_is_done() -> None:
            assert not (folder / "runs").exists()
            (folder / "data").mkdir()
            (folder / "data" / "a").write_text("another's ")
            (folder / DONE).write_text("{}")
            fcntl.flock(lock, fcntl.LOCK_UN)

        threading.Timer(0.5, the_other_one_is_done).start()
        assert kept.run(steps.values(), jobs=1, report=lambda line: None) == []
    assert not (folder / "runs").exists()
    assert (kept.folder(steps["b"]) / "models" / "b").read_text() == "b{'x': 1}another's "


def test_a_runner_that_is_stopped_stops_its_steps(root: Path) -> None:
    (root / "pipeline" / "a.py").write_text(
        "import time\nfrom pathlib import Path\nPath('begun').touch()\ntime.sleep(60)\n"
    )
    program = f"""
from pathlib import Path
from pipeline.recipes import Recipes

kept = Recipes(Path({str(root)!r}), Path({str(root)!r}) / "kept")
kept.run(kept.steps({VALUES!r}, "a").values(), jobs=1)
"""
    runner = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    folder = recipes(root).folder(recipes(root).steps(VALUES, "a")["a"])
    while not (folder / "begun").exists():
        assert runner.poll() is None, runner.communicate()
        time.sleep(0.05)
    runner.send_signal(signal.SIGTERM)
    _, said = runner.communicate(timeout=30)
    assert said.rstrip().endswith("KeyboardInterrupt") and runner.returncode != 0
    with (folder / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not (folder / DONE).exists()


def test_a_change_of_what_is_no_param_is_refused() -> None:
    assert changed(VALUES, {"b.x": 5})["b"] == {"x": 5} and VALUES["b"] == {"x": 1}
    with pytest.raises(KeyError, match=r"b\.z"):
        changed(VALUES, {"b.z": 5})

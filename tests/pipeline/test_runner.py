"""The runner of rows, on a tiny set: it shares what rows share, goes on after a failure, and gives DVC's figures."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from experiments.rows import Row
from experiments.runner import DONE, Planner, run_rows

pytestmark = pytest.mark.slow

HALF = {"labelled_frac": 0.5, "unlabelled_frac": 1.0}
ROWS = [
    Row("control", "synthetic", {"labelled_frac": 0.5, "unlabelled_frac": 0.0}, seeds=1),
    Row("full", "synthetic", HALF, seeds=2),
    Row("edges", "synthetic", {**HALF, "pseudo.sketches": "edges", "joint.joint_training": False}, seeds=1),
    Row("oracle", "synthetic", HALF, seeds=1, true_sketches=True),
]


def test_rows_share_stages_and_give_the_figures_of_their_commands(project_copy: Path, tmp_path: Path) -> None:
    params = yaml.safe_load((project_copy / "params.yaml").read_text())
    planner = Planner(tmp_path / "store", params, {})
    broken = Row("broken", "synthetic", {"labelled_frac": 0.5, "unlabelled_frac": 0.0, "joint.k_r": 0}, seeds=1)
    with pytest.raises(RuntimeError, match="1 of 12 stages failed"):
        run_rows([*ROWS[:1], broken], planner, jobs=2)
    rows, folders = run_rows(ROWS, planner, jobs=2)
    stages = [path.parent.name.rsplit("-", 1)[0] for path in planner.store.glob(f"*/{DONE}")]
    runs = {"joint": 5, "evaluate": 5, "pseudo": 4, "pretrain_retrieval": 2, "pretrain_generator": 2}
    assert {stage: stages.count(stage) for stage in stages} == {
        **dict.fromkeys(("synthesise", "shard", "features", "edges", "sketch_classifier", "true_sketches"), 1),
        **runs,
    }
    before = {path: path.stat().st_mtime_ns for path in planner.store.glob(f"*/{DONE}")}
    assert run_rows(ROWS, planner, jobs=2) == (rows, folders)
    assert {path: path.stat().st_mtime_ns for path in planner.store.glob(f"*/{DONE}")} == before

    clone = tmp_path / "clone"
    shutil.copytree(project_copy, clone)
    for words in ("git init -q", "git add .", "git -c user.name=a -c user.email=a@example.org commit -q -m Start"):
        subprocess.run(shlex.split(words), cwd=clone, check=True)
    asked = shlex.split(rows[1].command())[1:]
    subprocess.run([sys.executable, "-m", "dvc", *asked], cwd=clone, check=True, capture_output=True)
    for name in ("ranks.csv", "generator.json"):
        assert (clone / "metrics" / name).read_bytes() == (folders[1][0] / "metrics" / name).read_bytes()
    scores = json.loads((clone / "metrics" / "evaluate.json").read_text())
    assert scores["joint"] == json.loads((folders[1][0] / "metrics" / "evaluate.json").read_text())["joint"]

"""The four commands that define the product, on a tiny set in a repository of its own, one after the other."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import assert_same
from tests.pipeline.pages import NOT_READY, block
from tests.pipeline.repositories import DVC, STAGES, Repository, clean_environment, ran

pytestmark = pytest.mark.slow
NODES = "torchrun, several nodes"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="module")
def giver(project_copy: Path, outside: Path) -> Repository:
    """A repository in which the pipeline ran once and the run is committed."""
    shutil.copytree(project_copy, outside / "giver")
    repository = Repository(outside / "giver", clean_environment(outside))
    repository.git("init", "-q", "-b", "main")
    repository.dvc("remote", "add", "-q", "--default", "storage", str(outside / "storage"))
    repository.commit(".")
    assert ran(repository.dvc("repro")) == STAGES
    repository.commit("metrics", "models", "dvc.lock")
    return repository


def test_a_run_ends_with_complete_metrics_a_report_and_plots_and_leaves_nothing_else(giver: Repository) -> None:
    scores = json.loads((giver.path / "metrics" / "evaluate.json").read_text())
    for model in ("supervised", "joint"):
        for score in ("acc@1", "acc@5", "acc@10", "mean_rank"):
            assert scores[model][f"{score}_low"] <= scores[model][score] <= scores[model][f"{score}_high"]
    assert (scores["n_gallery"], scores["n_query"]) == (10, 30)
    shown = giver.json("metrics", "show", "--json")[""]["data"]
    assert {"metrics/evaluate.json", "metrics/generator.json", "metrics/data.json"} <= set(shown)
    assert not [path for path in giver.path.glob("metrics/*.json") if "NaN" in path.read_text()]
    report = giver(sys.executable, "-m", "pipeline.report")
    assert re.search(r"^  supervised +[\d.]+ \[", report, re.MULTILINE) and "metrics/synthetic.png" in report
    output = giver.dvc("plots", "show", "-o", "shown")
    assert (giver.path / "shown" / "index.html").exists(), output
    shutil.rmtree(giver.path / "shown")
    assert giver.git("status", "--porcelain") == ""
    assert not list((giver.path / ".scratch").rglob("*.pt"))


def test_outs_say_nothing_but_content(giver: Repository) -> None:
    """After a commit that changes nothing here, each stage runs to the same hashes, and so nothing behind it runs."""
    (giver.path / "NOTES.md").write_text("An unrelated commit.\n")
    giver.commit("NOTES.md")
    before = giver.hashes_of_outs()
    for stage in STAGES:
        giver.dvc("repro", "--force", "--single-item", "--no-run-cache", stage)
    # It says at which commit it was measured; git keeps it, and no stage reads it.
    assert {path for path, _ in before.items() - giver.hashes_of_outs().items()} <= {"metrics/evaluate.json"}
    # Nor does anything run for what no stage tracks.
    path = giver.path / "params.yaml"
    params = path.read_text()
    assert params != params.replace("log_interval: 2", "log_interval: 3")
    path.write_text(params.replace("log_interval: 2", "log_interval: 3"))
    assert ran(giver.dvc("repro")) == []
    giver.git("checkout", "-q", ".")


def test_processes_that_torchrun_starts_write_what_one_does(giver: Repository) -> None:
    """The commands of docs/gpus.md, on one machine; DVC takes what they wrote for its own."""
    before = giver.hashes_of_outs()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        here = {"host1:29500": f"127.0.0.1:{free.getsockname()[1]} --local-addr 127.0.0.1"}
    one, two, elastic, commit = re.sub(r"#.*\n", "", block("docs/gpus.md", NODES, here=here)).split("\n\n")
    for command, machines in ((one, 1), (two, 2), (elastic, 1)):
        features = giver.path / "data/features"
        shutil.rmtree(features)
        with ThreadPoolExecutor(machines) as shells:
            list(shells.map(giver.shell, [command] * machines))
        giver.shell(commit)
        assert features.exists() and giver.hashes_of_outs() == before and ran(giver.dvc("repro")) == []
    index = block("docs/gpus.md", NODES, 1).replace("my/photos", "data/raw/synthetic/photos")
    assert "my/index: " in giver.shell(index)
    shutil.rmtree(giver.path / "my")


def test_an_interrupted_repro_goes_on_where_it_stopped(giver: Repository) -> None:
    before = giver.bytes()
    command = [*DVC, "repro", "--force", "--single-item", "joint"]
    scratch = giver.path / ".scratch" / "joint"
    # In a session of its own, so that the signal reaches DVC and the stage as Ctrl-C does.
    with subprocess.Popen(
        command,
        cwd=giver.path,
        env=giver.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    ) as process:
        while not list(scratch.rglob("*.pt")) and process.poll() is None:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=600)
    assert process.returncode != 0 and "interrupted; the same command goes on from where it stopped" in said
    assert list(scratch.rglob("*.pt"))
    assert "resuming from " in giver(*command)
    # The first run has been committed since, and nothing says so.
    assert_same(giver.bytes(), before)
    assert not list(scratch.rglob("*.pt"))
    giver.undo()


def test_half_of_the_unlabelled_photos_runs_joint_and_evaluate_alone(giver: Repository) -> None:
    assert ran(giver.dvc("exp", "run", "--name", "half", "-S", "unlabelled_frac=0.5")) == ["joint", "evaluate"]
    changes = giver.json("metrics", "diff", "--json")
    assert set(changes) <= {"metrics/evaluate.json", "metrics/generator.json"}
    changed = set(changes["metrics/evaluate.json"])
    assert not any(name.startswith("supervised") for name in changed)
    assert any(name.startswith(("joint.", "protocol.")) for name in changed)
    giver.undo()
    assert ran(giver.dvc("repro")) == []
    # The table of docs/pipeline.md fits a screen.
    (command,) = re.findall(r"^dvc exp show .*$", (giver.path / "docs" / "pipeline.md").read_text(), re.MULTILINE)
    table = Repository(giver.path, giver.environment | {"COLUMNS": "100"}).shell(f"{command} --no-pager")
    assert "[half]" in table and "supervised.acc@1" in table and "…" not in table, table


def test_a_folder_of_photos_and_drawings_is_trained_on(giver: Repository) -> None:
    """README's commands for one's own data, from the folder to the index."""
    mine, drawn = giver.path / "data/raw/mine", giver.path / "data/raw/synthetic"
    for name in ("photos", "sketches", "unlabelled"):
        (mine / name).mkdir(parents=True)
    for line in (drawn / "sketches.ndjson").read_text().splitlines():
        sketch = json.loads(line)
        if sketch["photo"].startswith("chair-"):
            (mine / "sketches" / f"{sketch['photo']}_{sketch['user']}.json").write_text(json.dumps(sketch["strokes"]))
    for photo in (drawn / "photos" / "chair").glob("*.jpg"):
        has_sketch = any((mine / "sketches").glob(f"{photo.stem}_*"))
        shutil.copy(photo, mine / ("photos" if has_sketch else "unlabelled"))
    track, train, index = block("README.md", "Your own data", here=NOT_READY).splitlines()
    giver.shell(track)
    done = ran(giver.shell(train))
    assert done[0] == "shard" and done[-1] == "evaluate" and "joint" in done
    scores = json.loads((giver.path / "metrics/evaluate.json").read_text())
    found = json.loads((giver.path / "metrics/data.json").read_text())
    assert scores["n_query"] > 0 and [each["category"] for each in found["by_category"]] == ["mine"]
    said = giver.shell(index.replace("my/photos", "data/raw/mine/photos"))
    assert re.search(r"my/trained-index: \d+ photos", said)
    shutil.rmtree(giver.path / "my")
    giver.undo()
    assert ran(giver.dvc("repro")) == []


def test_a_failed_run_says_why_and_can_be_undone(giver: Repository) -> None:
    output = giver(*DVC, "exp", "run", "-S", "unlabelled_frac=2", check=False)
    assert "error: params.yaml: unlabelled_frac: found 2; it should be less than or equal to 1" in output
    giver.undo()
    assert yaml.safe_load((giver.path / "params.yaml").read_text())["unlabelled_frac"] == 1


def test_a_queued_run_uses_its_own_snapshot_of_the_code(giver: Repository) -> None:
    giver.dvc("exp", "run", "--queue", "--name", "queued", "-S", "unlabelled_frac=0")
    (giver.path / "src/fgsbir/joint/trainer.py").write_text("raise RuntimeError('the workspace, not the snapshot')\n")
    # As an editable install would: the environment points at the workspace.
    installed = Repository(giver.path, giver.environment | {"PYTHONPATH": str(giver.path / "src")})
    installed.dvc("exp", "run", "--run-all")
    giver.git("checkout", "-q", "src")
    (found,) = [
        experiment["revs"][0]["data"]
        for branch in giver.json("exp", "show", "--json")
        for experiment in branch["experiments"] or []
        if experiment["name"] == "queued"
    ]
    assert found["params"]["params.yaml"]["data"]["unlabelled_frac"] == 0
    committed = json.loads((giver.path / "metrics" / "evaluate.json").read_text())
    assert found["metrics"]["metrics/evaluate.json"]["data"]["supervised"] == committed["supervised"]
    assert giver.git("status", "--porcelain") == ""


def test_a_second_clone_gets_everything_and_trains_nothing(giver: Repository, outside: Path) -> None:
    """The giver shares the run, and the experiment "half", over a folder."""
    giver.git("clone", "-q", "--bare", ".", str(outside / "team.git"))
    giver.git("remote", "add", "origin", str(outside / "team.git"))
    giver.git("push", "-q", "origin", "main")
    giver.dvc("remote", "modify", "--local", "storage", "verify", "true")
    # An experiment lies in the workspace, and the commit is shared all the same.
    giver.dvc("exp", "apply", "half")
    giver.dvc("push", "--all-branches")
    giver.dvc("exp", "push", "--run-cache", "origin", "half")
    giver.undo()
    taker = Repository(outside / "taker", clean_environment(outside))
    giver.git("clone", "-q", str(outside / "team.git"), str(taker.path))
    assert ran(taker.dvc("repro", "--pull", "--allow-missing")) == []
    taker.dvc("pull")
    assert_same(taker.bytes(), giver.bytes())
    assert ran(taker.dvc("repro")) == []
    # A colleague's experiment is fetched instead of run.
    output = taker.dvc("exp", "run", "--pull", "-S", "unlabelled_frac=0.5")
    assert re.findall(r"Stage '(\w+)' is cached - skipping run", output) == ["joint"]
    assert ran(output) == ["evaluate"]
    assert yaml.safe_load((taker.path / "params.yaml").read_text())["unlabelled_frac"] == 0.5
    assert (taker.path / "models" / "joint" / "retrieval" / "model.safetensors").exists()

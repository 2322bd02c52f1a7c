"""The rows of the evidence, and what is made of their figures."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from experiments.page import write_page
from experiments.rows import Row, laid_over, read_rows
from experiments.summary import Ranks, adaptation_rows, difference, generator_rows, read_ranks, retrieval_rows
from pipeline.params import load
from tests.pipeline.conftest import ROOT

ROWS = read_rows(ROOT / "experiments" / "rows.yaml")
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def test_each_row_is_a_setting_of_the_pipeline_and_its_command_says_so(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    for row in ROWS:
        path.write_text(yaml.safe_dump(laid_over(PARAMS, row.run(3))))
        found = load(path)
        words = shlex.split(row.command(3))
        target = {"evaluate": "evaluate", "adapt": "evaluate_adaptation"}[row.stage]
        assert (words[:3], words[-1]) == (["dvc", "exp", "run"], target)
        path.write_text((ROOT / "params.yaml").read_text())
        apply_overrides(path, words[4:-1:2])
        assert load(path) == found
    with pytest.raises(KeyError, match=r"joint\.step"):
        laid_over(PARAMS, {"joint.step": 1})


def test_a_row_stands_once() -> None:
    names = [(row.place, row.name, row.settings.get("unlabelled_frac")) for row in ROWS]
    assert len(set(names)) == len(names)


def row(name: str, **changes: object) -> Row:
    return Row(name, "synthetic", {"labelled_frac": 0.2, "unlabelled_frac": 1.0} | changes, seeds=2)


def test_worked_figures() -> None:
    photos = np.array(["a", "a", "b", "b"])
    control = Ranks(np.array([[1, 2, 3, 11], [1, 1, 3, 11]]), photos)
    full = Ranks(np.array([[1, 1, 1, 6], [1, 1, 1, 1]]), photos)
    rows = [row("control", unlabelled_frac=0.0), row("full", seed=7), row("full", unlabelled_frac=0.5)]
    found = retrieval_rows(rows, [control, full, control], ["cpu"] * 3)
    assert [each["acc@1"] for each in found] == [37.5, 87.5, 37.5]
    assert (found[0]["acc@5"], found[0]["acc@10"]) == (75.0, 75.0)
    assert found[0]["sd"] == pytest.approx(np.std([25, 50], ddof=1), abs=1e-4)
    assert [list(each["minus"]) for each in found] == [[], ["control"], ["control"]]
    assert found[1]["minus"]["control"] == difference(full, control)
    assert found[2]["minus"]["control"] == {"acc@1": 0.0, "low": 0.0, "high": 0.0}
    found_difference = difference(full, control)
    assert found_difference["low"] <= found_difference["acc@1"] == 50.0 <= found_difference["high"]


def test_files_of_runs_become_rows_and_a_page(tmp_path: Path) -> None:
    for seed in (0, 1):
        metrics = tmp_path / str(seed) / "metrics"
        metrics.mkdir(parents=True)
        (metrics / "ranks.csv").write_text(f"query,photo,supervised,joint\na-1,a,2,1\nb-1,b,1,{1 + seed}\n")
        scores = {"acc@1": 50.0 + seed, "acc@10": 90.0, "fid": 2.0, "recognition": 99.0}
        certainty = {"spearman_bins": 0.9, "spearman_photos": 0.4}
        told = {
            "people": scores,
            "edges": scores,
            "after_joint": scores,
            "before_joint": scores | {"certainty": certainty},
        }
        (metrics / "drawings.csv").write_text("query,photo,before_joint,after_joint,edges\na,a,2,1,1\nb,b,1,1,1\n")
        (metrics / "generator.json").write_text(json.dumps(told))
    folders = [tmp_path / "0", tmp_path / "1"]
    ranks = read_ranks(folders, "joint")
    assert ranks.ranks.tolist() == [[1, 1], [1, 2]] and ranks.photos.tolist() == ["a", "b"]
    people, _, before, after = generator_rows(row("full"), folders)
    assert after["minus"] == {"before_joint": {"acc@1": 50.0, "low": 0.0, "high": 100.0}}
    assert (people["row"], people["found_acc@1"], before["row"]) == ("people", 50.5, "before_joint")
    assert "certainty_spearman_bins" not in people and before["certainty_spearman_bins"] == 0.9
    (tmp_path / "pictures").mkdir()
    for folder in folders:
        tasks = {"lamp": {"ranks": [[1, 2]], "photo": [0, 1], "margins": [0.3]}}
        better = {"lamp": tasks["lamp"] | {"ranks": [[1, 1], [1, 2]]}}
        (folder / "models/adaptive").mkdir(parents=True)
        (folder / "models/adaptive/ranks.json").write_text(
            json.dumps({"category": {"none": {"0": tasks, "10": tasks}, "photos": {"10": better}}})
        )
    adapted = adaptation_rows(Row("methods", "synthetic", {}, 2, stage="adapt"), folders)
    assert [(each["method"], each["k"], each["acc@1"]) for each in adapted] == [
        ("none", 0, 50.0),
        ("none", 10, 50.0),
        ("photos", 10, 75.0),
    ]
    assert adapted[0]["minus_none"] is None and adapted[2]["minus_none"]["acc@1"] == 25.0
    results = {"retrieval": retrieval_rows([row("full")], [ranks], ["cpu"]), "generator": [people, before]}
    write_page(results | {"adaptation": adapted}, tmp_path)
    page = (tmp_path / "evidence.md").read_text()
    assert "| full | 2 | 75.0 (35.4) |" in page
    assert "| photos |  | 75.0 (+25.0 [0.0, 50.0]) |" in page
    assert (tmp_path / "pictures" / "evidence.png").stat().st_size > 5_000


def test_the_page_says_what_the_results_say(tmp_path: Path) -> None:
    write_page(json.loads((ROOT / "metrics" / "results.json").read_text()), tmp_path)
    assert (tmp_path / "evidence.md").read_text() == (ROOT / "docs" / "evidence.md").read_text()

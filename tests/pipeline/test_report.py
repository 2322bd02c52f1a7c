"""The table at the end of ``make repro``."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from pipeline.report import adapted_rows, facts, table

ROOT = Path(__file__).resolve().parents[2]
SCORES = {
    "joint": {"acc@1": 50.0, "acc@1_high": 52.125, "acc@1_low": 48.0, "acc@10": 90.5, "acc@5": 71.0, "only_low": 1},
    "n_query": 1200,
    "protocol": {"device": "cpu", "split_hash": "ab"},
    "supervised": {"acc@1": 46.8333, "acc@1_high": 49.5, "acc@1_low": 44.25, "acc@10": 88.0, "mean_rank": 7.0},
}
ROWS = ("supervised", "joint", "joint_minus_supervised")
ADAPTED = {
    "none": {"10": {"acc@1": 19.0, "acc@1_low": 14.5, "acc@1_high": 24.0, "acc@5": 40.5, "sd": 0.0}},
    "adaptive": {
        "1": {"acc@1": 20.0, "acc@5": 41.5, "acc@1_low": 15.25, "acc@1_high": 25.0, "sd": 1.0},
        "10": {"acc@1": 24.5, "acc@1_low": 19.0, "acc@1_high": 30.0}
        | {"minus_none": 5.5, "minus_none_low": 1.5, "minus_none_high": 9.5},
    },
}


def test_a_row_for_each_model_and_intervals_beside_their_score() -> None:
    assert list(table(SCORES, ROWS)) == [
        "              acc@1                acc@5  acc@10  mean_rank  only_low",
        "  supervised  46.83 [44.25, 49.5]         88      7",
        "  joint       50 [48, 52.12]       71     90.5               1",
    ]
    assert list(facts(SCORES, ROWS)) == ["  n query: 1200", "  protocol device: cpu", "  protocol split hash: ab"]
    rows = adapted_rows(ADAPTED)
    assert list(table(rows, list(rows))) == [
        "                         acc@1           acc@5  minus_none",
        "  none, 10 sketches      19 [14.5, 24]   40.5",
        "  adaptive, 1 sketch     20 [15.25, 25]  41.5",
        "  adaptive, 10 sketches  24.5 [19, 30]          5.5 [1.5, 9.5]",
    ]


def test_the_report_shows_the_tables_that_there_are_and_the_pictures_that_stages_declare(tmp_path: Path) -> None:
    def report(ending: str = "") -> subprocess.CompletedProcess[str]:
        shell = f"{sys.executable} -m pipeline.report {ending}"
        environment = {"PYTHONPATH": str(ROOT)}
        return subprocess.run(shell, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)

    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    metrics = tmp_path / "metrics"
    (metrics / "pictures").mkdir(parents=True)
    for name in ("synthetic.png", "pictures/queries.png", "unknown.png"):
        (metrics / name).write_bytes(b"")
    done = report()
    assert done.returncode == 1
    assert done.stderr == "error: metrics/evaluate.json: no such file; run `dvc repro` first\n"

    for name in ("evaluate.json", "generator.json"):
        (metrics / name).write_text(json.dumps(SCORES))
    said = report().stdout
    assert said.count("supervised  46.83 [44.25, 49.5]") == 1 and "adaptation" not in said
    assert said.endswith("Pictures\n\n  metrics/pictures/queries.png\n  metrics/synthetic.png\n")

    (metrics / "adapt.json").write_text(json.dumps({"user": ADAPTED}))
    said = report().stdout
    assert "for a new user after adaptation" in said and "  adaptive, 10 sketches  24.5 [19, 30]" in said
    # A reader that stops early ends it without a word.
    assert report("| read line").stderr == ""

"""The figures that the pages tell of one run, against the evidence's copy of it."""

import json
import re
from typing import Any

import numpy as np

from fgsbir.evaluation.comparison import compare
from pipeline.compare import RESAMPLES
from pipeline.report import table
from tests.pages import RESULTS, ROOT, rows, section


def kept_run(row: str) -> dict[str, Any]:
    """A run of seed 0 as the evidence keeps it: what `make repro` measures anew in a reader's clone is theirs."""
    return dict(json.loads((ROOT / "metrics" / "evidence" / f"{row}-0.json").read_text()))


def test_one_run_of_the_default_is_as_the_evidence_keeps_it() -> None:
    full, control = kept_run("full"), kept_run("control")
    assert full["queries"] == control["queries"]
    ranks = {
        name: np.array(run["ranks"][model])
        for name, run, model in (
            ("supervised", full, "supervised"),
            ("control", control, "joint"),
            ("joint", full, "joint"),
        )
    }
    found = {
        name: scores
        for first in ("supervised", "control")
        for name, scores in compare(
            {first: ranks[first], "joint": ranks["joint"]},
            np.array(full["photo"]),
            resamples=RESAMPLES,
            seed=0,
        ).items()
    }
    told = {cells[0]: cells[1:] for cells in rows(section("One run of the default", RESULTS)) if len(cells) == 5}
    heads = {
        "supervised": "`supervised`",
        "control": "control",
        "joint": "`joint`",
        "joint_minus_supervised": "joint . supervised",
        "joint_minus_control": "joint . control",
    }
    for name, head in heads.items():
        (cells,) = (cells for key, cells in told.items() if re.fullmatch(head, key.partition(":")[0]))
        assert cells == [
            f"{found[name][score]:.1f} [{found[name][f'{score}_low']:.1f}, {found[name][f'{score}_high']:.1f}]"
            for score in ("acc@1", "acc@5", "acc@10", "mean_rank")
        ], name
    ending = "\n".join(table(found, ["supervised", "joint", "joint_minus_supervised"]))
    assert f"\n\n{ending}\n" in section("Quick start")


def test_the_sketches_of_that_run_are_told_as_its_file_tells_them() -> None:
    told = section("One run of the default", RESULTS)
    generator = kept_run("full")["generator"]
    found = [cells for cells in rows(told) if cells[0].startswith(("G ", "the set"))]
    assert [cells[1:] for cells in found] == [
        [
            f"{sketches['acc@1']:.1f} / {sketches['acc@10']:.1f}",
            f"{sketches['fid']:.2f}" if "fid" in sketches else "",
            f"{sketches['recognition']:.1f} %",
            f"{sketches['ended']:.0f} %" if "ended" in sketches else "",
        ]
        for sketches in (generator[name] for name in ("before_joint", "after_joint", "human"))
    ]
    for name in ("before_joint", "after_joint"):
        sketches = generator[name]
        assert f"{sketches['acc@1']:.1f} [{sketches['acc@1_low']:.1f}, {sketches['acc@1_high']:.1f}]" in told

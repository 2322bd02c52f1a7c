"""The evidence's rows are real settings with a command each, and its README section is made of its numbers."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from fgsbir.data.records import DataError
from fgsbir.evaluation.adaptation_evidence import summary
from fgsbir.training.few_shot_methods import METHODS
from pipeline import adapt_evidence, evidence, evidence_report
from pipeline.evidence import ROWS
from pipeline.experiments import REAL, SEEDS, Row
from pipeline.params import load
from pipeline.recipes import Recipes, changed
from pipeline.sections import Params
from pipeline.stage import ROOT

NAMES = {row.name: row for row in ROWS}


def test_rows_have_names_of_their_own_and_valid_params() -> None:
    assert len(NAMES) == len(ROWS)
    defaults = load().model_dump(mode="json")
    for row in ROWS:
        Params.model_validate(changed(defaults, {**row.changes, "seed": 1}))


def test_the_rows_of_adaptation_have_names_of_their_own_and_valid_params() -> None:
    rows = adapt_evidence.ROWS
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        Params.model_validate(changed(load().model_dump(mode="json"), {**row.changes, "seed": 1}))
    assert set(adapt_evidence.METHODS) == set(METHODS)


def test_adaptation_is_summed_up_over_seeds() -> None:
    """Two queries under two seeds: ours finds one, then both, the baseline none, then one."""

    def file(row: str, seed: int, **ranks: list[int]) -> dict[str, Any]:
        tasks = {
            name: {"5": {"clock": {"ranks": [values], "photo": [0, 1], "margins": [0.3]}}}
            for name, values in ranks.items()
        }
        return {"row": row, "seed": seed, "code": "x", "command": "dvc", "ranks": {"category": tasks}}

    files = [file("methods", 0, ours=[1, 9], baseline=[2, 9]), file("methods", 1, ours=[1, 1], baseline=[1, 9])]
    found = summary([*files, file("fixed_margin", 0, ours=[1, 9])])
    assert found["category"]["ours"]["5"]["acc@1"] == 75 and found["category"]["ours"]["5"]["sd"] == 25
    assert found["category"]["ours_minus_baseline"]["difference"] == 50
    assert found["ablations"]["fixed_margin"]["category"]["5"]["acc@1"] == 50
    assert found["rows"]["methods"]["seeds"] == [0, 1]
    with pytest.raises(DataError, match="made by different code"):
        summary([files[0], {**files[1], "code": "y"}])


def test_the_report_names_no_row_that_is_not_run() -> None:
    named = {name for pair in evidence_report.DIFFERENCES for name in pair}
    assert named | set(evidence_report.ABLATION) | set(evidence_report.CHAIRV2_ROWS) <= set(NAMES)


@pytest.mark.parametrize("row", [*ROWS, *adapt_evidence.ROWS], ids=lambda row: row.name)
def test_a_row_can_be_run_alone_by_its_command(row: Row) -> None:
    words = shlex.split(row.command(2, "evaluate"))
    assert words[:3] == ["dvc", "exp", "run"]
    given = dict(word.split("=", 1) for word in words if "=" in word)
    assert given.pop("seed") == "2"
    if row.real:
        assert given.pop("dataset.root") == "data/raw/chairv2" and words[-1] == "evaluate"
    # What YAML makes of the words is what the row is run with.
    import yaml

    assert {name: yaml.safe_load(value) for name, value in given.items()} == dict(row.changes)


def test_rows_share_the_stages_that_they_do_not_change(tmp_path: Path) -> None:
    recipes, defaults = Recipes(ROOT, tmp_path), load().model_dump(mode="json")
    found = {
        name: recipes.steps(changed(defaults, NAMES[name].changes), "evaluate")
        for name in ("full", "control", "oracle")
    }
    full, control, oracle = found.values()
    assert [name for name in full if full[name].key != control[name].key] == ["joint", "evaluate"]
    assert [name for name in full if full[name].key != oracle[name].key] == ["pseudo", "joint", "evaluate"]


def test_rows_that_need_chairv2_are_left_out_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(REAL, raising=False)
    with caplog.at_level("WARNING"):
        evidence.main(["chairv2"])
    assert "chairv2 is left out: it needs ChairV2" in caplog.text


def summed_up() -> dict[str, Any]:
    joint = {
        f"{name}{end}": 40.0
        for name in ("acc@1", "acc@5", "acc@10", "mean_rank")
        for end in ("", "_sd", "_low", "_high")
    }
    row = {"seeds": list(SEEDS), "joint": joint, "supervised": joint, "command": "dvc exp run -S seed=0"}
    return {
        "rows": {"full": row, "control": row, "chairv2": row},
        "differences": {"full_minus_control": {"acc@1": 4.0, "acc@1_low": 1.5, "acc@1_high": 6.5}},
        "share_of_oracle": 0.25,
        "claims": [{"claim": "full is above its control", "holds": True, "figure": "+4.0"}],
    }


def test_the_section_tells_claims_rows_and_commands() -> None:
    words = evidence_report.section(summed_up())
    assert "| full is above its control | yes | +4.0 |" in words
    assert "| control: no unlabelled photos | 3 | 40.0 ± 40.0 | 40.0 ± 40.0 | +4.0 [1.5, 6.5] |" in words
    assert "Full goes 25 % of the way" in words
    assert "vanilla" not in words  # a row that was not run


def test_the_table_has_a_line_for_each_row_and_model() -> None:
    lines = evidence_report.table(summed_up()["rows"]).splitlines()
    assert len(lines) == 7 and lines[0].startswith("row,model,seeds,acc@1,acc@1_sd")


def test_the_readme_is_filled_between_its_marks() -> None:
    first, last = evidence_report.MARKS
    readme = f"before\n{first}\nold\n{last}\nafter\n"
    assert evidence_report.filled(readme, "new") == f"before\n{first}\nnew\n{last}\nafter\n"
    with pytest.raises(DataError, match="once each"):
        evidence_report.filled("nothing", "new")


def test_the_readme_has_a_place_for_the_section() -> None:
    assert "made up" in evidence_report.filled(evidence_report.README.read_text(), "made up")


def test_the_readme_says_what_the_evidence_says() -> None:
    if not evidence_report.SUMMARY.is_file():
        pytest.skip("no evidence has been gathered yet")
    found = json.loads(evidence_report.SUMMARY.read_text())
    readme = evidence_report.README.read_text()
    assert evidence_report.filled(readme, evidence_report.section(found)) == readme

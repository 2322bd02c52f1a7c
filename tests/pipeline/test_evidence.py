"""The evidence's rows are real settings with a command each, and the pages about them are made of their numbers."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from fgsbir.data.records import DataError
from fgsbir.evaluation.claims import claims
from fgsbir.evaluation.evidence import experiments, generator_summary
from fgsbir.models.precision import working_precision
from pipeline import adapt_evidence, adapt_evidence_report, evidence, evidence_report, evidence_rows
from pipeline.evidence import ROWS
from pipeline.experiments import REAL, SEEDS, Experiments, Row
from pipeline.pages import README, RESULTS, filled
from pipeline.params import load
from pipeline.processor import processor
from pipeline.recipes import Recipes, Step, changed
from pipeline.sections import Params
from pipeline.stage import ROOT

NAMES = {row.name: row for row in ROWS}
LABELLED = ("supervised", "control", "full")


def test_rows_have_names_of_their_own_and_valid_params() -> None:
    assert len(NAMES) == len(ROWS)
    defaults = load().model_dump(mode="json")
    for row in ROWS:
        Params.model_validate(changed(defaults, {**row.changes, "seed": 1}))


def test_the_report_names_no_run_that_is_not_made() -> None:
    compared = {name for asked in evidence_rows.DIFFERENCES for name in asked.runs}
    named = compared | {name for line in evidence_rows.LINES for name in (line.run, line.control) if name}
    assert named == set(NAMES)
    assert compared <= set(evidence_rows.COMPARED)
    assert set(evidence_rows.PAPER) <= {asked.row for asked in evidence_rows.DIFFERENCES}
    shown = [(line.dataset, line.row) for line in evidence_rows.LINES]
    assert len(shown) == len(set(shown))
    assert {("synthetic", name) for name in evidence_rows.ABLATION} <= set(shown)
    assert {("chairv2", name) for name in evidence_rows.CHAIRV2_ROWS} <= set(shown)
    shares = {f"labelled_{share}_{model}" for share in ("0.2", "0.4", "0.6", "0.8", "1") for model in LABELLED}
    assert {("synthetic", name) for name in shares} <= set(shown)


@pytest.mark.parametrize("row", [*ROWS, *adapt_evidence.ROWS], ids=lambda row: row.name)
def test_a_row_can_be_run_alone_by_its_command(row: Row) -> None:
    words = shlex.split(row.command(2, "float32", "evaluate"))
    assert words[:5] == ["OMP_NUM_THREADS=1", "dvc", "exp", "run", "--force"]
    given = dict(word.split("=", 1) for word in words[5:] if "=" in word)
    assert given.pop("seed") == "2" and given.pop("precision") == "float32"
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


def test_a_seed_is_finished_in_the_precision_that_it_was_begun_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipeline.experiments.KEPT", tmp_path / "kept")
    begun = Experiments(ROWS, "evaluate", tmp_path, evidence.measured)
    for seed, precision in ((1, "float32"), (2, "bf16")):
        (tmp_path / f"full-{seed}.json").write_text(json.dumps({"precision": precision, "recipe": "old"}))

    def planned(there: bool) -> dict[int, str]:
        monkeypatch.setattr("fgsbir.models.precision.multiplies_bf16", lambda _: there)
        steps: list[Step] = []

        def kept(_: Recipes, asked: Iterable[Step], **__: Any) -> list[Step]:
            steps.extend(asked)
            return []

        monkeypatch.setattr(Recipes, "run", kept)
        begun.run(["control"], prog="", description="")
        return {step.values["seed"]: step.values["precision"] for step in steps}

    assert planned(True) == {0: "bf16", 1: "float32", 2: "bf16"}
    assert planned(False) == {0: "float32", 1: "float32"}
    assert "seed 2 is left out: it was begun in bf16" in caplog.text


def test_a_run_whose_stages_are_all_there_gets_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.experiments.KEPT", tmp_path / "kept")
    recipes, defaults = Recipes(ROOT, tmp_path / "kept"), load().model_dump(mode="json")
    here = working_precision(defaults["precision"], torch.device("cpu"))
    for step in recipes.steps(changed(defaults, {**NAMES["control"].changes, "precision": here}), "evaluate").values():
        recipes.folder(step).mkdir(parents=True)
        (recipes.folder(step) / "done.json").write_text(json.dumps({"seconds": 2.0}))
    asked = Experiments(ROWS, "evaluate", tmp_path / "files", lambda _: {"measured": True})
    asked.run(["control", "--seeds", "0"], prog="", description="")
    (made,) = (json.loads(path.read_text()) for path in (tmp_path / "files").iterdir())
    assert (made["row"], made["precision"], made["measured"]) == ("control", here, True)
    assert made["processor"] == processor()
    assert set(made["seconds"].values()) == {2.0}


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "[]"])
def test_a_file_that_is_of_no_run_is_named(tmp_path: Path, text: str) -> None:
    for name, content in (("control-5", text), ("control-old", "not read"), ("control-7", '{"seed": 7}')):
        (tmp_path / f"{name}.json").write_text(content)
    asked = Experiments(ROWS, "evaluate", tmp_path, lambda _: {})
    with pytest.raises(DataError, match=r"control-5\.json: expected"):
        list(asked.read())
    (tmp_path / "control-5.json").unlink()
    assert list(asked.read()) == [{"seed": 7}]


def test_rows_that_need_chairv2_are_left_out_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(REAL, raising=False)
    with caplog.at_level("WARNING"):
        evidence.main(["chairv2_labelled_1_supervised"])
    assert "chairv2_labelled_1_supervised is left out: it needs ChairV2" in caplog.text


def summed_up() -> list[dict[str, Any]]:
    scores = {
        f"{name}_{end}": 40.0
        for name in ("acc@1", "acc@5", "acc@10", "mean_rank")
        for end in ("mean", "sd", "low", "high")
    }
    gain = {
        f"minus_control{of}{end}": value + plus
        for of, plus in (("", 0), ("_acc@10", 1))
        for end, value in (("", 4.0), ("_low", 1.5), ("_high", 6.5))
    }
    made = {"seeds": list(SEEDS), "minus_control_seeds": list(SEEDS), "command": "dvc exp run -S seed=0", **scores}
    made["processors"] = ["one"] * len(SEEDS)
    return [
        {"row": "control", "dataset": "synthetic", **made, **dict.fromkeys(gain)},
        {"row": "full", "dataset": "synthetic", **made, **gain},
        {"row": "oracle", "dataset": "synthetic", **made, **gain, "minus_control": 16.0},
        {"row": "labelled_0.4_full", "dataset": "chairv2", **made, **gain},
        {"row": "full_minus_no_teacher", "seeds": [0, 1], "difference": 1.0, "low": -0.5, "high": 2.5}
        | {"difference_acc@10": -0.04, "low_acc@10": -1.0, "high_acc@10": 0.5},
        {"row": "labelled_0.2_full_gain_minus_full_gain", "seeds": [0], "difference": 5.2, "low": 0.9, "high": 9.6}
        | {"difference_acc@10": 21.2, "low_acc@10": 16.1, "high_acc@10": 26.3},
    ]


def test_in_short_are_claims_and_pictures() -> None:
    told = [{"claim": "full is above its control", "holds": True, "figure": "+4.0"}]
    words = evidence_report.in_short(evidence_report.by_name(summed_up()), told)
    assert "| full is above its control | yes | +4.0 |" in words
    assert "docs/pictures/ablation.png" in words and "docs/pictures/labelled.png" not in words


def test_in_full_are_rows_and_commands() -> None:
    words = evidence_report.in_full(summed_up(), {})
    assert "| control: no unlabelled photos | 3 | 40.0 ± 40.0 | 40.0 ± 40.0 |  |  |" in words
    assert "| full | 3 | 40.0 ± 40.0 | 40.0 ± 40.0 | +4.0 [1.5, 6.5] | +5.0 [2.5, 7.5] |" in words
    assert "| full without the teacher | 2 | +1.0 [-0.5, 2.5] | +0.0 [-1.0, 0.5] | +1.8 (ShoeV2) |" in words
    assert (
        "| full, 0.2 of the labelled photos: its gain over its control | full: its gain over its control | 1 "
        "| +5.2 [0.9, 9.6] | +21.2 [16.1, 26.3] |  |"
    ) in words
    assert "Full goes 25 % of the way" in words
    assert "On ChairV2:" in words and "| full, 0.4 of the labels | 3 |" in words
    assert "hard threshold" not in words  # a row that was not run
    assert words.endswith(
        "```\n# control, full, oracle, labelled_0.4_full (ChairV2)\ndvc exp run -S seed=0\n```\n\n</details>"
    )


def test_rows_without_a_run_are_named() -> None:
    lines = evidence_report.LINES
    rows = [{"row": line.row, "dataset": line.dataset} for line in lines]
    assert [*evidence_report._not_run(rows)] == []
    missing = [row for row in rows if row != {"row": "full", "dataset": "synthetic"}]
    missing.remove({"row": "labelled_0.4_full", "dataset": "chairv2"})
    assert [*evidence_report._not_run(missing)] == ["", "Not run yet: `full`, `labelled_0.4_full` on ChairV2."]


def test_what_another_processor_ran_is_named() -> None:
    rows = summed_up()
    assert evidence_report.in_full(rows, {}).startswith(f"{evidence_report.INTERVALS}\n\nRun on: one.\n")
    rows[1]["processors"], rows[3]["processors"] = ["one", "two", "two"], ["three", "two", "one"]
    assert (
        "Run on: one; on two: `full` (seeds 1, 2), `labelled_0.4_full` on ChairV2 (seed 1); on three: "
        "`labelled_0.4_full` on ChairV2 (seed 0)."
    ) in evidence_report.in_full(rows, {})


def test_each_g_is_told_of_before_and_after_joint_training() -> None:
    one = {f"{name}_mean": 7.04 for name in ("generated_acc@1", "generated_acc@10", "fid", "recognition")}
    three = one | {key.replace("mean", "sd"): 1.0 for key in one}
    rows = [{"row": "before_joint", "seeds": [0, 1, 2], **three}, {"row": "after_joint", "seeds": [0, 1, 2], **three}]
    real = {"row": "after_joint", "seeds": [0], **one}
    del real["recognition_mean"]
    words = evidence_report.in_full(summed_up(), {"full": rows, "chairv2_labelled_0.4_full": [real]})
    assert "| the default, before joint training | 3 | 7.0 ± 1.0 | 7.0 ± 1.0 | 7.04 ± 1.00 | 7.0 ± 1.0 |" in words
    assert "| ChairV2, 0.4 of the labels, after joint training | 1 | 7.0 | 7.0 | 7.04 |  |" in words


def test_chairv2_stands_in_the_readme_as_far_as_it_was_run() -> None:
    real = evidence_report.by_name(summed_up(), "chairv2")
    assert evidence_report.real_photos(real).splitlines()[2:] == [
        "| full, 0.4 of the labels | 3 | 40.0 ± 40.0 | 40.0 ± 40.0 | +4.0 [1.5, 6.5] | +5.0 [2.5, 7.5] |"
    ]
    assert evidence_report.real_photos({}).startswith("No row on ChairV2")


def test_the_headline_tells_of_the_rows_that_have_fulls_seeds() -> None:
    rows = evidence_report.by_name(summed_up())
    rows["no_edges"], rows["no_drawings"] = rows["full"] | {"seeds": [0]}, rows["full"]
    words = evidence_report.headline(rows).splitlines()
    assert len(words) == 5  # none of no_edges, of one seed alone
    assert words[2].startswith("| the labelled chairs: the control | 3 |")
    assert words[4].endswith("| 3 | 40.0 ± 40.0 | 40.0 ± 40.0 | +4.0 [1.5, 6.5] | +5.0 [2.5, 7.5] |")


def test_a_single_seed_has_no_deviation_and_no_share_of_the_way_of_three() -> None:
    rows = summed_up()
    rows[2] |= {"seeds": [0], "processors": ["one"]}
    words = evidence_report.in_full(rows, {})
    assert "| vanilla with true sketches | 1 | 40.0 | 40.0 | +16.0 [1.5, 6.5] | +5.0 [2.5, 7.5] |" in words
    assert "of the way" not in words


def test_a_curve_needs_three_points_of_all_seeds() -> None:
    row = {"row": "any", "seeds": [0, 1]}
    few = dict.fromkeys(("unlabelled_0", "unlabelled_1", "labelled_1_full"), row)
    assert evidence_report.curves(few) == {}
    assert evidence_report.curves(few | {"unlabelled_0.5": {"row": "any", "seeds": [0]}}) == {}
    found = evidence_report.curves(few | {"unlabelled_0.5": row})
    assert found == {"unlabelled": {"full": [(0.0, row), (0.5, row), (1.0, row)]}}


def test_the_table_has_a_line_for_each_row() -> None:
    lines = evidence_report.table(summed_up()).splitlines()
    assert len(lines) == 5 and lines[0].startswith("dataset,row,acc@1_mean,acc@1_sd")


def test_a_page_is_filled_between_its_marks(tmp_path: Path) -> None:
    (first, last), page = evidence_report.MARKS, tmp_path / "page.md"
    page.write_text(f"before\n{first}\nold\n{last}\nafter\n")
    assert filled(page, "new", evidence_report.MARKS) == f"before\n{first}\nnew\n{last}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(DataError, match=r"page\.md: expected .* once each"):
        filled(page, "new", evidence_report.MARKS)


def test_the_pages_have_a_place_for_each_part() -> None:
    for page, marks in (
        (README, evidence_report.HEADLINE_MARKS),
        (README, evidence_report.CLAIMS_MARKS),
        (README, evidence_report.CHAIRV2_MARKS),
        (README, adapt_evidence_report.SHORT_MARKS),
        (RESULTS, evidence_report.MARKS),
        (RESULTS, adapt_evidence_report.MARKS),
    ):
        assert "made up" in filled(page, "made up", marks)


def test_the_readme_says_what_the_evidence_says() -> None:
    if not evidence_report.SUMMARY.is_file():
        pytest.skip("no evidence has been gathered yet")
    found, generator = (json.loads(path.read_text()) for path in (evidence_report.SUMMARY, evidence_report.GENERATOR))
    files = list(evidence.EVIDENCE.read())
    runs = experiments(files)
    generators = {name: generator_summary(files, name) for name in evidence_rows.GENERATORS}
    assert generators["full"] == generator
    assert {(row["row"], row["dataset"]): row["seeds"] for row in found if "dataset" in row} == {
        (line.row, line.dataset): runs[line.run].seeds for line in evidence_rows.LINES if line.run in runs
    }, "runs have come since: python -m pipeline.evidence_report"
    rows = evidence_report.by_name(found)
    for page, words, marks in (
        (README, evidence_report.headline(rows), evidence_report.HEADLINE_MARKS),
        (
            README,
            evidence_report.in_short(rows, claims(found, generator)),
            evidence_report.CLAIMS_MARKS,
        ),
        (
            README,
            evidence_report.real_photos(evidence_report.by_name(found, "chairv2")),
            evidence_report.CHAIRV2_MARKS,
        ),
        (RESULTS, evidence_report.in_full(found, generators), evidence_report.MARKS),
    ):
        assert filled(page, words, marks) == page.read_text()

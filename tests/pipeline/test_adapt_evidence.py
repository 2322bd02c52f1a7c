"""Adaptation's evidence: its rows are real settings, its runs are summed up, and the README says the same."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fgsbir.data.records import DataError
from fgsbir.evaluation.adaptation_evidence import adaptation_claims, summary
from fgsbir.training.few_shot_methods import METHODS
from pipeline import adapt_evidence, adapt_evidence_report
from pipeline.pages import README, RESULTS, filled
from pipeline.params import load
from pipeline.recipes import changed
from pipeline.sections import Params


def test_the_rows_of_adaptation_have_names_of_their_own_and_valid_params() -> None:
    rows = adapt_evidence.ROWS
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        Params.model_validate(changed(load().model_dump(mode="json"), {**row.changes, "seed": 1}))
    assert set(adapt_evidence.METHODS) == set(METHODS)


def adaptation_file(row: str, seed: int, **ranks: list[int]) -> dict[str, Any]:
    """A run with one draw of two queries in two tasks of each kind: the same ranks in all, margins apart."""
    tasks = {
        name: {
            k: {
                task: {"ranks": [values], "photo": [place, place + 1], "margins": [0.3 + place / 10 + seed / 100]}
                for place, task in ((0, "clock"), (2, "radio"))
            }
            for k in ("1", "5")
        }
        for name, values in ranks.items()
    }
    kinds = ("category", "user")
    return {
        "row": row,
        "seed": seed,
        "code": "x",
        "command": f"dvc {row}",
        "ranks": dict.fromkeys(kinds, tasks),
        "steps": {kind: {"0": 20.0 + seed, "1": 30.0} for kind in kinds},
    }


def adaptation_files() -> list[dict[str, Any]]:
    methods = [
        adaptation_file("methods", 0, ours=[1, 9], baseline=[2, 9], baseline_regularised=[2, 9]),
        adaptation_file("methods", 1, ours=[1, 1], baseline=[1, 9], baseline_regularised=[1, 1]),
    ]
    return [*methods, adaptation_file("steps_2", 0, ours=[1, 1]), adaptation_file("fixed_margin", 0, ours=[1, 1])]


def test_adaptation_is_summed_up_over_seeds() -> None:
    """Of two queries a task under two seeds ours finds one, then both, the baseline none, then one."""
    files = adaptation_files()
    found = summary(files)
    assert found["category"]["ours"]["5"]["acc@1"] == 75
    assert found["category"]["ours"]["5"]["sd"] == 0  # of one draw, however far apart the seeds are
    assert found["category"]["ours_minus_baseline"]["difference"] == 50
    assert found["ablations"]["steps_2"]["category"]["5"]["acc@1"] == 100
    assert found["rows"]["methods"]["seeds"] == [0, 1]
    assert found["minus_baseline"]["category"]["ours"] == found["category"]["ours_minus_baseline"]
    assert found["minus_baseline"]["user"].keys() == {"ours", "baseline_regularised"}
    # Under seed 0, which both have, ours finds one query of two as it is, and both with two steps.
    assert found["minus_ours"]["user"]["steps_2"]["difference"] == 50
    assert found["margins"]["user"]["radio"] == {"mean": 0.505, "sd": 0.005}
    # Under seed 0 alone, which two steps have too.
    assert found["trained_steps"]["user"] == {"seeds": [0], "acc@1": {"0": 0, "1": 50, "2": 100}}
    assert found["steps"]["user"] == {"0": 20.5, "1": 30}
    with pytest.raises(DataError, match="made by different code"):
        summary([files[0], {**files[1], "code": "y"}])


@pytest.mark.parametrize(("falls_to", "holds"), [((29.6, 29.6), True), ((29.6, 29.2), False), ((29.4, 31.0), False)])
def test_accuracy_that_falls_little_by_little_does_not_grow(falls_to: tuple[float, float], holds: bool) -> None:
    found = summary(adaptation_files())
    values = dict(zip(("1", "5", "10"), (30.0, *falls_to), strict=True))
    found["user"]["ours"] = {k: {"acc@1": value} for k, value in values.items()}
    (made,) = (one for one in adaptation_claims(found) if one["claim"].startswith("new user: acc@1 grows"))
    assert made["holds"] is holds


def test_the_section_on_adaptation_says_the_same_of_the_file_as_of_the_runs() -> None:
    found = summary(adaptation_files())
    words = adapt_evidence_report.in_full(found, adaptation_claims(found))
    assert "acc@1 is above that of no adaptation, the interval above 0 | **no** | +50.0 [0.0, 100.0] |" in words
    assert "| new user: acc@1 grows with the pairs (1, 5), within half a point | yes | 75.0, 75.0 |" in words
    assert "one inner step are within half a point of the best of 0 to 2 | **no** | 0.0, 50.0, 100.0, 1 seed |" in words
    assert "of a task | yes | standard deviation 0.141 between, 0.005 within |" in words
    assert "| adaptive | 75.0 / 75.0 | 75.0 / 75.0 | 75.0 / 75.0 | 75.0 / 75.0 |" in words
    assert "| adaptive | +50.0 [0.0, 100.0] | +9.7 | +50.0 [0.0, 100.0] | +4.6 |" in words
    assert "| as it is | 2 | 75.0 / 75.0 | | | 75.0 / 75.0 | | |" in words
    assert "| 2 inner steps | 1 | 100.0 / 100.0 | +50.0 [" in words
    assert "| inner steps | 0 | 1 |" in words and "| new user | 20.5 | 30.0 |" in words
    commands = "# all methods\ndvc methods\n# margin 0.3 for all tasks\ndvc fixed_margin\n# 2 inner steps\ndvc steps_2"
    assert words.endswith(f"```\n{commands}\n```\n\n</details>")
    read = json.loads(json.dumps(found, sort_keys=True))
    assert adapt_evidence_report.in_full(read, adaptation_claims(read)) == words


def test_the_report_on_adaptation_writes_its_file_its_pictures_and_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no run is there"):
        adapt_evidence_report.main()
    folder = adapt_evidence.EVIDENCE.folder
    folder.mkdir(parents=True)
    for file in adaptation_files():
        (folder / f"{file['row']}-{file['seed']}.json").write_text(json.dumps(file))
    readme, results = Path("README.md"), Path("docs/results.md")
    results.parent.mkdir()
    readme.write_text("\n".join(adapt_evidence_report.SHORT_MARKS))
    results.write_text("\n".join(adapt_evidence_report.MARKS))
    adapt_evidence_report.main()
    assert json.loads(adapt_evidence_report.SUMMARY.read_text())["user"]["ours"]["5"]["acc@1"] == 75
    links = re.findall(r"\]\((.*)\)", results.read_text())
    assert len(links) == 3 and all((results.parent / link).is_file() for link in links)
    assert "| as it is | 2 |" in results.read_text()
    assert "| adaptive | +50.0 [0.0, 100.0] | +9.7 |" in readme.read_text()


def test_the_readme_says_what_the_evidence_of_adaptation_says() -> None:
    if not adapt_evidence_report.SUMMARY.is_file():
        pytest.skip("no evidence of adaptation has been gathered yet")
    found = json.loads(adapt_evidence_report.SUMMARY.read_text())
    for page, words, marks in (
        (README, adapt_evidence_report.in_short(found), adapt_evidence_report.SHORT_MARKS),
        (
            RESULTS,
            adapt_evidence_report.in_full(found, adaptation_claims(found)),
            adapt_evidence_report.MARKS,
        ),
    ):
        assert filled(page, words, marks) == page.read_text()

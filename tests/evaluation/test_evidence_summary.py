"""Runs under several seeds, summed up: means, paired differences, the claims they decide, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.records import DataError
from fgsbir.evaluation.claims import claims, never_falls
from fgsbir.evaluation.evidence import Difference, Line, difference, experiments, generator_summary, reported, summary
from fgsbir.evaluation.evidence_charts import rows_chart, shares_chart

PHOTOS, QUERIES = 40, 120


def run(row: str, seed: int, found: float, **changes: Any) -> dict[str, Any]:
    """A run whose joint F finds a share ``found`` of the queries first, and the others at place 20."""
    rng = np.random.default_rng([seed, int(1000 * found)])
    ranks = np.where(rng.random(QUERIES) < found, 1, 20)
    scores = {f"acc@{k}": 100 * float(np.mean(ranks <= k)) for k in (1, 5, 10)} | {"mean_rank": float(ranks.mean())}
    drawn = {"acc@1": 5.0, "acc@10": 30.0 + seed, "recognition": 99.0, "fid": 1.0, "ended": 100.0}
    before, after = ({"spearman_bins": 0.9, "spearman_photos": of_photos + 0.01 * seed} for of_photos in (0.4, 0.2))
    return {
        "row": row,
        "seed": seed,
        "code": "0" * 16,
        "queries": "q",
        "changes": {},
        "command": f"dvc exp run -S seed={seed}",
        "protocol": {"commit": "c0ffee"},
        "processor": f"of seed {seed}",
        "photo": [query // 3 for query in range(QUERIES)],
        "ranks": {"supervised": [1] * QUERIES, "joint": ranks.tolist()},
        "supervised": {"acc@1": 100.0, "acc@5": 100.0, "acc@10": 100.0, "mean_rank": 1.0},
        "joint": scores,
        "generator": {
            "before_joint": drawn | {"certainty": before},
            "after_joint": drawn | {"acc@10": 35.0, "certainty": after},
        },
    } | changes


def runs(**rows: float) -> list[dict[str, Any]]:
    return [run(row, seed, found) for row, found in rows.items() for seed in (2, 0, 1)]


FULL, CONTROL = Line("full", "full", "control"), Line("control", "control", "control")


def test_rows_are_means_over_seeds_with_their_spread() -> None:
    files = runs(full=0.6)
    row = reported(FULL, experiments(files))
    by_seed = [file["joint"]["acc@1"] for file in files]
    assert row["seeds"] == [0, 1, 2] and row["n_query"] == QUERIES and row["commit"] == "c0ffee"
    assert row["processors"] == ["of seed 0", "of seed 1", "of seed 2"]
    assert row["acc@1_mean"] == pytest.approx(np.mean(by_seed), abs=1e-4)
    assert row["acc@1_sd"] == pytest.approx(np.std(by_seed, ddof=1), abs=1e-4)
    assert row["acc@1_low"] < row["acc@1_mean"] < row["acc@1_high"]
    assert row["minus_control"] is None  # the control was not run
    supervised = reported(Line("supervised", "full", "control", model="supervised"), experiments(files))
    assert supervised["acc@1_mean"] == 100 and supervised["acc@1_sd"] == 0


def test_a_row_is_compared_with_its_control_and_the_control_with_nothing() -> None:
    found = experiments(runs(full=0.6, control=0.4))
    row = reported(FULL, found)
    assert row["minus_control"] == pytest.approx(row["acc@1_mean"] - reported(CONTROL, found)["acc@1_mean"], abs=1e-3)
    assert row["minus_control_low"] < row["minus_control"] < row["minus_control_high"]
    assert [reported(CONTROL, found)[f"minus_control{end}"] for end in ("", "_low", "_high")] == [None] * 3
    supervised = reported(Line("supervised", "control", "control", model="supervised"), found)
    assert supervised["minus_control"] > 0
    assert reported(Line("supervised", "control", None, model="supervised"), found)["minus_control"] is None


def test_a_difference_is_paired_over_queries_and_common_seeds() -> None:
    found = experiments([*runs(full=0.6), run("control", 1, 0.4), run("control", 2, 0.4)])
    one = difference(found["full"], found["control"])
    ranks = [
        np.array([run("full", seed, 0.6)["ranks"]["joint"], run("control", seed, 0.4)["ranks"]["joint"]])
        for seed in (1, 2)
    ]
    by_seed = [100 * float(np.mean(mine <= 1) - np.mean(theirs <= 1)) for mine, theirs in ranks]
    assert one["difference"] == pytest.approx(np.mean(by_seed), abs=1e-4)
    assert one["low"] < one["difference"] < one["high"]
    assert set(difference(found["full"], found["full"]).values()) == {0}


def test_a_gain_is_held_against_another_over_the_seeds_that_all_four_have() -> None:
    files = [*runs(few_full=0.5, few_control=0.2, full=0.8), run("control", 0, 0.7), run("control", 1, 0.7)]
    asked = Difference("few_full", "few_control", beyond=("full", "control"))
    (row,) = summary(files, [], [asked])
    assert row["row"] == "few_full_gain_minus_full_gain" and row["seeds"] == [0, 1]
    at_one = {(file["row"], file["seed"]): file["joint"]["acc@1"] for file in files}
    by_seed = [
        at_one["few_full", seed] - at_one["few_control", seed] - (at_one["full", seed] - at_one["control", seed])
        for seed in (0, 1)
    ]
    assert row["difference"] == pytest.approx(np.mean(by_seed), abs=1e-4)
    assert row["low"] < row["difference"] < row["high"]
    assert summary([file for file in files if file["row"] != "control"], [], [asked]) == []


def test_full_is_held_against_the_supervised_f_of_its_own_runs() -> None:
    files = [run("full", seed, 0.6) for seed in (0, 2)]
    for file in files:
        file["ranks"] |= {"supervised": [1] * (QUERIES // 4) + [30] * (3 * QUERIES // 4)}
    (row,) = summary(files, [], [Difference("full")])
    assert row["row"] == "full_minus_supervised" and row["seeds"] == [0, 2]
    at_one = [file["joint"]["acc@1"] for file in files]
    assert row["difference"] == row["difference_acc@10"] == pytest.approx(np.mean(at_one) - 25, abs=1e-4)
    assert row["low"] < row["difference"] < row["high"]


def test_the_generator_is_summed_up_before_and_after() -> None:
    before, after = generator_summary(runs(full=0.5, control=0.4), "full")
    assert (before["row"], after["row"], before["seeds"]) == ("before_joint", "after_joint", [0, 1, 2])
    assert (before["generated_acc@10_mean"], before["generated_acc@10_sd"]) == (31, 1)
    assert (after["generated_acc@10_mean"], after["generated_acc@10_sd"]) == (35, 0)
    assert (after["generated_acc@10_gain_mean"], after["generated_acc@10_gain_sd"]) == (4, 1)
    assert before["certainty_spearman_photos_mean"] == 0.41 and before["generated_acc@10_gain_mean"] is None
    assert after["certainty_spearman_photos_mean"] == 0.21 and after["certainty_spearman_photos_sd"] == 0.01
    assert before["recognition_mean"] == 99
    assert generator_summary(runs(control=0.4), "full") == []


def test_of_a_set_of_one_category_nothing_is_named_rightly() -> None:
    files = runs(full=0.5)
    del files[1]["generator"]["after_joint"]["recognition"]
    before, after = generator_summary(files, "full")
    assert "recognition_mean" in before and "recognition_mean" not in after


@pytest.mark.parametrize(("gain", "holds"), [(2.6, True), (2.4, False)])
def test_g_is_better_where_the_interval_over_seeds_is_above_0(gain: float, holds: bool) -> None:
    """The mean of three seeds with a deviation of 1 is known to 4.303 / 3 ** 0.5 = 2.48 points, by Student's t."""
    generator = generator_summary(runs(full=0.5), "full")
    generator[1] |= {"generated_acc@1_gain_mean": gain, "generated_acc@1_gain_sd": 1.0}
    (said,) = (one for one in claims([], generator) if "training, acc@1," in one["claim"])
    assert said["holds"] == holds


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="on synthetic were made by different code: 0000000000000000, other"):
        experiments([run("full", 0, 0.5), run("control", 0, 0.5, code="other")])
    other_set = run("chairv2_labelled_1_supervised", 0, 0.5, code="other", changes={"dataset.name": "chairv2"})
    assert len(experiments([run("full", 0, 0.5), other_set])) == 2
    with pytest.raises(DataError, match="full: its runs have different test queries"):
        experiments([run("full", 0, 0.5), run("full", 1, 0.5, queries="others")])
    found = experiments([run("full", 0, 0.5), run("control", 1, 0.5)])
    with pytest.raises(DataError, match="full and control have no seed in common"):
        difference(found["full"], found["control"])


def holding(**rows: float) -> dict[str, bool]:
    files = runs(**rows)
    shares = {"0": "control", "0.25": "unlabelled_0.25", "0.5": "unlabelled_0.5", "1": "full"}
    lines = [FULL, CONTROL, *(Line(f"unlabelled_{share}", name, "control") for share, name in shares.items())]
    table = summary(files, lines, [Difference("full", "vanilla")])
    made = claims(table, generator_summary(files, "full"))
    return {one["claim"]: one["holds"] for one in made}


def test_claims_hold_where_the_numbers_say_so() -> None:
    good = {"control": 0.3, "unlabelled_0.25": 0.4, "unlabelled_0.5": 0.5, "full": 0.6, "vanilla": 0.3}
    found = holding(**good)
    # In these runs G gains acc@10 alone.
    assert len(found) == 6 and [name for name, holds in found.items() if not holds] == [
        "G's sketches are found more often after joint training, acc@1, the interval above 0"
    ]
    bad = holding(**good | {"control": 0.6, "vanilla": 0.9, "unlabelled_0.25": 0.7})
    lost = [name for name, holds in bad.items() if found[name] and not holds]
    assert [name.partition(",")[0].partition(" by ")[0] for name in lost] == [
        "acc@1 of full is at least 3 points above its control's",
        "acc@1 of full is above vanilla's",
        "acc@1 does not fall",
    ]


def test_a_gain_is_over_the_seeds_that_both_have_and_one_proves_nothing() -> None:
    files = [*runs(full=0.6), run("control", 0, 0.3)]
    table = summary(files, [FULL, CONTROL], [])
    assert table[0]["seeds"] == [0, 1, 2] and table[0]["minus_control_seeds"] == [0]
    assert table[0]["minus_control"] is not None and table[0]["minus_control_low"] > 0
    (said,) = (one for one in claims(table, []) if "control" in one["claim"])
    assert not said["holds"] and said["figure"].endswith(", 1 seed")
    apart = summary([run("full", 0, 0.5), run("control", 1, 0.5)], [FULL, CONTROL], [])
    assert apart[0]["minus_control"] is None
    assert len(summary([run("full", 0, 0.5), run("control", 1, 0.5)], [FULL], [Difference("full", "control")])) == 1


@pytest.mark.parametrize(("gain", "holds"), [(8.0, True), (0.0, True), (-0.1, False)])
def test_on_chairv2_full_must_not_be_below_its_control_and_one_seed_does_not_say(gain: float, holds: bool) -> None:
    found = {"minus_control": gain, "minus_control_low": gain - 5, "minus_control_high": gain + 5}
    row = {"row": "labelled_0.4_full", "dataset": "chairv2", "minus_control_seeds": [0, 1], **found}
    (said,) = claims([row], [])
    assert said["holds"] == holds and said["claim"].startswith("on ChairV2")
    assert said["figure"].endswith(", 2 seeds")
    assert claims([row | {"minus_control_seeds": [0]}], []) == []


def test_shares_of_other_seeds_are_not_compared_and_one_seed_proves_no_certainty() -> None:
    rows = {"control": 0.3, "unlabelled_0.25": 0.4, "unlabelled_0.5": 0.5}
    shares = {"0": "control", "0.25": "unlabelled_0.25", "0.5": "unlabelled_0.5", "1": "full"}
    lines = [Line(f"unlabelled_{share}", name, "control") for share, name in shares.items()]
    table = summary([*runs(**rows), run("full", 0, 0.6)], lines, [])
    assert not [one for one in claims(table, []) if "unlabelled_frac" in one["claim"]]
    (said,) = (one for one in claims([], generator_summary([run("full", 0, 0.6)], "full")) if "cert" in one["claim"])
    assert not said["holds"] and said["figure"].endswith("+0.20 over photos, 1 seed")


def test_rows_that_were_not_run_are_left_out() -> None:
    table = summary(runs(full=0.5), [FULL, CONTROL], [Difference("full", "vanilla")])
    assert [row["row"] for row in table] == ["full"]


def test_charts_are_drawn(tmp_path: Path) -> None:
    rows = {row["row"]: row for row in summary(runs(control=0.2, full=0.5), [FULL, CONTROL], [])}
    rows_chart(tmp_path / "rows.png", rows, {"control": "control", "full": "full", "missing": "not run"}, "full")
    line = [(0.0, rows["control"]), (1.0, rows["full"])]
    shares_chart(tmp_path / "shares.png", {"control": line, "full": line}, "share")
    for name in ("rows.png", "shares.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 600 and len(np.unique(np.asarray(picture.convert("L")))) > 10


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ((27.0, 28.0, 27.5), True),
        ((27.0, 28.0, 27.4), False),
        # Each fall is small, both together are not.
        ((28.0, 27.7, 27.4), False),
        ((27.0, 26.6, 29.0), True),
    ],
)
def test_what_never_falls_stays_within_half_a_point_of_the_best_before_it(
    values: tuple[float, ...], holds: bool
) -> None:
    assert never_falls(values) is holds

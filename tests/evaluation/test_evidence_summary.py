"""Runs under several seeds, summed up: means, paired differences, the claims they decide, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.records import DataError
from fgsbir.evaluation.evidence import certainty_scores, difference, experiments, row_scores, summary
from fgsbir.evaluation.evidence_charts import bars_chart, shares_chart

PHOTOS, QUERIES = 40, 120


def run(row: str, seed: int, found: float, **changes: Any) -> dict[str, Any]:
    """A run whose joint F finds a share ``found`` of the queries first, and the others at place 20."""
    rng = np.random.default_rng([seed, int(1000 * found)])
    ranks = np.where(rng.random(QUERIES) < found, 1, 20)
    scores = {f"acc@{k}": 100 * float(np.mean(ranks <= k)) for k in (1, 5, 10)} | {"mean_rank": float(ranks.mean())}
    drawn = {"acc@1": 5.0, "acc@10": 30.0 + seed, "recognition": 99.0, "fid": 1.0, "ended": 100.0}
    return {
        "row": row,
        "seed": seed,
        "code": "0" * 16,
        "queries": "q",
        "command": f"dvc exp run -S seed={seed}",
        "seconds": {"joint": 3600.0, "evaluate": 0.0},
        "photo": [query // 3 for query in range(QUERIES)],
        "ranks": {"supervised": [1] * QUERIES, "joint": ranks.tolist()},
        "supervised": {"acc@1": 100.0, "acc@5": 100.0, "acc@10": 100.0, "mean_rank": 1.0},
        "joint": scores,
        "generator": {
            "before_joint": drawn,
            "after_joint": drawn | {"acc@10": 35.0},
            "certainty": {"spearman_bins": 0.9, "spearman_photos": 0.2 + 0.01 * seed},
        },
    } | changes


def runs(**rows: float) -> list[dict[str, Any]]:
    return [run(row, seed, found) for row, found in rows.items() for seed in (2, 0, 1)]


def test_rows_are_means_over_seeds_with_their_spread() -> None:
    files = runs(full=0.6)
    row = row_scores(experiments(files)["full"])
    by_seed = [file["joint"]["acc@1"] for file in files]
    assert row["seeds"] == [0, 1, 2]
    assert row["joint"]["acc@1"] == pytest.approx(np.mean(by_seed), abs=1e-4)
    assert row["joint"]["acc@1_sd"] == pytest.approx(np.std(by_seed, ddof=1), abs=1e-4)
    assert row["joint"]["acc@1_low"] < row["joint"]["acc@1"] < row["joint"]["acc@1_high"]
    assert row["supervised"]["acc@1"] == 100 and row["supervised"]["acc@1_sd"] == 0
    assert row["generator"]["before_joint"]["acc@10"] == 31.0
    assert row["hours"] == 3.0


def test_a_difference_is_paired_over_queries_and_common_seeds() -> None:
    found = experiments([*runs(full=0.6), run("control", 1, 0.4), run("control", 2, 0.4)])
    one = difference(found["full"], found["control"])
    ranks = [
        np.array([run("full", seed, 0.6)["ranks"]["joint"], run("control", seed, 0.4)["ranks"]["joint"]])
        for seed in (1, 2)
    ]
    by_seed = [100 * float(np.mean(mine <= 1) - np.mean(theirs <= 1)) for mine, theirs in ranks]
    assert one["acc@1"] == pytest.approx(np.mean(by_seed), abs=1e-4)
    assert one["acc@1_sd"] == pytest.approx(np.std(by_seed, ddof=1), abs=1e-4)
    assert one["acc@1_low"] < one["acc@1"] < one["acc@1_high"]
    nothing = difference(found["full"], found["full"])
    assert nothing["acc@1"] == nothing["acc@1_low"] == nothing["acc@1_high"] == 0


def test_certainty_is_averaged_over_seeds() -> None:
    scores = certainty_scores(experiments(runs(full=0.5))["full"])
    assert scores == {"spearman_bins": 0.9, "spearman_bins_sd": 0, "spearman_photos": 0.21, "spearman_photos_sd": 0.01}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="different code: 0000000000000000, other"):
        experiments([run("full", 0, 0.5), run("control", 0, 0.5, code="other")])
    with pytest.raises(DataError, match="full: its runs have different test queries"):
        experiments([run("full", 0, 0.5), run("full", 1, 0.5, queries="others")])
    found = experiments([run("full", 0, 0.5), run("control", 1, 0.5)])
    with pytest.raises(DataError, match="full and control have no seed in common"):
        difference(found["full"], found["control"])


def holding(**rows: float) -> dict[str, bool]:
    pairs = [("full", "control"), ("full", "vanilla"), ("oracle", "control")]
    return {one["claim"].split(" at ")[0]: one["holds"] for one in summary(runs(**rows), pairs)["claims"]}


def test_claims_hold_where_the_numbers_say_so() -> None:
    good = {"control": 0.3, "unlabelled_0.25": 0.4, "unlabelled_0.5": 0.5, "full": 0.6, "vanilla": 0.3}
    assert len(holding(**good)) == 5 and all(holding(**good).values())
    bad = holding(**good | {"control": 0.6, "vanilla": 0.9, "unlabelled_0.25": 0.7})
    assert [name for name, holds in bad.items() if not holds] == [
        "full is above its control by",
        "full is above vanilla",
        "accuracy",
    ]


def test_the_share_of_the_way_to_the_oracle() -> None:
    found = summary(runs(control=0.2, full=0.5, oracle=0.8), [("full", "control"), ("oracle", "control")])
    gained, room = (found["differences"][f"{name}_minus_control"]["acc@1"] for name in ("full", "oracle"))
    assert found["share_of_oracle"] == pytest.approx(gained / room, abs=1e-4)
    assert "share_of_oracle" not in summary(runs(full=0.5), [])


def test_charts_are_drawn(tmp_path: Path) -> None:
    rows = summary(runs(control=0.2, full=0.5), [])["rows"]
    bars_chart(tmp_path / "bars.png", rows, {"control": "control", "full": "full", "missing": "not run"}, "full")
    line = [(0.0, rows["control"]["joint"]), (1.0, rows["full"]["joint"])]
    shares_chart(tmp_path / "shares.png", {"control": line, "full": line}, "share")
    for name in ("bars.png", "shares.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 600 and len(np.unique(np.asarray(picture.convert("L")))) > 10

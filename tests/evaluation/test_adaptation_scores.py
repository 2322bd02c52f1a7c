"""Scores of adaptation, worked by hand, and its charts."""

from pathlib import Path

import numpy as np
import pytest

from fgsbir.adaptation.task_ranks import TaskRanks, found_of, rank_lists
from fgsbir.evaluation.adaptation import adaptation_scores, gains
from fgsbir.evaluation.adaptation_charts import adaptation_charts


def tasks(first: list[list[int]], second: list[list[int]]) -> list[TaskRanks]:
    """Two tasks of two queries, ranks by draw; the queries of a task are of one photo."""
    margins = np.linspace(0.2, 0.6, len(first))
    return [
        TaskRanks(name, np.array(ranks), np.array([row, row]), margins)
        for row, (name, ranks) in enumerate((("clock", first), ("radio", second)))
    ]


def test_scores_by_hand(tmp_path: Path) -> None:
    """The adaptive one finds 3 of 4 at once in one draw and 2 of 4 in the other, without adaptation 1 of 4 is found."""
    found = {
        "none": {5: tasks([[1, 9]], [[2, 7]])},
        "adaptive": {5: tasks([[1, 1], [1, 2]], [[1, 7], [1, 4]])},
    }
    scores = adaptation_scores([found], resamples=200, seed=0)
    assert scores["adaptive"]["5"]["acc@1"] == 62.5
    # The draws find 75 and 50 of 100; one alone has no spread.
    spread = [scores[name]["5"]["sd"] for name in ("adaptive", "none")]
    assert spread == [pytest.approx(312.5**0.5, abs=1e-4), 0]
    assert scores["adaptive"]["5"]["acc@5"] == 87.5 and scores["none"]["5"]["acc@1"] == 25
    adapted = scores["adaptive"]["5"]
    assert adapted["minus_none"] == 37.5 and adapted["minus_none_low"] <= 37.5 <= adapted["minus_none_high"]
    assert "minus_none" not in scores["none"]["5"] and adapted["acc@10"] == 100
    assert gains(found, "adaptive", 5) == {"clock": 25.0, "radio": 50.0}
    assert gains({"adaptive": found["adaptive"]}, "adaptive", 5) == {}
    lists = rank_lists(found)
    assert lists["adaptive"]["5"]["radio"]["ranks"] == [[1, 7], [1, 4]]
    assert adaptation_scores([found_of(lists)], resamples=200, seed=0) == scores
    several = {"adaptive": dict.fromkeys((10, 5, 1), found["adaptive"][5])}
    assert list(found_of(rank_lists(several))["adaptive"]) == [1, 5, 10]
    kinds = {"category": found}
    adaptation_charts(tmp_path, kinds, {"category": scores}, {"category": {0: 25.0, 1: 62.5}})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shots.png", "steps.png", "tasks.png"]

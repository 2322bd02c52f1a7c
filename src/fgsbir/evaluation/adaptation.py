"""What metrics/adapt.json says: accuracies after adaptation, and paired differences of methods."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.evaluation.comparison import rounded
from fgsbir.evaluation.task_ranks import COMPARED_AT, Found, TaskRanks, accuracies

DIFFERENCES = (("ours", "baseline"), ("ours", "fine_tuning"))


def adaptation_scores(found: Found, *, resamples: int, seed: int) -> dict[str, Any]:
    """Scores of every method and k, and the differences at ``COMPARED_AT`` pairs of those that are there.

    Method -> k -> ``acc@1`` with the bounds ``low`` and ``high`` of its 95 % interval over photos, ``acc@5``, and
    ``sd``, the standard deviation of acc@1 over the draws of the support. "ours_minus_baseline" -> ``difference`` of
    acc@1, ``low``, ``high``, of the same queries and draws.
    """
    table: dict[str, Any] = {}
    for method, of_k in found.items():
        table[method] = {}
        for k, tasks in of_k.items():
            first, fifth = accuracies(tasks, 1), accuracies(tasks, 5)
            interval = cluster_bootstrap(first.mean(0)[:, None], photos(tasks), resamples=resamples, seed=seed)
            table[method][str(k)] = rounded(
                {
                    "acc@1": first.mean(),
                    "acc@5": fifth.mean(),
                    "low": interval.low[0],
                    "high": interval.high[0],
                    "sd": first.mean(1).std(),
                }
            )
    for one, other in DIFFERENCES:
        if COMPARED_AT in found.get(one, {}) and COMPARED_AT in found.get(other, {}):
            tasks = found[one][COMPARED_AT]
            values = accuracies(tasks, 1).mean(0) - accuracies(found[other][COMPARED_AT], 1).mean(0)
            interval = cluster_bootstrap(values[:, None], photos(tasks), resamples=resamples, seed=seed)
            table[f"{one}_minus_{other}"] = rounded(
                {"difference": interval.mean[0], "low": interval.low[0], "high": interval.high[0]}
            )
    return table


def photos(tasks: Sequence[TaskRanks]) -> np.ndarray:
    """The row of each query's photo, over all tasks."""
    return np.concatenate([task.photo for task in tasks])


def gains(found: Found, one: str, other: str, k: int) -> dict[str, float]:
    """By task, acc@1 of ``one`` less that of ``other`` at ``k`` pairs, in points."""
    return {
        task.name: float(accuracies([task], 1).mean() - accuracies([against], 1).mean())
        for task, against in zip(found[one][k], found[other][k], strict=True)
    }

"""What metrics/adapt.json says: accuracies after adaptation, and paired differences of methods."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fgsbir.adaptation.task_ranks import COMPARED_AT, Found, TaskRanks, accuracies
from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.evaluation.comparison import rounded

# What a reader calls the methods.
LABELS = {
    "baseline": "no adaptation",
    "baseline_regularised": "no adaptation, regularised",
    "statistics": "statistics",
    "fine_tuning": "fine-tuning",
    "maml": "MAML",
    "sign_maml": "sign-MAML",
    "anil": "ANIL",
    "adaptive": "adaptive",
    "adaptive_together": "adaptive, one model for all",
    "upper_bound": "upper bound",
}
DIFFERENCES = (
    ("statistics", "baseline"),
    ("adaptive", "baseline"),
    ("adaptive", "statistics"),
    ("adaptive", "fine_tuning"),
)


def adaptation_scores(runs: Sequence[Found], *, resamples: int, seed: int) -> dict[str, Any]:
    """Scores of every method and k, and the differences at ``COMPARED_AT`` pairs of those that are there.

    ``runs`` are the same methods and tasks, one a training seed. Method -> k -> ``acc@1`` with the bounds ``low`` and
    ``high`` of its 95 % interval over seeds and photos, ``acc@5``, and ``sd``, the standard deviation of acc@1 over
    the draws of the support under one seed (the root of its mean square over seeds). "adaptive_minus_baseline" ->
    ``difference`` of acc@1, ``low``, ``high``, of the same queries, draws and seeds.
    """

    def within(method: str, k: int, first: int) -> np.ndarray:
        """Whether a photo was among the ``first``, 0 or 100: (seeds, draws, queries)."""
        return np.stack([accuracies(run[method][k], first) for run in runs])

    def interval(name: str, values: np.ndarray, tasks: Sequence[TaskRanks]) -> dict[str, float]:
        """The mean of values (seeds, queries), and its bounds."""
        photos = np.concatenate([task.photo for task in tasks])
        found = cluster_bootstrap(values[..., None], photos, resamples=resamples, seed=seed)
        return {name: found.mean[0], "low": found.low[0], "high": found.high[0]}

    table: dict[str, Any] = {}
    for method, of_k in runs[0].items():
        table[method] = {}
        for k, tasks in of_k.items():
            first = within(method, k, 1)
            scores = interval("acc@1", first.mean(1), tasks)
            scores |= {"acc@5": np.mean(within(method, k, 5)), "sd": np.sqrt(first.mean(2).var(1).mean())}
            table[method][str(k)] = rounded(scores)
    for one, other in DIFFERENCES:
        if COMPARED_AT in runs[0].get(one, {}) and COMPARED_AT in runs[0].get(other, {}):
            gain = within(one, COMPARED_AT, 1).mean(1) - within(other, COMPARED_AT, 1).mean(1)
            table[f"{one}_minus_{other}"] = rounded(interval("difference", gain, runs[0][one][COMPARED_AT]))
    return table


def gains(found: Found, one: str, other: str, k: int) -> dict[str, float]:
    """By task, acc@1 of ``one`` less that of ``other`` at ``k`` pairs, in points."""
    return {
        task.name: float(accuracies([task], 1).mean() - accuracies([against], 1).mean())
        for task, against in zip(found[one][k], found[other][k], strict=True)
    }

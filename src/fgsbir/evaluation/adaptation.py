"""What metrics/adapt.json says: accuracies after adaptation, and paired differences of methods."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fgsbir.adaptation.task_ranks import COMPARED_AT, Found, TaskRanks, accuracies
from fgsbir.evaluation.comparison import rounded
from fgsbir.evaluation.seed_bootstrap import seed_bootstrap

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

    def found_first(method: str, k: int) -> np.ndarray:
        """The mean over draws, (seeds, queries, 1)."""
        return np.stack([accuracies(run[method][k], 1).mean(0) for run in runs])[..., None]

    table: dict[str, Any] = {}
    for method, of_k in runs[0].items():
        table[method] = {}
        for k, tasks in of_k.items():
            interval = seed_bootstrap(found_first(method, k), photos(tasks), resamples=resamples, seed=seed)
            over_draws = np.mean([accuracies(run[method][k], 1).mean(1).var() for run in runs])
            table[method][str(k)] = rounded(
                {
                    "acc@1": interval.mean[0],
                    "acc@5": np.mean([accuracies(run[method][k], 5) for run in runs]),
                    "low": interval.low[0],
                    "high": interval.high[0],
                    "sd": np.sqrt(over_draws),
                }
            )
    for one, other in DIFFERENCES:
        if COMPARED_AT in runs[0].get(one, {}) and COMPARED_AT in runs[0].get(other, {}):
            table[f"{one}_minus_{other}"] = paired_difference(
                *([run[method][COMPARED_AT] for run in runs] for method in (one, other)),
                resamples=resamples,
                seed=seed,
            )
    return table


def paired_difference(
    ones: Sequence[Sequence[TaskRanks]], others: Sequence[Sequence[TaskRanks]], *, resamples: int, seed: int
) -> dict[str, float]:
    """acc@1 of ``ones`` less that of ``others``, the same tasks under the same training seeds, in points.

    ``difference``, and the bounds ``low`` and ``high`` of its 95 % interval over seeds and photos.
    """
    first = [np.stack([accuracies(tasks, 1).mean(0) for tasks in runs]) for runs in (ones, others)]
    interval = seed_bootstrap((first[0] - first[1])[..., None], photos(ones[0]), resamples=resamples, seed=seed)
    return rounded({"difference": interval.mean[0], "low": interval.low[0], "high": interval.high[0]})


def photos(tasks: Sequence[TaskRanks]) -> np.ndarray:
    """The row of each query's photo, over all tasks."""
    return np.concatenate([task.photo for task in tasks])


def gains(found: Found, one: str, other: str, k: int) -> dict[str, float]:
    """By task, acc@1 of ``one`` less that of ``other`` at ``k`` pairs, in points."""
    return {
        task.name: float(accuracies([task], 1).mean() - accuracies([against], 1).mean())
        for task, against in zip(found[one][k], found[other][k], strict=True)
    }

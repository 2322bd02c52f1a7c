"""What metrics/adapt.json says: accuracies after adaptation, and how much they are above those without."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fgsbir.adaptation.task_ranks import Found, accuracies
from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.evaluation.comparison import rounded

# What a reader calls the methods.
LABELS = {
    "none": "no adaptation",
    "photos": "photos and statistics",
    "statistics": "statistics",
    "ridge": "statistics and ridge",
    "baseline": "meta-trained, no adaptation",
    "baseline_regularised": "the same, regularised",
    "fine_tuning": "fine-tuning",
    "maml": "MAML",
    "sign_maml": "sign-MAML",
    "anil": "ANIL",
    "adaptive": "adaptive",
    "adaptive_together": "adaptive, one model for all",
    "upper_bound": "upper bound",
}


def adaptation_scores(runs: Sequence[Found], *, resamples: int, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of every method and k, method -> k -> name -> number, in percent and points.

    ``runs`` are the same methods and tasks, one a training seed. ``acc@1`` has its 95 % interval over seeds and photos,
    ``acc@1_low`` to ``acc@1_high``; ``acc@5``; ``acc@10``; ``sd`` is the standard deviation of acc@1 over the draws of
    the support under one seed (the root of its mean square over seeds). ``minus_none``, with its interval, is acc@1
    less that of F without adaptation, on the same queries and seeds, where the method "none" is there.
    """

    def within(method: str, k: int, first: int) -> np.ndarray:
        """Whether a photo was among the ``first``, 0 or 100: (seeds, draws, queries)."""
        return np.stack([accuracies(run[method][k], first) for run in runs])

    without = {k: within("none", k, 1).mean(1) for k in runs[0].get("none", {})}
    table: dict[str, Any] = {}
    for method, of_k in runs[0].items():
        table[method] = {}
        for k, tasks in of_k.items():
            photos, first = np.concatenate([task.photo for task in tasks]), within(method, k, 1)
            shown = {"acc@1": first.mean(1)}
            if method != "none" and k in without:
                shown["minus_none"] = shown["acc@1"] - without[k]
            # Values (seeds, queries, names): resampled together, and so paired.
            found = cluster_bootstrap(np.stack(list(shown.values()), -1), photos, resamples=resamples, seed=seed)
            scores: dict[str, float] = {f"acc@{top}": float(within(method, k, top).mean()) for top in (5, 10)}
            for name, mean, low, high in zip(shown, found.mean, found.low, found.high, strict=True):
                scores |= {name: mean, f"{name}_low": low, f"{name}_high": high}
            table[method][str(k)] = rounded(
                scores | {"sd": np.sqrt(first.mean(2).var(1, ddof=min(1, first.shape[1] - 1)).mean())}
            )
    return table


def gains(found: Found, method: str, k: int) -> dict[str, float]:
    """By task, acc@1 of ``method`` less that of no adaptation at ``k`` pairs, in points; nothing without that."""
    return {
        task.name: float(accuracies([task], 1).mean() - accuracies([against], 1).mean())
        for task, against in zip(found[method][k], found.get("none", {}).get(k, []), strict=False)
    }

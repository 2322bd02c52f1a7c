"""Ranks of few-shot search, by task and draw: what was found, and how it is written down."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class TaskRanks(NamedTuple):
    """One task: ``ranks`` int64 (draws, queries), each query's photo (queries,), each draw's margin (draws,)."""

    name: str
    ranks: np.ndarray
    photo: np.ndarray
    margins: np.ndarray


PARTS = ("ranks", "photo", "margins")

# Method -> k -> its tasks.
Found = Mapping[str, Mapping[int, Sequence[TaskRanks]]]
# Pairs at which methods are compared, and steps.
COMPARED_AT = 5


def mean_reciprocal_rank(found: Sequence[TaskRanks]) -> float:
    """In percent: the mean over tasks of the mean over draws and queries. What fine-tuning is chosen by."""
    return float(100 * np.mean([np.mean(1.0 / task.ranks) for task in found]))


def accuracies(tasks: Sequence[TaskRanks], within: int) -> np.ndarray:
    """Whether each query of all tasks found its photo among the first ``within``: 0 or 100, (draws, queries)."""
    return np.concatenate([100.0 * (task.ranks <= within) for task in tasks], axis=1)


def rank_lists(found: Found) -> dict[str, Any]:
    """Every rank as JSON values, method -> k -> task -> ``ranks`` (draws, queries), ``photo``, ``margins``."""
    return {
        method: {
            str(k): {task.name: {part: getattr(task, part).tolist() for part in PARTS} for task in tasks}
            for k, tasks in of_k.items()
        }
        for method, of_k in found.items()
    }


def found_of(lists: Mapping[str, Any]) -> dict[str, dict[int, list[TaskRanks]]]:
    """What :func:`rank_lists` wrote down, k rising: JSON sorts 10 before 5."""
    return {
        method: {
            int(k): [TaskRanks(name, *(np.array(task[part]) for part in PARTS)) for name, task in of_k[k].items()]
            for k in sorted(of_k, key=int)
        }
        for method, of_k in lists.items()
    }

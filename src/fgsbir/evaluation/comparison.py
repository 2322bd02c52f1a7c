"""What metrics/evaluate.json says of ranks: accuracies with intervals, and paired differences of models. numpy only."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from fgsbir.evaluation.bootstrap import cluster_bootstrap

Scores = dict[str, float]
SCORES = ("acc@1", "acc@5", "acc@10", "mean_rank")


def query_scores(ranks: np.ndarray) -> np.ndarray:
    """The ``SCORES`` of each query, so that their mean is the score, accuracies in percent: float64 (..., 4)."""
    return np.stack([*(100.0 * (ranks <= k) for k in (1, 5, 10)), ranks], axis=-1)


def compare(ranks: Mapping[str, np.ndarray], photo: np.ndarray, *, resamples: int, seed: int) -> dict[str, Scores]:
    """Scores of every model, and of every later model minus the first, each with its 95 % interval.

    ``ranks`` maps a model's name to its ranks of the same queries, (q,) or (seeds, q); ``photo`` (q,) names each
    query's photo. Returns name -> {"acc@1", "acc@1_low", "acc@1_high", ...} and "b_minus_a" -> the same of the paired
    differences.
    """
    columns = {name: query_scores(found) for name, found in ranks.items()}
    first, *others = ranks
    columns |= {f"{other}_minus_{first}": columns[other] - columns[first] for other in others}
    found = cluster_bootstrap(np.concatenate(list(columns.values()), -1), photo, resamples=resamples, seed=seed)
    table: dict[str, Scores] = {name: {} for name in columns}
    names = [(name, score) for name in columns for score in SCORES]
    for (name, score), mean, low, high in zip(names, *found, strict=True):
        table[name] |= rounded({score: mean, f"{score}_low": low, f"{score}_high": high})
    return table


def rounded(scores: Mapping[str, float]) -> Scores:
    """The same scores with 4 decimals: what a test set can resolve, and short in a table of differences."""
    return {name: round(float(value), 4) for name, value in scores.items()}


def rank_table(queries: Sequence[str], photos: Sequence[str], ranks: Mapping[str, np.ndarray]) -> str:
    """CSV of every query's id, its photo's id and its rank under each model, one line a query."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["query", "photo", *ranks])
    writer.writerows(zip(queries, photos, *(found.tolist() for found in ranks.values()), strict=True))
    return text.getvalue()

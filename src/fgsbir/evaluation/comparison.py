"""What metrics/evaluate.json says of ranks: accuracies with intervals, and paired differences of models. numpy only."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from fgsbir.evaluation.bootstrap import cluster_bootstrap

Scores = dict[str, float]
ACCURACIES = (1, 5, 10)


def query_scores(ranks: np.ndarray) -> dict[str, np.ndarray]:
    """Each score of each query, so that its mean is the score: acc@1, acc@5, acc@10 in percent, and mean_rank.

    ``ranks`` is an integer array of any shape; the values have the same shape.
    """
    ranks = np.asarray(ranks)
    return {**{f"acc@{k}": 100.0 * (ranks <= k) for k in ACCURACIES}, "mean_rank": ranks.astype(np.float64)}


def compare(ranks: Mapping[str, np.ndarray], photo: np.ndarray, *, resamples: int, seed: int) -> dict[str, Scores]:
    """Scores of every model, and of every later model minus the first, each with its 95 % interval.

    ``ranks`` maps a model's name to its ranks of the same queries, (q,) or (seeds, q); ``photo`` (q,)
    names each query's photo. Returns name -> {"acc@1", "acc@1_low", "acc@1_high", ...} and
    "b_minus_a" -> the same of the paired differences.
    """
    first, *others = ranks
    columns = {name: query_scores(found) for name, found in ranks.items()}
    for other in others:
        columns[f"{other}_minus_{first}"] = {
            # Seeds are averaged on either side, so that the models may have different numbers of them.
            score: _over_seeds(columns[other][score]) - _over_seeds(columns[first][score])
            for score in columns[first]
        }
    flat = [(name, score) for name, scores in columns.items() for score in scores]
    values = np.stack([_over_seeds(columns[name][score]) for name, score in flat], axis=1)
    found = cluster_bootstrap(values, photo, resamples=resamples, seed=seed)
    table: dict[str, Scores] = {name: {} for name in columns}
    for (name, score), mean, low, high in zip(flat, *found, strict=True):
        table[name] |= {score: mean, f"{score}_low": low, f"{score}_high": high}
    return {name: rounded(scores) for name, scores in table.items()}


def rounded(scores: Mapping[str, float]) -> Scores:
    """The same scores with 4 decimals: what a test set can resolve, and short in a table of differences."""
    return {name: round(float(value), 4) for name, value in scores.items()}


def _over_seeds(values: np.ndarray) -> np.ndarray:
    return values.mean(0) if values.ndim == 2 else values


def rank_table(queries: Sequence[str], photos: Sequence[str], ranks: Mapping[str, np.ndarray]) -> str:
    """CSV of every query's id, its photo's id and its rank under each model, one line a query."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["query", "photo", *ranks])
    writer.writerows(zip(queries, photos, *(found.tolist() for found in ranks.values()), strict=True))
    return text.getvalue()

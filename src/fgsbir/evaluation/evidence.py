"""What runs of several experiments under several seeds say together: means and paired differences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.evaluation.comparison import query_scores, rounded
from fgsbir.evaluation.seed_bootstrap import seed_bootstrap

Model = Literal["supervised", "joint"]
SCORES = ("acc@1", "acc@5", "acc@10", "mean_rank")
RESAMPLES = 10_000
# The ends of the keys of a row's gain over its control, and the keys of a difference.
GAIN_KEYS = {"": "difference", "_low": "low", "_high": "high"}
# What the keys of a row's gain begin with, by score.
GAINS = {"acc@1": "minus_control", "acc@10": "minus_control_acc@10"}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of metrics/evidence.json: the F ``model`` of the runs ``run``, against joint's of the runs ``control``.

    None where there is no control.
    """

    row: str
    run: str
    control: str | None
    model: Model = "joint"
    dataset: Literal["synthetic", "chairv2"] = "synthetic"


@dataclass(frozen=True, slots=True)
class Difference:
    """What the joint F of the runs ``one`` is above that of ``other``; without one, above the supervised F of its own.

    With ``beyond``, less what the F of its first runs is above that of its second: a difference of two gains.
    """

    one: str
    other: str | None = None
    beyond: tuple[str, str] | None = None

    @property
    def row(self) -> str:
        """Its name in metrics/evidence.json."""
        if self.beyond is None:
            return f"{self.one}_minus_{self.other or 'supervised'}"
        return f"{self.one}_gain_minus_{self.beyond[0]}_gain"

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of all its runs."""
        return self.one, self.other or self.one, *(self.beyond or ())


@dataclass(frozen=True, slots=True)
class Experiment:
    """The same settings under several seeds, on the same queries.

    ``ranks`` maps ``supervised`` and ``joint`` to int64 (seeds, queries), ``photo`` (queries,) numbers each
    query's photo, and ``runs`` are the files, one a seed.
    """

    name: str
    seeds: list[int]
    ranks: Mapping[str, np.ndarray]
    photo: np.ndarray
    runs: list[Mapping[str, Any]]


def experiments(files: Iterable[Mapping[str, Any]]) -> dict[str, Experiment]:
    """Gather the files of runs by row, seeds in rising order.

    Raises DataError where two runs were made by different code, or the runs of a row on different queries: they
    would not be comparable.
    """
    rows: dict[str, list[Mapping[str, Any]]] = {}
    code: dict[str, set[str]] = {}
    for file in files:
        rows.setdefault(file["row"], []).append(file)
        # The default set is drawn by code too, another one is only read.
        code.setdefault(file["changes"].get("dataset.name", "synthetic"), set()).add(file["code"])
    for dataset, found in code.items():
        if len(found) > 1:
            raise DataError(
                f"the runs on {dataset} were made by different code: {', '.join(sorted(found))}; run all again"
            )
    gathered = {}
    for name, runs in rows.items():
        runs.sort(key=lambda run: run["seed"])
        if len({run["queries"] for run in runs}) > 1:
            raise DataError(f"{name}: its runs have different test queries")
        ranks = {model: np.array([run["ranks"][model] for run in runs]) for model in ("supervised", "joint")}
        gathered[name] = Experiment(name, [run["seed"] for run in runs], ranks, np.array(runs[0]["photo"]), runs)
    return gathered


def reported(line: Line, found: Mapping[str, Experiment]) -> dict[str, Any]:
    """One row of metrics/evidence.json.

    Each score with its mean and standard deviation over seeds and its 95 % interval over seeds and photos; what acc@1
    and acc@10 are above the control's, in points, paired, over the seeds ``minus_control_seeds`` that both have, with
    their intervals: None for the control itself, and where it was not run. ``processors`` and ``seeds`` have one order.
    """
    runs = found[line.run]
    by_query = query_scores(runs.ranks[line.model])
    values = np.stack([by_query[name] for name in SCORES], axis=-1)
    intervals = seed_bootstrap(values, runs.photo, resamples=RESAMPLES)
    row: dict[str, Any] = {
        "row": line.row,
        "dataset": line.dataset,
        "params": dict(runs.runs[0]["changes"]),
        "command": runs.runs[0]["command"],
        "seeds": runs.seeds,
        "n_query": len(runs.photo),
        "commit": runs.runs[0]["protocol"]["commit"],
        "processors": [run["processor"] for run in runs.runs],
    }
    for name, mean, low, high in zip(SCORES, *intervals, strict=True):
        by_seed = [run[line.model][name] for run in runs.runs]
        row |= rounded({f"{name}_mean": mean, f"{name}_low": low, f"{name}_high": high})
        row[f"{name}_sd"] = deviation(by_seed)
    control = found.get(line.control) if line.control and (line.run, line.model) != (line.control, "joint") else None
    shared = common_seeds(runs, control) if control else []
    row["minus_control_seeds"] = shared
    for score, name in GAINS.items():
        gain = (
            difference(runs, control, models=(line.model, "joint"), score=score)
            if control and shared
            else dict.fromkeys(GAIN_KEYS.values())
        )
        row |= {f"{name}{end}": gain[key] for end, key in GAIN_KEYS.items()}
    return row


def difference(
    one: Experiment,
    other: Experiment,
    *beyond: Experiment,
    models: tuple[Model, Model] = ("joint", "joint"),
    score: str = "acc@1",
) -> dict[str, float]:
    """``score`` of ``one`` less that of ``other``, query by query, averaged over the seeds that all have.

    ``models`` are the F of the two. Of two more, ``beyond``, what joint of the first is above joint of the second is
    taken off. ``difference`` in points and the bounds ``low`` and ``high`` of its 95 % interval over seeds and photos.
    Raises DataError where they have no seed in common, or other queries.
    """
    runs = (one, other, *beyond)
    seeds = common_seeds(*runs)
    if not seeds or not all(np.array_equal(one.photo, of.photo) for of in runs):
        raise DataError(f"{' and '.join(of.name for of in runs)} have no seed in common, or other queries")
    # One less other, less (the third less the fourth).
    parts = zip(runs, (*models, "joint", "joint"), (1, -1, -1, 1), strict=False)
    by_query = np.sum(
        [
            sign * query_scores(of.ranks[ranked][[of.seeds.index(seed) for seed in seeds]])[score]
            for of, ranked, sign in parts
        ],
        axis=0,
    )
    mean, low, high = (bound[0] for bound in seed_bootstrap(by_query[..., None], one.photo, resamples=RESAMPLES))
    return rounded({"difference": mean, "low": low, "high": high})


def common_seeds(one: Experiment, *others: Experiment) -> list[int]:
    """The seeds that all have, rising."""
    return [seed for seed in one.seeds if all(seed in other.seeds for other in others)]


def summary(
    files: Iterable[Mapping[str, Any]], lines: Sequence[Line], differences: Sequence[Difference]
) -> list[dict[str, Any]]:
    """metrics/evidence.json: a row for each of ``lines`` and of ``differences`` whose runs are there.

    These at acc@1, and with keys that end in ``_acc@10`` at that.
    """
    found = experiments(files)
    rows = [reported(line, found) for line in lines if line.run in found]
    for asked in differences:
        if not found.keys() >= set(asked.runs):
            continue
        runs = [found[name] for name in asked.runs]
        if seeds := common_seeds(*runs):
            models: tuple[Model, Model] = ("joint", "joint" if asked.other else "supervised")
            at_ten = difference(*runs, models=models, score="acc@10")
            rows.append(
                {"row": asked.row, "seeds": seeds}
                | difference(*runs, models=models)
                | {f"{key}_acc@10": gain for key, gain in at_ten.items()}
            )
    return rows


def generator_summary(files: Iterable[Mapping[str, Any]], run: str) -> list[dict[str, Any]]:
    """metrics/generator_evidence.json: G of the runs ``run`` before and after joint training, mean and sd over seeds.

    ``generated_acc@k``: how often F finds the test photo from G's sketch of it; ``certainty_spearman_``: how the
    certainty of that time's D_C follows the ranking percentile. ``generated_acc@k_gain``, how much more often than
    before joint training under the same seed, is None before it. ``recognition`` is left out where the set has one
    category alone.
    """
    by_seed = {file["seed"]: file["generator"] for file in files if file["row"] == run}
    if not by_seed:
        return []
    runs = [by_seed[seed] for seed in sorted(by_seed)]
    table = []
    for row in ("before_joint", "after_joint"):
        values: dict[str, list[float] | None] = {
            "generated_acc@1": [drawn[row]["acc@1"] for drawn in runs],
            "generated_acc@10": [drawn[row]["acc@10"] for drawn in runs],
            "fid": [drawn[row]["fid"] for drawn in runs],
            "certainty_spearman_bins": [drawn[row]["certainty"]["spearman_bins"] for drawn in runs],
            "certainty_spearman_photos": [drawn[row]["certainty"]["spearman_photos"] for drawn in runs],
        }
        if all("recognition" in drawn[row] for drawn in runs):
            values["recognition"] = [drawn[row]["recognition"] for drawn in runs]
        for k in (1, 10):
            gains = [drawn[row][f"acc@{k}"] - drawn["before_joint"][f"acc@{k}"] for drawn in runs]
            values[f"generated_acc@{k}_gain"] = gains if row == "after_joint" else None
        line: dict[str, Any] = {"row": row, "seeds": sorted(by_seed)}
        for name, of_runs in values.items():
            line[f"{name}_mean"] = None if of_runs is None else round(float(np.mean(of_runs)), 4)
            line[f"{name}_sd"] = None if of_runs is None else deviation(of_runs)
        table.append(line)
    return table


def deviation(values: Sequence[float]) -> float:
    """The standard deviation over seeds; 0 of a single one."""
    return round(float(np.std(values, ddof=1)), 4) if len(values) > 1 else 0.0

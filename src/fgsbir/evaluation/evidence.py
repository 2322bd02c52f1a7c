"""What runs of several experiments under several seeds say together: means, paired differences, claims. numpy only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.evaluation.comparison import compare

SCORES = ("acc@1", "acc@5", "acc@10", "mean_rank")
GENERATOR_SCORES = ("acc@1", "acc@10", "recognition", "fid", "ended")
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Experiment:
    """One row: the same settings under several seeds, on the same queries.

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
    code: set[str] = set()
    for file in files:
        rows.setdefault(file["row"], []).append(file)
        code.add(file["code"])
    if len(code) > 1:
        raise DataError(f"the runs were made by different code: {', '.join(sorted(code))}; run all rows again")
    found = {}
    for name, runs in rows.items():
        runs.sort(key=lambda run: run["seed"])
        if len({run["queries"] for run in runs}) > 1:
            raise DataError(f"{name}: its runs have different test queries")
        ranks = {model: np.array([run["ranks"][model] for run in runs]) for model in ("supervised", "joint")}
        found[name] = Experiment(name, [run["seed"] for run in runs], ranks, np.array(runs[0]["photo"]), runs)
    return found


def row_scores(experiment: Experiment) -> dict[str, Any]:
    """A row's scores: ``joint`` and ``supervised`` with mean and sd over seeds and the interval over photos."""
    scores = compare(experiment.ranks, experiment.photo, resamples=RESAMPLES, seed=0)
    row: dict[str, Any] = {"seeds": experiment.seeds, "command": experiment.runs[0]["command"]}
    for model in ("supervised", "joint"):
        by_seed = [run[model] for run in experiment.runs]
        row[model] = scores[model] | {f"{name}_sd": _sd([run[name] for run in by_seed]) for name in SCORES}
    row["generator"] = {
        when: {
            name: round(float(np.mean([run["generator"][when][name] for run in experiment.runs])), 4)
            for name in GENERATOR_SCORES
        }
        for when in ("before_joint", "after_joint")
    }
    row["hours"] = round(sum(run["seconds"]["joint"] + run["seconds"]["evaluate"] for run in experiment.runs) / 3600, 3)
    return row


def difference(one: Experiment, other: Experiment) -> dict[str, float]:
    """Joint of ``one`` less joint of ``other``, query by query, averaged over the seeds that both have.

    ``acc@1`` and so on with the bounds of the 95 % interval over photos, and ``acc@1_sd``, the standard deviation
    of the seeds' differences.
    """
    seeds = [seed for seed in one.seeds if seed in other.seeds]
    if not seeds or not np.array_equal(one.photo, other.photo):
        raise DataError(f"{one.name} and {other.name} have no seed in common, or other queries")
    ranks = {
        name: of.ranks["joint"][[of.seeds.index(seed) for seed in seeds]] for name, of in (("b", other), ("a", one))
    }
    found = compare(ranks, one.photo, resamples=RESAMPLES, seed=0)["a_minus_b"]
    runs = [[of.runs[of.seeds.index(seed)]["joint"] for seed in seeds] for of in (one, other)]
    for name in SCORES:
        found[f"{name}_sd"] = _sd([mine[name] - theirs[name] for mine, theirs in zip(*runs, strict=True)])
    return found


def certainty_scores(experiment: Experiment) -> dict[str, float]:
    """Spearman's correlation of certainty and ranking percentile over bins and over photos: mean and sd over seeds."""
    found: dict[str, float] = {}
    for name in ("spearman_bins", "spearman_photos"):
        values = [run["generator"]["certainty"][name] for run in experiment.runs]
        found |= {name: round(float(np.mean(values)), 4), f"{name}_sd": _sd(values)}
    return found


def summary(files: Iterable[Mapping[str, Any]], differences: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Everything that metrics/evidence.json holds.

    ``differences`` names the pairs of rows to compare; those of which a row is missing are left out.
    """
    found = experiments(files)
    result: dict[str, Any] = {
        "code": next((one.runs[0]["code"] for one in found.values()), None),
        "rows": {name: row_scores(one) for name, one in sorted(found.items())},
        "differences": {
            f"{one}_minus_{other}": difference(found[one], found[other])
            for one, other in differences
            if one in found and other in found
        },
    }
    if "full" in found:
        result["certainty"] = certainty_scores(found["full"])
    if {"full", "control", "oracle"} <= found.keys():
        gained, room = (result["differences"][f"{name}_minus_control"]["acc@1"] for name in ("full", "oracle"))
        result["share_of_oracle"] = round(gained / room, 4) if room else None
    result["claims"] = claims(result)
    return result


def claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The claims that the rows at hand can decide: ``claim``, ``holds``, and the figure in words."""
    made = []

    def claim(text: str, holds: bool, figure: str) -> None:
        made.append({"claim": text, "holds": bool(holds), "figure": figure})

    rows, differences = found["rows"], found["differences"]
    for name, least in (("full_minus_control", 3.0), ("full_minus_vanilla", 0.0)):
        if name in differences:
            one = differences[name]
            words = "full is above its control by at least 3 points" if least else "full is above vanilla"
            claim(f"{words} at one, the interval above 0", one["acc@1"] >= least and one["acc@1_low"] > 0, _words(one))
    steps = [name for name in ("control", "unlabelled_0.25", "unlabelled_0.5", "full") if name in rows]
    if len(steps) == 4:
        values = [rows[name]["joint"]["acc@1"] for name in steps]
        claim(
            "accuracy at one does not fall as unlabelled_frac grows: 0, 0.25, 0.5, 1",
            all(after >= before for before, after in pairwise(values)),
            ", ".join(f"{value:.1f}" for value in values),
        )
    if "certainty" in found:
        one = found["certainty"]
        claim(
            "certainty follows the ranking percentile: Spearman over bins at least 0.8, over photos above 0",
            one["spearman_bins"] >= 0.8 and one["spearman_photos"] > 2 * one["spearman_photos_sd"],
            f"{one['spearman_bins']:+.2f} ± {one['spearman_bins_sd']:.2f} over bins, "
            f"{one['spearman_photos']:+.2f} ± {one['spearman_photos_sd']:.2f} over photos",
        )
        before, after = (rows["full"]["generator"][when]["acc@10"] for when in ("before_joint", "after_joint"))
        claim(
            "G's sketches are found more often after joint training, at ten",
            after > before,
            f"{before:.1f} before, {after:.1f} after",
        )
    name = "chairv2_labelled_0.4_minus_chairv2_labelled_0.4_control"
    if name in differences:
        claim(
            "on ChairV2 with 40 % of the labels full is not below its control at one",
            differences[name]["acc@1"] >= 0,
            _words(differences[name]),
        )
    return made


def _words(one: Mapping[str, float]) -> str:
    return f"{one['acc@1']:+.1f} [{one['acc@1_low']:.1f}, {one['acc@1_high']:.1f}]"


def _sd(values: Sequence[float]) -> float:
    """The standard deviation over seeds; 0 of a single one."""
    return round(float(np.std(values, ddof=1)), 4) if len(values) > 1 else 0.0

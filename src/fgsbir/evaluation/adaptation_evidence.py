"""What runs of adaptation under several seeds say together, in the form of metrics/adapt.json, and what they claim."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.evaluation.adaptation import DIFFERENCES, adaptation_scores, paired_difference
from fgsbir.evaluation.claims import AS_GOOD, in_seeds, in_words, never_falls
from fgsbir.evaluation.task_ranks import COMPARED_AT, Found, TaskRanks, accuracies, found_of

RESAMPLES = 10_000


def summary(files: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Scores of every method over the seeds of the row ``methods``, and of "ours" in every other row.

    Kind -> method -> k -> the fields of :func:`fgsbir.evaluation.adaptation.adaptation_scores`, whose draws are those
    of all seeds; "ablations" -> row -> kind -> the same of "ours"; "margins" -> kind -> task -> ``mean`` and ``sd``,
    over seeds and supports, of what "ours" predicts from ``COMPARED_AT`` pairs; "steps" -> kind -> steps -> acc@1 of
    the very same models of "ours" after so many; "trained_steps" -> kind -> ``seeds`` and, by steps, ``acc@1`` of
    models trained with so many; "rows" -> row -> seeds and command. From ``COMPARED_AT`` pairs,
    :func:`fgsbir.evaluation.adaptation.paired_difference`: "minus_baseline" -> kind -> method, of the row ``methods``,
    and "minus_ours" -> kind -> every other row, over the seeds that both have.
    Raises DataError where runs were made by different code.
    """
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        rows.setdefault(file["row"], []).append(file)
    code = {file["code"] for runs in rows.values() for file in runs}
    if len(code) > 1:
        raise DataError(f"the runs were made by different code: {', '.join(sorted(code))}; run all rows again")
    parts = ("rows", "ablations", "margins", "steps", "trained_steps", "minus_baseline", "minus_ours")
    found: dict[str, Any] = {part: {} for part in parts}
    ranks = {
        name: {kind: {run["seed"]: found_of(run["ranks"][kind]) for run in runs} for kind in runs[0]["ranks"]}
        for name, runs in rows.items()
    }
    for name, runs in rows.items():
        found["rows"][name] = {"seeds": [run["seed"] for run in runs], "command": runs[0]["command"]}
        by_kind = {kind: list(of_seeds.values()) for kind, of_seeds in ranks[name].items()}
        scores = {kind: adaptation_scores(of_seeds, resamples=RESAMPLES, seed=0) for kind, of_seeds in by_kind.items()}
        if name == "methods":
            found |= scores
            found["margins"] = {kind: _margins(together(of_seeds)) for kind, of_seeds in by_kind.items()}
            found["steps"] = {
                kind: {
                    steps: round(float(np.mean([run["steps"][kind][steps] for run in runs])), 4)
                    for steps in runs[0]["steps"][kind]
                }
                for kind in by_kind
            }
        else:
            found["ablations"][name] = {kind: of_kind["ours"] for kind, of_kind in scores.items()}
    for kind, of_seeds in ranks.get("methods", {}).items():
        found["trained_steps"][kind] = _trained_steps(ranks, kind)
        found["minus_baseline"][kind] = {
            method: _difference(of_seeds, of_seeds, method, "baseline")
            for method in next(iter(of_seeds.values()))
            if method != "baseline"
        }
        found["minus_ours"][kind] = {
            name: _difference(ranks[name][kind], of_seeds, "ours", "ours")
            for name in found["ablations"]
            if ranks[name][kind].keys() & of_seeds.keys()
        }
    return found


def _difference(ones: Mapping[int, Found], others: Mapping[int, Found], one: str, other: str) -> dict[str, float]:
    """Of the method ``one`` in some runs, by seed, and ``other`` in others, over the seeds that both have."""
    seeds = sorted(ones.keys() & others.keys())
    return paired_difference(
        [ones[seed][one][COMPARED_AT] for seed in seeds],
        [others[seed][other][COMPARED_AT] for seed in seeds],
        resamples=RESAMPLES,
        seed=0,
    )


def together(seeds: Sequence[Found]) -> Found:
    """The same methods and tasks under several seeds as one, the draws of all seeds side by side."""
    return {
        method: {
            k: [
                TaskRanks(
                    task.name,
                    np.concatenate([seed[method][k][place].ranks for seed in seeds]),
                    task.photo,
                    np.concatenate([seed[method][k][place].margins for seed in seeds]),
                )
                for place, task in enumerate(tasks)
            ]
            for k, tasks in of_k.items()
        }
        for method, of_k in seeds[0].items()
    }


def _margins(found: Found) -> dict[str, dict[str, float]]:
    return {
        task.name: {"mean": round(float(task.margins.mean()), 4), "sd": round(float(task.margins.std()), 4)}
        for task in found.get("ours", {}).get(COMPARED_AT, ())
    }


def _trained_steps(ranks: Mapping[str, Mapping[str, Mapping[int, Found]]], kind: str) -> dict[str, Any]:
    """acc@1 of models trained with each number of inner steps, over the seeds that all of these have.

    0 steps are ``baseline_regularised``, one is "ours" as it is; steps that were not run are left out.
    """
    methods = ranks["methods"][kind]
    known = next(iter(methods.values()))
    runs = {steps: (methods, name) for steps, name in enumerate(("baseline_regularised", "ours")) if name in known} | {
        steps: (ranks[name][kind], "ours") for steps in range(2, 6) if (name := f"steps_{steps}") in ranks
    }
    seeds = sorted(set.intersection(*({*of_seeds} for of_seeds, _ in runs.values())))
    values = {
        str(steps): round(
            float(np.mean([accuracies(of_seeds[seed][name][COMPARED_AT], 1).mean() for seed in seeds])), 4
        )
        for steps, (of_seeds, name) in runs.items()
        if seeds
    }
    return {"seeds": seeds, "acc@1": values}


def adaptation_claims(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The claims that a :func:`summary` can decide: ``claim``, ``holds``, and the figure in words."""
    made: list[dict[str, Any]] = []

    def claim(text: str, holds: bool, figure: str) -> None:
        made.append({"claim": text, "holds": bool(holds), "figure": figure})

    for kind in [kind for kind in ("category", "user") if kind in found]:
        for one, other in DIFFERENCES:
            gain = found[kind].get(f"{one}_minus_{other}")
            if gain:
                than = {"baseline": "no adaptation", "fine_tuning": "fine-tuning"}[other]
                claim(
                    f"new {kind}: from {COMPARED_AT} pairs acc@1 is above that of {than}, the interval above 0",
                    gain["low"] > 0,
                    in_words(gain),
                )
        shots = sorted(found[kind].get("ours", ()), key=int)  # JSON sorts 10 before 5
        values = [found[kind]["ours"][k]["acc@1"] for k in shots]
        if len(values) > 1:
            claim(
                f"new {kind}: acc@1 grows with the pairs ({', '.join(shots)}), within half a point",
                never_falls(values),
                ", ".join(f"{value:.1f}" for value in values),
            )
        trained = found["trained_steps"].get(kind, {"acc@1": {}})
        steps = dict(sorted(trained["acc@1"].items()))
        if "1" in steps and len(steps) > 2:
            claim(
                f"new {kind}: models trained with one inner step are within half a point of the best of "
                f"{min(steps)} to {max(steps)}",
                steps["1"] >= max(steps.values()) - AS_GOOD,
                f"{', '.join(f'{value:.1f}' for value in steps.values())}, {in_seeds(trained['seeds'])}",
            )
        margins = list(found["margins"].get(kind, {}).values())
        if len(margins) > 1:
            between = float(np.std([one["mean"] for one in margins], ddof=1))
            within = float(np.sqrt(np.mean([one["sd"] ** 2 for one in margins])))
            claim(
                f"new {kind}: predicted margins differ between tasks by more than between supports and seeds of a task",
                between > within,
                f"standard deviation {between:.3f} between, {within:.3f} within",
            )
    return made

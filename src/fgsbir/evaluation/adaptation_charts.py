"""Charts of adaptation: accuracy over pairs and over steps, predicted margins, gain by task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fgsbir.adaptation.task_ranks import COMPARED_AT, Found
from fgsbir.data.sheet import BLUE, ORANGE, QUIET
from fgsbir.evaluation.adaptation import LABELS, gains
from fgsbir.evaluation.charts import chart


def shots_chart(path: Path, scores: Mapping[str, Mapping[str, Any]]) -> None:
    """acc@1 over the pairs of the support, ± the standard deviation over draws; a part for each kind of task.

    The methods stand a little beside each other, so that the bars of one do not hide those of the next.
    """
    colours = {"adaptive": BLUE, "none": QUIET, "photos": ORANGE}
    with chart(path, 4.0 * len(scores) + 1.8, 3.4) as figure:
        parts = np.atleast_1d(figure.subplots(1, len(scores)))
        for axes, (kind, table) in zip(parts, scores.items(), strict=True):
            methods = [name for name in LABELS if name in table]
            shots = sorted({int(k) for name in methods for k in table[name]})
            for number, name in enumerate(methods):
                entries = [table[name][k] for k in sorted(table[name], key=int)]
                places = np.array([shots.index(int(k)) for k in sorted(table[name], key=int)])
                axes.errorbar(
                    places + 0.06 * (number - (len(methods) - 1) / 2),
                    [entry["acc@1"] for entry in entries],
                    yerr=[entry["sd"] for entry in entries],
                    label=LABELS[name],
                    color=colours.get(name, f"C{number + 1}"),
                    linewidth=2.2 if name == "adaptive" else 1.2,
                    zorder=3 if name == "adaptive" else 2,
                    marker="o",
                    markersize=4,
                    capsize=2,
                )
            axes.set_xticks(range(len(shots)), [str(k) for k in shots])
            axes.set_title(f"new {kind}", fontsize=9)
            axes.set(xlabel="sketches of the support set", ylabel="acc@1, % ± s.d. over draws")
            axes.margins(y=0.1)
        figure.legend(*parts[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)


def steps_chart(path: Path, steps: Mapping[str, Mapping[int, float]]) -> None:
    """acc@1 of the adaptive model over the steps of the inner loop; a line for each kind of task."""
    with chart(path, 4.6, 3.4) as figure:
        axes = figure.subplots()
        for (kind, values), colour in zip(steps.items(), (BLUE, ORANGE), strict=False):
            axes.plot(list(values), list(values.values()), marker="o", label=f"new {kind}", color=colour)
        axes.set_xticks(sorted(set().union(*steps.values())))
        axes.set(xlabel="steps of the inner loop", ylabel="acc@1, %")
        axes.margins(y=0.3)
        axes.legend(frameon=False)


def tasks_chart(path: Path, found: Mapping[str, Found], k: int) -> None:
    """For each new category and user: the margin predicted from each support set, and the gain in acc@1."""
    rows = [max(1, len(of_kind["adaptive"][k])) for of_kind in found.values()]
    with chart(path, 9.2, 0.9 + 0.32 * sum(rows)) as figure:
        grid = figure.subplots(len(found), 2, squeeze=False, height_ratios=rows)
        for (left, right), (kind, of_kind) in zip(grid, found.items(), strict=True):
            tasks = of_kind["adaptive"][k]
            for row, task in enumerate(tasks):
                left.plot(task.margins, np.full(len(task.margins), row), "o", color=BLUE, alpha=0.5, markersize=4)
            values = list(gains(of_kind, "adaptive", k).values())
            right.barh(range(len(values)), values, color=[BLUE if value >= 0 else ORANGE for value in values])
            right.axvline(0, color=QUIET, linewidth=0.8)
            left.set_title(f"new {kind}: margin predicted from each of the supports", fontsize=9)
            right.set_title(f"gain in acc@1 over no adaptation, {k} pairs, points", fontsize=9)
            for axes in (left, right):
                axes.set_yticks(range(len(tasks)), [task.name for task in tasks])
                axes.set_ylim(len(tasks) - 0.5, -0.5)


def adaptation_charts(
    folder: Path,
    found: Mapping[str, Found],
    scores: Mapping[str, Mapping[str, Any]],
    steps: Mapping[str, Mapping[int, float]],
) -> None:
    """All charts that there is something to show in."""
    if scores:
        shots_chart(folder / "shots.png", scores)
    if steps:
        steps_chart(folder / "steps.png", steps)
        tasks_chart(folder / "tasks.png", {kind: found[kind] for kind in steps}, COMPARED_AT)

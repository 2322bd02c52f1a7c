"""Charts of the evidence: the ablation row by row, and accuracy over the share of photos and of labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from fgsbir.evaluation.sheet import BLUE, ORANGE, QUIET, STYLE, save_figure

SCORES = ("acc@1", "acc@10")


def rows_chart(path: Path, rows: Mapping[str, Any], names: Mapping[str, str], reference: str) -> None:
    """acc@1 and acc@10 of joint training for some rows, with 95 % intervals, and a line at the row ``reference``.

    ``rows`` are those of metrics/evidence.json by name; ``names`` maps those to show, top to bottom, to their labels.
    """
    shown = [name for name in names if name in rows]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 0.6 + 0.3 * len(shown)), dpi=110, layout="constrained")
        for axes, score in zip(figure.subplots(1, 2, sharey=True), SCORES, strict=True):
            # Points, as the axis does not begin at 0.
            for place, name in enumerate(shown):
                middle, low, high = (rows[name][f"{score}_{end}"] for end in ("mean", "low", "high"))
                axes.errorbar(
                    middle,
                    place,
                    xerr=[[middle - low], [high - middle]],
                    color=ORANGE if name == reference else BLUE,
                    marker="o",
                    capsize=3,
                )
            axes.axvline(rows[reference][f"{score}_mean"], color=QUIET, linewidth=0.8, zorder=0)
            axes.set_yticks(range(len(shown)), [names[name] for name in shown])
            axes.set_title(f"{score}, %", fontsize=9)
            # The two share this axis, so that inverting it for each would turn it back.
            axes.set_ylim(len(shown) - 0.4, -0.6)
        save_figure(figure, path)


def shares_chart(path: Path, lines: Mapping[str, Sequence[tuple[float, Mapping[str, Any]]]], share: str) -> None:
    """acc@1 and acc@10 over the share of the photos or of the labels, with 95 % intervals.

    ``lines`` maps a line's label to its points, (share, row of metrics/evidence.json): at most three lines, of which
    the last has the colour that the reference has in :func:`rows_chart`.
    """
    colours = (BLUE, QUIET, ORANGE)[-len(lines) :]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.2), dpi=110, layout="constrained")
        for axes, score in zip(figure.subplots(1, 2), SCORES, strict=True):
            for place, ((label, points), colour) in enumerate(zip(lines.items(), colours, strict=True)):
                middle = [row[f"{score}_mean"] for _, row in points]
                low = [row[f"{score}_mean"] - row[f"{score}_low"] for _, row in points]
                high = [row[f"{score}_high"] - row[f"{score}_mean"] for _, row in points]
                # Side by side, so that no interval lies on another.
                aside = 0.012 * (place - (len(lines) - 1) / 2)
                places = [at + aside for at, _ in points]
                axes.errorbar(places, middle, yerr=[low, high], label=label, color=colour, marker="o", capsize=3)
            axes.set_title(f"{score}, %", fontsize=9)
            axes.set_xlabel(share)
            if len(lines) > 1:
                axes.legend(frameon=False)
        save_figure(figure, path)

"""Charts: certainty against ranking percentile (paper 1, Figure 4a), and the curves of training."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from fgsbir.data.records import DataError
from fgsbir.data.sheet import BLUE, ORANGE, QUIET, STYLE, save_figure
from fgsbir.evaluation.generation import certainty_bins, spearman

HISTOGRAM = "certainty_"


@contextmanager
def chart(path: Path, width: float, height: float, *, dpi: int = 110, **style: Any) -> Iterator[Figure]:
    """A figure of so many inches, to be drawn on and then written to ``path``; ``style`` changes matplotlib's."""
    with matplotlib.rc_context(STYLE | style):
        figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
        yield figure
        save_figure(figure, path)


def certainty_chart(path: Path, generated: np.ndarray, percentile: np.ndarray, human: np.ndarray) -> None:
    """D_C's certainty of generated sketches against how well F finds their photos, and its distribution.

    ``generated`` (n,) certainties and ``percentile`` (n,) ranking percentiles of the same photos;
    ``human`` (m,) the certainties of pairs with human sketches.
    """
    bins = certainty_bins(generated, percentile)
    of_bins, of_photos = spearman(bins.certainty, bins.percentile), spearman(generated, percentile)
    with chart(path, 9.2, 3.6, **{"axes.titlesize": 9}) as figure:
        left, right = figure.subplots(1, 2)
        left.errorbar(
            bins.certainty, bins.percentile, yerr=1.96 * bins.error, marker="o", color=BLUE, capsize=3, linewidth=1.4
        )
        left.set(
            title="Ranking percentile of generated sketches\n"
            f"Spearman {of_bins:+z.2f} over bins, {of_photos:+z.2f} over photos",
            xlabel=f"certainty, mean of {len(bins.size)} bins of equal count (n = {len(generated)})",
            ylabel="ranking percentile, mean ± 95 %",
        )
        for values, name, colour in ((generated, "generated", BLUE), (human, "the set's", ORANGE)):
            weights = np.full(len(values), 100 / max(1, len(values)))
            edges = np.linspace(0, 1, 41)
            right.hist(values, edges, weights=weights, label=f"{name} sketches", color=colour, alpha=0.6)
        right.set(
            title="Certainty of test photos' sketches", xlabel="certainty", ylabel="share of pairs, %", xlim=(0, 1)
        )
        right.legend(frameon=False)


def read_curve(path: Path) -> dict[str, np.ndarray]:
    """Read a curve written by training: column -> float64 (rows,). Raises DataError naming the file and row."""
    try:
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected a curve of training") from None
    except ValueError:
        raise DataError(f"{path}: expected a header and rows, found an empty file") from None
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(f"{path}: line {number}: expected {len(header)} columns, found {len(row)}")
    try:
        columns = np.array(rows, np.float64).reshape(len(rows), len(header)).T
    except ValueError as error:
        raise DataError(f"{path}: expected numbers: {error}") from None
    return dict(zip(header, columns, strict=True))


def curves_chart(path: Path, curves: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Every column of every curve in its own small panel over the step.

    ``curves`` maps a training's title to its columns, of which ``step`` is the x axis. Losses are blue,
    scores orange.
    """
    panels = [(title, name) for title, columns in curves.items() for name in columns if name != "step"]
    across, rows = 5, -(-len(panels) // 5)
    small = {"font.size": 7, "axes.titlesize": 7.5}
    with chart(path, 2.3 * across, 1.55 * rows, dpi=100, **small) as figure:
        grid = figure.subplots(rows, across, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.axis("off")
        for axes, (title, name) in zip(grid, panels, strict=False):
            step, colour = curves[title]["step"], BLUE if name.endswith("_loss") else ORANGE
            axes.plot(step, curves[title][name], color=colour, marker="." if len(step) < 30 else None)
            axes.ticklabel_format(useOffset=False)
            axes.set_title(f"{title}: {name.replace('_', ' ')}")


def histogram_chart(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """The distribution of certainty through joint training: columns ``step`` and ``certainty_<lower edge>``.

    Without any such column (the control has no pseudo pairs) the chart says so.
    """
    names, step = [name for name in columns if name.startswith(HISTOGRAM)], columns["step"]
    with chart(path, 5.6, 3.4, **{"axes.grid": False}) as figure:
        axes = figure.subplots()
        axes.set_title("Certainty of the pseudo pairs through joint training", fontsize=9)
        if not names:
            axes.text(0.5, 0.5, "no pseudo pairs", ha="center", color=QUIET, transform=axes.transAxes)
            axes.axis("off")
            return
        shares = np.stack([columns[name] for name in names])
        edges = [*(float(name.removeprefix(HISTOGRAM)) for name in names), 1.0]
        mesh = axes.pcolormesh(np.arange(len(step) + 1), edges, shares, cmap="Blues", vmin=0, shading="flat")
        ticks = np.unique(np.linspace(0, len(step) - 1, 8).round().astype(int))
        axes.set_xticks(ticks + 0.5, [f"{step[tick]:.0f}" for tick in ticks])
        axes.set(xlabel="step", ylabel="certainty")
        figure.colorbar(mesh, label="share of pseudo pairs, %")

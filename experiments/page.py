"""The page and the charts of the evidence, made from metrics/results.json alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from fgsbir.data.atomic import write_text
from fgsbir.data.sheet import BLUE, ORANGE, QUIET, STYLE, save_figure

Rows = Sequence[Mapping[str, Any]]
NAMES = {"synthetic": "Default set", "chairv2": "ChairV2", "chairv2_more": "ChairV2 and other chairs"}
TASKS = {
    "category": "New categories of the default set",
    "user": "New users of the default set",
    "chairv2": "ChairV2, by a model that knows drawn products",
}
# Of these runs all methods are shown, by their own names. Of the others `none` is left out: it is the same F.
WHOLE = {"methods": "", "real": "", "real_supervised": "trained on all pairs"}
COMPARED = ("control", "control_without_teacher", "edges", "vanilla")
COLOURS = {"full": BLUE, "control": ORANGE, "supervised": QUIET}


def write_page(results: Mapping[str, Rows], docs: Path) -> None:
    """Write evidence.md and pictures/evidence.png below ``docs``."""
    charts(results["retrieval"], docs / "pictures" / "evidence.png")
    write_text(docs / "evidence.md", "\n".join(_lines(results)) + "\n")


def _lines(results: Mapping[str, Rows]) -> Iterator[str]:
    yield "# What each part of the papers brings\n"
    yield "`make evidence` writes this and [metrics/results.json](../metrics/results.json), which has every command.\n"
    yield "![Accuracy at one by the share of labels, and by the share of unlabelled photos](pictures/evidence.png)\n"
    yield "Percent, means over seeds; in brackets the s.d. of acc@1 over seeds. Differences are paired, with 95 %"
    yield "intervals over photos and seeds.\n"
    yield f"Machine: {'; '.join(sorted({row['device'] for row in results['retrieval']}))}.\n"
    for place in dict.fromkeys((row["dataset"], row["labelled_frac"]) for row in results["retrieval"]):
        rows = [row for row in results["retrieval"] if (row["dataset"], row["labelled_frac"]) == place]
        yield f"## {NAMES[place[0]]}, labels {place[1]:g}\n"
        compared = [name for name in COMPARED if any(name in row["minus"] for row in rows)]
        # The paper's figures are of all labels of real photos.
        paper = ["paper 1: ChairV2, ShoeV2"] if place[0] != "synthetic" and place[1] == 1 else []
        cells = [
            "row",
            "seeds",
            "acc@1",
            "@5",
            "@10",
            *(f"minus {name.replace('_', ' ')}" for name in compared),
            *paper,
        ]
        yield f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"
        yield from (_retrieval_line(row, compared, bool(paper)) for row in rows)
        yield ""
    yield "## Drawings of the test photos\n"
    yield "How often the supervised F finds a drawing's photo, its FID to people's sketches, how often its category"
    yield "is recognised, and how D_C's certainty follows F's rank (Spearman, over ten bins and over photos). FID and"
    yield "recognition are by a classifier that learns from the sketches that the labels leave: compare them within a"
    yield "set and its labels.\n"
    yield "| | set, labels | acc@1 | minus before | @10 | FID | recognised | bins | photos |"
    yield "|---|---|---|---|---|---|---|---|---|"
    # Rows that share all before joint training have it once.
    lines = (_drawing_line(row) for row in results["generator"])
    yield from dict.fromkeys(lines)
    yield "\n## Adaptation from k sketches (paper 2)\n"
    yield "acc@1 in percent, means over seeds and supports; in brackets what that is above no adaptation. `photos` and"
    yield "`ridge` read the photos that are searched, too. metrics/results.json has acc@5, acc@10 and the commands."
    for task in dict.fromkeys(row["task"] for row in results["adaptation"]):
        yield from _adaptation_lines(TASKS[task], [row for row in results["adaptation"] if row["task"] == task])


def _adaptation_lines(title: str, rows: Rows) -> Iterator[str]:
    shots = sorted({row["k"] for row in rows})
    yield f"\n### {title}\n\n| | " + " | ".join(f"k = {k}" for k in shots) + " |\n|---|" + "---|" * len(shots)
    shown = {(row["row"], row["method"], row["k"]): row for row in rows}
    for run, method in dict.fromkeys((row["row"], row["method"]) for row in rows):
        if run in WHOLE or method != "none":
            cells = [_adapted_cell(shown.get((run, method, k))) for k in shots]
            name = f"{method}, {run}" if run not in WHOLE else WHOLE[run] or method
            yield f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |"


def _adapted_cell(row: Mapping[str, Any] | None) -> str:
    if not row:
        return ""
    above = _difference(row["minus_none"])
    return f"{row['acc@1']:.1f}" + (f" ({above})" if above else "")


def _drawing_line(row: Mapping[str, Any]) -> str:
    name = row["row"].replace("_", " ")
    # Rows with a G of their own; others share what was before joint training.
    if row["row"] == "after_joint" or row["of"].startswith(("points", "paper")):
        name += f" ({row['of'].replace('_', ' ')})"
    cells = [f"{row['found_acc@1']:.1f}", _difference(row.get("minus", {}).get("before_joint"))]
    cells += [f"{row[score]:.1f}" if score in row else "" for score in ("found_acc@10", "fid", "recognised")]
    cells += [f"{row[score]:.2f}" if score in row else "" for score in SPEARMAN]
    return f"| {name} | {NAMES[row['dataset']]}, {row['labelled_frac']:g} | " + " | ".join(cells) + " |"


def _difference(minus: Mapping[str, float] | None) -> str:
    return f"{minus['acc@1']:+.1f} [{minus['low']:.1f}, {minus['high']:.1f}]" if minus else ""


SPEARMAN = ("certainty_spearman_bins", "certainty_spearman_photos")


def _retrieval_line(row: Mapping[str, Any], compared: Sequence[str], paper: bool) -> str:
    sd = "" if row["sd"] is None else f" ({row['sd']:.1f})"
    part = "" if row["unlabelled_frac"] in (0.0, 1.0) else f", {row['unlabelled_frac']:g} of unlabelled"
    shown = [_difference(row["minus"].get(name)) for name in compared]
    cells = [f"{row['acc@1']:.1f}{sd}", f"{row['acc@5']:.1f}", f"{row['acc@10']:.1f}", *shown]
    cells += [row["paper"]] if paper else []
    return f"| {row['row'].replace('_', ' ')}{part} | {row['seeds']} | " + " | ".join(cells) + " |"


def charts(rows: Rows, path: Path) -> None:
    """acc@1 by the share of labels, and by the share of unlabelled photos, on the default set."""
    own = [row for row in rows if row["dataset"] == "synthetic"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.4), dpi=110, layout="constrained")
        labels, unlabelled = figure.subplots(1, 2, sharey=True)
        for name, colour in COLOURS.items():
            whole = [row for row in own if row["row"] == name and row["unlabelled_frac"] in (0.0, 1.0)]
            _curve(labels, whole, "labelled_frac", name, colour)
        some = [row for row in own if row["row"] in ("full", "control") and row["labelled_frac"] == 0.2]
        _curve(unlabelled, some, "unlabelled_frac", "full, labels 0.2", BLUE)
        labels.set(title="Default set", xlabel="share of labels (1: 100 chairs)", ylabel="acc@1, %")
        unlabelled.set(title="Default set", xlabel="share of unlabelled photos (1: 1,500 and those without labels)")
        labels.legend(frameon=False)
        unlabelled.legend(frameon=False)
        save_figure(figure, path)


def _curve(axes: Any, rows: Rows, share: str, label: str, colour: str) -> None:
    rows = sorted(rows, key=lambda row: row[share])
    axes.errorbar(
        [row[share] for row in rows],
        [row["acc@1"] for row in rows],
        yerr=[row["sd"] or 0.0 for row in rows],
        marker="o",
        capsize=3,
        linewidth=1.4,
        color=colour,
        label=label,
    )

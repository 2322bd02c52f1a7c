"""Writes up the evidence: ``python -m pipeline.evidence_report``; ``make evidence`` ends with it.

Reads the runs in ``metrics/evidence`` and writes ``metrics/evidence.json``, ``metrics/evidence.csv``, the
pictures in ``docs/pictures``, and the README's section between its two marks.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fgsbir.data.atomic import write_json, write_text
from fgsbir.data.records import DataError
from pipeline.evidence import EVIDENCE
from pipeline.stage import run

SUMMARY = Path("metrics/evidence.json")
TABLE = Path("metrics/evidence.csv")
PICTURES = Path("docs/pictures")
README = Path("README.md")
MARKS = ("<!-- evidence -->", "<!-- end of evidence -->")
CHAIRV2 = "chairv2_labelled_0.4"
# The rows of the ablation from top to bottom, with what a reader calls them.
ABLATION = {
    "control": "control: no unlabelled photos",
    "vanilla": "vanilla: stored sketches, weight 1, no teacher",
    "without_instance_weighting": "full without instance weighting",
    "without_teacher": "full without the teacher",
    "without_attention": "full without G's attention",
    "without_joint_training": "full without joint training",
    "absolute_teacher": "full, absolute teacher",
    "threshold": "full, hard threshold of certainty",
    "full": "full",
    "another_photo": "reference: another photo's sketch",
    "edges": "reference: edge maps",
    "oracle": "reference: true sketches",
}
CHAIRV2_ROWS = {
    f"{CHAIRV2}_control": "control",
    f"{CHAIRV2}_vanilla": "vanilla",
    CHAIRV2: "full",
}
FRACTIONS = (0.2, 0.4, 0.6, 0.8)
DIFFERENCES = [
    *(("full", name) for name in ABLATION if name not in ("full", "another_photo", "edges", "oracle")),
    *((name, "control") for name in ("unlabelled_0.25", "unlabelled_0.5", "edges", "another_photo", "oracle")),
    *((f"labelled_{share}", f"labelled_{share}_control") for share in FRACTIONS),
    *((CHAIRV2, name) for name in CHAIRV2_ROWS if name != CHAIRV2),
]


def main() -> None:
    from fgsbir.evaluation.evidence import summary
    from fgsbir.evaluation.evidence_charts import bars_chart, shares_chart

    files = list(EVIDENCE.read())
    if not files:
        raise DataError(f"{EVIDENCE.folder}: no run is there; `make evidence` makes them")
    found = summary(files, DIFFERENCES)
    rows = found["rows"]
    write_json(SUMMARY, found)
    write_text(TABLE, table(rows))
    if "full" in rows:
        bars_chart(PICTURES / "ablation.png", rows, ABLATION, "full")
        shares_chart(PICTURES / "unlabelled.png", {"joint": unlabelled_line(rows)}, "share of the unlabelled photos")
        shares_chart(PICTURES / "labelled.png", labelled_lines(rows), "share of the labelled photos")
    write_text(README, filled(README.read_text(), section(found)))


def unlabelled_line(rows: Mapping[str, Any]) -> list[tuple[float, Mapping[str, float]]]:
    """Joint training over the share of unlabelled photos."""
    places = {0.0: "control", 0.25: "unlabelled_0.25", 0.5: "unlabelled_0.5", 1.0: "full"}
    return [(share, rows[name]["joint"]) for share, name in places.items() if name in rows]


def labelled_lines(rows: Mapping[str, Any]) -> dict[str, list[tuple[float, Mapping[str, float]]]]:
    """Supervised, control and full over the share of labelled photos (paper 1, Figure 4b)."""
    full = {share: f"labelled_{share}" for share in FRACTIONS} | {1.0: "full"}
    control = {share: f"labelled_{share}_control" for share in FRACTIONS} | {1.0: "control"}
    return {
        label: [(share, rows[name][model]) for share, name in places.items() if name in rows]
        for label, places, model in (
            ("supervised", full, "supervised"),
            ("control", control, "joint"),
            ("full", full, "joint"),
        )
    }


def table(rows: Mapping[str, Any]) -> str:
    """Every row's scores as CSV, one line a row and model."""
    text = io.StringIO()
    scores = [
        f"{name}{end}" for name in ("acc@1", "acc@5", "acc@10", "mean_rank") for end in ("", "_sd", "_low", "_high")
    ]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "model", "seeds", *scores, "command"])
    for name, row in rows.items():
        for model in ("supervised", "joint"):
            writer.writerow([name, model, len(row["seeds"]), *(row[model][score] for score in scores), row["command"]])
    return text.getvalue()


def filled(readme: str, words: str) -> str:
    """The README with ``words`` between its two marks. Raises DataError where they are not there once each."""
    if any(readme.count(mark) != 1 for mark in MARKS):
        raise DataError(f"{README}: expected the lines {MARKS[0]} and {MARKS[1]} once each")
    before, rest = readme.split(MARKS[0])
    return f"{before}{MARKS[0]}\n{words}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def section(found: Mapping[str, Any]) -> str:
    """The results in words: claims, the ablation, the curves, G and its certainty, ChairV2."""
    rows, differences = found["rows"], found["differences"]
    lines = ["| claim | holds | measured |", "|---|---|---|"]
    lines += [
        f"| {one['claim']} | {'yes' if one['holds'] else '**no**'} | {one['figure']} |" for one in found["claims"]
    ]
    lines += ["", *_results(rows, differences, ABLATION, "full"), ""]
    if "share_of_oracle" in found:
        lines += [
            f"Full goes {100 * found['share_of_oracle']:.0f} % of the way from its control to the true sketches.",
            "",
        ]
    lines += [
        "![Accuracy of the rows with intervals](docs/pictures/ablation.png)",
        "![Accuracy over the share of unlabelled photos](docs/pictures/unlabelled.png)",
        "![Accuracy over the share of labelled photos](docs/pictures/labelled.png)",
    ]
    if CHAIRV2 in rows:
        lines += ["", "On ChairV2 with 40 % of the labels:", "", *_results(rows, differences, CHAIRV2_ROWS, CHAIRV2)]
    if "chairv2" in rows:
        supervised = rows["chairv2"]["supervised"]
        lines += [
            "",
            f"With all labels there, `supervised`: {_mean(supervised, 'acc@1')} / {_mean(supervised, 'acc@10')}.",
        ]
    lines += ["", "Any row alone, seed 0:", "", "```"]
    lines += [rows[name]["command"] for name in [*ABLATION, *CHAIRV2_ROWS] if name in rows]
    return "\n".join([*lines, "```"])


def _results(
    rows: Mapping[str, Any], differences: Mapping[str, Any], names: Mapping[str, str], full: str
) -> Iterator[str]:
    """A table of rows: acc@1 and acc@10 with the deviation over seeds, and what full has over each at one."""
    yield "| row | seeds | acc@1 | acc@10 | full less this, acc@1 |"
    yield "|---|---|---|---|---|"
    for name, label in names.items():
        if name in rows:
            one = differences.get(f"{full}_minus_{name}")
            gain = f"{one['acc@1']:+.1f} [{one['acc@1_low']:.1f}, {one['acc@1_high']:.1f}]" if one else ""
            joint, seeds = rows[name]["joint"], len(rows[name]["seeds"])
            yield f"| {label} | {seeds} | {_mean(joint, 'acc@1')} | {_mean(joint, 'acc@10')} | {gain} |"


def _mean(scores: Mapping[str, float], name: str) -> str:
    return f"{scores[name]:.1f} ± {scores[f'{name}_sd']:.1f}"


if __name__ == "__main__":
    run(main)

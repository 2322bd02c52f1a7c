"""Writes up the evidence: ``python -m pipeline.evidence_report``; ``make evidence`` ends with it.

Reads the runs in ``metrics/evidence`` and writes ``metrics/evidence.json``, ``metrics/generator_evidence.json``,
``metrics/evidence.csv``, the pictures in ``docs/pictures``, and between their marks what the README says in short and
``docs/results.md`` in full.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fgsbir.data.atomic import write_json, write_text
from fgsbir.data.records import DataError
from fgsbir.evaluation.evidence import GAINS, SCORES, Line, gain_of, in_words
from pipeline.evidence import EVIDENCE, LONG
from pipeline.pages import PICTURES, README, RESULTS, claims_table, filled
from pipeline.stage import run

SUMMARY = Path("metrics/evidence.json")
GENERATOR = Path("metrics/generator_evidence.json")
TABLE = Path("metrics/evidence.csv")
HEADLINE_MARKS = ("<!-- evidence in short -->", "<!-- end of evidence in short -->")
CLAIMS_MARKS = ("<!-- claims -->", "<!-- end of claims -->")
MARKS = ("<!-- evidence -->", "<!-- end of evidence -->")
INTERVALS = (
    "± is the standard deviation over seeds, brackets are 95 % intervals over seeds and photos (of one seed, over "
    "photos alone); differences are paired."
)
LONGER = f"joint training of {LONG['joint.steps']:,} steps"
# The rows of the ablation from top to bottom, with what a reader calls them.
ABLATION = {
    "supervised": "supervised",
    "control": "control: no unlabelled photos",
    "control_no_teacher": "control without the teacher",
    "vanilla": "vanilla: a stored sketch of each photo, weight 1, no teacher",
    "no_instance_weighting": "full without instance weighting",
    "no_teacher": "full without the teacher",
    "no_attention": "full without G's attention",
    "no_joint_training": "full without joint training",
    "no_weights_teacher_joint": "full without all three: weighting, teacher, joint training",
    "no_edges": "full without drawings of edges",
    "no_drawings": "edges alone: no G, no joint training",
    "negatives_only": "full without joint training, pseudo pairs of weight 0",
    "absolute_teacher": "full, absolute teacher",
    "omega_itself": "full, weights of ω itself",
    "hard_threshold": "full, hard threshold of certainty",
    "full": "full",
    "plain_generator_vanilla": "plain G (the pairs alone, one drawing at temperature 1): vanilla",
    "plain_generator_full": "plain G: full, weights of ω itself",
    "mismatched": "vanilla with another photo's drawing",
    "edge_maps": "vanilla with edge maps",
    "oracle": "vanilla with true sketches",
    "long_control": f"{LONGER}: control",
    "long_vanilla": f"{LONGER}: vanilla",
    "long_full": f"{LONGER}: full",
}
# The paper's full less its ablations, acc@1 on ShoeV2, in points.
PAPER = {
    "vanilla": 8.5,
    "no_instance_weighting": 2.3,
    "no_teacher": 1.8,
    "no_attention": 1.5,
    "no_joint_training": 1.2,
}
# What stands at the README's top: what joint training's F has learned from.
HEADLINE = {
    "supervised": "the labelled chairs, no joint training: `supervised`",
    "control": "the labelled chairs: the control",
    "no_edges": "and G's drawings of the unlabelled ones, as in the paper",
    "no_drawings": "and the edges in the unlabelled ones, no G",
    "full": "and G's drawings of the unlabelled ones, and the edges in them: the default",
    "long_control": f"{LONG['joint.steps']:,} steps: the labelled chairs",
    "long_full": f"{LONG['joint.steps']:,} steps: and G's drawings and edges",
}
# The models of a share of labels: their rows' ends, their runs' ends, and which F of the run.
MODELS: list[tuple[str, str, Literal["supervised", "joint"]]] = [
    ("supervised", "full", "supervised"),
    ("control", "control", "joint"),
    ("full", "full", "joint"),
]
SHARES = ("0.2", "0.4", "0.6", "0.8", "1")
UNLABELLED = ("0", "0.25", "0.5", "1")
# Rows of less data than full's, with what a reader calls them.
SHARED = {f"unlabelled_{share}": f"full, {share} of the unlabelled photos" for share in UNLABELLED[1:-1]} | {
    f"labelled_{share}_{model}": f"{model}, {share} of the labelled photos"
    for share in SHARES[:-1]
    for model, _, _ in MODELS
}
CHAIRV2_ROWS = {"labelled_1_supervised": "supervised, all labels"} | {
    f"labelled_0.4_{name}": f"{name}, 0.4 of the labels" for name in ("supervised", "control", "vanilla", "full")
}
LINES = [
    Line("supervised", "full", "control", model="supervised"),
    *(
        Line(name, name, "long_control" if name.startswith("long_") else "control")
        for name in ABLATION
        if name != "supervised"
    ),
    *(
        Line(f"unlabelled_{share}", run, "control")
        for share, run in (("0", "control"), ("0.25", "unlabelled_0.25"), ("0.5", "unlabelled_0.5"), ("1", "full"))
    ),
    *(
        Line(f"labelled_{share}_{name}", f"{run}{ending}", f"{run}control", model=model)
        for share in SHARES
        for run in ("" if share == "1" else f"labelled_{share}_",)
        for name, ending, model in MODELS
    ),
    Line("labelled_1_supervised", "chairv2_labelled_1_supervised", None, model="supervised", dataset="chairv2"),
    Line("labelled_0.4_vanilla", "chairv2_labelled_0.4_vanilla", "chairv2_labelled_0.4_control", dataset="chairv2"),
    *(
        Line(
            f"labelled_0.4_{name}",
            f"chairv2_labelled_0.4_{ending}",
            "chairv2_labelled_0.4_control",
            model=model,
            dataset="chairv2",
        )
        for name, ending, model in MODELS
    ),
]
DIFFERENCES = [
    *(("full", name) for name in ABLATION if name.startswith(("vanilla", "no_", "absolute", "omega", "hard"))),
    ("full", "control_no_teacher"),
    ("vanilla", "control_no_teacher"),
    ("no_weights_teacher_joint", "vanilla"),
    ("no_joint_training", "negatives_only"),
    ("omega_itself", "hard_threshold"),
    ("long_full", "long_vanilla"),
    ("plain_generator_full", "plain_generator_vanilla"),
]


def main() -> None:
    from fgsbir.evaluation.evidence import claims, generator_summary, summary
    from fgsbir.evaluation.evidence_charts import rows_chart, shares_chart

    files = list(EVIDENCE.read())
    if not files:
        raise DataError(f"{EVIDENCE.folder}: no run is there; `make evidence` makes them")
    found, generator = summary(files, LINES, DIFFERENCES), generator_summary(files, "full")
    write_json(SUMMARY, found)
    write_json(GENERATOR, generator)
    write_text(TABLE, table(found))
    rows = by_name(found)
    if "full" in rows:
        # Those of another length have another full to be held against, and seeds lie points apart.
        shown = {
            name: label
            for name, label in ABLATION.items()
            if name in rows and not name.startswith("long_") and rows[name]["seeds"] == rows["full"]["seeds"]
        }
        rows_chart(PICTURES / "ablation.png", rows, shown, "full")
    for name, lines in curves(rows).items():
        shares_chart(PICTURES / f"{name}.png", lines, f"share of the {name} photos")
    write_text(README, filled(README, headline(rows), HEADLINE_MARKS))
    write_text(README, filled(README, in_short(rows, claims(found, generator)), CLAIMS_MARKS))
    write_text(RESULTS, filled(RESULTS, in_full(found, generator), MARKS))


def by_name(found: Sequence[Mapping[str, Any]], dataset: str = "synthetic") -> dict[str, Mapping[str, Any]]:
    """The rows of a data set, and with the default one the differences, by their names."""
    return {row["row"]: row for row in found if row.get("dataset", "synthetic") == dataset}


def curves(rows: Mapping[str, Any]) -> dict[str, dict[str, list[tuple[float, Mapping[str, Any]]]]]:
    """The lines over the share of unlabelled photos, and over that of labelled ones (paper 1, Figure 4b).

    Points that lack seeds which others of the figure have are left out, since seeds lie points apart; so is a figure
    of which no line has three points yet.
    """
    found = {
        "unlabelled": {
            "joint": [(float(share), rows[row]) for share in UNLABELLED if (row := f"unlabelled_{share}") in rows]
        },
        "labelled": {
            model: [(float(share), rows[row]) for share in SHARES if (row := f"labelled_{share}_{model}") in rows]
            for model, _, _ in MODELS
        },
    }
    for lines in found.values():
        most = max((len(row["seeds"]) for line in lines.values() for _, row in line), default=0)
        for model, line in lines.items():
            lines[model] = [(share, row) for share, row in line if len(row["seeds"]) == most]
    return {name: lines for name, lines in found.items() if max(map(len, lines.values())) > 2}


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Every row's scores as CSV."""
    text = io.StringIO()
    scores = [f"{name}_{end}" for name in SCORES for end in ("mean", "sd", "low", "high")]
    gains = [f"{name}{end}" for name in GAINS.values() for end in ("", "_low", "_high")]
    columns = ["dataset", "row", *scores, *gains, "command"]
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(row for row in found if "dataset" in row)
    return text.getvalue()


def headline(rows: Mapping[str, Any]) -> str:
    """A table of what F has learned from: the rows that have full's seeds, since seeds lie points apart."""
    shown = {
        name: label
        for name, label in HEADLINE.items()
        if name in rows and rows[name]["seeds"] == rows.get("full", {}).get("seeds")
    }
    return "\n".join(_results(rows, shown, "F has learned from"))


def in_short(rows: Mapping[str, Any], claims: Sequence[Mapping[str, Any]]) -> str:
    """What the README says: each claim, the ablation and the curves as pictures."""
    lines = [*claims_table(claims), ""]
    if "full" in rows:
        lines += ["![Accuracy of the rows that have all seeds, with intervals](docs/pictures/ablation.png)"]
    lines += [f"![Accuracy over the share of {name} photos](docs/pictures/{name}.png)" for name in curves(rows)]
    return "\n".join(lines)


def in_full(found: Sequence[Mapping[str, Any]], generator: Sequence[Mapping[str, Any]]) -> str:
    """All rows, rows against each other, G and its certainty, ChairV2, and the command of each row."""
    rows, real = by_name(found), by_name(found, "chairv2")
    lines = [INTERVALS, "", *_results(rows, ABLATION | SHARED), ""]
    if ablated := [*_ablated(rows)]:
        lines += [*ablated, ""]
    if {"full", "oracle"} <= rows.keys() and rows["full"]["seeds"] == rows["oracle"]["seeds"]:
        share = rows["full"]["minus_control"] / rows["oracle"]["minus_control"]
        lines += [f"Full goes {100 * share:.0f} % of the way from its control to the true sketches.", ""]
    if generator:
        lines += [*_generated(generator), ""]
    if CHAIRV2_ROWS.keys() & real.keys():
        lines += ["On ChairV2:", "", *_results(real, CHAIRV2_ROWS), ""]
    return "\n".join([*lines, *_commands(found)])


def _results(rows: Mapping[str, Any], names: Mapping[str, str], title: str = "row") -> Iterator[str]:
    """A table of rows: acc@1 and acc@10 with the deviation over seeds, and what they are above the control's."""
    yield f"| {title} | seeds | acc@1 | acc@10 | above its control, acc@1 | acc@10 |"
    yield "|---|---|---|---|---|---|"
    for name, label in names.items():
        if name in rows:
            row = rows[name]
            gains = ["" if row[key] is None else in_words(gain_of(row, score)) for score, key in GAINS.items()]
            scores = [_mean(row, score) for score in GAINS]
            yield f"| {label} | {len(row['seeds'])} | {' | '.join([*scores, *gains])} |"


def _ablated(rows: Mapping[str, Any]) -> Iterator[str]:
    """What a row is above another, a table; nothing where there is none."""
    there = [(one, name) for one, name in DIFFERENCES if f"{one}_minus_{name}" in rows]
    if there:
        yield "Rows against each other, acc@1, paired:"
        yield ""
        yield "| row | against | seeds | above it by | in the paper, ShoeV2 |"
        yield "|---|---|---|---|---|"
    for one, name in there:
        gain = rows[f"{one}_minus_{name}"]
        in_the_paper = f"{PAPER[name]:+.1f}" if one == "full" and name in PAPER else ""
        seeds = ", ".join(map(str, gain["seeds"]))
        yield f"| {ABLATION[one]} | {ABLATION[name]} | {seeds} | {in_words(gain)} | {in_the_paper} |"


def _generated(generator: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| G's sketches of the test photos | found, acc@1 / acc@10 | FID | named rightly |"
    yield "|---|---|---|---|"
    for row in generator:
        found = " / ".join(_mean(row, f"generated_acc@{k}") for k in (1, 10))
        name = row["row"].replace("_joint", " joint training")
        yield f"| {name} | {found} | {_mean(row, 'fid', 2)} | {_mean(row, 'recognition')} % |"


def _commands(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What to type for a row, above it the names in metrics/evidence.json of all rows that it makes."""
    made: dict[str, list[str]] = {}
    for row in found:
        if "command" in row:
            made.setdefault(row["command"], []).append(f"{row['row']}{' (ChairV2)' * (row['dataset'] == 'chairv2')}")
    yield "Any row alone, under its first seed:"
    yield ""
    yield "```"
    for command, rows in made.items():
        yield f"# {', '.join(rows)}"
        yield command
    yield "```"


def _mean(row: Mapping[str, Any], name: str, decimals: int = 1) -> str:
    """A mean with its deviation over seeds, of which one alone has none."""
    spread = f" ± {row[f'{name}_sd']:.{decimals}f}" if len(row["seeds"]) > 1 else ""
    return f"{row[f'{name}_mean']:.{decimals}f}{spread}"


if __name__ == "__main__":
    run(main)

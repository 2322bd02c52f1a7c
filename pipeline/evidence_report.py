"""Writes up the evidence: ``python -m pipeline.evidence_report``; ``make evidence`` ends with it.

Reads the runs in ``metrics/evidence`` and writes ``metrics/evidence.json``, ``metrics/generator_evidence.json``,
``metrics/evidence.csv``, the pictures in ``docs/pictures``, and between their marks what the README says in short and
``docs/results.md`` in full.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fgsbir.data.atomic import write_json, write_text
from fgsbir.data.records import DataError
from fgsbir.evaluation.claims import gain_of, in_words
from fgsbir.evaluation.evidence import GAIN_KEYS, GAINS, SCORES
from pipeline.evidence import EVIDENCE
from pipeline.evidence_rows import (
    ABLATION,
    CHAIRV2_ROWS,
    COMPARED,
    DIFFERENCES,
    GENERATORS,
    HEADLINE,
    LINES,
    MODELS,
    PAPER,
    SHARED,
    SHARES,
    UNLABELLED,
)
from pipeline.pages import PICTURES, README, RESULTS, claims_table, commands_block, filled
from pipeline.stage import run

SUMMARY = Path("metrics/evidence.json")
GENERATOR = Path("metrics/generator_evidence.json")
TABLE = Path("metrics/evidence.csv")
HEADLINE_MARKS = ("<!-- evidence in short -->", "<!-- end of evidence in short -->")
CLAIMS_MARKS = ("<!-- claims -->", "<!-- end of claims -->")
CHAIRV2_MARKS = ("<!-- chairv2 -->", "<!-- end of chairv2 -->")
MARKS = ("<!-- evidence -->", "<!-- end of evidence -->")
INTERVALS = (
    "± is the standard deviation over seeds, brackets are 95 % bootstrap intervals over seeds and photos (for a single "
    "seed, over photos only); differences are paired."
)


def main() -> None:
    from fgsbir.evaluation.claims import claims
    from fgsbir.evaluation.evidence import generator_summary, summary
    from fgsbir.evaluation.evidence_charts import rows_chart, shares_chart

    files = list(EVIDENCE.read())
    if not files:
        raise DataError(f"{EVIDENCE.folder}: no run is there; `make evidence` makes them")
    found = summary(files, LINES, DIFFERENCES)
    generators = {name: generator_summary(files, name) for name in GENERATORS}
    write_json(SUMMARY, found)
    write_json(GENERATOR, generators["full"])
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
    write_text(README, filled(README, in_short(rows, claims(found, generators["full"])), CLAIMS_MARKS))
    write_text(README, filled(README, real_photos(by_name(found, "chairv2")), CHAIRV2_MARKS))
    write_text(RESULTS, filled(RESULTS, in_full(found, generators), MARKS))


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
            "full": [(float(share), rows[row]) for share in UNLABELLED if (row := f"unlabelled_{share}") in rows]
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
        lines += [
            "![Rows of all seeds; intervals are each row's own, not those of differences](docs/pictures/ablation.png)"
        ]
    lines += [f"![Accuracy over the share of {name} photos](docs/pictures/{name}.png)" for name in curves(rows)]
    return "\n".join(lines)


def real_photos(rows: Mapping[str, Any]) -> str:
    """A table of the rows on ChairV2, as many as there are."""
    return "\n".join(_results(rows, CHAIRV2_ROWS)) if rows else "No row on ChairV2 has been run yet."


def in_full(found: Sequence[Mapping[str, Any]], generators: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """All rows, rows against each other, ChairV2, G before and after joint training, and the command of each row."""
    rows, real = by_name(found), by_name(found, "chairv2")
    lines = [INTERVALS, "", _processors(found), *_not_run(found), "", *_results(rows, ABLATION | SHARED), ""]
    if ablated := [*_ablated(rows)]:
        lines += [*ablated, ""]
    if {"full", "oracle"} <= rows.keys() and rows["full"]["seeds"] == rows["oracle"]["seeds"]:
        share = rows["full"]["minus_control"] / rows["oracle"]["minus_control"]
        lines += [f"Full goes {100 * share:.0f} % of the way from its control to the true sketches.", ""]
    if real:
        lines += ["On ChairV2:", "", real_photos(real), ""]
    if any(generators.values()):
        lines += [*_generated(generators), ""]
    return "\n".join([*lines, *_commands(found)])


def _results(rows: Mapping[str, Any], names: Mapping[str, str], title: str = "row") -> Iterator[str]:
    """A table of rows: acc@1 and acc@10 with the deviation over seeds, and what they are above the control's."""
    yield f"| {title} | seeds | acc@1 | acc@10 | above its control, acc@1 | above its control, acc@10 |"
    yield "|---|---|---|---|---|---|"
    for name, label in names.items():
        if name in rows:
            row = rows[name]
            gains = ["" if row[key] is None else in_words(gain_of(row, score)) for score, key in GAINS.items()]
            scores = [_mean(row, score) for score in GAINS]
            yield f"| {label} | {len(row['seeds'])} | {' | '.join([*scores, *gains])} |"


def _ablated(rows: Mapping[str, Any]) -> Iterator[str]:
    """What a row is above another, a table; nothing where there is none."""
    there = [asked for asked in DIFFERENCES if asked.row in rows]
    if there:
        yield "Rows against each other, paired; what the paper has above the supervised F is read off its Figure 4b:"
        yield ""
        yield "| row | against | seeds | above it, acc@1 | above it, acc@10 | in the paper, acc@1 |"
        yield "|---|---|---|---|---|---|"
    for asked in there:
        gain = rows[asked.row]
        at_ten = in_words({key: gain[f"{key}_acc@10"] for key in GAIN_KEYS.values()})
        gains = f"{len(gain['seeds'])} | {in_words(gain)} | {at_ten}"
        if asked.beyond is None:
            one, other = COMPARED[asked.one], COMPARED[asked.other] if asked.other else "the supervised F it began with"
        else:
            one, other = (f"{COMPARED[name]}: its gain over its control" for name in (asked.one, asked.beyond[0]))
        yield f"| {one} | {other} | {gains} | {PAPER.get(asked.row, '')} |"


def _generated(generators: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """A table of how F finds each G's sketches of the test photos, before and after joint training."""
    yield "| G's sketches of the test photos | seeds | found, acc@1 | acc@10 | FID | named rightly, % |"
    yield "|---|---|---|---|---|---|"
    for name, generator in generators.items():
        for row in generator:
            found = " | ".join(_mean(row, f"generated_acc@{k}") for k in (1, 10))
            named = _mean(row, "recognition") if "recognition_mean" in row else ""
            when = row["row"].replace("_joint", " joint training")
            yield f"| {GENERATORS[name]}, {when} | {len(row['seeds'])} | {found} | {_mean(row, 'fid', 2)} | {named} |"


def _processors(found: Sequence[Mapping[str, Any]]) -> str:
    """Which processor made the runs; where there are several, which rows, under which seeds, the rarer ones made."""
    made: dict[str, dict[str, list[str]]] = {}
    for row in found:
        if "dataset" not in row:
            continue
        for seed, processor in zip(row["seeds"], row["processors"], strict=True):
            name = f"`{row['row']}`{' on ChairV2' * (row['dataset'] == 'chairv2')}"
            made.setdefault(processor, {}).setdefault(name, []).append(str(seed))
    most, *others = sorted(made, key=lambda processor: len(made[processor]), reverse=True)
    parts = [f"Run on: {most}"]
    for processor in others:
        runs = (f"{name} (seed{'s' * (len(seeds) > 1)} {', '.join(seeds)})" for name, seeds in made[processor].items())
        parts.append(f"on {processor}: {', '.join(runs)}")
    return f"{'; '.join(parts)}."


def _not_run(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The rows of ``make evidence`` of which no run is there, a line; nothing where all are."""
    there = {(row["row"], row["dataset"]) for row in found if "dataset" in row}
    if missing := [
        f"`{line.row}`{' on ChairV2' * (line.dataset == 'chairv2')}"
        for line in LINES
        if (line.row, line.dataset) not in there
    ]:
        yield ""
        yield f"Not run yet: {', '.join(missing)}."


def _commands(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to type for a row, above it the names in metrics/evidence.json of all rows that it makes."""
    made: dict[str, list[str]] = {}
    for row in found:
        if "command" in row:
            made.setdefault(row["command"], []).append(f"{row['row']}{' (ChairV2)' * (row['dataset'] == 'chairv2')}")
    return commands_block((", ".join(rows), command) for command, rows in made.items())


def _mean(row: Mapping[str, Any], name: str, decimals: int = 1) -> str:
    """A mean with its deviation over seeds, of which one alone has none."""
    spread = f" ± {row[f'{name}_sd']:.{decimals}f}" if len(row["seeds"]) > 1 else ""
    return f"{row[f'{name}_mean']:.{decimals}f}{spread}"


if __name__ == "__main__":
    run(main)

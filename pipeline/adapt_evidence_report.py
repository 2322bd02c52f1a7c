"""Writes up adaptation's evidence: ``python -m pipeline.adapt_evidence_report``; ``make evidence`` ends with it.

Reads the runs in ``metrics/adapt_evidence`` and writes ``metrics/adapt_evidence.json``, pictures in ``docs/pictures``,
and between their marks what the README says in short and ``docs/results.md`` in full.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fgsbir.data.atomic import write_json, write_text
from fgsbir.data.records import DataError
from fgsbir.evaluation.task_ranks import COMPARED_AT
from pipeline.adapt_evidence import EVIDENCE
from pipeline.pages import PICTURES, README, RESULTS, claims_table, commands_block, filled
from pipeline.stage import run

SUMMARY = Path("metrics/adapt_evidence.json")
SHORT_MARKS = ("<!-- adaptation in short -->", "<!-- end of adaptation in short -->")
MARKS = ("<!-- adaptation's evidence -->", "<!-- end of adaptation's evidence -->")
ABLATIONS = {
    "without_domain": "without L_D",
    "without_category_and_user": "without L_C, L_ud",
    "without_regularisers": "without all regularisers",
    "fixed_margin": "margin 0.3 for all tasks",
    "first_order": "first order",
    "own_negatives": "a random other photo as negative",
    **{f"steps_{steps}": f"{steps} inner steps" for steps in range(2, 6)},
    **{f"embedding_{size}": f"embedding of {size}" for size in (32, 64, 256, 512)},
}

# The paper's acc@1 from 5 pairs, in percent: new categories of Sketchy, a new user of ShoeV2. It has L_S in all of its
# rows but "without_regularisers".
PAPER = {
    "category": {
        "baseline": 18.4,
        "baseline_regularised": 19.2,
        "fine_tuning": 18.5,
        "maml": 22.8,
        "sign_maml": 20.5,
        "anil": 23.2,
        "ours": 28.1,
        "upper_bound": 29.8,
        "without_domain": 26.3,
        "without_regularisers": 16.5,
    },
    "user": {
        "baseline": 33.7,
        "baseline_regularised": 33.9,
        "fine_tuning": 33.8,
        "maml": 35.5,
        "sign_maml": 34.1,
        "anil": 35.7,
        "ours": 38.3,
        "without_domain": 37.1,
        "without_regularisers": 35.8,
    },
}


def main() -> None:
    from fgsbir.evaluation.adaptation_charts import shots_chart, steps_chart, tasks_chart
    from fgsbir.evaluation.adaptation_evidence import adaptation_claims, summary, together
    from fgsbir.evaluation.task_ranks import found_of

    files = list(EVIDENCE.read())
    if not files:
        raise DataError(f"{EVIDENCE.folder}: no run is there; `make evidence` makes them")
    found = summary(files)
    write_json(SUMMARY, found)
    kinds = [kind for kind in ("category", "user") if kind in found]
    if kinds:
        runs = [file["ranks"] for file in files if file["row"] == "methods"]
        shots_chart(PICTURES / "adaptation_shots.png", {kind: found[kind] for kind in kinds})
        # Of the same models: others that were trained for another number of steps differ in more than the steps.
        steps_chart(
            PICTURES / "adaptation_steps.png",
            {kind: {int(count): value for count, value in found["steps"][kind].items()} for kind in kinds},
        )
        tasks_chart(
            PICTURES / "adaptation_tasks.png",
            {kind: together([found_of(ranks[kind]) for ranks in runs]) for kind in kinds},
            COMPARED_AT,
        )
    write_text(README, filled(README, in_short(found), SHORT_MARKS))
    write_text(RESULTS, filled(RESULTS, in_full(found, adaptation_claims(found)), MARKS))


def in_short(found: Mapping[str, Any]) -> str:
    """What the README says: every method against no adaptation."""
    return "\n".join(_against_no_adaptation(found) if "methods" in found["rows"] else [])


def in_full(found: Mapping[str, Any], claims: list[dict[str, Any]]) -> str:
    """Claims, the methods over the pairs, the ablations, pictures, commands."""
    lines = [*claims_table(claims), ""]
    if "methods" in found["rows"]:
        lines += [*_methods(found), "", *_against_no_adaptation(found), "", *_steps(found), ""]
    if found["ablations"]:
        lines += [*_ablations(found), ""]
    if "methods" in found["rows"]:
        lines += [
            "![Accuracy over the pairs of the support](pictures/adaptation_shots.png)",
            "![Accuracy of the same models over the steps of the inner loop](pictures/adaptation_steps.png)",
            "![Predicted margins, and gain over no adaptation, task by task](pictures/adaptation_tasks.png)",
            "",
        ]
    # In an order of their own: the file's is the alphabet's.
    commands = [
        (label, found["rows"][name]["command"])
        for name, label in ({"methods": "all methods"} | ABLATIONS).items()
        if name in found["rows"]
    ]
    return "\n".join([*lines, *commands_block(commands)])


def _methods(found: Mapping[str, Any]) -> Iterator[str]:
    from fgsbir.evaluation.adaptation import LABELS
    from fgsbir.evaluation.claims import in_seeds

    kinds = [(kind, k) for kind in ("category", "user") for k in sorted(found[kind]["ours"], key=int)]
    seeds = in_seeds(found["rows"]["methods"]["seeds"])
    yield f"acc@1 / acc@5 from 1, 5 and 10 pairs, means over {seeds} and 10 supports each:"
    yield ""
    heads = [f"new {kind}, {k} pair{'s' * (k != '1')}" for kind, k in kinds]
    yield f"| | {' | '.join(heads)} |"
    yield f"|---{'|---' * len(kinds)}|"
    for name, label in LABELS.items():
        if name in found["category"]:
            cells = [found[kind][name][k] for kind, k in kinds]
            yield f"| {label} | {' | '.join(map(_accuracy, cells))} |"


def _against_no_adaptation(found: Mapping[str, Any]) -> Iterator[str]:
    from fgsbir.evaluation.adaptation import LABELS
    from fgsbir.evaluation.claims import in_seeds, in_words

    seeds = in_seeds(found["rows"]["methods"]["seeds"])
    yield f"acc@1 from {COMPARED_AT} pairs less that of no adaptation, {seeds}, 95 % intervals over seeds and photos:"
    yield ""
    yield "| | new category | in the paper | new user | in the paper |"
    yield "|---|---|---|---|---|"
    for name, label in LABELS.items():
        if name in found["minus_baseline"]["category"]:
            cells = [
                f"{in_words(found['minus_baseline'][kind][name])} | {_in_the_paper(kind, name, 'baseline')}"
                for kind in ("category", "user")
            ]
            yield f"| {label} | {' | '.join(cells)} |"


def _steps(found: Mapping[str, Any]) -> Iterator[str]:
    from fgsbir.evaluation.claims import in_seeds

    yield (
        "The same adaptive models after fewer and more inner steps than the one that they were trained for, "
        f"from {COMPARED_AT} pairs, acc@1, means over {in_seeds(found['rows']['methods']['seeds'])}:"
    )
    yield ""
    counts = sorted(found["steps"]["category"], key=int)
    yield f"| inner steps | {' | '.join(counts)} |"
    yield f"|---{'|---' * len(counts)}|"
    for kind, values in found["steps"].items():
        yield f"| new {kind} | {' | '.join(f'{values[steps]:.1f}' for steps in counts)} |"


def _ablations(found: Mapping[str, Any]) -> Iterator[str]:
    from fgsbir.evaluation.claims import in_words

    yield (
        f"The adaptive model from {COMPARED_AT} pairs with one thing changed, acc@1 / acc@5, and acc@1 less that of "
        "the model as it is (one inner step, an embedding of 128) under the same seeds, with 95 % intervals:"
    )
    yield ""
    yield "| | seeds | new category | difference | in the paper | new user | difference | in the paper |"
    yield "|---|---|---|---|---|---|---|---|"
    if "methods" in found["rows"]:
        entries = [_accuracy(found[kind]["ours"][str(COMPARED_AT)]) for kind in ("category", "user")]
        yield f"| as it is | {len(found['rows']['methods']['seeds'])} | {' | | | '.join(entries)} | | |"
    for name, label in ABLATIONS.items():
        if name in found["ablations"]:
            cells = []
            for kind in ("category", "user"):
                less = found["minus_ours"].get(kind, {}).get(name)
                cells += [
                    _accuracy(found["ablations"][name][kind][str(COMPARED_AT)]),
                    in_words(less) if less else "",
                    _in_the_paper(kind, name, "ours"),
                ]
            yield f"| {label} | {len(found['rows'][name]['seeds'])} | {' | '.join(cells)} |"


def _in_the_paper(kind: str, one: str, other: str) -> str:
    """The paper's difference of two rows; empty where it has none."""
    rows = PAPER[kind]
    return f"{rows[one] - rows[other]:+.1f}" if one in rows else ""


def _accuracy(entry: Mapping[str, float]) -> str:
    return f"{entry['acc@1']:.1f} / {entry['acc@5']:.1f}"


if __name__ == "__main__":
    run(main)

"""What runs of adaptation under several seeds say together, in the form of metrics/adapt.json."""

from collections.abc import Iterable, Mapping
from typing import Any

from fgsbir.data.records import DataError
from fgsbir.evaluation.adaptation import adaptation_scores
from fgsbir.evaluation.task_ranks import found_of

RESAMPLES = 10_000


def summary(files: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Scores of every method over the seeds of the row ``methods``, and of "ours" in every other row.

    Kind -> method -> k -> the fields of :func:`fgsbir.evaluation.adaptation.adaptation_scores`, whose draws are those
    of all seeds; "ablations" -> row -> kind -> the same of "ours"; "rows" -> row -> seeds and command. Raises
    DataError where runs were made by different code.
    """
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        rows.setdefault(file["row"], []).append(file)
    code = {file["code"] for runs in rows.values() for file in runs}
    if len(code) > 1:
        raise DataError(f"the runs were made by different code: {', '.join(sorted(code))}; run all rows again")
    found: dict[str, Any] = {"rows": {}, "ablations": {}}
    for name, runs in rows.items():
        found["rows"][name] = {"seeds": [run["seed"] for run in runs], "command": runs[0]["command"]}
        scores = {
            kind: adaptation_scores([found_of(run["ranks"][kind]) for run in runs], resamples=RESAMPLES, seed=0)
            for kind in runs[0]["ranks"]
        }
        if name == "methods":
            found |= scores
        else:
            found["ablations"][name] = {kind: of_kind["ours"] for kind, of_kind in scores.items()}
    return found

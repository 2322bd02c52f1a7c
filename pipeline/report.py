"""Prints what the last run measured and where its pictures are: ``python -m pipeline.report``."""

import json
import re
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fgsbir.data.records import DataError
from pipeline.stage import run

METRICS = Path("metrics")
PICTURES = {".png", ".jpg", ".svg", ".gif"}


def main() -> None:
    for name, title, rows in (
        ("evaluate", "Retrieval of the test photos", ("supervised", "joint", "joint_minus_supervised")),
        ("generator", "Sketches of the test photos", ("before_joint", "after_joint", "edges", "people")),
    ):
        scores = _read(METRICS / f"{name}.json")
        _show(f"{title}, with 95 % intervals where they are known", table(scores, rows))
        certainty = {row: scores[row]["certainty"] for row in rows if "certainty" in scores.get(row, {})}
        if certainty:
            _show("D_C's certainty of them, and how it follows F's rank of them", table(certainty, rows))
        print("", *facts(scores, rows), sep="\n")
    # A set without anything new to adapt to, or a run as far as evaluate alone, has none.
    for kind, found in (_read(METRICS / "adapt.json") if (METRICS / "adapt.json").exists() else {}).items():
        adapted = adapted_rows(found)
        title = f"Search for a new {kind} after adaptation to a few sketches, with 95 % intervals"
        _show(title, table(adapted, list(adapted)))
    _show("Pictures", (f"  {path}" for path in sorted(_declared_pictures()) if path.exists()))


def _show(title: str, lines: Iterable[str]) -> None:
    print(f"\n{title}\n", *lines, sep="\n")


def adapted_rows(scores: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """One kind of metrics/adapt.json as rows of :func:`table`: a method and a number of sketches."""
    return {
        f"{name}, {k} sketch{'es' * (k != '1')}": {score: value for score, value in found[k].items() if score != "sd"}
        for name, found in scores.items()
        for k in sorted(found, key=int)
    }


def table(scores: Mapping[str, Any], rows: Sequence[str]) -> Iterator[str]:
    """The mappings ``rows`` of a metrics file as lines, one column a score.

    ``x_low`` and ``x_high`` are shown as the interval of ``x``; mappings inside are left out.
    """
    rows = [name for name in rows if name in scores]
    numbers = {column for name in rows for column, value in scores[name].items() if not isinstance(value, Mapping)}
    bounds = {f"{name}_{end}" for name in numbers for end in ("low", "high")}
    # acc@5 before acc@10.
    columns = sorted(numbers - bounds, key=lambda column: re.sub(r"\d+", lambda digits: digits[0].zfill(9), column))
    cells = [["", *columns]]
    cells += [[name.replace("_", " "), *(_cell(scores[name], column) for column in columns)] for name in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def facts(scores: Mapping[str, Any], rows: Sequence[str]) -> Iterator[str]:
    """What a metrics file says besides its ``rows``: gallery size, seed, and so on."""
    for name, value in scores.items():
        if name not in rows:
            inner = value.items() if isinstance(value, Mapping) else [("", value)]
            yield from (f"  {' '.join(f'{name} {key}'.split('_')).strip()}: {_number(item)}" for key, item in inner)


def _cell(values: Mapping[str, Any], column: str) -> str:
    if column not in values:
        return ""
    text = _number(values[column])
    bounds = [values.get(f"{column}_{end}") for end in ("low", "high")]
    return text if None in bounds else f"{text} [{_number(bounds[0])}, {_number(bounds[1])}]"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; run `dvc repro` first") from None
    except ValueError as error:
        raise DataError(f"{path}: expected JSON: {error}") from None
    return dict(found)


def _declared_pictures() -> Iterator[Path]:
    """The pictures among the plots of dvc.yaml, and those in its folders of plots."""
    for stage in yaml.safe_load(Path("dvc.yaml").read_text())["stages"].values():
        for entry in stage.get("plots", []):
            path = Path(next(iter(entry)) if isinstance(entry, dict) else entry)
            yield from path.rglob("*") if path.is_dir() else [path] if path.suffix in PICTURES else []


if __name__ == "__main__":
    # So that `| head` ends it without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    run(main)

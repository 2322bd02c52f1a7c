"""Prints what the last run measured and where its pictures are: ``python -m pipeline.report``."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from fgsbir.data.records import DataError
from pipeline.stage import run

METRICS = Path("metrics")
PICTURES = {".png", ".jpg", ".svg", ".gif"}


def main() -> None:
    tables = {
        "Retrieval of the test photos (with 95 % intervals)": _read(METRICS / "evaluate.json"),
        "Sketches that G draws of them": _read(METRICS / "generator.json"),
    }
    for title, scores in tables.items():
        print(f"\n{title}\n")
        print("\n".join(table(scores)))
        print("\n" + "\n".join(facts(scores)))
    found = sorted(path for path in _declared_pictures() if path.exists())
    print("\nPictures\n")
    print("\n".join(f"  {path}" for path in found))


def table(scores: Mapping[str, Any]) -> Iterator[str]:
    """The nested mappings of a metrics file as lines: one a mapping, one column a score.

    ``x_low`` and ``x_high`` are shown as the interval of ``x``.
    """
    rows = {name: values for name, values in scores.items() if isinstance(values, Mapping)}
    columns = list(dict.fromkeys(column for values in rows.values() for column in values))
    columns = [column for column in columns if not _is_bound(column, columns)]
    cells = [["", *columns]]
    cells += [[name.replace("_", " "), *(_cell(values, column) for column in columns)] for name, values in rows.items()]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns) + 1)]
    for row in cells:
        first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  " + "  ".join([first, *others]).rstrip()


def facts(scores: Mapping[str, Any]) -> Iterator[str]:
    """The numbers and words of a metrics file that belong to no row: gallery size, seed, and so on."""
    for name, value in scores.items():
        if isinstance(value, (str, int, float)):
            yield f"  {name.replace('_', ' ')}: {value}"


def _is_bound(column: str, columns: list[str]) -> bool:
    name, _, end = column.rpartition("_")
    return end in ("low", "high") and name in columns


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
    run(main)

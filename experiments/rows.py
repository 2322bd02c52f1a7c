"""The rows of the evidence, read from rows.yaml: which runs of the pipeline they are."""

import itertools
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

Settings = dict[str, Any]  # "section.key" -> value, as `dvc exp run -S section.key=value` takes them


@dataclass(frozen=True)
class Row:
    """One row of one table: ``seeds`` runs with the same ``settings``, of which ``model``'s ranks are shown.

    One of stage "adapt" is of many rows: every method, and every number of sketches.
    """

    name: str
    dataset: str
    settings: Settings
    seeds: int
    model: str = "joint"
    paper: str = ""
    true_sketches: bool = False
    stage: str = "evaluate"

    def run(self, seed: int) -> Settings:
        """The settings of the run with a seed."""
        return self.settings | {"seed": seed}

    def with_settings(self, settings: Settings) -> "Row":
        """The same row with more settings."""
        return replace(self, settings=self.settings | settings)

    def command(self, seed: int = 0) -> str:
        """What a user types for the run with a seed."""
        changes = [f"-S {shlex.quote(f'{name}={_value(value)}')}" for name, value in self.run(seed).items()]
        return " ".join(["dvc exp run", *changes, "evaluate_adaptation" if self.stage == "adapt" else self.stage])

    @property
    def place(self) -> tuple[str, float]:
        """Rows are compared that learn from the same labels of the same data set."""
        return self.dataset, self.settings["labelled_frac"]


def read_rows(path: Path) -> list[Row]:
    """Every row of every table, in order."""
    said = yaml.safe_load(path.read_text())
    of_tables = itertools.chain.from_iterable(_rows(table, said) for table in said["tables"])
    adapted = said["adaptation"].items()
    return [*of_tables, *(_adapted(name, said["datasets"], **row) for name, row in adapted)]


def _adapted(name: str, datasets: Mapping[str, Settings], dataset: str, seeds: int, **adapt: Any) -> Row:
    settings = datasets[dataset] | {"labelled_frac": 1.0} | {f"adapt.{key}": value for key, value in adapt.items()}
    return Row(name, dataset, settings, seeds, stage="adapt")


def _rows(table: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[Row]:
    for labels, unlabelled in itertools.product(table["labelled_frac"], table.get("unlabelled_frac", [1.0])):
        for name in table["rows"]:
            row = said["rows"][name]
            settings = {"labelled_frac": labels, "unlabelled_frac": unlabelled}
            settings = said["common"] | said["datasets"][table["dataset"]] | settings | row.get("settings", {})
            more = {key: row[key] for key in ("model", "paper", "true_sketches") if key in row}
            yield Row(name, table["dataset"], settings, table["seeds"], **more)


def laid_over(params: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """``params`` with ``settings``. Raises KeyError with the name of a param that is not there."""
    values = {key: dict(value) if isinstance(value, Mapping) else value for key, value in params.items()}
    for name, value in settings.items():
        *section, key = name.split(".")
        inside = values[section[0]] if section else values
        if key not in inside:
            raise KeyError(name)
        inside[key] = value
    return values


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("'", "").replace(" ", "")

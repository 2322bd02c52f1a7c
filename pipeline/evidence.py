"""Runs the experiments over several seeds: ``python -m pipeline.evidence [ROW …]``; ``make evidence`` runs them all.

A row is the default params with a few changes, under several seeds. Each run leaves one file in
``metrics/evidence``: what was changed, the code's fingerprint, accuracies, and every query's rank. A run
whose file is there and has the recipe of today's code and params is not run again. The results of
stages are kept in ``.scratch/evidence``, so a run that was stopped goes on, and runs share what they can.
"""

import argparse
import csv
import hashlib
import json
import logging
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fgsbir.data.atomic import write_json
from pipeline.params import load
from pipeline.recipes import DONE, Recipes, Step, changed
from pipeline.stage import ROOT, run

logger = logging.getLogger(__name__)

FOLDER = Path("metrics/evidence")
KEPT = Path(".scratch/evidence")
REAL = "FGSBIR_REAL_DATA"
SEEDS = (0, 1, 2)

STORED = {"joint.joint_training": False, "joint.instance_weighting": False}
CHAIRV2 = {
    "dataset.name": "chairv2",
    "dataset.layout": "sketchx",
    "dataset.category": "chair",
    "pretrain_retrieval.steps": 600,
}
VANILLA = {"pseudo.samples": 1, **STORED, "joint.teacher": "none"}


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment: the params that differ from the default, whichever the seed."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def real(self) -> bool:
        """Whether it needs ChairV2, whose folder the variable FGSBIR_REAL_DATA names."""
        return self.changes.get("dataset.name") == "chairv2"

    def command(self, seed: int, root: str = "data/raw/chairv2") -> str:
        """What a reader types to run it alone."""
        changes = {**({"dataset.root": root} if self.real else {}), **self.changes, "seed": seed}
        given = " ".join(f"-S {shlex.quote(f'{name}={_text(value)}')}" for name, value in changes.items())
        return f"dvc exp run {given}{' evaluate' if self.real else ''}"


ROWS = [
    Row("full"),
    Row("control", {"unlabelled_frac": 0.0}),
    Row("vanilla", VANILLA),
    Row("without_instance_weighting", {"joint.instance_weighting": False}),
    Row("without_teacher", {"joint.teacher": "none"}),
    Row("without_attention", {"pretrain_generator.attention": False}),
    Row("without_joint_training", {"joint.joint_training": False}),
    Row("absolute_teacher", {"joint.teacher": "absolute"}),
    Row("threshold", {"joint.threshold": 0.3}),
    Row("edges", {"pseudo.sketches": "edges", **STORED}),
    Row("another_photo", {"pseudo.sketches": "another", **STORED}),
    Row("oracle", {"pseudo.sketches": "oracle", **STORED}),
    *(Row(f"unlabelled_{frac}", {"unlabelled_frac": frac}) for frac in (0.25, 0.5)),
    *(
        Row(f"labelled_{frac}{name}", {"labelled_frac": frac, **changes})
        for frac in (0.2, 0.4, 0.6, 0.8)
        for name, changes in (("", {}), ("_control", {"unlabelled_frac": 0.0}))
    ),
    Row("chairv2", CHAIRV2),
    *(
        Row(f"chairv2_labelled_0.4{name}", {**CHAIRV2, "labelled_frac": 0.4, **changes})
        for name, changes in (("", {}), ("_control", {"unlabelled_frac": 0.0}), ("_vanilla", VANILLA))
    ),
]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline.evidence", description=__doc__.splitlines()[0])
    parser.add_argument(
        "rows", nargs="*", choices=[[], *(row.name for row in ROWS)], help="rows to run; by default all"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="stages run at once (%(default)s)")
    asked = parser.parse_args(arguments)
    rows = [row for row in ROWS if not asked.rows or row.name in asked.rows]
    real = os.environ.get(REAL)
    if not real:
        for row in rows:
            if row.real:
                logger.warning("%s is left out: it needs ChairV2, in the folder that %s names", row.name, REAL)
        rows = [row for row in rows if not row.real]

    recipes = Recipes(ROOT, KEPT.resolve())
    defaults = load().model_dump(mode="json")
    wanted: list[tuple[Row, int, dict[str, Step]]] = []
    for seed in asked.seeds:
        for row in rows:
            root = {"dataset.root": str(Path(real).resolve())} if real and row.real else {}
            steps = recipes.steps(changed(defaults, {**row.changes, **root, "seed": seed}), "evaluate")
            if recipe_of(row, seed) != steps["evaluate"].key:
                wanted.append((row, seed, steps))
    logger.info("%d runs to do, %d are there", len(wanted), len(rows) * len(asked.seeds) - len(wanted))

    def note(line: str) -> None:
        logger.info("%s", line)
        for row, seed, steps in wanted:
            if recipes.is_done(steps["evaluate"]) and recipe_of(row, seed) != steps["evaluate"].key:
                write_json(path_of(row, seed), evidence(row, seed, steps, recipes), indent=None)

    failed = recipes.run([step for _, _, steps in wanted for step in steps.values()], jobs=asked.jobs, report=note)
    if failed:
        raise SystemExit(f"error: {len(failed)} stages failed; their logs are in {KEPT}")


def path_of(row: Row, seed: int) -> Path:
    """The file of one run."""
    return FOLDER / f"{row.name}-{seed}.json"


def recipe_of(row: Row, seed: int) -> str | None:
    """The recipe that the file of a run was made with; None where there is no file."""
    path = path_of(row, seed)
    return str(json.loads(path.read_text())["recipe"]) if path.is_file() else None


def evidence(row: Row, seed: int, steps: Mapping[str, Step], recipes: Recipes) -> dict[str, Any]:
    """What is kept of one run."""
    metrics = recipes.folder(steps["evaluate"]) / "metrics"
    retrieval = json.loads((metrics / "evaluate.json").read_text())
    with (metrics / "ranks.csv").open(newline="") as file:
        table = sorted(csv.DictReader(file), key=lambda line: line["query"])
    photos = {name: number for number, name in enumerate(sorted({line["photo"] for line in table}))}
    seconds = {name: json.loads((recipes.folder(step) / DONE).read_text())["seconds"] for name, step in steps.items()}
    return {
        "row": row.name,
        "seed": seed,
        "changes": dict(row.changes),
        "command": row.command(seed),
        "recipe": steps["evaluate"].key,
        "code": code_fingerprint(recipes, steps.values()),
        "seconds": seconds,
        "protocol": retrieval["protocol"],
        "supervised": retrieval["supervised"],
        "joint": retrieval["joint"],
        "generator": json.loads((metrics / "generator.json").read_text()),
        "queries": hashlib.sha256("\n".join(line["query"] for line in table).encode()).hexdigest()[:16],
        "photo": [photos[line["photo"]] for line in table],
        "ranks": {name: [int(line[name]) for line in table] for name in ("supervised", "joint")},
    }


def code_fingerprint(recipes: Recipes, steps: Iterable[Step]) -> str:
    """A hash of all code that ``steps`` run: rows are compared only where it is the same."""
    digest = hashlib.sha256()
    for path in recipes.code(steps):
        digest.update(f"{path} {hashlib.sha256((ROOT / path).read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def read(rows: Sequence[Row], seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The files that are there."""
    for row in rows:
        for seed in seeds:
            if path_of(row, seed).is_file():
                yield json.loads(path_of(row, seed).read_text())


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    run(main)

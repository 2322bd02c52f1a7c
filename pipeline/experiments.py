"""Rows of experiments under several seeds, each run once for its recipe and leaving one file.

A row is the default params with a few changes. The file of a run holds what was changed, the code's
fingerprint and what was measured; a run whose file has the recipe of today's code and params is not run again.
Rows are compared seed by seed, so a seed is finished in the precision that it was begun in, on whichever machine.
The results of stages are kept in ``.scratch/evidence``, so a run that was stopped goes on, and runs share what
they can.
"""

import argparse
import hashlib
import json
import logging
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fgsbir.data.atomic import write_json
from fgsbir.data.records import DataError
from pipeline.params import load
from pipeline.processor import processor
from pipeline.recipes import DONE, Recipes, Step, bare_code, changed
from pipeline.stage import ROOT

logger = logging.getLogger(__name__)

KEPT = Path(".scratch/evidence")
REAL = "FGSBIR_REAL_DATA"
SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment: the params that differ from the default, whichever the seed."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def real(self) -> bool:
        """Whether it needs ChairV2, whose folder the variable FGSBIR_REAL_DATA names."""
        return self.changes.get("dataset.name") == "chairv2"

    def command(self, seed: int, precision: str, target: str, root: str = "data/raw/chairv2") -> str:
        """What a reader types to run it alone, as far as the stage ``target``, as it was run here.

        With one thread, and every stage anew: two threads round differently, and so does what they left.
        """
        changes = {
            **({"dataset.root": root} if self.real else {}),
            **self.changes,
            "precision": precision,
            "seed": seed,
        }
        given = " ".join(f"-S {shlex.quote(f'{name}={_text(value)}')}" for name, value in changes.items())
        return f"OMP_NUM_THREADS=1 dvc exp run --force {given} {target}"


@dataclass(frozen=True, slots=True)
class Experiments:
    """``rows`` as far as the stage ``target``; ``measured`` gives what is kept of a run, from its results' folder."""

    rows: Sequence[Row]
    target: str
    folder: Path
    measured: Callable[[Path], dict[str, Any]]

    def run(self, arguments: Sequence[str] | None, *, prog: str, description: str) -> None:
        """Run the rows that are asked for, all by default, and write a file of each run as soon as it ends."""
        parser = argparse.ArgumentParser(prog=prog, description=description)
        parser.add_argument(
            "rows", nargs="*", choices=[[], *(row.name for row in self.rows)], help="rows to run; by default all"
        )
        parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds (%(default)s)")
        parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="stages run at once (%(default)s)")
        asked = parser.parse_args(arguments)
        rows = [row for row in self.rows if not asked.rows or row.name in asked.rows]
        real = os.environ.get(REAL)
        if not real:
            for row in rows:
                if row.real:
                    logger.warning("%s is left out: it needs ChairV2, in the folder that %s names", row.name, REAL)
            rows = [row for row in rows if not row.real]

        recipes = Recipes(ROOT, KEPT.resolve())
        defaults = load().model_dump(mode="json")
        wanted: list[tuple[Row, int, dict[str, Step], str]] = []
        for seed in asked.seeds:
            precision = self._precision(seed, str(defaults["precision"]), defaults["runtime"]["accelerator"])
            if precision is None:
                continue
            for row in rows:
                root = {"dataset.root": str(Path(real).resolve())} if real and row.real else {}
                changes = {**row.changes, **root, "precision": precision, "seed": seed}
                steps = recipes.steps(changed(defaults, changes), self.target)
                if self._recipe(row, seed) != steps[self.target].key:
                    # That of now, whatever is edited while the run goes on.
                    wanted.append((row, seed, steps, code_fingerprint(recipes, steps.values())))
        logger.info("%d runs to do", len(wanted))

        def write_files() -> None:
            for row, seed, steps, code in wanted:
                if recipes.is_done(steps[self.target]) and self._recipe(row, seed) != steps[self.target].key:
                    write_json(self._path(row, seed), self._file(row, seed, steps, code, recipes), indent=None)

        def note(line: str) -> None:
            logger.info("%s", line)
            write_files()

        # The stages of a run may all be there already, and its file not.
        write_files()
        failed = recipes.run(
            [step for _, _, steps, _ in wanted for step in steps.values()], jobs=asked.jobs, report=note
        )
        if failed:
            raise SystemExit(f"error: {len(failed)} stages failed; their logs are in {KEPT}")

    def read(self) -> Iterator[dict[str, Any]]:
        """The files that are there, of whichever seeds."""
        for row in self.rows:
            named = [path.stem.rpartition("-")[2] for path in self.folder.glob(f"{row.name}-*.json")]
            for seed in sorted(int(name) for name in named if name.isdigit()):
                yield _file_of_run(self._path(row, seed))

    def _path(self, row: Row, seed: int) -> Path:
        return self.folder / f"{row.name}-{seed}.json"

    def _precision(self, seed: int, asked: str, accelerator: str) -> str | None:
        """The precision that the runs of ``seed`` which are there were made in; without any, this machine's.

        None, and a word of it, where this machine does not have it.
        """
        import torch

        from fgsbir.models.precision import working_precision

        device = torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")
        there = [path for row in self.rows if (path := self._path(row, seed)).is_file()]
        begun = str(_file_of_run(there[0])["precision"]) if there else asked
        here = working_precision(begun, device)
        if there and here != begun:
            logger.warning("seed %d is left out: it was begun in %s, which this processor does not have", seed, begun)
            return None
        return here

    def _recipe(self, row: Row, seed: int) -> str | None:
        """The recipe that the file of a run was made with; None where there is no file."""
        path = self._path(row, seed)
        return str(_file_of_run(path)["recipe"]) if path.is_file() else None

    def _file(self, row: Row, seed: int, steps: Mapping[str, Step], code: str, recipes: Recipes) -> dict[str, Any]:
        """What is kept of one run."""
        seconds = {
            name: json.loads((recipes.folder(step) / DONE).read_text())["seconds"] for name, step in steps.items()
        }
        return {
            "row": row.name,
            "seed": seed,
            "changes": dict(row.changes),
            "precision": steps[self.target].values["precision"],
            "command": row.command(seed, str(steps[self.target].values["precision"]), self.target),
            "recipe": steps[self.target].key,
            "code": code,
            # Of a run that was stopped and went on elsewhere, where it ended.
            "processor": processor(),
            "seconds": seconds,
        } | self.measured(recipes.folder(steps[self.target]))


def _file_of_run(path: Path) -> dict[str, Any]:
    """Raises DataError, which names it, for what is no file of a run."""
    try:
        file = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: expected JSON: {error}; delete it, and its run is made again") from error
    if not isinstance(file, dict):
        raise DataError(f"{path}: expected the file of a run; delete it, and its run is made again")
    return file


def code_fingerprint(recipes: Recipes, steps: Iterable[Step]) -> str:
    """A hash of all code that ``steps`` run, whatever is said in it: rows are compared only where it is the same."""
    digest = hashlib.sha256()
    for path in recipes.code(steps):
        digest.update(f"{path} {hashlib.sha256(bare_code(ROOT / path)).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | list) else str(value)

"""Compares two runs query by query: ``python -m pipeline.compare BEFORE [AFTER]``.

``dvc metrics diff`` shows by how much two runs differ; this says how sure that is. BEFORE and AFTER are
commits, branches or experiments; without AFTER the workspace is compared.
"""

import argparse
import contextlib
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.evaluation.comparison import compare
from pipeline.report import table
from pipeline.stage import run

RANKS = Path("metrics/ranks.csv")
RESAMPLES = 2000


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline.compare", description=__doc__.splitlines()[0])
    parser.add_argument("before", help="commit, branch or experiment")
    parser.add_argument("after", nargs="?", help="the same; by default the workspace")
    asked = parser.parse_args(arguments)
    runs = {asked.before: ranks_of(asked.before), asked.after or "workspace": ranks_of(asked.after)}
    if len(runs) < 2:
        raise DataError(f"{asked.before} is compared with itself")
    (before, first), (after, second) = runs.items()
    if first.keys() != second.keys():
        raise DataError(
            f"{before} and {after} were not measured on the same queries: "
            f"{len(first.keys() ^ second.keys())} stand in one of them alone"
        )
    queries = sorted(first)
    scores = compare(
        {name: np.array([found[query][1] for query in queries]) for name, found in runs.items()},
        np.array([first[query][0] for query in queries]),
        resamples=RESAMPLES,
        seed=0,
    )
    print(f"joint, {len(queries)} queries, with 95 % intervals over photos; differences are paired\n")
    print("\n".join(table(scores, list(scores))))


def ranks_of(revision: str | None) -> dict[str, tuple[str, int]]:
    """Each test sketch's photo and its rank under the joint F of a revision, or of the workspace if None."""
    rows, found = csv.DictReader(_text(revision).splitlines()), {}
    with contextlib.suppress(KeyError, TypeError, ValueError):
        found = {row["query"]: (row["photo"], int(row["joint"])) for row in rows}
    if not found:
        where = revision or "the workspace"
        raise DataError(f"{RANKS} of {where}: not a table of ranks as the stage evaluate writes it")
    return found


def _text(revision: str | None) -> str:
    if revision is None:
        try:
            return RANKS.read_text()
        except FileNotFoundError:
            raise DataError(f"{RANKS}: no such file; run `dvc repro` first") from None
    # DVC takes seconds to import.
    import dvc.api
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError

    try:
        return str(dvc.api.read(str(RANKS), rev=revision))
    except (DvcException, SCMError, FileNotFoundError) as error:
        raise DataError(f"{revision}: expected a commit, branch or experiment that holds {RANKS}: {error}") from None


if __name__ == "__main__":
    run(main)

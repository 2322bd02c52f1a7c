"""Run every row of rows.yaml and write what they say: ``python -m experiments.evidence``.

Writes metrics/results.json, docs/evidence.md and its charts. What ran is kept in .scratch/evidence, so that an
interrupted run goes on, and only rows of other params or code run again. ChairV2's rows need its folder.
"""

import argparse
import logging
import sys
from pathlib import Path

import yaml

from experiments.page import write_page
from experiments.rows import read_rows
from experiments.runner import ROOT, Planner, run_rows
from experiments.summary import adaptation_rows, generator_rows, read_device, read_ranks, retrieval_rows
from fgsbir.data.atomic import write_json

STORE = ROOT / ".scratch" / "evidence"
RESULTS = ROOT / "metrics" / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.evidence", description=__doc__.partition(":")[0])
    parser.add_argument("--rows", type=Path, default=Path(__file__).with_name("rows.yaml"))
    parser.add_argument("--chairv2", type=Path, help="folder of QMUL's ChairV2; without it its rows are left out")
    parser.add_argument("--chairv2-more", type=Path, help="the same, with photos of other chairs in unlabelled/")
    parser.add_argument("--jobs", type=int, default=2, help="stages at a time, one thread each (default: %(default)s)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")

    given = {"chairv2": options.chairv2, "chairv2_more": options.chairv2_more}
    data = {f"data/raw/{name}": path.resolve() for name, path in given.items() if path}
    rows = [row for row in read_rows(options.rows) if row.settings.get("dataset.root", "") in ("", *data)]
    planner = Planner(STORE, yaml.safe_load((ROOT / "params.yaml").read_text()), data)
    done = list(zip(*run_rows(rows, planner, options.jobs), strict=True))
    evaluated = [(row, folders) for row, folders in done if row.stage == "evaluate"]
    ranks = [read_ranks(folders, row.model) for row, folders in evaluated]
    devices = [read_device(folders) for _, folders in evaluated]
    whole = [each for each in evaluated if each[0].settings["unlabelled_frac"] == 1]
    drawn = [each for each in whole if each[0].settings["evaluate.drawings"]]
    results = {
        "retrieval": retrieval_rows([row for row, _ in evaluated], ranks, devices),
        "generator": [figures for each in drawn for figures in generator_rows(*each)],
        "adaptation": [figures for each in done if each[0].stage == "adapt" for figures in adaptation_rows(*each)],
    }
    write_json(RESULTS, results)
    write_page(results, ROOT / "docs")


if __name__ == "__main__":
    main()

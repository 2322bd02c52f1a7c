"""What the runs of all rows say: accuracies over seeds, paired differences with intervals, G's figures."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.rows import Row
from fgsbir.adaptation.task_ranks import found_of
from fgsbir.evaluation.adaptation import adaptation_scores
from fgsbir.evaluation.bootstrap import cluster_bootstrap
from fgsbir.evaluation.comparison import SCORES, query_scores, rounded

# What every row is compared with, and what some are besides. A control has its row's teacher, or none as well.
COMPARED = ("control", "control_without_teacher")
ALSO_COMPARED = {"full": ("edges", "vanilla"), "default": ("edges", "vanilla")}
GENERATOR_SCORES = {"found_acc@1": "acc@1", "found_acc@10": "acc@10", "fid": "fid", "recognised": "recognition"}
MINUS = {"acc@1": "", "low": "_low", "high": "_high"}


class Ranks(NamedTuple):
    """Ranks of the same test sketches with each seed, int64 (seeds, q), and the photo of each, (q,)."""

    ranks: np.ndarray
    photos: np.ndarray


def read_ranks(folders: Sequence[Path], model: str, table: str = "ranks") -> Ranks:
    """``model``'s ranks in a table among the metrics of runs that differ in the seed alone."""
    found = []
    for folder in folders:
        with (folder / f"metrics/{table}.csv").open() as file:
            lines = list(csv.DictReader(file))
        found.append([int(line[model]) for line in lines])
    return Ranks(np.array(found), np.array([line["photo"] for line in lines]))


def read_device(folders: Sequence[Path]) -> str:
    """The machines that computed some runs, and how."""
    protocols = [json.loads((folder / "metrics/evaluate.json").read_text())["protocol"] for folder in folders]
    return ", ".join(sorted({f"{each['device']}, {each['precision']}" for each in protocols}))


def retrieval_rows(rows: Sequence[Row], ranks: Sequence[Ranks], devices: Sequence[str]) -> list[dict[str, Any]]:
    """One object a row: percent, means over seeds, the s.d. of acc@1 over them, and paired differences.

    ``devices`` say what computed each.
    """
    found = []
    for row, own, device in zip(rows, ranks, devices, strict=True):
        scores = query_scores(own.ranks).mean(1)
        peers = {peer.name: number for number, peer in enumerate(rows) if _comparable(peer, row)}
        compared = COMPARED + ALSO_COMPARED.get(row.name, ())
        found.append(
            {
                **_about(row),
                **rounded(dict(zip(SCORES, scores.mean(0), strict=True))),
                "sd": round(float(scores[:, 0].std(ddof=1)), 4) if row.seeds > 1 else None,
                "minus": {
                    name: difference(own, ranks[peers[name]]) for name in compared if name in peers and name != row.name
                },
                "paper": row.paper,
                "device": device,
                "command": row.command(),
            }
        )
    return found


def _comparable(peer: Row, row: Row) -> bool:
    """Rows with the same labels; of several of one name, the one that uses all unlabelled photos, or none."""
    return peer.place == row.place and peer.settings["unlabelled_frac"] in (0.0, 1.0)


def _about(row: Row) -> dict[str, Any]:
    shares = {name: row.settings[name] for name in ("labelled_frac", "unlabelled_frac")}
    return {"row": row.name, "dataset": row.dataset, **shares, "seeds": row.seeds}


def difference(one: Ranks, other: Ranks) -> dict[str, float]:
    """acc@1 of ``one`` minus ``other`` in points, over the seeds that both have: 95 %, over photos and seeds."""
    seeds = min(len(one.ranks), len(other.ranks))
    values = 100.0 * ((one.ranks[:seeds] == 1).astype(float) - (other.ranks[:seeds] == 1))
    mean, low, high = cluster_bootstrap(values[..., None], one.photos)
    return rounded({"acc@1": mean[0], "low": low[0], "high": high[0]})


def generator_rows(row: Row, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """One object for people's sketches and for each kind of drawing of the runs of ``row``, means over seeds."""
    metrics = [json.loads((folder / "metrics/generator.json").read_text()) for folder in folders]
    found = {
        name: {**_about(row), "of": row.name, "row": name, **_generator_scores([each[name] for each in metrics])}
        for name in ("people", "edges", "before_joint", "after_joint")
    }
    before, after = (read_ranks(folders, name, "drawings") for name in ("before_joint", "after_joint"))
    found["after_joint"]["minus"] = {"before_joint": difference(after, before)}
    return list(found.values())


def adaptation_rows(row: Row, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """One object for each task, method and number of sketches k of the runs of ``row``, paired with no adaptation."""
    ranks, rows = [json.loads((folder / "models/adaptive/ranks.json").read_text()) for folder in folders], []
    for kind in ranks[0]:
        scores = adaptation_scores([found_of(each[kind]) for each in ranks], resamples=2000, seed=0)
        for method, k in ((name, k) for name in scores for k in sorted(scores[name], key=int)):
            found, task = scores[method][k], row.dataset if kind == "set" else kind
            above = {end: found.get(f"minus_none{tail}") for end, tail in MINUS.items()} if method != "none" else None
            about = {"row": row.name, "task": task, "method": method, "k": int(k), "seeds": row.seeds}
            scored = {f"acc@{top}": found[f"acc@{top}"] for top in (1, 5, 10)}
            rows.append({**about, **scored, "minus_none": above, "command": row.command()})
    return rows


def _generator_scores(scores: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    found = {name: [each.get(score) for each in scores] for name, score in GENERATOR_SCORES.items()}
    for about in ("bins", "photos"):
        found[f"certainty_spearman_{about}"] = [each.get("certainty", {}).get(f"spearman_{about}") for each in scores]
    return rounded({name: np.mean(values) for name, values in found.items() if None not in values})

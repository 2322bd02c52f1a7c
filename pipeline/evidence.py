"""Paper 1's experiments over several seeds: ``python -m pipeline.evidence [ROW …]``; ``make evidence`` runs them all.

Each run leaves one file in ``metrics/evidence``, with accuracies and every query's rank; see
:mod:`pipeline.experiments`.
"""

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.experiments import Experiments, Row
from pipeline.stage import run

STORED = {"joint.joint_training": False, "joint.instance_weighting": False}
CHAIRV2 = {
    "dataset.name": "chairv2",
    "dataset.layout": "sketchx",
    "dataset.category": "chair",
    "pretrain_retrieval.steps": 600,
}
# All that comes after the supervised F, cut to the least that runs: of these runs nothing else is published.
SUPERVISED = {
    "pretrain_generator.edge_steps": 0,
    "pretrain_generator.steps": 1,
    "sketch_classifier.steps": 1,
    "pseudo.samples": 1,
    "pseudo.edges": 0,
    "pseudo.discriminator_steps": 1,
    "joint.steps": 1,
    "joint.k_r": 1,
}
VANILLA = {"pseudo.samples": 1, "pseudo.edges": 0, **STORED, "joint.teacher": "none"}
# The default run's joint training is cut to the pipeline's time.
LONG = {"joint.steps": 1200}
CONTROL = {"unlabelled_frac": 0.0}
# A G that has learned from the pairs alone and draws as freely as it has learned to, once a photo, as in the paper.
PLAIN = {
    "pretrain_generator.edge_steps": 0,
    "pretrain_generator.steps": 1200,
    "pseudo.temperature": 1.0,
    "pseudo.samples": 1,
    "pseudo.edges": 0,
    "joint.temperature": 1.0,
    "joint.relative_weights": False,
    "joint.judge": "retrieval",
}

SYNTHETIC: dict[str, dict[str, Any]] = {
    "full": {},
    "control": CONTROL,
    "control_no_teacher": {**CONTROL, "joint.teacher": "none"},
    "vanilla": VANILLA,
    "no_instance_weighting": {"joint.instance_weighting": False},
    "no_teacher": {"joint.teacher": "none"},
    "no_attention": {"pretrain_generator.attention": False},
    "no_joint_training": {"joint.joint_training": False},
    # None of the three: what "vanilla" would be with full's edges and eight drawings of each photo.
    "no_weights_teacher_joint": {**STORED, "joint.teacher": "none"},
    "no_edges": {"pseudo.edges": 0},
    # What G's drawings are worth: edges alone, each pair with weight 1, since there is one sketch a photo.
    "no_drawings": {"pseudo.sketches": "edges", "pseudo.edges": 0, "joint.joint_training": False},
    # The same with pseudo pairs that weigh 0: unlabelled photos, and drawings of them, are there to be told apart from.
    "negatives_only": {"joint.joint_training": False, "joint.threshold": 1.0},
    "absolute_teacher": {"joint.teacher": "absolute"},
    "omega_itself": {"joint.relative_weights": False},
    "hard_threshold": {"joint.threshold": 0.3},
    **{
        name: {**VANILLA, "pseudo.sketches": sketches}
        for name, sketches in (("edge_maps", "edges"), ("mismatched", "another"), ("oracle", "oracle"))
    },
    "plain_generator_full": PLAIN,
    "plain_generator_vanilla": {**PLAIN, **VANILLA},
    **{f"unlabelled_{frac}": {"unlabelled_frac": frac} for frac in (0.25, 0.5)},
}
# With all labels they are full and control.
LABELLED = {
    f"labelled_{frac}_{name}": {"labelled_frac": frac, **changes}
    for frac in (0.2, 0.4, 0.6, 0.8)
    for name, changes in (("full", {}), ("control", CONTROL))
}
ROWS = [
    *(Row(name, changes) for name, changes in (SYNTHETIC | LABELLED).items()),
    *(Row(f"long_{name}", {**LONG, **SYNTHETIC[name]}) for name in ("full", "control", "vanilla")),
    Row("chairv2_labelled_1_supervised", {**CHAIRV2, **SUPERVISED}),
    *(
        Row(f"chairv2_labelled_0.4_{name}", {**CHAIRV2, "labelled_frac": 0.4, **changes})
        for name, changes in (("full", {}), ("control", CONTROL), ("vanilla", VANILLA))
    ),
]


def measured(folder: Path) -> dict[str, Any]:
    """What is kept of one run, from the folder of its ``evaluate``."""
    retrieval = json.loads((folder / "metrics" / "evaluate.json").read_text())
    with (folder / "metrics" / "ranks.csv").open(newline="") as file:
        table = sorted(csv.DictReader(file), key=lambda line: line["query"])
    photos = {name: number for number, name in enumerate(sorted({line["photo"] for line in table}))}
    return {
        "protocol": retrieval["protocol"],
        "supervised": retrieval["supervised"],
        "joint": retrieval["joint"],
        "generator": json.loads((folder / "metrics" / "generator.json").read_text()),
        "queries": hashlib.sha256("\n".join(line["query"] for line in table).encode()).hexdigest()[:16],
        "photo": [photos[line["photo"]] for line in table],
        "ranks": {name: [int(line[name]) for line in table] for name in ("supervised", "joint")},
    }


EVIDENCE = Experiments(ROWS, "evaluate", Path("metrics/evidence"), measured)


def main(arguments: Sequence[str] | None = None) -> None:
    EVIDENCE.run(arguments, prog="python -m pipeline.evidence", description=(__doc__ or "").splitlines()[0])


if __name__ == "__main__":
    run(main)

"""Paper 2's experiments over several seeds: ``python -m pipeline.adapt_evidence [ROW …]``, a part of ``make evidence``.

Each run leaves one file in ``metrics/adapt_evidence``; see :mod:`pipeline.experiments`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pipeline.experiments import Experiments, Row
from pipeline.sections import FewShotMethod
from pipeline.stage import run

METHODS = list(get_args(FewShotMethod))
ALONE = {"adapt.methods": ["ours"], "adapt.shots": [5]}
ROWS = [
    Row("methods", {"adapt.methods": METHODS}),
    *(
        Row(f"without_{name}", {**ALONE, **{f"adapt.lambda_{part}": 0.0 for part in parts}})
        for name, parts in {
            "domain": ("domain",),
            "category_and_user": ("category", "user"),
            "regularisers": ("domain", "category", "user"),
        }.items()
    ),
    Row("fixed_margin", {**ALONE, "adapt.predict_margin": False}),
    Row("first_order", {**ALONE, "adapt.first_order": True}),
    Row("own_negatives", {**ALONE, "adapt.negatives": "own"}),
    # Without a step it is baseline_regularised; one step and 128 dimensions are those of the row "methods".
    *(Row(f"steps_{steps}", {**ALONE, "adapt.inner_steps": steps}) for steps in range(2, 6)),
    *(Row(f"embedding_{size}", {**ALONE, "adapt.embedding_dim": size}) for size in (32, 64, 256, 512)),
]


def measured(folder: Path) -> dict[str, Any]:
    """What is kept of one run, from the folder of its ``evaluate_adaptation``."""
    return {
        "scores": json.loads((folder / "metrics" / "adapt.json").read_text()),
        "ranks": json.loads((folder / "models" / "adaptive" / "ranks.json").read_text()),
        "steps": json.loads((folder / "models" / "adaptive" / "steps.json").read_text()),
    }


EVIDENCE = Experiments(ROWS, "evaluate_adaptation", Path("metrics/adapt_evidence"), measured)


def main(arguments: Sequence[str] | None = None) -> None:
    EVIDENCE.run(arguments, prog="python -m pipeline.adapt_evidence", description=(__doc__ or "").splitlines()[0])


if __name__ == "__main__":
    run(main)

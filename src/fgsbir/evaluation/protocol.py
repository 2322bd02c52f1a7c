"""What was measured, on what and with what: the fields without which accuracies cannot be compared."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from fgsbir.data.index import Index
from fgsbir.runtime.precision import working_precision


def protocol(
    index: Index, joint: Mapping[str, Any], *, seed: int, device: torch.device, precision: str
) -> dict[str, str | float | None]:
    """The protocol fields of metrics/evaluate.json; ``joint`` is what the joint model's folder says of its making.

    ``commit`` is the one that the model was trained at: evaluation cannot name the commit that its
    own output will be part of.
    """
    return {
        "dataset": index.name,
        "layout": index.layout,
        "category": index.category or "all seen categories",
        "split_hash": index.split_hash,
        "gallery": "each test photo once, within its category",
        "queries": "every sketch of a test photo by a seen user",
        "tie_rule": "rank = photos at most as far as the true one (ties count against the model)",
        "selection": "supervised: best mean reciprocal rank on validation photos; joint: the last step",
        "interval": "95 % bootstrap over photos",
        "seed": seed,
        "precision": working_precision(precision, device),
        "labelled_frac": joint["data"]["labelled_frac"],
        "labelled_photos": joint["data"]["labelled_photos"],
        "unlabelled_frac": joint["unlabelled_frac"],
        "unlabelled_photos": joint["unlabelled_photos"],
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "commit": joint["commit"] or "none",
    }

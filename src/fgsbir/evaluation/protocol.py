"""What was measured, on what and with what: the fields without which accuracies cannot be compared."""

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fgsbir.data.index import Index
from fgsbir.runtime.compute import Compute


def protocol(index: Index, joint: Mapping[str, Any], *, seed: int, compute: Compute) -> dict[str, str | float | None]:
    """The protocol fields of metrics/evaluate.json; ``joint`` is what the joint model's folder says of its data.

    ``commit`` is the one that lay under the run: evaluation cannot name the commit that its own output will be part
    of.
    """
    device = compute.device
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
        "precision": compute.precision,
        "labelled_frac": joint["data"]["labelled_frac"],
        "labelled_photos": joint["data"]["labelled_photos"],
        "unlabelled_frac": joint["unlabelled_frac"],
        "unlabelled_photos": joint["unlabelled_photos"],
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "commit": commit() or "none",
    }


def commit() -> str | None:
    """The commit of the working folder, or None where git knows none."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def processor() -> str:
    """The model's name and, since clouds shorten it, its family and what torch's and bf16's speed hang on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name, flags = fields.get("model name", platform.machine()), fields.get("flags", "").split()
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    family = f"family {fields['cpu family']}, model {fields['model']}" if "cpu family" in fields else ""
    return ", ".join(part for part in (name, family, " ".join(known)) if part)

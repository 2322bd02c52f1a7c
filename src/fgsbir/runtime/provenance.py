"""What a model folder says of its making."""

import subprocess
from typing import Any

import torch

from fgsbir.data.index import Index


def provenance(index: Index, labelled_frac: float, seed: int, labelled_photos: int) -> dict[str, Any]:
    """The data, seed, commit (None outside a git repository) and torch version that a model was trained with."""
    return {
        "data": {
            "name": index.name,
            "layout": index.layout,
            "category": index.category,
            "split_hash": index.split_hash,
            "labelled_frac": labelled_frac,
            "labelled_photos": labelled_photos,
        },
        "seed": seed,
        "commit": commit(),
        "torch": torch.__version__,
    }


def commit() -> str | None:
    """The commit of the working folder, or None where git knows none."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

"""What sketches of new photos will look like, before there is any: as far from F's as the edges in these photos are."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from fgsbir.data.edges import photo_edges
from fgsbir.data.strokes import centre
from fgsbir.retrieval.encoder import Encoder

# The tolerance of the stage edges' drawings, canvas pixels.
TOLERANCE = 4.0
# Photos whose edges are drawn: more say no more.
PHOTOS = 64
BATCH = 32
# The mean of the edges in the photos that the ready model has learned from: `python -m pipeline.ready_model` writes it.
READY_EDGES = Path(__file__).with_name("ready_edges.safetensors")

Item = TypeVar("Item")


class SeenEdges(NamedTuple):
    """The ``mean`` (D,) of the edges in photos that an F has learned from, and how many ``photos`` they were."""

    mean: Tensor
    photos: int


def some_of(photos: Sequence[Item]) -> list[Item]:
    """At most ``PHOTOS`` of a gallery's photos, spread evenly over it."""
    return [photos[row] for row in np.linspace(0, len(photos) - 1, min(PHOTOS, len(photos))).astype(int)]


def pooled_edges(encoder: Encoder, photos: Sequence[bytes]) -> Tensor:
    """Pooled taps of drawings of the edges in encoded photos, those without any left out: float32 (n, D)."""
    drawings = [photo_edges(photo, tolerance=TOLERANCE).drawing for photo in photos]
    sketches = [centre(drawing) for drawing in drawings if len(drawing) > 1]
    read = [torch.zeros(0, encoder.model.dimensions, device=encoder.compute.device)]
    with encoder.compute.scoring(encoder.model):
        for start in range(0, len(sketches), BATCH):
            part = encoder.sketch_inputs(sketches[start : start + BATCH])
            read.append(encoder.model.pooled(part).float())
    return torch.cat(read)


def ready_edges(model: str) -> SeenEdges | None:
    """Those of the ready model; None for a ``model`` of another SHA-256."""
    with safe_open(READY_EDGES, "pt") as file:
        return SeenEdges(file.get_tensor("mean"), PHOTOS) if file.metadata()["model"] == model else None

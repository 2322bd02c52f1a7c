"""From inputs, pixels and strokes to F's embeddings: the one way in, for validation, evaluation and search alike."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs
from fgsbir.retrieval.model import RetrievalModel, Side
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.model_folder import load_model

BATCH = 256


def embed_inputs(model: RetrievalModel, inputs: Inputs, side: Side, compute: Compute) -> Tensor:
    """Embed every picture of ``inputs``, as it is: float32 (n, d) on the CPU."""
    parts = []
    batch = BATCH if model.level == "taps" else 32
    with compute.scoring(model):
        for start in range(0, len(inputs), batch):
            rows = np.arange(start, min(start + batch, len(inputs)))
            parts.append(model.embed(inputs(rows).to(compute.device), side).float())
    return torch.cat(parts).cpu() if parts else torch.zeros(0, model.head.out_features)


class Encoder:
    """A trained F with the trunk that reads pictures for it. The folder of F is all that it needs."""

    def __init__(self, model: RetrievalModel, compute: Compute) -> None:
        self.model, self.compute, self.spec = model, compute, model.spec
        compute.place(model)
        model.eval()
        self._reader = Reader(model.trunk, model.spec, compute) if model.level != "pixels" else None

    @classmethod
    def load(cls, folder: Path, compute: Compute) -> "Encoder":
        """F from its folder. Raises DataError."""
        return cls(load_model(folder, RetrievalModel), compute)

    @property
    def dimensions(self) -> int:
        """Of the embeddings."""
        return self.model.head.out_features

    def pooled_photos(self, pixels: np.ndarray) -> Tensor:
        """Pooled taps of photos, uint8 (n, s, s, 3), before they are standardised: float32 (n, D)."""
        with self.compute.scoring(self.model):
            if self._reader is None:
                images = photo_tensor(torch.from_numpy(pixels).to(self.compute.device))
                return self.model.pooled(images)
            return self.model.pooled(self.model.inputs_of(self._reader.photos(pixels)))

    def photos(self, pixels: np.ndarray) -> np.ndarray:
        """Embed photos, uint8 (n, s, s, 3): float32 (n, d) of length 1."""
        return self.from_pooled(self.pooled_photos(pixels))

    def from_pooled(self, pooled: Tensor) -> np.ndarray:
        """Embed photos from their pooled taps (n, D)."""
        with torch.no_grad():
            x = self.model.standardise(pooled.to(self.compute.device), "photo")
            return torch.nn.functional.normalize(self.model.head(x), dim=-1).cpu().numpy()

    def sketches(self, sketches: Sequence[np.ndarray]) -> np.ndarray:
        """Embed canonical sketches (n_i, 3), wherever on the canvas they lie: float32 (n, d) of length 1."""
        if not len(sketches):
            return np.zeros((0, self.dimensions), np.float32)
        with self.compute.scoring(self.model):
            if self._reader is None:
                inputs = sketch_tensor(torch.from_numpy(self.spec.rasterise(sketches)).to(self.compute.device))
            else:
                inputs = self.model.inputs_of(self._reader.sketches(sketches))
            return self.model.embed(inputs, "sketch").float().cpu().numpy()

    def sketch(self, strokes: np.ndarray) -> np.ndarray:
        """Embed one canonical sketch (n, 3): float32 (d,) of length 1."""
        return self.sketches([strokes])[0]

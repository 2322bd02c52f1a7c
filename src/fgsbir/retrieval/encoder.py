"""From inputs, pixels and strokes to F's embeddings: the one way in, for validation, evaluation and search alike."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fgsbir.data.strokes import mirrored
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import Inputs
from fgsbir.features.store import MIRRORED
from fgsbir.retrieval.model import RetrievalModel, Side
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.model_folder import load_model

BATCH = 256


def embed_inputs(model: RetrievalModel, inputs: Inputs, side: Side, compute: Compute) -> Tensor:
    """Embed every picture of ``inputs``, as search does: float32 (n, e) of length 1 on the CPU.

    e is the model's embedding_dim, or twice that where it searches with mirror images.
    """
    parts = [torch.zeros(0, search_dimensions(model))]
    batch = BATCH if model.level == "taps" else 32
    with compute.scoring(model):
        for start in range(0, len(inputs), batch):
            rows = np.arange(start, min(start + batch, len(inputs)))
            forms = (0, MIRRORED) if model.mirror else (0,)
            embedded = beside([model.embed(inputs(rows, form).to(compute.device), side) for form in forms])
            parts.append(embedded.cpu())
    return torch.cat(parts)


def beside(embeddings: Sequence[Tensor]) -> Tensor:
    """Embeddings (n, d) of length 1 of a picture's forms as one, (n, forms * d) of length 1."""
    return torch.cat([embedding.float() for embedding in embeddings], 1) / len(embeddings) ** 0.5


def search_dimensions(model: RetrievalModel) -> int:
    """Of the embeddings that search compares."""
    return model.head.out_features * (2 if model.mirror else 1)


class Encoder:
    """A trained F with the trunk that reads pictures for it. The folder of F is all that it needs."""

    def __init__(self, model: RetrievalModel, compute: Compute) -> None:
        self.model, self.compute, self.spec = model, compute, model.spec
        self.dimensions = search_dimensions(model)
        compute.place(model)
        model.eval()
        self._reader = Reader(model.trunk, model.spec, compute)

    @classmethod
    def load(cls, folder: Path, compute: Compute) -> "Encoder":
        """F from its folder. Raises DataError."""
        return cls(load_model(folder, RetrievalModel), compute)

    def photos(self, pixels: np.ndarray) -> np.ndarray:
        """Embed photos, uint8 (n, s, s, 3): float32 (n, e) of length 1."""
        return self.from_pooled(self.pooled_photos(pixels))

    def pooled_photos(self, pixels: np.ndarray) -> Tensor:
        """Pooled taps of photos, uint8 (n, s, s, 3), before they are standardised: float32 (n, forms, D).

        The forms are the photo and, where F searches with mirror images, its mirror image.
        """
        shown = [pixels, np.ascontiguousarray(pixels[:, :, ::-1])] if self.model.mirror else [pixels]
        with self.compute.scoring(self.model):
            return torch.stack([self.model.pooled(self._reader.photos_as(self.model.level, form)) for form in shown], 1)

    def from_pooled(self, pooled: Tensor) -> np.ndarray:
        """Embed photos from :meth:`pooled_photos`, (n, forms, D)."""
        with torch.no_grad():
            forms = pooled.to(self.compute.device).unbind(1)
            return beside([self.model.embed_pooled(form, "photo") for form in forms]).cpu().numpy()

    def sketch(self, strokes: np.ndarray) -> np.ndarray:
        """Embed one canonical sketch (n, 3): float32 (e,) of length 1."""
        return self.sketches([strokes])[0]

    def sketches(self, sketches: Sequence[np.ndarray]) -> np.ndarray:
        """Embed canonical sketches (n_i, 3), wherever on the canvas they lie: float32 (n, e) of length 1."""
        shown = [sketches, [mirrored(strokes) for strokes in sketches]] if self.model.mirror else [sketches]
        with self.compute.scoring(self.model):
            return beside([self.model.embed(self.sketch_inputs(form), "sketch") for form in shown]).cpu().numpy()

    def sketch_inputs(self, sketches: Sequence[np.ndarray]) -> Tensor:
        """What F reads of canonical sketches (n_i, 3)."""
        return self._reader.sketches_as(self.model.level, sketches)

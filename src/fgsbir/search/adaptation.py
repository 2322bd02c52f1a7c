"""An index adapted to one hand: a few corrections, sketch to photo, and what they make of F (paper 2)."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.support import load_adaptive, pooled_sketches, pooled_triplets
from fgsbir.data.records import DataError
from fgsbir.retrieval.encoder import Encoder, beside
from fgsbir.runtime.model_folder import read_config
from fgsbir.search.gallery import ADAPTIVE, MODEL
from fgsbir.search.searcher import Searcher, computing

# Photos projected at once.
BATCH = 4096


class Adapter:
    """What adapts an index: its adaptive model, or else the statistics of its own F.

    Statistics change sketches alone, so the photos' embeddings stay. Raises DataError where the index holds another
    adaptive model than it was made with, or none and an F that does not standardise.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._gallery = gallery = searcher.gallery
        folder = gallery.folder / (ADAPTIVE if gallery.about.adaptive else MODEL)
        if read_config(folder)["sha256"] != (gallery.about.adaptive or gallery.about.model):
            raise DataError(f"{folder}: is another model than the index was made with; index the photos again")
        self._model, self._pool = load_adaptive(folder)
        self._encoder = Encoder(self._model.retrieval, computing(gallery.about.precision))

    @classmethod
    def of(cls, searcher: Searcher) -> "Adapter | None":
        """What adapts the index of ``searcher``, if anything does."""
        return cls(searcher) if searcher.gallery.about.adaptive or searcher.encoder.model.standardised else None

    def adapt(self, sketches: Sequence[np.ndarray], photo_ids: Sequence[str]) -> Searcher:
        """The same photos, searched as adapted to canonical sketches (n_i, 3) and the id of each one's photo.

        The weights move where there are at least two photos to tell from each other. Raises DataError for an unknown
        id, or no sketch at all.
        """
        gallery, features = self._gallery, self._gallery.features
        if not len(sketches):
            raise DataError("expected at least one sketch to adapt to, found none")
        photo = np.array([gallery.row(photo_id) for photo_id in photo_ids], np.int64)
        drawn = pooled_sketches(self._encoder, sketches)
        pairs = None
        if features is not None and self._model.steps:
            distinct, place = np.unique(photo, return_inverse=True)
            pairs = pooled_triplets(drawn, self._taps(features[distinct])[:, 0], place, self._pool)
        weights, side = self._model.meet(drawn, pairs)
        if features is None:
            return Searcher(gallery, Encoder(self._model.with_weights(weights, side), self._encoder.compute))
        with torch.no_grad():
            embeddings = beside([self._model.embed(form, weights) for form in self._photos]).cpu().numpy()
        # Sketches in as many forms as the index has of the photos.
        adapted = self._model.with_weights(weights, side, mirror=len(self._photos) > 1)
        return Searcher(gallery, Encoder(adapted, self._encoder.compute), embeddings)

    @cached_property
    def _photos(self) -> tuple[Tensor, ...]:
        """What adaptation starts from, of all photos in each form: made once, since no correction changes it."""
        features = self._gallery.features
        assert features is not None
        starts = range(0, len(features), BATCH)
        with torch.no_grad():
            parts = (self._model.photo_side(self._taps(features[start : start + BATCH])) for start in starts)
            return torch.cat([self._model.inputs(part) for part in parts]).unbind(1)

    def _taps(self, features: np.ndarray) -> Tensor:
        """Photos' pooled taps, float32 (n, forms, D)."""
        # A copy: torch warns of arrays that cannot be written to.
        return torch.from_numpy(features.astype(np.float32)).to(self._encoder.compute.device)

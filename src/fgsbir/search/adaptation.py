"""An index adapted to what is drawn in it: a few corrections, sketch to photo, and what they make of F (paper 2)."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from fgsbir.adaptation.edge_side import pooled_edges, some_of
from fgsbir.adaptation.support import load_adaptive, pooled_sketches, triplets_of
from fgsbir.data.photos import check_photo, photo_bytes
from fgsbir.data.records import DataError
from fgsbir.data.strokes import mirrored
from fgsbir.retrieval.encoder import Encoder, beside
from fgsbir.runtime.model_folder import read_config
from fgsbir.search.gallery import ADAPTIVE, MODEL
from fgsbir.search.searcher import Searcher, computing

# Photos projected at once.
BATCH = 4096
# Pairs from which on the head moves too.
HEAD_FROM = 3
# Drawings whose pooled taps are remembered.
REMEMBERED = 64

# What is learned: the statistics of the sketch side, or the head as well; "before" is what was known before.
Learned = Literal["statistics", "head"]
Grade = Literal["none", "before", "statistics", "head"]


class Adapter:
    """What adapts an index: its adaptive model, or else the statistics of its own F.

    Raises DataError where the index holds another adaptive model than it was made with, or none and an F that does not
    standardise.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._gallery = gallery = searcher.gallery
        folder = gallery.folder / (ADAPTIVE if gallery.about.adaptive else MODEL)
        if read_config(folder)["sha256"] != (gallery.about.adaptive or gallery.about.model):
            raise DataError(f"{folder}: is another model than the index was made with; index the photos again")
        self._model, self._pool = load_adaptive(folder)
        self._encoder = Encoder(self._model.retrieval, computing(gallery.about.precision))
        self._drawn: dict[bytes, Tensor] = {}

    @classmethod
    def of(cls, searcher: Searcher) -> "Adapter | None":
        """What adapts the index of ``searcher``, if anything does."""
        return cls(searcher) if searcher.gallery.about.adaptive or searcher.encoder.model.standardised else None

    def learn(
        self, sketches: Sequence[np.ndarray], photo_ids: Sequence[str], before: Searcher
    ) -> tuple[Grade, Searcher]:
        """The most that canonical sketches (n_i, 3) and the id of each one's photo teach without spoiling any of them.

        The statistics with the head, from ``HEAD_FROM`` pairs of two photos on, else the statistics alone; or
        ``before``, where each would no longer find first the photo of a sketch that ``before`` finds first. Errors as
        of :meth:`adapt`.
        """
        pooled, rows = self._pooled(sketches), self._rows(photo_ids)
        known = self._found_first(before, pooled, rows)
        heads = self._model.steps > 0 and len(sketches) >= HEAD_FROM and len(set(rows.tolist())) > 1
        grades: list[Learned] = ["head", "statistics"] if heads else ["statistics"]
        for grade in grades:
            searcher = self.adapt(sketches, photo_ids, grade)
            if not (known & ~self._found_first(searcher, pooled, rows)).any():
                return grade, searcher
        return "before", before

    def adapt(self, sketches: Sequence[np.ndarray], photo_ids: Sequence[str], grade: Learned = "head") -> Searcher:
        """The same photos, searched as adapted to canonical sketches (n_i, 3) and the id of each one's photo.

        The head moves with ``grade`` "head", where there are at least two photos to tell from each other; the
        statistics change sketches alone. Raises DataError for an unknown id, or no sketch at all.
        """
        if not len(sketches):
            raise DataError("expected at least one sketch to adapt to, found none")
        model, features, drawn = self._model, self._gallery.features, self._pooled(sketches)
        distinct, place = np.unique(self._rows(photo_ids), return_inverse=True)
        weights, side = model.weights(), model.sketch_side(drawn[:, 0], self._edges)
        embeddings = None
        with torch.no_grad():
            if grade == "head" and len(distinct) > 1 and model.steps:
                shown = self._photos[0][torch.from_numpy(distinct)]
                weights = model.adapt(triplets_of(model.inputs(side(drawn[:, 0])), shown, place, self._pool))
            if features is not None:
                embeddings = beside([model.embed(form, weights) for form in self._photos]).cpu().numpy()
        # Sketches in as many forms as the index has of the photos.
        adapted = model.with_weights(weights, side, mirror=self._forms > 1)
        return Searcher(self._gallery, Encoder(adapted, self._encoder.compute), embeddings)

    def prepare(self) -> None:
        """Do what the first correction would wait for."""
        _ = self._edges, self._gallery.features is not None and self._photos

    @property
    def _forms(self) -> int:
        """In how many forms the index has each photo: as it is, and mirrored if there are two."""
        features = self._gallery.features
        return (
            self._gallery.about.dimensions // self._model.head.out_features if features is None else features.shape[1]
        )

    @cached_property
    def _edges(self) -> Tensor | None:
        """Pooled taps of the edges in some of the photos that are still there: what sketches of them are like."""
        if not self._model.form.edges:
            return None
        found = []
        for row in some_of(range(len(self._gallery))):
            with suppress(DataError, OSError):
                data = photo_bytes(self._gallery.path(row))
                check_photo(data, "the photo")
                found.append(data)
        return pooled_edges(self._encoder, found)

    def _found_first(self, searcher: Searcher, pooled: Tensor, rows: np.ndarray) -> np.ndarray:
        """Whether ``searcher`` finds the photo of each sketch (k, forms, D) first, at ``rows``: bool (k,)."""
        model = searcher.encoder.model
        with torch.no_grad():
            forms = pooled.unbind(1)[: 2 if model.mirror else 1]
            embedded = beside([model.embed_pooled(form, "sketch") for form in forms]).cpu().numpy()
        return np.array([searcher.nearest(each, 1)[0][0] == row for each, row in zip(embedded, rows, strict=True)])

    def _rows(self, photo_ids: Sequence[str]) -> np.ndarray:
        return np.array([self._gallery.row(photo_id) for photo_id in photo_ids], np.int64)

    def _pooled(self, sketches: Sequence[np.ndarray]) -> Tensor:
        """Pooled taps of sketches and, where F searches with mirror images, of these: float32 (k, forms, D)."""
        keys = [sketch.tobytes() for sketch in sketches]
        new = {key: sketch for key, sketch in zip(keys, sketches, strict=True) if key not in self._drawn}
        if new:
            shown = list(new.values())
            forms = [shown, [mirrored(sketch) for sketch in shown]][: self._forms]
            read = torch.stack([pooled_sketches(self._encoder, form) for form in forms], 1)
            self._drawn |= dict(zip(new, read, strict=True))
        pooled = torch.stack([self._drawn[key] for key in keys])
        for key in list(self._drawn)[:-REMEMBERED]:
            del self._drawn[key]
        return pooled

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

"""The test set, and F searching it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fgsbir.data.index import PhotoEntry
from fgsbir.data.pairs import PhotoPixels, labelled_pairs
from fgsbir.data.pixels import PhotoRows
from fgsbir.data.records import DataError
from fgsbir.data.selection import seen_sketches, training_split
from fgsbir.data.shards import ShardStore
from fgsbir.retrieval.embedding import embed_photos, embed_sketches
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.ranking import ranks, top_k

BATCH = 256


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """The gallery, each test photo of a seen category once, and the queries, every sketch of them by a seen user.

    ``categories`` int64 (g,) of the photos; ``sketches`` canonical and centred, ``sketch_ids``, and
    ``truth`` int64 (q,), each query's row of the gallery.
    """

    photos: list[PhotoEntry]
    categories: np.ndarray
    sketches: list[np.ndarray]
    sketch_ids: list[str]
    truth: np.ndarray

    @property
    def photo_ids(self) -> list[str]:
        """Ids of the gallery's photos, in their order."""
        return [photo.id for photo in self.photos]

    @property
    def query_photo_ids(self) -> list[str]:
        """The id of each query's true photo."""
        return [self.photos[row].id for row in self.truth]

    @property
    def gallery_sizes(self) -> np.ndarray:
        """For each photo how many photos its category has, itself included: int64 (g,)."""
        return np.bincount(self.categories)[self.categories]

    def human(self, row: int) -> np.ndarray | None:
        """The first sketch of gallery photo ``row``, or None."""
        places = np.flatnonzero(self.truth == row)
        return self.sketches[places[0]] if len(places) else None


def evaluation_set(store: ShardStore) -> EvaluationSet:
    """Collect the test set of the index's category (None: of every seen one). Raises DataError if it has no query."""
    # Which training photos are labelled does not matter to the test photos.
    photos = training_split(store.index, 1.0).test
    pairs = labelled_pairs(store, photos, size=8, limit_gib=0)
    if not any(pairs.sketches):
        raise DataError(f"{store.folder}: no sketch of a test photo of {store.index.category or 'a seen category'}")
    return EvaluationSet(
        photos=photos,
        categories=pairs.categories,
        sketches=[strokes for choice in pairs.sketches for strokes in choice],
        sketch_ids=[photo.sketches[place].id for photo in photos for place in seen_sketches(photo)],
        truth=np.repeat(np.arange(len(photos)), [len(choice) for choice in pairs.sketches]),
    )


class PhotoSizes:
    """Pixels of the gallery at the sizes that the models ask for; a size asked for twice is decoded once."""

    def __init__(self, store: ShardStore, photos: Sequence[PhotoEntry], limit_gib: float) -> None:
        self._store, self._photos, self._limit = store, photos, limit_gib
        self._sizes: dict[int, PhotoPixels] = {}

    def at(self, size: int) -> PhotoPixels:
        """The photos as uint8 (n, size, size, 3) rows."""
        if size not in self._sizes:
            self._sizes[size] = PhotoPixels(self._store, self._photos, size, self._limit)
        return self._sizes[size]


class Search:
    """One F on the test set: every photo and every sketch of it encoded once, whatever is asked afterwards.

    ``gallery`` (g, d) and ``queries`` (q, d) are the embeddings, float32, and ``ranks`` int64 (q,) those
    of the true photos.
    """

    def __init__(
        self,
        model: RetrievalModel,
        photos: PhotoRows,
        test: EvaluationSet,
        *,
        line_width: float,
        device: torch.device,
        precision: str,
    ) -> None:
        self._model, self._line_width, self._device, self._precision = model, line_width, device, precision
        self.test = test
        self.gallery = embed_photos(model, photos, batch=BATCH, device=device, precision=precision)
        self.queries = self._embed(test.sketches)
        self.ranks = self._ranks(self.queries, test.truth)

    def ranks_of_drawings(self, sketches: Sequence[np.ndarray]) -> np.ndarray:
        """Ranks when one sketch of each gallery photo, in the gallery's order, searches for it: int64 (g,)."""
        return self._ranks(self._embed(sketches), np.arange(len(self.gallery)))

    def nearest(self, rows: np.ndarray, k: int) -> np.ndarray:
        """Gallery rows of the k photos nearest to the test sketches ``rows``: int64 (rows, k), nearest first.

        All are of the query's category; -1 fills up where it has fewer than k photos.
        """
        categories = self.test.categories
        return top_k(self.queries[rows], self.gallery, k, categories[self.test.truth[rows]], categories)

    def _ranks(self, queries: np.ndarray, truth: np.ndarray) -> np.ndarray:
        categories = self.test.categories
        return ranks(queries, self.gallery, truth, categories[truth], categories)

    def _embed(self, sketches: Sequence[np.ndarray]) -> np.ndarray:
        return embed_sketches(
            self._model,
            sketches,
            image_size=self._model.image_size,
            line_width=self._line_width,
            batch=BATCH,
            device=self._device,
            precision=self._precision,
        )

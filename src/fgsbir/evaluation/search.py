"""The test set, and F searching it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fgsbir.data.index import PhotoEntry
from fgsbir.data.records import DataError
from fgsbir.data.selection import seen_sketches, training_split
from fgsbir.features.pictures import Inputs, Level, PhotoImages, Pictures
from fgsbir.retrieval.encoder import Encoder, embed_inputs
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import category_numbers
from fgsbir.retrieval.ranking import ranks, top_k
from fgsbir.runtime.compute import Compute


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """The gallery, each test photo of a seen category once, and the queries, every sketch of them by a seen user.

    ``categories`` int64 (g,) of the photos; ``sketches`` canonical and centred, ``sketch_ids``, and
    ``truth`` int64 (q,), each query's row of the gallery.
    """

    pictures: Pictures
    photos: list[PhotoEntry]
    categories: np.ndarray
    sketches: list[np.ndarray]
    sketch_ids: list[str]
    truth: np.ndarray

    @property
    def photo_ids(self) -> list[str]:
        return [photo.id for photo in self.photos]

    @property
    def query_photo_ids(self) -> list[str]:
        return [self.photos[row].id for row in self.truth]

    @property
    def gallery_sizes(self) -> np.ndarray:
        """For each photo how many photos its category has, itself included: int64 (g,)."""
        return np.bincount(self.categories)[self.categories]

    def photo_inputs(self, level: Level) -> Inputs:
        return self.pictures.photos(self.photos, level)

    def sketch_inputs(self, level: Level) -> Inputs:
        return self.pictures.sketches(self.photos, [seen_sketches(photo) for photo in self.photos], level)

    def pixels(self, rows: np.ndarray, size: int) -> np.ndarray:
        """Photos of the gallery to look at, uint8 (n, size, size, 3)."""
        return PhotoImages(self.pictures.shards, self.photos, size, 0).pixels(rows)

    def drawn_by_people(self, row: int) -> np.ndarray | None:
        """The first sketch of gallery photo ``row``, or None."""
        places = np.flatnonzero(self.truth == row)
        return self.sketches[places[0]] if len(places) else None


def evaluation_set(pictures: Pictures) -> EvaluationSet:
    """Collect the test set of the index's category (None: of every seen one). Raises DataError if it has no query."""
    index = pictures.shards.index
    # Which training photos are labelled does not matter to the test photos.
    photos = training_split(index, 1.0).test
    places = [seen_sketches(photo) for photo in photos]
    if not any(places):
        raise DataError(f"{pictures.shards.folder}: no sketch of a test photo of {index.category or 'a seen category'}")
    return EvaluationSet(
        pictures=pictures,
        photos=photos,
        categories=category_numbers(pictures, photos),
        sketches=[strokes for choice in pictures.strokes(photos, places) for strokes in choice],
        sketch_ids=[photo.sketches[place].id for photo, chosen in zip(photos, places, strict=True) for place in chosen],
        truth=np.repeat(np.arange(len(photos)), [len(chosen) for chosen in places]),
    )


class Search:
    """One F on the test set: every photo and every sketch of it embedded once, whatever is asked afterwards.

    ``gallery`` (g, d) and ``queries`` (q, d) are the embeddings, float32, and ``ranks`` int64 (q,) those
    of the true photos.
    """

    def __init__(self, model: RetrievalModel, test: EvaluationSet, compute: Compute) -> None:
        self.test, self._encoder = test, Encoder(model, compute)
        self.gallery = embed_inputs(model, test.photo_inputs(model.level), "photo", compute).numpy()
        self.queries = embed_inputs(model, test.sketch_inputs(model.level), "sketch", compute).numpy()
        self.ranks = self._ranks(self.queries, test.truth)

    def ranks_of_drawings(self, sketches: Sequence[np.ndarray]) -> np.ndarray:
        """Ranks when one sketch of each gallery photo, in the gallery's order, searches for it: int64 (g,)."""
        return self._ranks(self._encoder.sketches(sketches), np.arange(len(self.gallery)))

    def nearest(self, rows: np.ndarray, k: int) -> np.ndarray:
        """Gallery rows of the k photos nearest to the test sketches ``rows``: int64 (rows, k), nearest first.

        All are of the query's category; -1 fills up where it has fewer than k photos.
        """
        categories = self.test.categories
        return top_k(self.queries[rows], self.gallery, k, categories[self.test.truth[rows]], categories)

    def _ranks(self, queries: np.ndarray, truth: np.ndarray) -> np.ndarray:
        categories = self.test.categories
        return ranks(queries, self.gallery, truth, categories[truth], categories)

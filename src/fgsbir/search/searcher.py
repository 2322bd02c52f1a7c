"""An index with the model that it is searched by: from a sketch, or a photo of it, to the photos that come nearest."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from fgsbir.data.records import DataError
from fgsbir.retrieval.encoder import Encoder
from fgsbir.runtime.compute import Compute, launch
from fgsbir.runtime.model_folder import CONFIG, read_config
from fgsbir.runtime.precision import working_precision
from fgsbir.search.gallery import MODEL, Gallery, nearest


class Match(NamedTuple):
    """A photo found: its id, its path, its rank from 1, and its distance from the query, 0 to 2."""

    id: str
    path: Path
    rank: int
    distance: float


class Searcher:
    """The photos of a ``gallery``, searched by the F of ``encoder``.

    ``embeddings`` float32 (n, d) are the photos' where it is not the F that the index was made with.
    """

    def __init__(self, gallery: Gallery, encoder: Encoder, embeddings: np.ndarray | None = None) -> None:
        self.gallery, self.encoder, self._embeddings = gallery, encoder, embeddings

    @classmethod
    def open(cls, folder: Path) -> "Searcher":
        """The index in ``folder`` with its own model. Raises DataError for one that cannot be searched."""
        gallery, model = Gallery(folder), Path(folder) / MODEL
        if read_config(model)["sha256"] != gallery.about.model:
            raise DataError(f"{folder}: the model in it is not the one that made it; index the photos again")
        return cls(gallery, Encoder.load(model, computing(gallery.about.precision)))

    def search(self, strokes: np.ndarray, k: int) -> list[Match]:
        """The ``k`` photos nearest to a canonical sketch (n, 3), nearest first; fewer if there are fewer."""
        return self._matches(*self.nearest(self.encoder.sketch(strokes), k))

    def search_photo(self, pixels: np.ndarray, k: int) -> list[Match]:
        """The ``k`` photos nearest to a photo from outside, uint8 (s, s, 3) of the encoder's size."""
        return self._matches(*self.nearest(self.encoder.photos(pixels[None])[0], k))

    def similar(self, photo_id: str, k: int) -> list[Match]:
        """The ``k`` photos nearest to one of the index, itself left out. Raises DataError for an unknown id."""
        row = self.gallery.row(photo_id)
        others = np.ones(len(self.gallery), bool)
        others[row] = False
        return self._matches(*self.nearest(self.photo(row), k, others))

    def photos(self, rows: np.ndarray) -> np.ndarray:
        """The embeddings of photos of the index: float32 (n, d)."""
        return (self.gallery.embeddings if self._embeddings is None else self._embeddings)[rows]

    def photo(self, row: int) -> np.ndarray:
        """The embedding of a photo of the index: float32 (d,)."""
        return self.photos(np.array([row]))[0]

    def nearest(self, embedding: np.ndarray, k: int, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the ``k`` photos nearest to ``embedding`` (d,), and their distances, as of ``gallery.nearest``.

        ``among``, bool (n,), are the rows that count.
        """
        if self._embeddings is None:
            return self.gallery.nearest(embedding, k, among)
        return nearest(embedding, self._embeddings, k, among=among)

    def _matches(self, rows: np.ndarray, distances: np.ndarray) -> list[Match]:
        ranked = enumerate(zip(rows, distances, strict=True), 1)
        return [Match(self.gallery.id(row), self.gallery.path(row), rank, float(far)) for rank, (row, far) in ranked]


def computing(precision: str = "bf16") -> Compute:
    """Where photos and sketches are embedded: one process, on a GPU if there is one, in ``precision`` if it can."""
    compute = Compute.alone(precision)
    return Compute(compute.device, working_precision(precision, compute.device))


def sharing(precision: str = "bf16") -> Compute:
    """As :func:`computing`; under torchrun one of its processes."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return computing(precision)
    return launch(SimpleNamespace(accelerator="auto", devices=1, threads=0), precision)


def model_folder(folder: Path, part: str) -> Path:
    """``folder`` itself, or the model ``part`` of a folder of several, as models/joint has "retrieval"."""
    return folder / part if not (folder / CONFIG).exists() and (folder / part).is_dir() else folder

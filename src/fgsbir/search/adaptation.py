"""An index adapted to one hand: a few corrections, sketch to photo, and the head M that they make (paper 2)."""

from collections.abc import Sequence

import numpy as np
import torch

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.support import in_turn
from fgsbir.adaptation.triplets import Triplets, negatives_of
from fgsbir.data.pixels import sketch_rasters, sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.runtime.model_folder import load_model, read_config
from fgsbir.search.encoder import Encoder, line_width_of
from fgsbir.search.gallery import ADAPTIVE
from fgsbir.search.searcher import Searcher


class Adapter:
    """The adaptive model of an index that was made with one. Raises DataError for an index without."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        gallery = searcher.gallery
        folder = gallery.folder / ADAPTIVE
        if gallery.features is None:
            raise DataError(f"{gallery.folder}: was made without an adaptive model; index with --adaptive to adapt")
        made = read_config(folder)
        if made["sha256"] != gallery.adaptive_sha256:
            raise DataError(f"{folder}: is another model than the index was made with; index the photos again")
        # A copy: torch warns of arrays that cannot be written to.
        self._features = torch.from_numpy(np.array(gallery.features))
        self._model = load_model(folder, AdaptiveModel)
        self._line_width, self._pool = line_width_of(folder), made["details"].get("negatives") == "pool"

    def adapt(self, sketches: Sequence[np.ndarray], photo_ids: Sequence[str]) -> Searcher:
        """The same photos, searched as adapted to canonical sketches (n_i, 3) and the id of each one's photo.

        Raises DataError for an unknown id, or where all sketches are of one photo.
        """
        photo = np.array([self._searcher.gallery.row(photo_id) for photo_id in photo_ids], np.int64)
        distinct, place = np.unique(photo, return_inverse=True)
        if len(distinct) < 2:
            raise DataError(
                f"expected corrections for at least 2 photos to tell from each other, found {len(distinct)}"
            )
        shown = self._features[torch.from_numpy(distinct)]
        rasters = sketch_rasters(sketches, self._model.retrieval.image_size, self._line_width)
        with torch.no_grad():
            drawn = self._model.retrieval.pooled(sketch_tensor(torch.from_numpy(rasters)))
        rows = torch.from_numpy(place), torch.from_numpy(in_turn(place, len(distinct)))
        support = torch.stack([drawn, *(shown[row] for row in rows)], 1)
        triplets = Triplets(support, negatives_of(*rows, pool=self._pool))
        adapted = self._model.with_weights(self._model.adapt(triplets))
        with torch.no_grad():
            embeddings = adapted.embed(self._features).numpy()
        return Searcher(self._searcher.gallery, Encoder(adapted, self._line_width), embeddings)

"""Validation: how well F finds the validation photos, from human or from generated sketches."""

from collections.abc import Sequence

import numpy as np
import torch

from fgsbir.data.pairs import PairSet
from fgsbir.retrieval.embedding import embed_photos, embed_sketches
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.ranking import acc_at, ranks

Scores = dict[str, float]
BATCH = 256


def rank_scores(found: np.ndarray) -> Scores:
    """acc@1 and acc@10 in percent, and the mean reciprocal rank in percent, of ranks (q,)."""
    return {
        "acc@1": acc_at(found, 1),
        "acc@10": acc_at(found, 10),
        "mean_reciprocal_rank": float(100 * np.mean(1.0 / found)),
    }


class RetrievalValidation:
    """The validation photos as gallery, and every usable sketch of them as a query.

    Training selects its epoch by ``mean_reciprocal_rank``: with a few hundred queries it is much
    steadier than acc@1, and it moves with it.
    """

    def __init__(self, pairs: PairSet, *, line_width: float, device: torch.device, precision: str) -> None:
        self.line_width, self.device, self.precision = line_width, device, precision
        self._photos = pairs.pixels[np.arange(len(pairs))]
        self._categories = pairs.categories
        self._sketches = [strokes for choice in pairs.sketches for strokes in choice]
        self._truth = np.repeat(np.arange(len(pairs)), [len(choice) for choice in pairs.sketches])

    def scores(self, model: RetrievalModel) -> Scores:
        """Scores of human sketches under ``model``."""
        photos = embed_photos(model, self._photos, batch=BATCH, device=self.device, precision=self.precision)
        return self._scores(model, photos, self._sketches, self._truth)

    def generated_scores(self, model: RetrievalModel, sketches: Sequence[np.ndarray]) -> Scores:
        """Scores of generated sketches under ``model``: of every validation photo in order, then again as often."""
        photos = embed_photos(model, self._photos, batch=BATCH, device=self.device, precision=self.precision)
        return self._scores(model, photos, sketches, np.arange(len(sketches)) % len(photos))

    def _scores(
        self, model: RetrievalModel, photos: np.ndarray, sketches: Sequence[np.ndarray], truth: np.ndarray
    ) -> Scores:
        queries = embed_sketches(
            model,
            sketches,
            image_size=model.image_size,
            line_width=self.line_width,
            batch=BATCH,
            device=self.device,
            precision=self.precision,
        )
        found = ranks(queries, photos, truth, query_category=self._categories[truth], gallery_category=self._categories)
        return rank_scores(found)

"""Validation: how well F finds the validation photos, from people's or from generated sketches."""

from collections.abc import Sequence

import numpy as np

from fgsbir.retrieval.encoder import Encoder, embed_inputs
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import HumanPairs
from fgsbir.retrieval.ranking import acc_at, ranks
from fgsbir.runtime.compute import Compute

Scores = dict[str, float]


def rank_scores(found: np.ndarray) -> Scores:
    """acc@1 and acc@10 in percent, and the mean reciprocal rank in percent, of ranks (q,)."""
    return {
        "acc@1": acc_at(found, 1),
        "acc@10": acc_at(found, 10),
        "mean_reciprocal_rank": float(100 * np.mean(1.0 / found)),
    }


class RetrievalValidation:
    """The validation photos as gallery, and every usable sketch of them as a query.

    Training selects its epoch by ``mean_reciprocal_rank``, which is steadier than acc@1.
    """

    def __init__(self, pairs: HumanPairs, compute: Compute) -> None:
        self.pairs, self.compute = pairs, compute

    def scores(self, model: RetrievalModel) -> Scores:
        """Scores of people's sketches under ``model``."""
        queries = embed_inputs(model, self.pairs.sketches, "sketch", self.compute).numpy()
        return self._scores(model, queries, self.pairs.truth)

    def generated_scores(self, model: RetrievalModel, sketches: Sequence[np.ndarray]) -> Scores:
        """Scores of generated sketches under ``model``: of every validation photo in order, then again as often."""
        queries = Encoder(model, self.compute).sketches(sketches)
        return self._scores(model, queries, np.arange(len(sketches)) % len(self.pairs))

    def _scores(self, model: RetrievalModel, queries: np.ndarray, truth: np.ndarray) -> Scores:
        photos = embed_inputs(model, self.pairs.photos, "photo", self.compute).numpy()
        categories = self.pairs.categories
        found = ranks(queries, photos, truth, query_category=categories[truth], gallery_category=categories)
        return rank_scores(found)

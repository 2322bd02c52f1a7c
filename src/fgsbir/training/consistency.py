"""How well the frozen teacher F_T finds a photo from what G drew of it: the other ground for trusting a pseudo pair.

D_C as printed tells generated lines from human ones whatever they show, so that its certainty says little about
the instance (measured in docs/decisions.md). F_T was trained to see the instance.
"""

from collections.abc import Sequence

import numpy as np
import torch

from fgsbir.data.pairs import PairSet
from fgsbir.models.embedding import embed_photos, embed_sketches
from fgsbir.models.retrieval import RetrievalModel

# Sketches compared with all photos at once: about 1.3 KB for each photo.
QUERIES = 256


class Consistency:
    """Searches the training photos with generated sketches, as the frozen F_T does.

    ``photos`` are the photos at F's image size. They are embedded once; on N photos of d dimensions that is
    4 N d bytes.
    """

    def __init__(
        self, teacher: RetrievalModel, photos: PairSet, *, line_width: float, device: torch.device, precision: str
    ) -> None:
        self._teacher, self._categories = teacher, photos.categories
        self._line_width, self._device, self._precision = line_width, device, precision
        self._photos = embed_photos(teacher, photos.pixels, batch=256, device=device, precision=precision)

    def percentiles(self, rows: np.ndarray, sketches: Sequence[np.ndarray]) -> np.ndarray:
        """Ranking percentile of photo ``rows[i]`` under sketch ``sketches[i]``: float32 (n,) in [0, 1].

        The share of the other photos of its category that F_T finds farther from the sketch; 1 is first
        place. A photo that is alone in its category has nothing to be mistaken for: 1.
        """
        found = np.ones(len(rows), np.float32)
        queries = embed_sketches(
            self._teacher,
            sketches,
            image_size=self._teacher.image_size,
            line_width=self._line_width,
            batch=256,
            device=self._device,
            precision=self._precision,
        )
        for category in np.unique(self._categories[rows]):
            gallery = np.flatnonzero(self._categories == category)
            members = np.flatnonzero(self._categories[rows] == category)
            for start in range(0, len(members) if len(gallery) > 1 else 0, QUERIES):
                part = members[start : start + QUERIES]
                similarity = queries[part] @ self._photos[gallery].T
                own = similarity[np.arange(len(part)), np.searchsorted(gallery, rows[part])]
                found[part] = (similarity < own[:, None]).sum(1) / (len(gallery) - 1)
        return found


def chance_among(percentile: np.ndarray, rivals: int) -> np.ndarray:
    """The chance that a sketch of this ranking percentile finds its photo first among ``rivals`` random other ones."""
    return percentile**rivals

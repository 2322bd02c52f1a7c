"""Pseudo pairs, D'_U = {(p, phi(G(p)))} (paper 1, 3.3): photos with sketches that nobody made, for F and D_C."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fgsbir.certainty.discriminator import BATCH, Discriminator, batch_certainty
from fgsbir.data.index import PhotoEntry
from fgsbir.data.strokes import mirrored
from fgsbir.features.pictures import Level, Pictures, SketchImages
from fgsbir.joint.pseudo_sketches import PseudoSketches, Source
from fgsbir.joint.settings import JointSettings
from fgsbir.retrieval.pairs import CHANGES, Pairs, of_photos
from fgsbir.runtime.compute import Compute

# What the unlabelled photos are given; "person" is what D_C sees of the labelled ones.
PSEUDO: tuple[Source, ...] = ("edges", "generator", "another", "file")
BINS = 20


class PseudoPairs(Pairs):
    """The photos of ``entries`` that have sketches of ``sources``, each of ``sketches`` a row of ``stored``.

    ``stored`` holds the sketches, and may change: redrawn sketches are seen at once. A mirrored sketch comes with the
    mirrored photo; as images (``level`` "pixels") both are straight, and get a random change of ``strength``.
    """

    def __init__(
        self,
        stored: PseudoSketches,
        pictures: Pictures,
        entries: Sequence[PhotoEntry],
        level: Level,
        *,
        sources: Sequence[Source],
        strength: float = 0.0,
    ) -> None:
        times = stored.of_source(*sources) * np.where(stored.of_source("edges"), stored.edges, 1)
        rows = np.repeat(np.arange(len(stored)), times)
        start = np.searchsorted(stored.photo[rows], np.arange(len(stored.photo_ids) + 1))
        of_photo = {name: rows[start[row] : start[row + 1]] for row, name in enumerate(stored.photo_ids)}
        self.entries = [entry for entry in entries if len(of_photo[entry.id])]
        chosen = [of_photo[entry.id] for entry in self.entries]
        super().__init__(*of_photos(pictures, self.entries, level, strength, list(map(len, chosen))))
        self.sketches = np.concatenate([np.zeros(0, np.int64), *chosen])
        self.stored, self.level, self.strength, self._spec = stored, level, strength, pictures.spec

    def random_forms(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """See :class:`Pairs`: numbers of changes, which images alone have."""
        return rng.integers(*CHANGES, count)

    def pair(self, rows: np.ndarray, drawn: np.ndarray, forms: np.ndarray | int = 0) -> tuple[Tensor, Tensor]:
        """See :class:`Pairs`."""
        sketches = self.sketches[drawn]
        if self.level == "pixels":
            images = SketchImages([self._straight(row) for row in sketches], self._spec, self.strength)
            return self.photos(rows, forms), images(np.arange(len(sketches)), forms)
        kept = self.stored.taps if self.level == "taps" else self.stored.maps
        assert kept is not None  # the stage pseudo keeps maps where F reads them
        return self.photos(rows, self.stored.form[sketches].astype(np.int64)), torch.from_numpy(kept[sketches]).float()

    def _straight(self, sketch: int) -> np.ndarray:
        strokes = self.stored.strokes[sketch]
        return mirrored(strokes) if self.stored.form[sketch] else strokes

    def straight(self) -> tuple[list[list[np.ndarray]], list[np.ndarray]]:
        """Each photo's sketches as strokes, none mirrored and each once, and how far each is trusted."""
        rows = [np.unique(part) for part in np.split(self.sketches, self.first[1:-1])]
        strokes = [[self._straight(sketch) for sketch in part] for part in rows]
        return strokes, [self.stored.certainty[part] for part in rows]

    def oldest_drawing(self, photo: int) -> int | None:
        """The row of ``stored`` of the photo's drawing by G that is the oldest, or None where G drew none."""
        rows = self.sketches[self.first[photo] : self.first[photo + 1]]
        rows = rows[self.stored.of_source("generator")[rows]]
        return int(rows[self.stored.drawn_in[rows].argmin()]) if len(rows) else None

    def weigh(self, discriminator: Discriminator, compute: Compute, sketches: np.ndarray) -> None:
        """Give rows ``sketches`` of ``stored``, of which this has each, the certainty of D_C, which reads ``level``."""
        if not len(sketches):
            return
        place = np.full(len(self.stored), -1)
        place[self.sketches] = np.arange(len(self.sketches))
        drawn, truth = place[sketches], self.truth
        for start in range(0, len(drawn), BATCH):
            part = drawn[start : start + BATCH]
            omega = batch_certainty(discriminator, *self.pair(truth[part], part), compute)
            self.stored.certainty[self.sketches[part]] = omega.numpy()
        of_generator = sketches[self.stored.of_source("generator")[sketches]]
        self.stored.typical[sketches] = self.stored.certainty[of_generator if len(of_generator) else sketches].mean()

    def omega(self, drawn: np.ndarray) -> np.ndarray:
        """D_C's certainty of the sketches ``drawn``, omega in Eq. 7: float32 (n,) in [0, 1]."""
        return self.stored.certainty[self.sketches[drawn]]

    def relative_omega(self, drawn: np.ndarray) -> np.ndarray:
        """omega over its mean among the photo's sketches, each in proportion to what was typical when it was weighed.

        Float32 (n,), 1 on the mean of each photo's sketches. D_C grows stricter as it learns, so sketches of several
        rounds are compared by how far each stands above the drawings of its own.
        """
        above = self.stored.certainty[self.sketches] / np.maximum(self.stored.typical[self.sketches], 1e-6)
        mean = np.add.reduceat(above, self.first[:-1]) / np.diff(self.first)
        return (above[drawn] / np.maximum(mean[self.truth[drawn]], 1e-6)).astype(np.float32)

    def weights(self, drawn: np.ndarray, settings: JointSettings) -> np.ndarray:
        """What each pair's loss is multiplied with, float32 (n,): its omega, or 1 without ``instance_weighting``.

        With ``relative_weights`` its relative omega, which decides between drawings of a photo, and not between
        photos. A ``threshold`` above 0 makes the weight 1 from that omega on, and 0 below.
        """
        omega = self.omega(drawn)
        if not settings.instance_weighting:
            return np.ones_like(omega)
        if settings.threshold:
            return (omega >= settings.threshold).astype(np.float32)
        return self.relative_omega(drawn) if settings.relative_weights else omega


def certainty_histogram(certainty: Tensor) -> dict[str, Tensor]:
    """Percent of pseudo pairs in each twentieth of [0, 1], named ``certainty_`` and its lower edge; scalars."""
    shares = 100 * torch.histc(certainty, BINS, 0, 1) / len(certainty)
    return {f"certainty_{place / BINS:.2f}": share for place, share in enumerate(shares)}

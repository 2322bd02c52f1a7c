"""How G draws the test photos, as judged by F, by the sketch classifier and by comparison with human sketches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch

from fgsbir.data.pixels import raster_tensor, sketch_rasters
from fgsbir.data.strokes import CANVAS, to_sequence
from fgsbir.evaluation.comparison import Scores, compare, rounded
from fgsbir.evaluation.generation import frechet_distance, recognition, shape_scores
from fgsbir.evaluation.search import Search
from fgsbir.generator.contour_model import ContourGenerator
from fgsbir.generator.drawing import Sketches, drawing_strokes
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import torch_stream
from fgsbir.sketch_classifier.model import SketchClassifier

BATCH = 256


@dataclass(frozen=True, slots=True)
class Judged:
    """d drawings of each of the gallery's g photos: the first of all, in its order, then the second of all, and so on.

    ``strokes`` are d * g canonical sketches, ``ranks`` int64 (d * g,) those of their photos under F.
    """

    strokes: list[np.ndarray]
    ranks: np.ndarray
    scores: Scores


@dataclass(frozen=True, kw_only=True)
class DrawingJudge:
    """Judges sketches of the test photos: F searches for their photos, a classifier says how they look.

    ``details`` is what the classifier's model folder says of it. Where its classes are not
    categories, or not all of the test set's, nothing can be recognised and that score is left out.
    """

    search: Search
    classifier: SketchClassifier
    details: Mapping[str, Any]
    resamples: int
    seed: int
    compute: Compute

    @cached_property
    def _people(self) -> tuple[np.ndarray, np.ndarray]:
        return self._look(self.search.test.sketches)

    def drawings(self, drawn: Sequence[Sketches]) -> Judged:
        """Judge drawings of the gallery's photos, each of ``drawn`` one of every photo, in order.

        The FID is of the first of them: it depends on how many there are.
        """
        ranks = np.concatenate([self.search.ranks_of_drawings(sketches.strokes) for sketches in drawn])
        strokes = [sketch for sketches in drawn for sketch in sketches.strokes]
        features, logits = self._look(strokes)
        of_each = len(drawn[0].strokes)
        photos = np.tile(np.arange(of_each), len(drawn))
        scores = {
            **self._retrieval(ranks, photos),
            "fid": frechet_distance(features[:of_each], self._people[0]),
            **self._recognition(logits, photos),
            **shape_scores(strokes),
            "ended": 100.0 * float(np.mean(np.concatenate([sketches.ended for sketches in drawn]))),
        }
        return Judged(strokes, ranks, rounded(scores))

    def scores_of_people(self) -> Scores:
        """The same of the human sketches, as far as it applies: what a generator could hope for."""
        test = self.search.test
        scores = self._retrieval(self.search.ranks, test.truth) | self._recognition(self._people[1], test.truth)
        return rounded(scores | shape_scores(test.sketches))

    def _retrieval(self, ranks: np.ndarray, photos: np.ndarray) -> Scores:
        return compare({"drawings": ranks}, photos, resamples=self.resamples, seed=self.seed)["drawings"]

    def _recognition(self, logits: np.ndarray, photos: np.ndarray) -> Scores:
        numbers = {name: number for number, name in enumerate(self.details["classes"])}
        names = [photo.category for photo in self.search.test.photos]
        if self.details["classes_are"] != "categories" or not set(names) <= numbers.keys():
            return {}
        return {"recognition": recognition(logits, np.array([numbers[name] for name in names])[photos])}

    def _look(self, sketches: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The classifier's features (n, f) and logits (n, c) of canonical sketches, float32."""
        features, logits = [], []
        size, line_width = self.classifier.image_size, self.details["line_width"]
        with self.compute.scoring(self.classifier):
            for start in range(0, len(sketches), BATCH):
                rasters = torch.from_numpy(sketch_rasters(sketches[start : start + BATCH], size, line_width))
                seen = self.classifier.features(raster_tensor(rasters.to(self.compute.device)))
                features.append(seen.float())
                logits.append(self.classifier.classify(seen).float())
        return torch.cat(features).cpu().numpy(), torch.cat(logits).cpu().numpy()


class WatchedDrawing(NamedTuple):
    """One drawing as it came about: rows (t, 5) in canvas pixels up to the end, and attention (t, h', w') or None."""

    sequence: np.ndarray
    attention: np.ndarray | None


def watch_drawings(
    generator: AnyGenerator, inputs: Any, *, temperature: float, seed: int, compute: Compute
) -> list[WatchedDrawing]:
    """Draw photos, given as G reads them (n, ...), and keep where a G that attends to the photo looked."""
    inputs, chance = inputs.to(compute.device), torch_stream(seed, "evaluate/watched")
    with compute.scoring(generator):
        if isinstance(generator, ContourGenerator):
            drawn = drawing_strokes(generator, generator.sample(inputs, temperature=temperature, generator=chance))
            return [WatchedDrawing(to_sequence(strokes)[:-1], None) for strokes in drawn]
        drawing = generator.sample(inputs, temperature=temperature, generator=chance)
    sequences = drawing.sequences.float().cpu().numpy() * np.array(
        [float(generator.offset_scale)] * 2 + [1] * 3, np.float32
    )
    maps = None if drawing.attention is None else drawing.attention.float().cpu().numpy()
    watched = []
    for row, points in enumerate((drawing.lengths - drawing.ended.long()).tolist()):
        attention = None if maps is None else maps[row, :points]
        watched.append(WatchedDrawing(_fitted(sequences[row, :points]), attention))
    return watched


def _fitted(sequence: np.ndarray) -> np.ndarray:
    """Scale a sequence about the canvas centre, if need be, so that all of it lies on the canvas."""
    if not len(sequence):
        return sequence
    reach = float(np.abs(np.cumsum(sequence[:, :2], axis=0)).max())
    fitted = sequence.copy()
    fitted[:, :2] *= min(1.0, 0.48 * CANVAS / max(reach, 1e-6))
    return fitted

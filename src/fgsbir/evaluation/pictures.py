"""Which queries and photos the pictures show: drawn by a stable hash of their ids, never by how they look."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fgsbir.data.selection import stable_fraction
from fgsbir.evaluation.charts import certainty_chart, curves_chart, histogram_chart, read_curve
from fgsbir.evaluation.drawings import Judged, watch_drawings
from fgsbir.evaluation.figures import Retrieved, before_after_sheet, drawing_sheet, retrieval_sheet
from fgsbir.evaluation.search import EvaluationSet, Search
from fgsbir.generator.kinds import AnyGenerator
from fgsbir.runtime.compute import Compute

SALT = "picture"
# Pixels of a photo in a picture sheet, before it is fitted to its place.
DISPLAY = 160


def shuffled(ids: Sequence[str]) -> np.ndarray:
    """Rows in an order that depends on the ids alone: int64 (n,)."""
    return np.argsort([stable_fraction(SALT, name) for name in ids], kind="stable")


def choose_queries(supervised: np.ndarray, joint: np.ndarray, ids: Sequence[str], count: int) -> list[tuple[int, str]]:
    """Choose ``count`` queries, equally many of each kind as far as there are: rows and captions.

    Kinds: found first by both models, by one of them, by neither. Failures are as prominent as
    successes; the caption tells how the test set divides.
    """
    kinds = {
        "both find it first": (supervised == 1) & (joint == 1),
        "only joint finds it first": (supervised > 1) & (joint == 1),
        "only supervised finds it first": (supervised == 1) & (joint > 1),
        "neither finds it first": (supervised > 1) & (joint > 1),
    }
    order = shuffled(ids)
    waiting = {name: [int(row) for row in order if of_kind[row]] for name, of_kind in kinds.items()}
    taken: dict[str, list[int]] = {name: [] for name in kinds}
    while sum(map(len, taken.values())) < min(count, len(ids)):
        for name, rows in waiting.items():
            if rows and sum(map(len, taken.values())) < count:
                taken[name].append(rows.pop(0))
    return [
        (row, f"{name} ({int(kinds[name].sum())} of {len(ids)} queries)")
        for name, rows in taken.items()
        for row in rows
    ]


class Pictures:
    """The picture sheets of one evaluation, written to ``folder``; every method writes one file.

    ``count`` queries or photos are shown.
    """

    def __init__(self, folder: Path, test: EvaluationSet, count: int) -> None:
        self._folder, self._test, self._count = folder, test, count
        self._shuffled = shuffled(test.photo_ids)

    def retrieval(self, searches: Mapping[str, Search], k: int) -> None:
        """Queries with their k nearest photos under two models."""
        supervised, joint = (search.ranks for search in searches.values())
        chosen = choose_queries(supervised, joint, self._test.sketch_ids, self._count)
        rows = np.array([row for row, _ in chosen])
        nearest = {name: search.nearest(rows, k) for name, search in searches.items()}
        queries = [
            Retrieved(
                caption=caption,
                strokes=self._test.sketches[row],
                truth=int(self._test.truth[row]),
                ranks={name: int(search.ranks[row]) for name, search in searches.items()},
                nearest={name: found[number] for name, found in nearest.items()},
            )
            for number, (row, caption) in enumerate(chosen)
        ]
        shown = np.unique(np.concatenate([self._test.truth[rows], *(found.ravel() for found in nearest.values())]))
        shown = shown[shown >= 0]
        pixels = dict(zip(shown.tolist(), self._test.pixels(shown, DISPLAY), strict=True))
        retrieval_sheet(self._folder / "retrieval.jpg", queries, pixels)

    def drawing(self, generator: AnyGenerator, *, temperature: float, seed: int, compute: Compute) -> None:
        """Photos with their sketch at stages of its drawing, and the attention meanwhile."""
        rows = self._shuffled[: self._count]
        inputs = self._test.photo_inputs(generator.level)(rows)
        watched = watch_drawings(generator, inputs, temperature=temperature, seed=seed, compute=compute)
        attention = [drawing.attention for drawing in watched]
        drawing_sheet(
            self._folder / "drawing.jpg",
            self._test.pixels(rows, DISPLAY),
            [drawing.sequence for drawing in watched],
            None if any(maps is None for maps in attention) else attention,  # type: ignore[arg-type]
        )

    def before_after(self, judged: Mapping[str, Judged]) -> None:
        """Photos with a human sketch and the drawings before and after joint training."""
        rows = self._shuffled[: 2 * self._count]
        before_after_sheet(
            self._folder / "before_after.jpg",
            self._test.pixels(rows, DISPLAY),
            [self._test.drawn_by_people(row) for row in rows],
            {name.replace("_", " "): [drawings.strokes[row] for row in rows] for name, drawings in judged.items()},
            {name.replace("_", " "): drawings.ranks[rows] for name, drawings in judged.items()},
        )

    def certainty(self, certainty: np.ndarray, percentile: np.ndarray, human: np.ndarray, training: Path) -> None:
        """Certainty against ranking percentile, and, from the curve file ``training``, through joint training."""
        certainty_chart(self._folder / "certainty.png", certainty, percentile, human)
        histogram_chart(self._folder / "certainty_training.png", read_curve(training))

    def curves(self, files: Mapping[str, Path]) -> None:
        """The curves of every training, by title."""
        curves_chart(self._folder / "curves.png", {title: read_curve(path) for title, path in files.items()})

"""Few-shot evaluation (paper 2): adapt to every task from k pairs, search its gallery, over several support draws."""

from collections.abc import Sequence

import numpy as np
import torch

from fgsbir.adaptation.losses import Triplets
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.pictures import TaskPictures
from fgsbir.adaptation.task_ranks import TaskRanks
from fgsbir.adaptation.tasks import Task, draw_support
from fgsbir.features.store import MIRRORED
from fgsbir.retrieval.encoder import beside
from fgsbir.retrieval.ranking import ranks
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import stream


class FewShot:
    """Adaptation of one model to the tasks of ``pictures``, and the search with what it became."""

    def __init__(self, model: AdaptiveModel, pictures: TaskPictures, compute: Compute) -> None:
        self.model, self.pictures, self.device = model.eval(), pictures, compute.device

    def ranks(self, *, k: int, draws: int, seed: int, together: bool = False) -> list[TaskRanks]:
        """Adapt to each task from ``k`` pairs, ``draws`` times, and rank its gallery for its query sketches.

        The supports depend on (seed, task, k, draw) alone, so that models are compared on the same ones. A model
        that does not adapt gives one draw. ``together`` adapts one model to the supports of all tasks at once.
        Raises DataError where a task has fewer than ``k`` photos to draw from.
        """
        known = self.pictures.known
        supports = [
            [draw_support(stream(seed, "few_shot", task.name, k, draw), known, task, k) for task in known.tasks]
            for draw in range(draws if self.model.adapts else 1)
        ]
        if together:
            supports = [[np.concatenate(of_draw)] * len(known.tasks) for of_draw in supports]
        return [
            self._search(task, [of_draw[number] for of_draw in supports]) for number, task in enumerate(known.tasks)
        ]

    @torch.no_grad()
    def _search(self, task: Task, supports: Sequence[np.ndarray]) -> TaskRanks:
        """Ranks of a task's queries after adaptation to each support, triplets int64 (k, 3)."""
        model, pictures = self.model, self.pictures
        photo = np.array([pair.photo for pair in task.query])
        sketches = pictures.known.numbers[photo] + [pair.sketch for pair in task.query]
        forms = (0, MIRRORED) if model.retrieval.mirror else (0,)
        drawn = [pictures.sketches(sketches, form).to(self.device) for form in forms]
        gallery = [pictures.photos(task.gallery, form).to(self.device) for form in forms]
        photos = [model.inputs(model.photo_side(taps)) for taps in gallery]
        found, margins = [], []
        for support in supports:
            taps = pictures.triplets(support).to(self.device)
            sketch = model.sketch_side(taps[:, 0])
            inputs = model.inputs(model.standardise(taps, sketch))
            weights = model.adapt(Triplets(inputs, pictures.negatives(support).to(self.device)))
            asked = beside([model.embed(model.inputs(sketch(taps)), weights) for taps in drawn])
            shown = beside([model.embed(inputs, weights) for inputs in photos])
            found.append(ranks(asked.cpu().numpy(), shown.cpu().numpy(), np.searchsorted(task.gallery, photo)))
            margins.append(float(model.margin_of(inputs)))
        return TaskRanks(task.name, np.stack(found), photo, np.array(margins))

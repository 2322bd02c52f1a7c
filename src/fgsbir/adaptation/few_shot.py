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
    """Adaptation of one model to the tasks of ``pictures``, and the search with what it became.

    The supports depend on (seed, task, k, draw) alone; a model that does not adapt gives one draw. Raises DataError
    where a task has fewer than k photos to draw from.
    """

    def __init__(self, model: AdaptiveModel, pictures: TaskPictures, compute: Compute) -> None:
        self.model, self.pictures, self.device = model.eval(), pictures, compute.device

    def ranks(
        self, shots: Sequence[int], *, draws: int, seed: int, together: bool = False
    ) -> dict[int, list[TaskRanks]]:
        """By k of ``shots``: adapt to each task from k pairs, ``draws`` times, and rank its gallery for its queries;
        ``together`` adapts one model to the supports of all tasks at once. Without any pair there is one draw.
        """
        found: dict[int, list[TaskRanks]] = {k: [] for k in shots}
        drawn = [self._supports(k, draws, seed) for k in shots]
        if together:
            drawn = [[list(map(np.concatenate, zip(*of_k, strict=True)))] * len(of_k) for of_k in drawn]
        for task, *of_task in zip(self.pictures.known.tasks, *drawn, strict=True):
            supports = [support for of_k in of_task for support in of_k]
            whole = self._search(task, supports, [self.model.steps])[0]
            ends = np.cumsum([len(of_k) for of_k in of_task])[:-1]
            parts = (np.split(draws_of_all, ends) for draws_of_all in (whole.ranks, whole.margins))
            for k, of_k, margins in zip(shots, *parts, strict=True):
                found[k].append(TaskRanks(task.name, of_k, whole.photo, margins))
        return found

    def ranks_after(self, steps: Sequence[int], *, k: int, draws: int, seed: int) -> dict[int, list[TaskRanks]]:
        """As :meth:`ranks` from ``k`` pairs, by the number of inner steps."""
        tasks = zip(self.pictures.known.tasks, self._supports(k, draws, seed), strict=True)
        found = [self._search(task, supports, steps) for task, supports in tasks]
        return dict(zip(steps, map(list, zip(*found, strict=True)), strict=True))

    def _supports(self, k: int, draws: int, seed: int) -> list[list[np.ndarray]]:
        """Task by task, the triplets int64 (k, 3) of each draw."""
        known = self.pictures.known
        numbers = range(draws if self.model.adapts and k else 1)
        return [
            [draw_support(stream(seed, "few_shot", task.name, k, draw), known, task, k) for draw in numbers]
            for task in known.tasks
        ]

    @torch.no_grad()
    def _search(self, task: Task, supports: Sequence[np.ndarray], steps: Sequence[int]) -> list[TaskRanks]:
        """For each number of ``steps``, the ranks of a task's queries after adaptation to each of ``supports``."""
        model, pictures, own = self.model, self.pictures, self.model.retrieval.side("sketch")
        forms = (0, MIRRORED) if model.retrieval.mirror else (0,)
        photo = np.array([pair.photo for pair in task.query])
        numbers = pictures.known.numbers[photo] + [pair.sketch for pair in task.query]
        drawn, shown = np.unique(np.concatenate(supports)[:, 0]), np.unique(np.concatenate(supports)[:, 1:])
        queries = torch.cat([pictures.sketches(numbers, form) for form in forms]).to(self.device)
        sketches = pictures.sketches(drawn).to(self.device)
        edges = pictures.edges(task.gallery).to(self.device) if model.form.edges else None

        # What lies before M depends on no support but through the sketches' statistics: it is computed once.
        gallery, (photos,) = (
            [model.inputs(model.photo_side(pictures.photos(rows, form).to(self.device))) for form in of_rows]
            for rows, of_rows in ((task.gallery, forms), (shown, (0,)))
        )
        usual = model.inputs(own(torch.cat([queries, sketches])))
        still = beside([model.embed(form, model.weights()) for form in gallery])

        found: list[list[np.ndarray]] = [[] for _ in steps]
        margins = []
        for support in supports:
            rows = torch.from_numpy(np.searchsorted(drawn, support[:, 0]))
            side = model.sketch_side(sketches[rows], edges)
            changed = side is not own
            inputs = model.inputs(side(torch.cat([queries, sketches[rows]]))) if changed else usual
            asked, few = inputs.split([len(queries), len(inputs) - len(queries)])
            own_photo, other = photos[torch.from_numpy(np.searchsorted(shown, support[:, 1:].T))]
            triplets = torch.stack([few if changed else few[rows], own_photo, other], 1)
            pairs = Triplets(triplets, pictures.negatives(support).to(self.device))
            # From no pair no weight moves.
            course = model.course(pairs, max(steps) if len(support) else 0) * (1 if len(support) else max(steps) + 1)
            for number, of_step in zip(steps, found, strict=True):
                weights = course[number]
                query = beside([model.embed(form, weights) for form in asked.chunk(len(forms))])
                moved = weights is not course[0]
                against = beside([model.embed(form, weights) for form in gallery]) if moved else still
                of_step.append(ranks(query.cpu().numpy(), against.cpu().numpy(), np.searchsorted(task.gallery, photo)))
            margins.append(float(model.margin_of(triplets)) if len(support) else model.form.margin)
        return [TaskRanks(task.name, np.stack(of_step), photo, np.array(margins)) for of_step in found]

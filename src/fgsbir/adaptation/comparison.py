"""What each of the methods that paper 2 compares finds in new tasks, from every number of pairs."""

import itertools
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from torch import Tensor

from fgsbir.adaptation.edge_side import SeenEdges
from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.methods import METHODS, TRAINED_AS, AdaptationSettings
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.pictures import TaskPictures
from fgsbir.adaptation.task_ranks import COMPARED_AT, TaskRanks, accuracies, mean_reciprocal_rank
from fgsbir.adaptation.tasks import Kind, Part
from fgsbir.adaptation.training import train_method, untrained
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row

logger = logging.getLogger(__name__)

# How many inner steps are tried at the end, to show what more of them bring.
STEPS = range(6)


def fine_tuning(
    model: AdaptiveModel, choosing: TaskPictures, settings: AdaptationSettings, compute: Compute
) -> AdaptiveModel:
    """The trained ``model``, to adapt by gradient steps on all weights: the rate and number best on ``choosing``."""
    best, chosen = -math.inf, model
    for rate, steps in itertools.product(settings.fine_tuning_rates, settings.fine_tuning_steps):
        changed = {"scope": "all", "steps": steps, "first_order": True, "rate": rate, "margin_width": None}
        tried = AdaptiveModel(**model.config() | changed).to(compute.device)
        tried.retrieval.load_state_dict(model.retrieval.state_dict())
        tried.head.load_state_dict(model.head.state_dict())
        found = FewShot(tried, choosing, compute).ranks([settings.support], draws=1, seed=settings.seed)
        score = mean_reciprocal_rank(found[settings.support])
        logger.info("fine-tuning at rate %g for %d steps: mean_reciprocal_rank %.4g", rate, steps, score)
        if score > best:
            best, chosen = score, tried
    return chosen


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison for one kind of task: the models ``trained`` and their curves, by name, and the ranks ``found``
    by each method and number of pairs. ``over_steps``: acc@1 of adaptive after so many inner steps, in percent, from
    ``COMPARED_AT`` pairs.
    """

    trained: dict[str, tuple[AdaptiveModel, list[Row]]] = field(default_factory=dict)
    found: dict[str, dict[int, list[TaskRanks]]] = field(default_factory=dict)
    over_steps: dict[int, float] = field(default_factory=dict)


def compare_methods(
    compute: Compute,
    supervised: RetrievalModel,
    methods: Sequence[str],
    pictures: Callable[[Part, bool], TaskPictures],
    settings: AdaptationSettings,
    *,
    kind: Kind,
    shots: Sequence[int],
    draws: int,
    words: Callable[[Sequence[str]], Tensor | None],
    scratch: Path,
    seen_edges: SeenEdges | None = None,
) -> Comparison:
    """Train what ``methods`` need, and search the test tasks with each of them, from every k of ``shots``.

    ``pictures`` are those of the tasks of a part, to learn from with the unseen ones' training pairs or without.
    ``words`` gives the word vectors of categories, if there are any. Each training saves in a folder in ``scratch``.
    ``seen_edges`` are those in the photos that ``supervised`` has learned from.
    """
    compared = Comparison()
    pictures, reporting = cache(pictures), pictures("test", False)
    for name in methods:
        method, source = METHODS[name], TRAINED_AS.get(name, name)
        if source not in compared.trained:
            model, curve = untrained(compute, supervised, METHODS[source], settings, kind, seen_edges), list[Row]()
            if METHODS[source].trained:
                learning = pictures("train", METHODS[source].unseen_too)
                curve = train_method(
                    compute,
                    model,
                    METHODS[source],
                    learning,
                    pictures("val", False),
                    settings,
                    kind=kind,
                    name=f"{source}, {kind}",
                    words=words([task.name for task in learning.known.tasks]) if kind != "user" else None,
                    scratch=Scratch(scratch / f"{kind}-{source}"),
                )
            compared.trained[source] = model, curve
        model = compared.trained[source][0]
        if method.fine_tunes:
            model = fine_tuning(model, pictures("val", False), settings, compute)
        few_shot = FewShot(model, reporting, compute)
        # From no pair only what was not made to adapt from pairs is asked.
        able = [k for k in shots if k or not method.trained]
        compared.found[name] = few_shot.ranks(able, draws=draws, seed=settings.seed, together=method.together)
        if name == "adaptive" and COMPARED_AT in shots:
            found = few_shot.ranks_after(STEPS, k=COMPARED_AT, draws=draws, seed=settings.seed)
            compared.over_steps.update({steps: float(accuracies(of, 1).mean()) for steps, of in found.items()})
    return compared

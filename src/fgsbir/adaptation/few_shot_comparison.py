"""Paper 2's comparison: the methods, each trained once, meet the same new tasks with the same supports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from torch import Tensor

from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.few_shot_methods import METHODS, TRAINED_AS, AdaptationSettings, fine_tuning, train_method
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.pictures import TaskPictures
from fgsbir.adaptation.task_ranks import COMPARED_AT, TaskRanks, accuracies
from fgsbir.adaptation.tasks import Kind, Part
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.run import Row

# How many inner steps are tried at the end, to show what more of them bring.
STEPS = range(6)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of one kind of task: the models ``trained``, with their curves, by name, and what the methods ``found``.

    ``over_steps`` is acc@1 of ours by the number of inner steps, at ``COMPARED_AT`` pairs.
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
) -> Comparison:
    """Train what ``methods`` need, and search the test tasks with each of them, from every k of ``shots``.

    ``pictures`` are those of the tasks of a part, to learn from with the unseen ones' training pairs or without.
    ``words`` gives the word vectors of categories, if there are any. Each training saves in a folder in ``scratch``.
    """
    compared = Comparison()
    choosing, reporting = pictures("val", False), pictures("test", False)

    def search(model: AdaptiveModel) -> Callable[..., list[TaskRanks]]:
        few_shot = FewShot(model, reporting, compute)
        return partial(few_shot.ranks, draws=draws, seed=settings.seed)

    for name in methods:
        method, source = METHODS[name], TRAINED_AS.get(name, name)
        if source not in compared.trained:
            learning = pictures("train", METHODS[source].unseen_too)
            compared.trained[source] = train_method(
                compute,
                supervised,
                METHODS[source],
                learning,
                choosing,
                settings,
                kind=kind,
                name=f"{source}, {kind}",
                words=words([task.name for task in learning.tasks.tasks]) if kind == "category" else None,
                scratch=Scratch(scratch / f"{kind}-{source}"),
            )
        model = compared.trained[source][0]
        if method.fine_tunes:
            model = fine_tuning(model, choosing, settings, compute)
        ranks = search(model)
        compared.found[name] = {k: ranks(k=k, together=method.together) for k in shots}
        if name == "ours" and COMPARED_AT in shots:
            for steps in STEPS:
                found = search(model.with_steps(steps))(k=COMPARED_AT)
                compared.over_steps[steps] = float(accuracies(found, 1).mean())
    return compared

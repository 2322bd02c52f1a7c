"""Few-shot search: supports, steps, and what fine-tuning chooses."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.few_shot_methods import METHODS, AdaptationSettings, adaptive_model, fine_tuning
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.pictures import TaskPictures
from fgsbir.adaptation.task_ranks import TaskRanks
from fgsbir.adaptation.tasks import Task
from fgsbir.adaptation.triplets import Triplets
from fgsbir.retrieval.model import RetrievalModel
from tests.toy import cpu

Pictures = Callable[..., TaskPictures]


def test_supports_are_the_same_for_every_method(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: dict[str, list[np.ndarray]] = {"anil": [], "maml": [], "ours": []}

    def record(self: FewShot, task: Task, supports: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        met[name] += supports
        return np.ones((len(supports), len(task.query)), np.int64), np.zeros(len(supports))

    monkeypatch.setattr(FewShot, "_search", record)
    for name in met:
        model = adaptive_model(supervised, METHODS[name], settings)
        FewShot(model, pictures("category", "val"), cpu()).ranks(k=2, draws=3, seed=5)
    first, *others = (np.stack(supports) for supports in met.values())
    assert len(first) >= 3 and all(np.array_equal(first, other) for other in others)
    assert len(np.unique(first, axis=0)) > 1, "draws differ"


def test_a_rate_of_almost_nothing_adapts_to_nothing(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    """The ranks are those of no adaptation, whatever the draw, alone or together."""
    still, slow = (
        FewShot(
            adaptive_model(supervised, METHODS[name], replace(settings, inner_rate=1e-12, all_rate=1e-12)),
            pictures("category", "test"),
            cpu(),
        )
        for name in ("baseline", "anil")
    )
    expected = still.ranks(k=2, draws=2, seed=0)[0].ranks
    assert np.array_equal(slow.ranks(k=2, draws=2, seed=0)[0].ranks, np.repeat(expected, 2, 0))
    assert np.array_equal(slow.ranks(k=2, draws=2, seed=0, together=True)[0].ranks, np.repeat(expected, 2, 0))


def test_together_one_model_meets_the_supports_of_all_tasks(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    """Of two categories at once: twice the triplets, and a category's photos are no negatives of the other's."""
    known = pictures("category", "train", held_out=0)
    model = adaptive_model(supervised, METHODS["ours"], settings)
    supports: list[Triplets] = []
    with pytest.MonkeyPatch.context() as patch:
        adapt = AdaptiveModel.adapt
        patch.setattr(AdaptiveModel, "adapt", lambda self, given: supports.append(given) or adapt(self, given))
        FewShot(model, known, cpu()).ranks(k=2, draws=1, seed=0, together=True)
    tasks = len(known.tasks.tasks)
    assert len(supports) == tasks > 1
    for given in supports:
        assert len(given.inputs) == 2 * tasks
        blocks = (given.negatives > 0).reshape(tasks, 2, 2, tasks, 2).any(4).any(2).any(1)
        assert torch.equal(blocks, torch.eye(tasks, dtype=torch.bool))


def test_a_model_of_other_steps_is_stored_with_them(supervised: RetrievalModel, settings: AdaptationSettings) -> None:
    model = adaptive_model(supervised, METHODS["ours"], settings)
    other = model.with_steps(3)
    assert AdaptiveModel(**other.config()).loop == other.loop and model.config()["steps"] == settings.inner_steps


def test_ours_without_a_step_is_compared_over_steps(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    model = adaptive_model(supervised, METHODS["anil"], replace(settings, inner_steps=0))
    for steps in range(3):
        search = FewShot(model.with_steps(steps), pictures("category", "test"), cpu())
        assert search.ranks(k=2, draws=2, seed=0)[0].ranks.shape == (2 if steps else 1, 4)


def test_statistics_find_sketches_that_all_moved_alike(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new category's sketches are another side's: their own statistics find as before, F's do not."""
    test = pictures("category", "test")
    before, taps = {}, test.sketches
    for moved in (False, True):
        monkeypatch.setattr(test, "sketches", (lambda rows, forms=0: 3 * taps(rows, forms) + 5) if moved else taps)
        for name in ("baseline", "statistics"):
            model = adaptive_model(supervised, METHODS[name], settings)
            found = FewShot(model, test, cpu()).ranks(k=6, draws=2, seed=0)[0].ranks
            before[name, moved] = float((1 / found).mean())
    assert before["baseline", True] < before["statistics", True] - 0.1
    assert before["statistics", True] == pytest.approx(before["statistics", False], abs=0.15)


def test_adaptation_to_the_queries_themselves_finds_them(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    """The oracle: a support that holds every query, and many steps, must lift them to the front."""
    test = pictures("category", "test")
    (task,) = test.tasks.tasks
    test.tasks.tasks[0] = replace(task, support=task.query)
    model = adaptive_model(supervised, METHODS["anil"], replace(settings, inner_rate=3.0))
    before, after = (
        FewShot(model.with_steps(steps), test, cpu()).ranks(k=2, draws=4, seed=0)[0].ranks for steps in (0, 100)
    )
    assert (1 / after).mean() > (1 / before).mean() + 0.2 or (1 / after).mean() > 0.9


def test_fine_tuning_goes_by_what_does_best_in_choosing(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the grid is made the best in turn: it finds every photo first, the others second."""
    model = adaptive_model(supervised, METHODS["baseline"], settings)
    known = pictures("category", "val")
    for rate in settings.fine_tuning_rates:
        for steps in settings.fine_tuning_steps:

            def ranks(self: FewShot, *, rate: float = rate, steps: int = steps, **asked: object) -> list[TaskRanks]:
                best = self.model.config()["rate"] == rate and self.model.loop.steps == steps
                return [TaskRanks("any", np.full((1, 2), 1 if best else 2), np.arange(2), np.zeros(1))]

            monkeypatch.setattr(FewShot, "ranks", ranks)
            chosen = fine_tuning(model, known, settings, cpu())
            assert (chosen.config()["rate"], chosen.loop.steps) == (rate, steps)


def test_fine_tuning_is_chosen_where_it_may_be(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    model = adaptive_model(supervised, METHODS["baseline"], settings)
    chosen = fine_tuning(model, pictures("category", "val"), settings, cpu())
    assert chosen.loop.scope == "all" and chosen.loop.steps in settings.fine_tuning_steps and chosen.margins is None
    assert chosen.config()["rate"] in settings.fine_tuning_rates
    assert all(torch.equal(value, model.weights().get(name, value)) for name, value in chosen.weights().items())

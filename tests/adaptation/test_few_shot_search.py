"""Few-shot search: supports, steps, and what fine-tuning chooses."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.few_shot_methods import METHODS, adaptive_model, fine_tuning
from fgsbir.adaptation.losses import Triplets
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.task_ranks import TaskRanks
from fgsbir.adaptation.tasks import Task
from fgsbir.retrieval.model import RetrievalModel
from tests.adaptation.conftest import SETTINGS, MakePictures
from tests.toy import cpu


def test_supports_are_the_same_for_every_method(
    pictures: MakePictures, supervised: RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: dict[str, list[np.ndarray]] = {"anil": [], "maml": [], "ours": []}

    def record(self: FewShot, task: Task, supports: list[np.ndarray]) -> None:
        met[name] += supports

    monkeypatch.setattr(FewShot, "_search", record)
    for name in met:
        model = adaptive_model(supervised, METHODS[name], SETTINGS)
        FewShot(model, pictures("category", "val"), cpu()).ranks(k=2, draws=3, seed=5)
    first, *others = (np.stack(supports) for supports in met.values())
    assert len(first) >= 3 and all(np.array_equal(first, other) for other in others)
    assert len(np.unique(first, axis=0)) > 1, "draws differ"


def test_a_rate_of_almost_nothing_adapts_to_nothing(pictures: MakePictures, supervised: RetrievalModel) -> None:
    """The ranks are those of no adaptation, whatever the draw, alone or together."""
    settings = replace(SETTINGS, inner_rate=1e-12, all_rate=1e-12)
    still, slow = (
        FewShot(adaptive_model(supervised, METHODS[name], settings), pictures("category", "test"), cpu())
        for name in ("baseline", "anil")
    )
    expected = still.ranks(k=2, draws=2, seed=0)[0].ranks
    for together in (False, True):
        found = slow.ranks(k=2, draws=2, seed=0, together=together)[0].ranks
        assert np.array_equal(found, np.repeat(expected, 2, 0))


def test_together_one_model_meets_the_supports_of_all_tasks(
    pictures: MakePictures, supervised: RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two categories at once: twice the triplets, and a category's photos are no negatives of the other's."""
    known = pictures("category", "train", held_out=0)
    model = adaptive_model(supervised, METHODS["ours"], SETTINGS)
    supports: list[Triplets] = []
    adapt = AdaptiveModel.adapt
    monkeypatch.setattr(AdaptiveModel, "adapt", lambda self, given: supports.append(given) or adapt(self, given))
    FewShot(model, known, cpu()).ranks(k=2, draws=1, seed=0, together=True)
    tasks = len(known.known.tasks)
    assert len(supports) == tasks > 1
    for given in supports:
        assert len(given.inputs) == 2 * tasks
        blocks = (given.negatives > 0).reshape(tasks, 2, 2, tasks, 2).any(4).any(2).any(1)
        assert torch.equal(blocks, torch.eye(tasks, dtype=torch.bool))


def test_ours_without_a_step_is_compared_over_steps(pictures: MakePictures, supervised: RetrievalModel) -> None:
    model = adaptive_model(supervised, METHODS["anil"], replace(SETTINGS, inner_steps=0))
    for steps in range(3):
        other = model.with_steps(steps)
        search = FewShot(other, pictures("category", "test"), cpu())
        assert search.ranks(k=2, draws=2, seed=0)[0].ranks.shape == (2 if steps else 1, 4)
        assert AdaptiveModel(**other.config()).inner_steps == steps and model.config()["steps"] == 0


def test_statistics_find_sketches_that_all_moved_alike(
    pictures: MakePictures, supervised: RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new category's sketches are another side's: their own statistics find as before, F's do not."""
    test = pictures("category", "test")
    before, taps = {}, test.sketches
    for moved in (False, True):
        monkeypatch.setattr(test, "sketches", (lambda rows, forms=0: 3 * taps(rows, forms) + 5) if moved else taps)
        for name in ("baseline", "statistics"):
            model = adaptive_model(supervised, METHODS[name], SETTINGS)
            found = FewShot(model, test, cpu()).ranks(k=6, draws=2, seed=0)[0].ranks
            before[name, moved] = float((1 / found).mean())
    assert before["baseline", True] < before["statistics", True] - 0.1
    assert before["statistics", True] == pytest.approx(before["statistics", False], abs=0.15)


def test_adaptation_to_the_queries_themselves_finds_them(pictures: MakePictures, supervised: RetrievalModel) -> None:
    """The oracle: a support that holds every query, and many steps, must lift them to the front."""
    test = pictures("category", "test")
    test.known.tasks[0] = replace(test.known.tasks[0], support=test.known.tasks[0].query)
    model = adaptive_model(supervised, METHODS["anil"], replace(SETTINGS, inner_rate=3.0))
    before, after = (
        FewShot(model.with_steps(steps), test, cpu()).ranks(k=2, draws=4, seed=0)[0].ranks for steps in (0, 100)
    )
    assert (1 / after).mean() > (1 / before).mean() + 0.2 or (1 / after).mean() > 0.9


def test_fine_tuning_goes_by_what_does_best_in_choosing(
    pictures: MakePictures, supervised: RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the grid is made the best in turn: it finds every photo first, the others second."""
    model = adaptive_model(supervised, METHODS["baseline"], SETTINGS)

    def ranks(self: FewShot, **asked: object) -> list[TaskRanks]:
        found = 1 if (self.model.config()["rate"], self.model.inner_steps) == best else 2
        return [TaskRanks("any", np.full((1, 2), found), np.arange(2), np.zeros(1))]

    monkeypatch.setattr(FewShot, "ranks", ranks)
    for best in itertools.product(SETTINGS.fine_tuning_rates, SETTINGS.fine_tuning_steps):
        chosen = fine_tuning(model, pictures("category", "val"), SETTINGS, cpu())
        assert (chosen.config()["rate"], chosen.inner_steps) == best
        assert chosen.scope == "all" and chosen.margins is None
        assert all(torch.equal(value, model.weights().get(name, value)) for name, value in chosen.weights().items())

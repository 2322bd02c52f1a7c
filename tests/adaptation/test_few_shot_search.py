"""Few-shot search: supports, steps, and what fine-tuning chooses."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from fgsbir.adaptation.comparison import fine_tuning
from fgsbir.adaptation.edge_side import SeenEdges
from fgsbir.adaptation.few_shot import FewShot
from fgsbir.adaptation.losses import Triplets
from fgsbir.adaptation.methods import METHODS, adaptive_model
from fgsbir.adaptation.model import AdaptiveModel, Parameters
from fgsbir.adaptation.task_ranks import TaskRanks
from fgsbir.adaptation.tasks import Kind, draw_support
from fgsbir.features.store import MIRRORED
from fgsbir.retrieval.encoder import beside
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.ranking import ranks
from fgsbir.runtime.streams import stream
from tests.adaptation.conftest import SETTINGS, MakePictures
from tests.toy import Toy, cpu


def test_together_one_model_meets_the_supports_of_all_tasks(
    pictures: MakePictures, supervised: RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two categories at once: twice the triplets, and a category's photos are no negatives of the other's."""
    known = pictures("category", "train", held_out=0)
    model = adaptive_model(supervised, METHODS["adaptive"], SETTINGS)
    supports: list[Triplets] = []
    course = AdaptiveModel.course

    def record(self: AdaptiveModel, given: Triplets, steps: int) -> list[Parameters]:
        supports.append(given)
        return course(self, given, steps)

    monkeypatch.setattr(AdaptiveModel, "course", record)
    FewShot(model, known, cpu()).ranks([2], draws=1, seed=0, together=True)
    tasks = len(known.known.tasks)
    assert len(supports) == tasks > 1
    for given in supports:
        assert len(given.inputs) == 2 * tasks
        blocks = (given.negatives > 0).reshape(tasks, 2, 2, tasks, 2).any(4).any(2).any(1)
        assert torch.equal(blocks, torch.eye(tasks, dtype=torch.bool))


def test_a_search_over_steps_is_that_of_models_of_so_many_steps(
    pictures: MakePictures, supervised: RetrievalModel
) -> None:
    test, settings = pictures("category", "test"), replace(SETTINGS, inner_rate=3.0)
    found = FewShot(adaptive_model(supervised, METHODS["anil"], settings), test, cpu()).ranks_after(
        range(3), k=2, draws=2, seed=0
    )
    for steps, (task,) in found.items():
        model = adaptive_model(supervised, METHODS["anil"], replace(settings, inner_steps=steps))
        (alone,) = FewShot(model, test, cpu()).ranks([2], draws=2, seed=0)[2]
        assert np.array_equal(task.ranks, np.broadcast_to(alone.ranks, (2, 4)))
    assert not np.array_equal(found[0][0].ranks, found[2][0].ranks)


@pytest.mark.parametrize("kind", ["category", "user"])
@pytest.mark.parametrize("name", ["baseline", "anil", "adaptive", "maml", "photos", "ridge"])
def test_what_is_found_is_what_adapted_models_of_their_own_find(
    stored: Toy, pictures: MakePictures, name: str, kind: Kind
) -> None:
    """The oracle: each support as a retrieval model that embeds every picture anew, in both its forms."""
    f = stored.retrieval(mirror=True)
    test = pictures(kind, "test", f=f)
    model = adaptive_model(f, METHODS[name], replace(SETTINGS, inner_rate=3.0))
    (task,) = test.known.tasks
    photo = np.array([pair.photo for pair in task.query])
    sketches = test.known.numbers[photo] + [pair.sketch for pair in task.query]
    for k, (found,) in FewShot(model, test, cpu()).ranks([1, 3], draws=2, seed=0).items():
        for draw, ranked in enumerate(found.ranks):
            support = draw_support(stream(0, "few_shot", task.name, k, draw), test.known, task, k)
            taps = test.triplets(support)
            edges = test.edges(task.gallery) if METHODS[name].edges else None
            adapted = model.with_weights(*model.meet(taps[:, 0], Triplets(taps, test.negatives(support)), edges))
            with torch.no_grad():
                forms = (0, MIRRORED)
                query = beside([adapted.embed_pooled(test.sketches(sketches, form), "sketch") for form in forms])
                gallery = beside([adapted.embed_pooled(test.photos(task.gallery, form), "photo") for form in forms])
            expected = ranks(query.numpy(), gallery.numpy(), np.searchsorted(task.gallery, photo))
            assert np.array_equal(ranked, expected)


@pytest.mark.parametrize("name", ["none", "statistics", "photos", "ridge"])
def test_without_a_sketch_only_the_photos_say_anything(
    pictures: MakePictures, supervised: RetrievalModel, name: str
) -> None:
    test = pictures("category", "test")
    plain, model = (adaptive_model(supervised, METHODS[each], SETTINGS) for each in ("none", name))
    with torch.no_grad():
        for each in (plain, model):
            if each.form.edges:
                each.see(SeenEdges(test.edges(test.known.tasks[0].gallery).mean(0) + 5, 64))
    before, after = (FewShot(each, test, cpu()).ranks([0], draws=3, seed=0)[0][0].ranks for each in (plain, model))
    assert before.shape == after.shape == (1, 4)
    assert np.array_equal(before, after) == (name in ("none", "statistics"))


def test_what_is_not_trained_keeps_all_of_f(supervised: RetrievalModel) -> None:
    """However small M is where it is trained."""
    small, whole = replace(SETTINGS, embedding_dim=2), supervised.head.out_features
    sizes = {
        name: adaptive_model(supervised, METHODS[name], small).head.out_features for name in ("anil", "none", "ridge")
    }
    assert sizes == {"anil": 2, "none": whole, "ridge": whole} and whole > 2


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
            found = FewShot(model, test, cpu()).ranks([6], draws=2, seed=0)[6][0].ranks
            before[name, moved] = float((1 / found).mean())
    assert before["baseline", True] < before["statistics", True] - 0.1
    assert before["statistics", True] == pytest.approx(before["statistics", False], abs=0.15)


def test_adaptation_to_the_queries_themselves_finds_them(pictures: MakePictures, supervised: RetrievalModel) -> None:
    """The oracle: a support that holds every query, and many steps, must lift them to the front."""
    test = pictures("category", "test")
    test.known.tasks[0] = replace(test.known.tasks[0], support=test.known.tasks[0].query)
    model = adaptive_model(supervised, METHODS["anil"], replace(SETTINGS, inner_rate=3.0))
    before, after = (
        of[0].ranks for of in FewShot(model, test, cpu()).ranks_after([0, 100], k=2, draws=4, seed=0).values()
    )
    assert (1 / after).mean() > (1 / before).mean() + 0.2 or (1 / after).mean() > 0.9


def test_fine_tuning_goes_by_what_does_best_in_choosing(
    pictures: MakePictures, supervised: RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the grid is made the best in turn: it finds every photo first, the others second."""
    model = adaptive_model(supervised, METHODS["baseline"], SETTINGS)

    def ranks(self: FewShot, shots: list[int], **asked: object) -> dict[int, list[TaskRanks]]:
        found = 1 if (self.model.config()["rate"], self.model.steps) == best else 2
        return {shots[0]: [TaskRanks("any", np.full((1, 2), found), np.arange(2), np.zeros(1))]}

    monkeypatch.setattr(FewShot, "ranks", ranks)
    for best in itertools.product(SETTINGS.fine_tuning_rates, SETTINGS.fine_tuning_steps):
        chosen = fine_tuning(model, pictures("category", "val"), SETTINGS, cpu())
        assert (chosen.config()["rate"], chosen.steps) == best
        assert chosen.form.scope == "all" and chosen.margins is None
        assert all(torch.equal(value, model.weights().get(name, value)) for name, value in chosen.weights().items())

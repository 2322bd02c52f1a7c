"""Few-shot search: supports, steps, and what fine-tuning chooses."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from fgsbir.data.episodes import TaskPictures
from fgsbir.evaluation.few_shot import FewShot
from fgsbir.models.retrieval import RetrievalModel
from fgsbir.training.few_shot_methods import METHODS, AdaptationSettings, adaptive_model, fine_tuning

SIZE = 32
CPU = torch.device("cpu")
Pictures = Callable[..., TaskPictures]


def test_supports_are_the_same_for_every_method(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    """A rate of almost 0 adapts to nothing: the ranks are those of no adaptation, whatever the draw."""
    still, slow = (
        FewShot(
            adaptive_model(supervised, METHODS[name], replace(settings, inner_rate=1e-12, all_rate=1e-12)),
            pictures("category", "test"),
            device=CPU,
            precision="float32",
        )
        for name in ("baseline", "anil")
    )
    expected = still.ranks(k=2, draws=2, seed=0)[0].ranks
    assert np.array_equal(slow.ranks(k=2, draws=2, seed=0)[0].ranks, np.repeat(expected, 2, 0))
    assert np.array_equal(slow.ranks(k=2, draws=2, seed=0, together=True)[0].ranks, np.repeat(expected, 2, 0))


def test_ours_without_a_step_is_compared_over_steps(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    model = adaptive_model(supervised, METHODS["ours"], replace(settings, inner_steps=0))
    for steps in range(3):
        search = FewShot(model.with_steps(steps), pictures("category", "test"), device=CPU, precision="float32")
        assert search.ranks(k=2, draws=2, seed=0)[0].ranks.shape == (2 if steps else 1, 4)


def test_adaptation_to_the_queries_themselves_finds_them(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    """The oracle: a support that holds every query, and many steps, must lift them to the front."""
    test = pictures("category", "test")
    (task,) = test.tasks.tasks
    test.tasks.tasks[0] = replace(task, support=task.query)
    model = adaptive_model(supervised, METHODS["anil"], replace(settings, inner_rate=3.0, embedding_dim=8))
    before, after = (
        FewShot(model.with_steps(steps), test, device=CPU, precision="float32").ranks(k=2, draws=4, seed=0)[0].ranks
        for steps in (0, 100)
    )
    test.tasks.tasks[0] = task
    assert (1 / after).mean() > (1 / before).mean() + 0.2


def test_fine_tuning_is_chosen_where_it_may_be(
    pictures: Pictures, supervised: RetrievalModel, settings: AdaptationSettings
) -> None:
    model = adaptive_model(supervised, METHODS["baseline"], settings)
    chosen = fine_tuning(model, pictures("category", "val"), settings, precision="float32")
    assert chosen.loop.scope == "all" and chosen.loop.steps in settings.fine_tuning_steps and chosen.margins is None
    assert chosen.config()["rate"] in settings.fine_tuning_rates
    images = torch.rand(2, 3, SIZE, SIZE)
    assert torch.equal(chosen.retrieval(images), model.eval().retrieval(images))

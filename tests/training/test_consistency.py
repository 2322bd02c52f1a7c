"""How well the frozen teacher finds photos from drawings: against the ranks of evaluation."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.evaluation.ranking import ranking_percentile, ranks
from fgsbir.models.embedding import embed_photos, embed_sketches
from fgsbir.training import consistency as module
from fgsbir.training.consistency import Consistency, chance_among

CPU = torch.device("cpu")
AS_F = {"batch": 8, "device": CPU, "precision": "float32"}


@pytest.mark.parametrize("at_once", [2, 256])
@pytest.mark.parametrize("categories", [[0, 0, 0, 0, 0, 0], [0, 1, 0, 1, 0, 2]])
def test_percentiles_are_those_of_the_ranks_inside_each_category(
    toy: Any, categories: list[int], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUERIES", at_once)
    teacher = toy.retrieval()
    photos = replace(toy.labelled(), categories=np.array(categories))
    rows = np.array([0, 1, 2, 3, 4, 5, 3, 0])
    # Each sketch is of some other photo, so that not all are found first.
    sketches = [photos.sketches[(row + place) % 6][0] for place, row in enumerate(rows)]
    found = Consistency(teacher, photos, line_width=6.0, device=CPU, precision="float32").percentiles(rows, sketches)
    assert found.dtype == np.float32 and found.shape == (8,)
    gallery = embed_photos(teacher, photos.pixels, **AS_F)
    queries = embed_sketches(teacher, sketches, image_size=32, line_width=6.0, **AS_F)
    for place, row in enumerate(rows):
        same = np.flatnonzero(photos.categories == photos.categories[row])
        rank = ranks(queries[[place]], gallery[same], np.array([same.tolist().index(row)]))
        assert found[place] == pytest.approx(ranking_percentile(rank, np.array([len(same)]))[0] / 100)
    if len(set(categories)) == 1:
        assert len(set(found.tolist())) > 2


def test_a_photo_alone_in_its_category_is_found() -> None:
    class Alone:
        pixels = np.zeros((1, 8, 8, 3), np.uint8)
        categories = np.array([7])

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    model.image_size = 8
    asked = Consistency(model, Alone(), line_width=3.0, device=CPU, precision="float32")  # type: ignore[arg-type]
    assert asked.percentiles(np.array([0]), [np.array([[1, 1, 0], [9, 9, 1]], np.float32)]).tolist() == [1.0]


def test_a_photo_as_far_as_the_own_one_counts_against_it(toy: Any) -> None:
    labelled = toy.labelled()
    asked = Consistency(toy.retrieval(), labelled, line_width=6.0, device=CPU, precision="float32")
    asked._photos[:] = asked._photos[0]
    assert asked.percentiles(np.arange(6), [labelled.sketches[0][0]] * 6).tolist() == [0.0] * 6


def test_the_chance_among_rivals_is_that_of_drawing_them() -> None:
    """A sketch that 80 % of the others lie behind beats three random ones in 51 % of the draws."""
    numbers = np.random.default_rng(0).random((100_000, 3))
    assert chance_among(np.array([0.8]), 3) == pytest.approx([(numbers < 0.8).all(1).mean()], abs=0.005)
    assert chance_among(np.array([0.0, 1.0]), 4).tolist() == [0, 1]

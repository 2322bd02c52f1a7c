from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.data.pseudo import PseudoSketches
from fgsbir.data.records import DataError
from fgsbir.training.discriminator import certainties
from fgsbir.training.drawn_photos import DrawnPhotos, certainty_histogram, labelled_to_draw, pseudo_pairs
from fgsbir.training.pseudo import draw_all, score_all

CPU = torch.device("cpu")


@pytest.fixture
def photos(toy: Any) -> DrawnPhotos:
    return pseudo_pairs(*toy.unlabelled())


def test_pseudo_pairs_are_the_stored_ones(toy: Any, photos: DrawnPhotos) -> None:
    stored = toy.unlabelled()[2]
    for row, name in enumerate(photos.pairs.photo_ids):
        assert photos.pairs.sketches[row] is photos.drawn.sketches[row]
        assert all(np.array_equal(a, b) for a, b in zip(photos.pairs.sketches[row], stored.strokes[name], strict=True))
        assert np.array_equal(photos.certainty[row], stored.certainty[name])
    found = photos.certainty_of(np.array([4, 0]), np.array([1, 0]))
    assert found.dtype == np.float32 and found == pytest.approx([0.9, 0.02])


@pytest.mark.parametrize("kept", [{}, {"unlabelled-10": []}])
def test_a_photo_without_a_stored_sketch_is_told(toy: Any, kept: dict[str, list[np.ndarray]]) -> None:
    pairs, drawn, stored = toy.unlabelled()
    strokes = {name: sketches for name, sketches in stored.strokes.items() if name != "unlabelled-10"} | kept
    with pytest.raises(DataError, match="found none of unlabelled-10"):
        pseudo_pairs(pairs, drawn, PseudoSketches(strokes, stored.certainty))


def test_redrawing_replaces_the_sketches_of_some_photos(toy: Any, photos: DrawnPhotos) -> None:
    before = [list(choice) for choice in photos.pairs.sketches]
    rows = np.array([1, 3])
    options = {"temperature": 0.4, "fabric": toy.fabric, "precision": "float32"}
    photos.redraw(toy.generator(), rows, seed=1, **options)
    for row, choice in enumerate(photos.pairs.sketches):
        assert photos.drawn.sketches[row] is choice
        if row in rows:
            assert len(choice) == len(photos.certainty[row]) == 1
        else:
            assert choice == before[row]
    again = pseudo_pairs(*toy.unlabelled())
    again.redraw(toy.generator(), rows, seed=1, **options)
    assert np.array_equal(again.pairs.sketches[3][0], photos.pairs.sketches[3][0])
    again.redraw(toy.generator(), rows, seed=2, **options)
    assert not np.array_equal(again.pairs.sketches[3][0], photos.pairs.sketches[3][0])


def test_weighing_asks_d_c_about_the_current_drawing(toy: Any, photos: DrawnPhotos) -> None:
    rows, judge = np.array([0, 2]), toy.discriminator()
    photos.redraw(toy.generator(), rows, temperature=1.0, seed=1, fabric=toy.fabric, precision="float32")
    photos.weigh(judge, rows, line_width=6.0, fabric=toy.fabric, precision="float32")
    sketches = [photos.pairs.sketches[row][0] for row in rows]
    expected = certainties(judge, photos.drawn.pixels, rows, sketches, line_width=6.0, device=CPU, precision="float32")
    assert [photos.certainty[row].tolist() for row in rows] == [[value] for value in expected.tolist()]
    assert len(photos.certainty[1]) == 2


def test_labelled_photos_can_be_drawn_without_losing_their_sketches(toy: Any) -> None:
    labelled = toy.labelled()
    before = [list(choice) for choice in labelled.sketches]
    photos = labelled_to_draw(labelled, labelled)
    assert photos.pairs.sketches == before and [len(omega) for omega in photos.certainty] == [2] * 6
    photos.redraw(toy.generator(), np.arange(6), temperature=1.0, seed=1, fabric=toy.fabric, precision="float32")
    assert all(len(choice) == 1 for choice in photos.drawn.sketches)
    assert labelled.sketches == before


def test_the_histogram_is_in_percent() -> None:
    certainty = torch.tensor([0.0, 0.049, 0.05, 0.5, 0.999, 1.0, 0.73, 0.74])
    found = {name: share.item() for name, share in certainty_histogram(certainty).items()}
    assert list(found) == [f"certainty_{edge / 20:.2f}" for edge in range(20)]
    assert {name: share for name, share in found.items() if share} == {
        "certainty_0.00": 25.0,
        "certainty_0.05": 12.5,
        "certainty_0.50": 12.5,
        "certainty_0.70": 25.0,
        "certainty_0.95": 25.0,
    }


def test_several_samples_of_every_photo(toy: Any) -> None:
    photos = toy.unlabelled()[0]
    drawn = draw_all(toy.fabric, toy.generator(), photos, samples=3, temperature=1.0, seed=0, precision="float32")
    assert [len(choice) for choice in drawn] == [3] * 5
    for choice in drawn:
        assert len({strokes.tobytes() for strokes in choice}) == 3


def test_every_sketch_has_its_score(toy: Any) -> None:
    photos, _, stored = toy.unlabelled()
    photos = replace(photos, sketches=[list(choice)[: row % 3] for row, choice in enumerate(stored.strokes.values())])
    judge = toy.discriminator()
    scores = score_all(judge, photos, line_width=6.0, device=CPU, precision="float32")
    assert [len(part) for part in scores] == [0, 1, 2, 0, 1]
    alone = certainties(
        judge, photos.pixels, np.array([2]), [photos.sketches[2][1]], line_width=6.0, device=CPU, precision="float32"
    )
    assert scores[2][1] == pytest.approx(alone[0], abs=1e-5)
    empty = replace(photos, photo_ids=[], sketches=[])
    assert score_all(judge, empty, line_width=6.0, device=CPU, precision="float32") == []

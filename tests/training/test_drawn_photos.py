from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.certainty.certainty import certainties
from fgsbir.data.records import DataError
from fgsbir.joint.drawn_photos import (
    DrawnPhotos,
    certainty_histogram,
    labelled_to_draw,
    pair_weights,
    pseudo_pairs,
)
from fgsbir.joint.pseudo_pairs import draw_all, of_another_photo, score_all
from fgsbir.joint.pseudo_sketches import PseudoSketches

CPU = torch.device("cpu")


@pytest.fixture
def photos(toy: Any) -> DrawnPhotos:
    return pseudo_pairs(*toy.unlabelled())


def test_pseudo_pairs_are_the_stored_ones(toy: Any, photos: DrawnPhotos) -> None:
    stored = toy.unlabelled()[2]
    for row, name in enumerate(photos.pairs.photo_ids):
        assert all(a is b for a, b in zip(photos.pairs.sketches[row], photos.drawn.sketches[row], strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(photos.pairs.sketches[row], stored.strokes[name], strict=True))
        assert np.array_equal(photos.certainty[row], stored.certainty[name])


def test_edges_stand_before_gs_drawings_and_stay_when_those_are_redrawn(toy: Any) -> None:
    pairs, drawn, stored = toy.unlabelled(samples=3)
    photos = pseudo_pairs(pairs, drawn, replace(stored, edges=4))
    rows, options = np.array([0, 2]), {"temperature": 0.4, "fabric": toy.fabric, "precision": "float32"}
    for seed in range(4):
        for row, name in enumerate(photos.pairs.photo_ids):
            sketches, certainty = photos.pairs.sketches[row], photos.certainty[row]
            assert len(sketches) == len(certainty) == len(photos.typical[row]) == 6
            assert all(strokes is stored.strokes[name][0] for strokes in sketches[:4])
            assert np.all(certainty[:4] == stored.certainty[name][0])
            assert all(one is other for one, other in zip(sketches[4:], photos.drawn.sketches[row], strict=True))
        assert photos.omega(np.array([2]), np.array([0])) == stored.certainty[photos.pairs.photo_ids[2]][0]
        photos.redraw(toy.generator(), rows, seed=seed, **options)
    again = pseudo_pairs(*toy.unlabelled(samples=3)[:2], replace(stored, edges=4))
    again.load_state_dict(photos.state_dict())
    for row in range(len(photos.pairs)):
        assert len(again.drawn.sketches[row]) == 2
        for one, other in zip(again.pairs.sketches[row], photos.pairs.sketches[row], strict=True):
            assert np.array_equal(one, other)


def test_edges_weigh_as_much_beside_redrawn_drawings_as_beside_stored_ones(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D_C trusts the edges 0.9 and all drawings 0.6, and after it has grown stricter the new ones 0.3."""
    pairs, drawn, stored = toy.unlabelled(samples=2)
    certainty = {name: np.array([0.9, 0.6], np.float32) for name in stored.certainty}
    photos = pseudo_pairs(pairs, drawn, PseudoSketches(stored.strokes, certainty, edges=2))
    rows, choices = np.repeat(np.arange(5), 3), np.tile(np.arange(3), 5)
    before = photos.relative_omega(rows, choices)
    assert before[:3] == pytest.approx(np.array([1.5, 1.5, 1]) / (4 / 3))
    monkeypatch.setattr("fgsbir.joint.drawn_photos.certainties", lambda *_, **__: np.full(5, 0.3, np.float32))
    photos.redraw(toy.generator(), np.arange(5), temperature=0.4, seed=1, fabric=toy.fabric, precision="float32")
    photos.weigh(toy.discriminator(), np.arange(5), line_width=6.0, fabric=toy.fabric, precision="float32")
    assert photos.relative_omega(rows, choices) == pytest.approx(before)


def test_edges_alone_are_no_drawings(toy: Any) -> None:
    pairs, drawn, stored = toy.unlabelled(samples=1)
    with pytest.raises(DataError, match="expected some of every unlabelled photo"):
        pseudo_pairs(pairs, drawn, replace(stored, edges=1))


def test_omega_is_the_certainty_of_the_chosen_sketch(photos: DrawnPhotos) -> None:
    found = photos.omega(np.array([4, 0]), np.array([1, 0]))
    assert found.dtype == np.float32 and found == pytest.approx([0.9, 0.02])


def test_a_pair_weighs_its_omega_or_all_or_nothing() -> None:
    omega, relative = np.array([0.1, 0.5, 0.9], np.float32), np.array([0.5, 1, 1.5], np.float32)
    for weighting, threshold, given, expected in (
        (True, 0.0, None, [0.1, 0.5, 0.9]),
        (True, 0.5, None, [0, 1, 1]),
        (False, 0.0, None, [1, 1, 1]),
        (False, 0.5, None, [1, 1, 1]),
        (True, 0.0, relative, [0.5, 1, 1.5]),
        (True, 0.5, relative, [0, 1, 1]),
        (False, 0.0, relative, [1, 1, 1]),
    ):
        found = pair_weights(omega, given, weighting=weighting, threshold=threshold)
        assert found.dtype == np.float32 and found == pytest.approx(expected)


def test_relative_omega_of_a_photos_sketches_is_1_on_the_mean(photos: DrawnPhotos) -> None:
    found = photos.relative_omega(np.array([3, 3, 1, 1]), np.array([0, 1, 0, 1]))
    assert found.dtype == np.float32 and found == pytest.approx([0.2, 1.8, 0.2, 1.8])


def test_a_d_c_that_has_grown_stricter_prefers_no_older_drawing(
    toy: Any, photos: DrawnPhotos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawings of one round that D_C trusts alike weigh as much as alike ones of a round before."""
    rows = np.arange(5)
    photos.certainty = [np.array([0.5, 0.5], np.float32) for _ in rows]
    photos.typical = [np.array([0.5, 0.5], np.float32) for _ in rows]
    given = np.array([0.2, 0.2, 0.2, 0.1, 0.3], np.float32)
    monkeypatch.setattr("fgsbir.joint.drawn_photos.certainties", lambda *_, **__: given)
    photos.redraw(toy.generator(), rows, temperature=0.4, seed=1, fabric=toy.fabric, precision="float32")
    photos.weigh(toy.discriminator(), rows, line_width=6.0, fabric=toy.fabric, precision="float32")
    assert photos.omega(rows, np.ones(5, np.int64)) == pytest.approx(given)
    # Of photo 3 the older drawing stands on its round's mean, the newer one at half of its own's.
    newest = photos.relative_omega(rows, np.ones(5, np.int64))
    assert newest == pytest.approx([1, 1, 1, 0.5 / 0.75, 1.5 / 1.25])
    assert photos.relative_omega(rows, np.zeros(5, np.int64)) + newest == pytest.approx(np.full(5, 2))


def test_the_sketches_of_another_photo_are_of_its_category() -> None:
    own = [[np.full((2, 3), row, np.float32)] for row in range(5)]
    given = of_another_photo(own, np.array([1, 0, 1, 0, 1]))
    assert [int(choice[0][0, 0]) for choice in given] == [2, 3, 4, 1, 0]
    assert [int(choice[0][0, 0]) for choice in own] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kept", [{}, {"unlabelled-10": []}])
def test_a_photo_without_a_stored_sketch_is_told(toy: Any, kept: dict[str, list[np.ndarray]]) -> None:
    pairs, drawn, stored = toy.unlabelled()
    strokes = {name: sketches for name, sketches in stored.strokes.items() if name != "unlabelled-10"} | kept
    with pytest.raises(DataError, match="found none of unlabelled-10"):
        pseudo_pairs(pairs, drawn, PseudoSketches(strokes, stored.certainty))


def test_a_new_drawing_takes_the_place_of_the_oldest(toy: Any, photos: DrawnPhotos) -> None:
    """Stored are two sketches a photo."""
    before = [list(choice) for choice in photos.pairs.sketches]
    stored = [list(choice) for choice in toy.unlabelled()[2].strokes.values()]
    rows = np.array([1, 3])
    options = {"temperature": 0.4, "fabric": toy.fabric, "precision": "float32"}
    photos.redraw(toy.generator(), rows, seed=1, **options)
    for row, choice in enumerate(photos.pairs.sketches):
        assert len(choice) == len(photos.certainty[row]) == 2
        assert all(one is other for one, other in zip(choice, photos.drawn.sketches[row], strict=True))
        if row in rows:
            assert choice[0] is before[row][1] and not any(
                np.array_equal(choice[1], strokes) for strokes in before[row]
            )
            assert photos.certainty[row][1] == 1
        else:
            assert choice == before[row]
    first = photos.pairs.sketches[3][1]
    photos.redraw(toy.generator(), rows, seed=2, **options)
    assert photos.pairs.sketches[3][0] is first and not np.array_equal(photos.pairs.sketches[3][1], first)
    again = pseudo_pairs(*toy.unlabelled())
    again.redraw(toy.generator(), rows, seed=1, **options)
    assert np.array_equal(again.pairs.sketches[3][1], first)
    # The stored set itself is never written to.
    kept = toy.unlabelled()[2].strokes.values()
    assert all(
        np.array_equal(a, b) for one, other in zip(stored, kept, strict=True) for a, b in zip(one, other, strict=True)
    )


def test_a_checkpoint_holds_the_drawings_and_their_certainty(toy: Any, photos: DrawnPhotos) -> None:
    photos.redraw(toy.generator(), np.array([1, 3]), temperature=0.4, seed=1, fabric=toy.fabric, precision="float32")
    photos.weigh(toy.discriminator(), np.arange(5), line_width=6.0, fabric=toy.fabric, precision="float32")
    again = pseudo_pairs(*toy.unlabelled())
    again.load_state_dict({name: tensor.clone() for name, tensor in photos.state_dict().items()})
    for ours, theirs in ((photos.pairs, again.pairs), (photos.drawn, again.drawn)):
        for one, other in zip(ours.sketches, theirs.sketches, strict=True):
            assert len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    for one, other in zip(photos.certainty + photos.typical, again.certainty + again.typical, strict=True):
        assert np.array_equal(one, other) and one.dtype == other.dtype
    again.redraw(toy.generator(), np.array([0]), temperature=0.4, seed=1, fabric=toy.fabric, precision="float32")
    assert not np.array_equal(again.pairs.sketches[0][1], photos.pairs.sketches[0][1])


def test_weighing_asks_d_c_about_the_newest_drawings(toy: Any, photos: DrawnPhotos) -> None:
    rows, judge = np.array([0, 2]), toy.discriminator()
    photos.redraw(toy.generator(), rows, temperature=1.0, seed=1, fabric=toy.fabric, precision="float32")
    photos.weigh(judge, rows, line_width=6.0, fabric=toy.fabric, precision="float32")
    sketches = [photos.pairs.sketches[row][-1] for row in rows]
    expected = certainties(
        judge, photos.drawn.pixels, rows, sketches, line_width=6.0, device=CPU, precision="float32"
    ).tolist()
    stored = toy.unlabelled()[2].certainty
    for row, newest in zip(rows, expected, strict=True):
        assert photos.certainty[row].tolist() == [stored[photos.pairs.photo_ids[row]][1], newest]
    assert np.array_equal(photos.certainty[1], stored[photos.pairs.photo_ids[1]])


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

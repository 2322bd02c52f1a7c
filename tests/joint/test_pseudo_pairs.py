"""Pseudo pairs as F and D_C read them, and what weighs them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.certainty.discriminator import certainties
from fgsbir.data.strokes import mirrored
from fgsbir.features.pictures import SketchImages
from fgsbir.joint.pseudo_pairs import PSEUDO, PseudoPairs, certainty_histogram
from fgsbir.joint.pseudo_sketches import PseudoSketches
from tests.joint.toy_joint import SETTINGS, JointToy, discriminator
from tests.toy import SPEC


def pairs_of(joint: JointToy, stored: PseudoSketches, level: Any = "taps", **named: Any) -> PseudoPairs:
    return PseudoPairs(stored, joint.toy.pictures, joint.toy.split.unlabelled, level, **{"sources": PSEUDO} | named)


@pytest.mark.parametrize("edges", [0, 1, 3])
def test_edges_count_as_often_as_told_beside_each_drawing(joint: JointToy, stored: PseudoSketches, edges: int) -> None:
    """Stored of each unlabelled photo: edges and a drawing by G, both straight and mirrored."""
    stored.edges = edges
    pairs, count = pairs_of(joint, stored), 2 + 2 * edges
    assert np.diff(pairs.first).tolist() == [count] * 5
    of_last = pairs.sketches[-count:]
    assert (stored.photo[of_last] == 4).all() and stored.of_source("edges")[of_last].sum() == 2 * edges
    assert len(pairs_of(joint, stored, sources=["person"])) == 0


@pytest.mark.parametrize("level", ["taps", "map"])
def test_a_mirrored_sketch_comes_with_the_mirrored_photo(joint: JointToy, stored: PseudoSketches, level: Any) -> None:
    pairs, photos = pairs_of(joint, stored, level), joint.toy.pictures.photos(joint.toy.split.unlabelled, level)
    rows = np.array([3, 0, 1, 3])
    drawn = pairs.first[rows] + np.array([0, 1, 2, 3])
    sketches = pairs.sketches[drawn]
    assert set(stored.form[sketches]) == {0, 1}
    photo, sketch = pairs.pair(rows, drawn, 7)
    assert torch.equal(photo, photos(rows, stored.form[sketches]))
    kept = stored.taps if level == "taps" else stored.maps
    assert kept is not None and np.array_equal(sketch.numpy(), kept[sketches].astype(np.float32))


def test_as_images_all_are_straight(joint: JointToy, stored: PseudoSketches) -> None:
    pairs, rows = pairs_of(joint, stored, "pixels"), np.array([2, 2])
    drawn = pairs.first[rows] + np.array([0, 1])
    sketches = pairs.sketches[drawn]
    photo, sketch = pairs.pair(rows, drawn)
    straight = [mirrored(stored.strokes[row]) if stored.form[row] else stored.strokes[row] for row in sketches]
    assert torch.equal(sketch, SketchImages(straight, SPEC)(np.arange(2))) and torch.equal(photo[0], photo[1])
    # The two of an edge drawing show the same.
    assert (sketch[0] - sketch[1]).abs().mean() < 0.02
    strokes, certainty = pairs.straight()
    assert len(strokes) == 5 and np.array_equal(strokes[2][1], straight[1])
    assert certainty[2].tolist() == stored.certainty[stored.photo == 2].tolist()


def test_d_c_weighs_sketches_with_its_current_weights(joint: JointToy, stored: PseudoSketches) -> None:
    pairs, model, compute = pairs_of(joint, stored), discriminator(joint.toy), joint.toy.compute
    before = stored.certainty.copy()
    # The straight ones of two photos, to be seen by D_C from their strokes.
    some = np.flatnonzero((stored.form == 0) & np.isin(stored.photo, [1, 4]))
    pairs.weigh(model, compute, some)
    photos = joint.toy.pictures.photos(pairs.entries, "taps")
    drawn = [stored.strokes[row] for row in some]
    expected = certainties(model, photos, stored.photo[some], drawn, generated=True, compute=compute)
    assert stored.certainty[some] == pytest.approx(expected, abs=5e-3)
    drawn = some[stored.of_source("generator")[some]]
    assert stored.typical[some] == pytest.approx(stored.certainty[drawn].mean())
    others = np.setdiff1d(np.arange(len(stored)), some)
    assert np.array_equal(stored.certainty[others], before[others])


def test_relative_omega_is_1_on_the_mean_and_compares_rounds(joint: JointToy, stored: PseudoSketches) -> None:
    pairs = pairs_of(joint, stored)
    every = np.arange(20)
    found = pairs.relative_omega(every)
    assert found.dtype == np.float32 and found.reshape(5, 4).mean(1) == pytest.approx(np.ones(5))
    # A D_C that has grown stricter halves what it says of new drawings, and of what is typical: nothing changes.
    new = pairs.sketches[11:12]
    stored.certainty[new] /= 2
    stored.typical[new] /= 2
    assert pairs.relative_omega(every) == pytest.approx(found)


@pytest.mark.parametrize(
    ("weighting", "relative", "threshold", "expected"),
    [
        (True, False, 0.0, [0.1, 0.5, 0.9]),
        (True, True, 0.0, [0.2, 1.0, 1.8]),
        (True, False, 0.5, [0, 1, 1]),
        (True, True, 0.5, [0, 1, 1]),
        (False, True, 0.5, [1, 1, 1]),
    ],
)
def test_a_pair_weighs_its_omega_or_all_or_nothing(
    joint: JointToy, stored: PseudoSketches, weighting: bool, relative: bool, threshold: float, expected: list[float]
) -> None:
    pairs = pairs_of(joint, stored)
    stored.certainty[pairs.sketches[:4]] = [0.1, 0.5, 0.9, 0.5]
    settings = replace(SETTINGS, instance_weighting=weighting, relative_weights=relative, threshold=threshold)
    found = pairs.weights(np.arange(3), settings)
    assert found.dtype == np.float32 and found == pytest.approx(expected)


def test_the_oldest_drawing_by_g_is_found(joint: JointToy, stored: PseudoSketches) -> None:
    pairs = pairs_of(joint, stored)
    drawings = np.flatnonzero(stored.of_source("generator") & (stored.photo == 3))
    assert pairs.oldest_drawing(3) == drawings[0]
    stored.drawn_in[drawings[0]] = 1
    assert pairs.oldest_drawing(3) == drawings[1]
    assert pairs_of(joint, stored, sources=["edges"]).oldest_drawing(3) is None


def test_the_histogram_is_in_percent() -> None:
    found = certainty_histogram(torch.tensor([0.0, 0.01, 0.5, 1.0]))
    assert len(found) == 20
    assert [found[f"certainty_{edge}"] for edge in ("0.00", "0.50", "0.95")] == [50, 25, 25]

"""What G learns from: photos and sketches that are mirrored together, edges, sketches without photos."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from fgsbir.data.augmentation import change_sketches_jointly, drawn_separately
from fgsbir.data.strokes import centre, from_sequence, mirrored
from fgsbir.features.extraction import Reader
from fgsbir.generator.pairs import edge_sequences, human_sequences, lone_sequences
from fgsbir.generator.sequences import SequenceForm, sweep_order
from fgsbir.retrieval.pairs import PairStream
from tests.toy import SPEC, Toy, shape

FORM = SequenceForm(simplify=0.0, max_points=40, reorder=True)


def assert_are(sequences: torch.Tensor, sketches: Iterable[np.ndarray]) -> None:
    """Whether padded sequences hold these sketches in G's order."""
    for sequence, strokes in zip(sequences.numpy(), sketches, strict=True):
        np.testing.assert_allclose(from_sequence(sequence), sweep_order(strokes), atol=1e-2)


def test_a_mirrored_photo_comes_with_its_mirrored_sketch(toy: Toy) -> None:
    pairs = human_sequences(toy.pictures, toy.split.labelled, FORM, "map")
    rows, hands, forms = np.array([3, 3, 5]), np.array([1, 1, 0]), np.array([0, 1, 1])
    photos, sequences = pairs.pair(rows, pairs.first[rows] + hands, forms)
    stored = toy.pictures.photos(toy.split.labelled, "map")
    assert torch.equal(photos, stored(rows, forms)) and not torch.equal(photos[0], photos[1])
    straight = [centre(shape(row, hand)) for row, hand in zip(rows, hands, strict=True)]
    assert_are(sequences, [straight[0], mirrored(straight[1]), mirrored(straight[2])])
    assert set(pairs.random_forms(np.random.default_rng(0), 50)) == {0, 1}


def test_images_are_changed_as_their_sketches_are(toy: Toy) -> None:
    pairs = human_sequences(toy.pictures, toy.split.labelled, FORM, "pixels", 1.0)
    rows, forms = np.array([0, 4]), np.array([17, 99])
    photos, sequences = pairs.pair(rows, pairs.first[rows], forms)
    assert torch.equal(photos, pairs.photos(rows, forms)) and pairs.random_forms(np.random.default_rng(0), 50).min() > 0
    before = [pairs.sketches[pairs.first[row]] for row in rows]
    assert_are(sequences, change_sketches_jointly(before, drawn_separately(forms, 1.0)))
    assert_are(pairs.pair(rows, pairs.first[rows])[1], before)


def test_edges_are_of_photos_that_nobody_drew_too(toy: Toy) -> None:
    entries = [*toy.split.labelled, *toy.split.unlabelled]
    drawn = {entry.id: edges.drawing for entry, edges in zip(entries, toy.pictures.edges_of(entries), strict=True)}
    pairs = edge_sequences(toy.pictures, entries, FORM, "map")
    assert pairs.photo_ids == [entry.id for entry in entries if len(drawn[entry.id])] and pairs.forms == 2
    assert any(name.startswith("unlabelled") for name in pairs.photo_ids)
    for name, strokes in zip(pairs.photo_ids, pairs.sketches, strict=True):
        assert np.array_equal(strokes, FORM.simplified(drawn[name]))


@pytest.mark.parametrize("level", ["map", "pixels"])
def test_a_sketch_alone_is_read_in_its_photos_place(toy: Toy, level: str) -> None:
    sketches = [shape(number) for number in range(3)]
    reader = Reader(toy.pictures.features.trunk(), SPEC, toy.compute)
    batch = PairStream(lone_sequences(sketches, FORM, reader if level == "map" else SPEC), 3, 0, "test").batch(0)
    drawn = [sketches[row] for row in batch.rows]
    torch.testing.assert_close(batch.photo, reader.sketches_as(level, drawn), rtol=1e-2, atol=1e-2)
    assert_are(batch.sketch, drawn)

"""What G learns from: photos and sketches that are mirrored together, edges, sketches without photos."""

from collections.abc import Iterable
from unittest.mock import Mock

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


def drawing(values: list[int]) -> Mock:
    """A random generator whose integers are given."""
    return Mock(**{"integers.return_value": np.array(values)})


def assert_are(sequences: torch.Tensor, sketches: Iterable[np.ndarray]) -> None:
    """Whether padded sequences hold these sketches in G's order."""
    for sequence, strokes in zip(sequences.numpy(), sketches, strict=True):
        np.testing.assert_allclose(from_sequence(sequence), sweep_order(strokes), atol=1e-2)


def test_a_mirrored_photo_comes_with_its_mirrored_sketch(toy: Toy) -> None:
    pairs = human_sequences(toy.pictures, toy.split.labelled, FORM, "map")
    rows, hands, forms = np.array([3, 3, 5]), np.array([1, 1, 0]), [0, 1, 1]
    photos, sequences = pairs.inputs(rows, hands, drawing(forms), slice(None))
    stored = toy.pictures.photos(toy.split.labelled, "map")
    assert torch.equal(photos, stored(rows, np.array(forms))) and not torch.equal(photos[0], photos[1])
    straight = [centre(shape(row, hand)) for row, hand in zip(rows, hands, strict=True)]
    assert_are(sequences, [straight[0], mirrored(straight[1]), mirrored(straight[2])])


def test_images_are_changed_as_their_sketches_are(toy: Toy) -> None:
    pairs = human_sequences(toy.pictures, toy.split.labelled, FORM, "pixels", 1.0)
    rows, numbers = np.array([0, 4]), [17, 99]
    photos, sequences = pairs.inputs(rows, np.zeros(2, np.int64), drawing(numbers), slice(None))
    assert torch.equal(photos, pairs.photos(rows, np.array(numbers)))
    before = [pairs.sketches[row][0] for row in rows]
    assert_are(sequences, change_sketches_jointly(before, drawn_separately(numbers, 1.0)))


def test_processes_share_the_batch_of_one(toy: Toy) -> None:
    pairs = human_sequences(toy.pictures, toy.split.labelled, FORM, "map")
    whole = PairStream(pairs, 4, 0, "test").batch(3)
    halves = [PairStream(pairs, 4, 0, "test", rank, 2).batch(3) for rank in range(2)]
    assert torch.equal(torch.cat([half.photo for half in halves]), whole.photo)
    assert_are(whole.sketch, [from_sequence(sequence) for half in halves for sequence in half.sketch.numpy()])


def test_edges_are_of_photos_that_nobody_drew_too(toy: Toy) -> None:
    entries = [*toy.split.labelled, *toy.split.unlabelled]
    drawn = {entry.id: edges.drawing for entry, edges in zip(entries, toy.pictures.edges_of(entries), strict=True)}
    pairs = edge_sequences(toy.pictures, entries, FORM, "map")
    assert pairs.photo_ids == [entry.id for entry in entries if len(drawn[entry.id])] and pairs.forms == 2
    assert any(name.startswith("unlabelled") for name in pairs.photo_ids)
    for name, (strokes,) in zip(pairs.photo_ids, pairs.sketches, strict=True):
        assert np.array_equal(strokes, FORM.simplified(drawn[name]))


@pytest.mark.parametrize("level", ["map", "pixels"])
def test_a_sketch_alone_is_read_in_its_photos_place(toy: Toy, level: str) -> None:
    sketches = [shape(number) for number in range(3)]
    reader = Reader(toy.pictures.features.trunk(), SPEC, toy.compute)
    batch = PairStream(lone_sequences(sketches, FORM, reader if level == "map" else SPEC), 3, 0, "test").batch(0)
    rasters = SPEC.rasterise([sketches[row] for row in batch.rows])
    if level == "map":
        torch.testing.assert_close(batch.photo, reader.rasters(rasters).map, rtol=1e-2, atol=1e-2)
    else:
        assert torch.equal(batch.photo[:, 0], torch.from_numpy(rasters).float() / 255)
    assert_are(batch.sketch, [sketches[row] for row in batch.rows])

"""Drawing with G: drawings are canonical sketches, the same ones for the same seed."""

import numpy as np
import pytest
import torch

from fgsbir.data.strokes import CANVAS, centre, check_strokes, to_sequence
from fgsbir.features.pictures import KeptInputs
from fgsbir.generator.drawing import DOT, Sketches, draw_sketches, drawing_strokes
from fgsbir.generator.model import Generator
from fgsbir.generator.sampling import Drawing
from tests.generator.conftest import make_generator, maps
from tests.toy import cpu, shape

# Seven photos, and their mirror images.
PHOTOS = KeptInputs(torch.stack([maps(7), maps(7).flip(3)]))
ROWS = np.arange(7)


@pytest.fixture
def generator() -> Generator:
    return make_generator(max_points=10)


def draw(generator: Generator, rows: np.ndarray = ROWS, forms: np.ndarray | int = 0, **changes: object) -> Sketches:
    options = {"temperature": 1.0, "seed": 3, "compute": cpu()} | changes
    return draw_sketches(generator, PHOTOS, rows, forms, **options)  # type: ignore[arg-type]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a.shape == b.shape and np.allclose(a, b, atol=1e-2) for a, b in pairs)


def test_every_photo_gets_one_centred_canonical_sketch(generator: Generator) -> None:
    drawn = draw(generator)
    assert len(drawn.strokes) == 7 and drawn.ended.shape == (7,) and drawn.ended.dtype == bool
    for strokes in drawn.strokes:
        check_strokes(strokes, "drawn")
        assert len(strokes) <= 10
        np.testing.assert_allclose(strokes, centre(strokes), atol=1e-3)
    nothing = draw(generator, ROWS[:0])
    assert nothing.strokes == [] and nothing.ended.shape == (0,)


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_the_seed_decides_and_the_batch_does_not(generator: Generator, batch: int) -> None:
    expected, drawn, other = draw(generator), draw(generator, batch=batch), draw(generator, batch=batch, seed=4)
    assert same(drawn.strokes, expected.strokes) and np.array_equal(drawn.ended, expected.ended)
    assert not same(other.strokes, expected.strokes)


def test_at_temperature_0_the_rows_and_forms_alone_decide(generator: Generator) -> None:
    straight, mirror = draw(generator, temperature=0.0).strokes, draw(generator, forms=1, temperature=0.0).strokes
    both = draw(generator, np.array([4, 1, 4]), np.array([0, 1, 1]), temperature=0.0, seed=9).strokes
    assert same(both, [straight[4], mirror[1], mirror[4]]) and not same(straight, mirror)


def drawing_of(sequence: np.ndarray, rows: int) -> Drawing:
    """A sampler's answer that holds this sequence, and ends after it."""
    padded = np.tile(np.array([0, 0, 0, 0, 1], np.float32), (1, rows, 1))
    padded[0, : len(sequence)] = sequence
    length = torch.tensor([len(sequence)])
    return Drawing(torch.from_numpy(padded), length, length < rows, torch.zeros(1, rows, 1), None)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("number", range(4))
def test_strokes_are_the_sequence_in_canvas_pixels_whether_it_ends_or_not(
    generator: Generator, number: int, ended: bool
) -> None:
    sequence = to_sequence(shape(number)) / np.array([20, 20, 1, 1, 1], np.float32)
    drawing = drawing_of(sequence[: len(shape(number))], len(shape(number)) + ended)
    before = drawing.sequences.clone()
    (found,) = drawing_strokes(generator, drawing)
    np.testing.assert_allclose(found, centre(shape(number)), atol=0.05)
    assert torch.equal(drawing.sequences, before)


@pytest.mark.parametrize("points", [0, 1])
def test_a_drawing_of_nothing_is_a_dot(generator: Generator, points: int) -> None:
    sequence = np.array([[3, 4, 1, 0, 0], [0, 0, 0, 0, 1]], np.float32)[1 - points :]
    (strokes,) = drawing_strokes(generator, drawing_of(sequence, 4))
    check_strokes(strokes, "dot")
    assert np.array_equal(strokes, DOT) and (strokes[:, :2] == CANVAS / 2).all()

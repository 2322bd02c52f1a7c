"""What G reads of a sketch: simplified, in one order, as scaled and padded offsets."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.strokes import CANVAS, check_strokes, from_sequence, join_strokes, simplify, split_strokes, to_sequence
from fgsbir.generator.sequences import SequenceForm, offset_scale, pad_sequences, simplify_to, sweep_order

few = settings(max_examples=25)
coordinates = st.floats(0, CANVAS, width=32, allow_subnormal=False)
part = hnp.arrays(np.float32, st.tuples(st.integers(2, 20), st.just(2)), elements=coordinates)
drawings = st.lists(part, min_size=1, max_size=8).map(join_strokes)


@few
@given(st.lists(drawings, max_size=4))
def test_padded_sequences_give_the_sketches_back(sketches: list[np.ndarray]) -> None:
    stacked = pad_sequences(sketches)
    assert stacked.shape == (len(sketches), max(map(len, sketches), default=0) + 1, 5) and stacked.dtype == np.float32
    for sequence, strokes in zip(stacked, sketches, strict=True):
        assert (sequence[len(strokes) :] == [0, 0, 0, 0, 1]).all() and not sequence[: len(strokes), 4].any()
        back = from_sequence(sequence)
        assert np.array_equal(back[:, 2], strokes[:, 2])
        np.testing.assert_allclose(back[:, :2], strokes[:, :2], atol=1e-2)


@few
@given(drawings, st.floats(0, 5), st.integers(2, 30))
def test_simplified_sketches_fit_and_what_fits_is_simplified_no_further(
    strokes: np.ndarray, tolerance: float, max_points: int
) -> None:
    simplified = simplify_to(strokes, tolerance, max_points)
    check_strokes(simplified, "simplified")
    assert len(simplified) <= max_points
    assert {*map(tuple, simplified[:, :2].tolist())} <= {*map(tuple, strokes[:, :2].tolist())}
    once = simplify(strokes, tolerance)
    assert np.array_equal(simplify_to(strokes, tolerance, len(once)), once)


def test_no_coarser_than_it_must_be() -> None:
    """A wavy line: with room for a few points more, more of its waves are kept."""
    x = np.linspace(0, 250, 120, dtype=np.float32)
    line = join_strokes([np.stack([x, 128 + 20 * np.sin(x / 8) + 4 * np.sin(x / 2)], 1)])
    kept = [len(simplify_to(line, 1.0, room)) for room in (5, 20, 40, 120)]
    assert kept == sorted(kept) and kept[1] > 10 and kept[2] > 25


def test_more_strokes_than_fit_keep_the_first_ones() -> None:
    strokes = join_strokes([np.array([[k, 0], [k, 200]], np.float32) for k in range(10)])
    kept = simplify_to(strokes, 1.0, 7)
    assert kept[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3] and kept[:, 2].tolist() == [0, 1, 0, 1, 0, 1, 1]


def points_of(strokes: np.ndarray) -> list[list[Any]]:
    """The points of each stroke, whatever the order of both."""
    return sorted(sorted(part.tolist()) for part in split_strokes(strokes))


@few
@given(drawings, st.randoms(use_true_random=False))
def test_the_order_of_strokes_does_not_depend_on_who_drew_them(strokes: np.ndarray, chance: Any) -> None:
    shuffled = [part[::-1] if chance.random() < 0.5 else part for part in split_strokes(strokes)]
    chance.shuffle(shuffled)
    ordered, again = sweep_order(strokes), sweep_order(join_strokes(shuffled))
    assert points_of(strokes) == points_of(ordered) == points_of(again)
    heights = [float((part @ [0.4, 1.0]).mean()) for part in split_strokes(again)]
    assert heights == pytest.approx(sorted(heights))
    assert max(float((part[0] - part[-1]) @ [0.4, 1.0]) for part in split_strokes(again)) <= 1e-3
    assert np.array_equal(sweep_order(ordered), ordered)


def test_a_form_says_how_many_points_and_in_which_order() -> None:
    low, high = np.array([[90, 200], [20, 180], [55, 190]], np.float32), np.array([[5, 5], [100, 9]], np.float32)
    strokes = join_strokes([low, high])
    drawn = SequenceForm(simplify=0.0, max_points=9, reorder=False)
    assert np.array_equal(drawn.ordered(drawn.simplified(strokes)), strokes)
    first, second = split_strokes(SequenceForm(0.0, 9, True).ordered(strokes))
    assert first.tolist() == high.tolist() and sorted(second.tolist()) == sorted(low.tolist())
    assert len(SequenceForm(0.0, 4, True).simplified(strokes)) == 4


@few
@given(st.lists(drawings, min_size=1, max_size=4))
def test_the_scale_is_the_offsets_standard_deviation(sketches: list[np.ndarray]) -> None:
    offsets = np.concatenate([to_sequence(strokes)[:-1, :2] for strokes in sketches]).astype(np.float64)
    expected = np.sqrt(np.mean((offsets - offsets.mean()) ** 2))
    assert offset_scale(sketches) == pytest.approx(expected, rel=1e-3, abs=1e-3)

"""What G reads of a sketch: simplified, in one order, as scaled and padded offsets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import CANVAS, check_strokes, from_sequence, join_strokes, simplify, split_strokes, to_sequence
from fgsbir.generator.sequences import SequenceForm, offset_scale, pad_sequences, simplify_to, sweep_order

few = settings(max_examples=25)
part = hnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 20), st.just(2)),
    elements=st.floats(0, CANVAS, width=32, allow_subnormal=False),
)
drawings = st.lists(part, min_size=1, max_size=8).map(join_strokes)


@few
@given(st.lists(drawings, max_size=4))
def test_padded_sequences_give_the_sketches_back(sketches: list[np.ndarray]) -> None:
    stacked = pad_sequences(sketches)
    longest = max(map(len, sketches), default=0)
    assert stacked.shape == (len(sketches), longest + 1, 5) and stacked.dtype == np.float32
    for sequence, strokes in zip(stacked, sketches, strict=True):
        assert (sequence[len(strokes) :] == [0, 0, 0, 0, 1]).all() and not sequence[: len(strokes), 4].any()
        back = from_sequence(sequence)
        assert np.array_equal(back[:, 2], strokes[:, 2])
        np.testing.assert_allclose(back[:, :2], strokes[:, :2], atol=1e-2)


@few
@given(drawings, st.floats(0, 5), st.integers(2, 30))
def test_simplified_sketches_fit(strokes: np.ndarray, tolerance: float, max_points: int) -> None:
    simplified = simplify_to(strokes, tolerance, max_points)
    check_strokes(simplified, "simplified")
    assert len(simplified) <= max_points
    points = {tuple(point) for point in strokes[:, :2].tolist()}
    assert {tuple(point) for point in simplified[:, :2].tolist()} <= points


@few
@given(drawings)
def test_what_fits_is_simplified_no_further(strokes: np.ndarray) -> None:
    once = simplify(strokes, 2.0)
    assert np.array_equal(simplify_to(strokes, 2.0, len(once)), once)


def test_no_coarser_than_it_must_be() -> None:
    """A wavy line: with room for a few points more, more of its waves are kept."""
    x = np.linspace(0, 250, 120, dtype=np.float32)
    line = join_strokes([np.stack([x, 128 + 20 * np.sin(x / 8) + 4 * np.sin(x / 2)], 1)])
    kept = [len(simplify_to(line, 1.0, room)) for room in (5, 20, 40, 120)]
    assert kept == sorted(kept) and kept[1] > 10 and kept[2] > 25
    assert len(simplify_to(line, 1.0, 120)) == len(simplify(line, 1.0))


def test_more_strokes_than_fit_keep_the_first_ones() -> None:
    strokes = join_strokes([np.array([[k, 0], [k, 200]], np.float32) for k in range(10)])
    kept = simplify_to(strokes, 1.0, 7)
    assert kept[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3] and kept[:, 2].tolist() == [0, 1, 0, 1, 0, 1, 1]


@few
@given(drawings, st.randoms(use_true_random=False))
def test_the_order_of_strokes_does_not_depend_on_who_drew_them(strokes: np.ndarray, chance) -> None:
    parts = split_strokes(strokes)
    keys = [tuple(sorted(map(tuple, part.tolist()))) for part in parts]
    shuffled = [part[::-1] if chance.random() < 0.5 else part for part in parts]
    chance.shuffle(shuffled)
    ordered, again = sweep_order(strokes), sweep_order(join_strokes(shuffled))
    assert sorted(keys) == sorted(tuple(sorted(map(tuple, part.tolist()))) for part in split_strokes(ordered))
    heights = [float((part @ [0.4, 1.0]).mean()) for part in split_strokes(again)]
    assert heights == pytest.approx(sorted(heights))
    starts = [float((part[0] - part[-1]) @ [0.4, 1.0]) for part in split_strokes(again)]
    assert max(starts) <= 1e-3
    assert np.array_equal(sweep_order(ordered), ordered)


def test_an_ordered_sketch_looks_the_same() -> None:
    rng = np.random.default_rng(0)
    strokes = join_strokes([rng.uniform(20, 230, (4, 2)).astype(np.float32) for _ in range(5)])
    before, after = (rasterise(drawn, 128, 6.0).ravel() for drawn in (strokes, sweep_order(strokes)))
    assert np.corrcoef(before, after)[0, 1] > 0.95


def test_a_form_says_how_many_points_and_in_which_order() -> None:
    low, high = np.array([[90, 200], [20, 180], [55, 190]], np.float32), np.array([[5, 5], [100, 9]], np.float32)
    strokes = join_strokes([low, high])
    drawn = SequenceForm(simplify=0.0, max_points=9, reorder=False)
    assert np.array_equal(drawn.ordered(drawn.simplified(strokes)), strokes)
    first, second = split_strokes(SequenceForm(0.0, 9, True).ordered(strokes))
    assert first.tolist() == high.tolist() and sorted(second.tolist()) == sorted(low.tolist())
    assert len(SequenceForm(0.0, 4, True).simplified(strokes)) == 4
    assert SequenceForm.from_json(drawn.as_json()) == drawn


@few
@given(st.lists(drawings, min_size=1, max_size=4))
def test_the_scale_is_the_offsets_standard_deviation(sketches: list[np.ndarray]) -> None:
    offsets = [value for strokes in sketches for value in to_sequence(strokes)[:-1, :2].ravel().tolist()]
    mean = sum(offsets) / len(offsets)
    expected = (sum((value - mean) ** 2 for value in offsets) / len(offsets)) ** 0.5
    assert offset_scale(sketches) == pytest.approx(expected, rel=1e-3, abs=1e-3)

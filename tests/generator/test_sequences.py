"""What G reads of a sketch: simplified, in one order, as scaled and padded offsets."""

import numpy as np
import pytest
from fgsbir.data.pairs import PairSet
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import CANVAS, check_strokes, from_sequence, join_strokes, simplify, split_strokes, to_sequence
from fgsbir.generator.sequences import offset_scale, pad_sequences, sequence_pairs, simplify_to, sweep_order

part = hnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 20), st.just(2)),
    elements=st.floats(0, CANVAS, width=32, allow_subnormal=False),
)
drawings = st.lists(part, min_size=1, max_size=8).map(join_strokes)


@given(st.lists(drawings, min_size=1, max_size=4), st.floats(0.5, 60))
def test_padded_sequences_give_the_sketches_back(sketches: list[np.ndarray], scale: float) -> None:
    room = max(len(strokes) for strokes in sketches) + 3
    stacked, lengths = pad_sequences(sketches, scale, room)
    assert stacked.shape == (len(sketches), room + 1, 5) and stacked.dtype == np.float32
    assert lengths.dtype == np.int64 and lengths.tolist() == [len(strokes) + 1 for strokes in sketches]
    for sequence, length, strokes in zip(stacked, lengths, sketches, strict=True):
        assert (sequence[length - 1 :] == [0, 0, 0, 0, 1]).all() and not sequence[: length - 1, 4].any()
        unscaled = sequence * np.array([scale, scale, 1, 1, 1], np.float32)
        back = from_sequence(unscaled)
        assert np.array_equal(back[:, 2], strokes[:, 2])
        np.testing.assert_allclose(back[:, :2], strokes[:, :2], atol=1e-2)


def test_a_sketch_that_fills_the_sequence_still_ends() -> None:
    strokes = join_strokes([np.array([[0, 0], [9, 9], [20, 5]], np.float32)])
    stacked, lengths = pad_sequences([strokes], 2.0, 3)
    assert lengths.tolist() == [4] and stacked[0, 3].tolist() == [0, 0, 0, 0, 1]
    assert stacked[0, 1].tolist() == [4.5, 4.5, 1, 0, 0]


def test_a_sketch_that_is_too_long_is_an_error() -> None:
    strokes = join_strokes([np.zeros((5, 2), np.float32)])
    with pytest.raises(ValueError, match="broadcast"):
        pad_sequences([strokes], 1.0, 4)


@given(drawings, st.floats(0, 5), st.integers(2, 30))
def test_simplified_sketches_fit(strokes: np.ndarray, tolerance: float, max_points: int) -> None:
    simplified = simplify_to(strokes, tolerance, max_points)
    check_strokes(simplified, "simplified")
    assert len(simplified) <= max_points
    points = {tuple(point) for point in strokes[:, :2].tolist()}
    assert {tuple(point) for point in simplified[:, :2].tolist()} <= points


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


def test_pairs_as_g_reads_them() -> None:
    low, high = np.array([[90, 200], [20, 180], [55, 190]], np.float32), np.array([[5, 5], [100, 9]], np.float32)
    pairs = PairSet(["a"], np.zeros(1, np.int64), np.zeros((1, 4, 4, 3), np.uint8), [[join_strokes([low, high])]])
    kept = sequence_pairs(pairs, tolerance=0.0, max_points=9, reorder=False)
    assert np.array_equal(kept.sketches[0][0], pairs.sketches[0][0]) and kept.pixels is pairs.pixels
    ordered = sequence_pairs(pairs, tolerance=0.0, max_points=9, reorder=True)
    first, second = split_strokes(ordered.sketches[0][0])
    assert first.tolist() == high.tolist() and sorted(second.tolist()) == sorted(low.tolist())
    assert len(sequence_pairs(pairs, tolerance=0.0, max_points=4, reorder=True).sketches[0][0]) <= 4
    assert len(pairs.sketches[0][0]) == 5


@given(st.lists(drawings, min_size=1, max_size=4))
def test_the_scale_is_the_offsets_standard_deviation(sketches: list[np.ndarray]) -> None:
    offsets = [value for strokes in sketches for value in to_sequence(strokes)[:-1, :2].ravel().tolist()]
    mean = sum(offsets) / len(offsets)
    expected = (sum((value - mean) ** 2 for value in offsets) / len(offsets)) ** 0.5
    assert offset_scale(sketches) == pytest.approx(expected, rel=1e-3, abs=1e-3)

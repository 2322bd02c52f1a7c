import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import approximate_polygon

from fgsbir.data.records import DataError
from fgsbir.data.strokes import (
    CANVAS,
    LONGEST_SIDE,
    centre,
    check_strokes,
    from_sequence,
    join_strokes,
    kept_points,
    simplify,
    split_strokes,
    to_sequence,
)
from tests.data.distance_oracle import distance_to_lines

coordinates = st.floats(0, CANVAS, width=32, allow_subnormal=False)
part = hnp.arrays(np.float32, st.tuples(st.integers(1, 12), st.just(2)), elements=coordinates)
drawings = st.lists(part, min_size=1, max_size=6).map(join_strokes).filter(lambda strokes: len(strokes) >= 2)


@given(st.lists(part, min_size=1, max_size=6))
def test_strokes_joined_are_the_strokes_split(parts: list[np.ndarray]) -> None:
    joined = join_strokes(parts)
    assert joined.dtype == np.float32 and joined[-1, 2] == 1 and joined[:, 2].sum() == len(parts)
    assert all(np.array_equal(one, other) for one, other in zip(split_strokes(joined), parts, strict=True))
    assert join_strokes([]).shape == (0, 3) and split_strokes(join_strokes([])) == []


@given(drawings)
def test_the_sequence_gives_the_sketch_back(strokes: np.ndarray) -> None:
    sequence = to_sequence(strokes)
    assert sequence.shape == (len(strokes) + 1, 5) and sequence.dtype == np.float32
    assert np.array_equal(sequence[:, 2:].sum(1), np.ones(len(sequence)))  # exactly one pen state a row
    assert sequence[-1].tolist() == [0, 0, 0, 0, 1] and sequence[:-1, 4].sum() == 0
    back = from_sequence(sequence)
    assert np.array_equal(back[:, 2], strokes[:, 2])
    np.testing.assert_allclose(back[:, :2], strokes[:, :2], atol=1e-3)


def test_a_sequence_worked_by_hand() -> None:
    strokes = np.array([[130, 128, 0], [140, 120, 1], [10, 20, 1]], np.float32)
    sequence = to_sequence(strokes)
    assert sequence.tolist() == [[2, 0, 1, 0, 0], [10, -8, 0, 1, 0], [-130, -100, 0, 1, 0], [0, 0, 0, 0, 1]]
    # What follows the first end is dropped, and an open drawing is closed.
    assert np.array_equal(from_sequence(np.concatenate([sequence, sequence])), strokes)
    assert from_sequence(sequence[:1]).tolist() == [[130, 128, 1]]
    assert from_sequence(sequence[-1:]).shape == (0, 3)


@given(drawings.filter(lambda strokes: np.ptp(strokes[:, :2], axis=0).max() > 1), st.floats(0.5, 3), st.floats(-90, 90))
def test_centred_sketches_fill_the_same_square_and_keep_their_shape(
    strokes: np.ndarray, scale: float, shift: float
) -> None:
    placed = centre(strokes)
    low, high = placed[:, :2].min(0), placed[:, :2].max(0)
    assert (high - low).max() == pytest.approx(LONGEST_SIDE, abs=0.01)
    np.testing.assert_allclose((low + high) / 2, CANVAS / 2, atol=0.01)
    # One scale for both axes: every distance is multiplied by the same number.
    times = LONGEST_SIDE / np.ptp(strokes[:, :2], axis=0).max()
    np.testing.assert_allclose(np.diff(placed[:, :2], axis=0), np.diff(strokes[:, :2], axis=0) * times, atol=0.05)
    assert np.array_equal(placed[:, 2], strokes[:, 2])
    # Where and how large it was drawn does not show.
    moved = strokes.copy()
    moved[:, :2] = moved[:, :2] * np.float32(scale) + np.float32(shift)
    np.testing.assert_allclose(centre(moved), placed, atol=0.1)


def test_a_sketch_without_extent_is_only_moved() -> None:
    placed = centre(np.array([[3, 4, 0], [3, 4, 1]], np.float32))
    assert placed[:, :2].tolist() == [[CANVAS / 2, CANVAS / 2]] * 2


@given(drawings, st.floats(0.5, 10))
def test_a_simplified_sketch_stays_within_the_tolerance(strokes: np.ndarray, tolerance: float) -> None:
    before, after = split_strokes(strokes), split_strokes(simplify(strokes, tolerance))
    assert len(before) == len(after)
    for long, short in zip(before, after, strict=True):
        assert np.array_equal(long[0], short[0]) and np.array_equal(long[-1], short[-1])
        assert {tuple(point) for point in short} <= {tuple(point) for point in long}
        line = join_strokes([short[[*range(len(short)), -1]]])  # the last point twice: a dot is a line of no length
        assert distance_to_lines(long, line).max() <= tolerance + 1e-3


@given(st.integers(0, 2**31), st.floats(0.5, 10))
def test_the_points_that_are_kept_are_those_of_scikit_image(seed: int, tolerance: float) -> None:
    line = np.random.default_rng(seed).normal(0, 8, (30, 2)).cumsum(0)
    np.testing.assert_array_equal(line[kept_points(line.tolist(), tolerance)], approximate_polygon(line, tolerance))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 2, 1]], "at least 2 points, found 1"),
        ([[1, 2], [3, 4]], r"shape \(n, 3\)"),
        ([["a", "b", "c"]] * 2, "numbers"),
        ([[1, 2, 0], [float("nan"), 2, 1]], "row 1 is not finite"),
        ([[1, float("inf"), 0], [1, 2, 1]], "row 0 is not finite"),
        ([[1, 2, 0.5], [1, 2, 1]], "pen flags 0 or 1"),
        ([[1, 2, 0], [1, 2, 0]], "pen flag 1 on the last point"),
    ],
)
def test_what_is_no_sketch_is_refused_by_name(rows: list, message: str) -> None:
    with pytest.raises(DataError, match=f"^drawing 7: .*{message}"):
        check_strokes(np.array(rows), "drawing 7")

"""Strokes to SVG and back."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.strokes import join_strokes, split_strokes
from fgsbir.data.svg.reading import read_svg
from fgsbir.search.svg_writer import svg_of

points = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(-300, 600, allow_nan=False)
)


@given(st.lists(points, min_size=1, max_size=5))
@example([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [3.0, 4.0], [5.0, 6.0]])])  # a dot, and a point said twice
@example([np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])])  # one begins where one ended
@example([np.array([[1e-9, -1e-9], [0.1 + 0.2, 255.999]])])
@example([np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 0.0]])])  # closed
def test_an_svg_reads_back_as_the_strokes_that_it_was_made_of(parts: list[np.ndarray]) -> None:
    strokes = join_strokes(parts)
    expected = []
    for part in split_strokes(strokes):
        rounded = np.round(part.astype(float), 2)
        expected.append(part[np.append(True, (np.diff(rounded, axis=0) != 0).any(1))])
    if sum(map(len, expected)) < 2:
        return  # a single dot is no sketch
    found = split_strokes(read_svg(svg_of(strokes).encode(), "x").strokes)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=0.0051)


def test_it_is_small_and_complete() -> None:
    text = svg_of(join_strokes([np.array([[10.0, 20.5], [30.25, -0.001]]), np.array([[7.0, 8.0]])]))
    assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">\n<g fill="none" ')
    assert '>\n<path d="M10,20.5L30.25,0"/>\n<path d="M7,8L7,8"/>\n</g>\n</svg>\n' in text

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import CANVAS, join_strokes
from tests.data.distance_oracle import distance_to_lines

part = hnp.arrays(np.float32, st.tuples(st.integers(2, 5), st.just(2)), elements=st.integers(10, 240).map(float))
drawings = st.lists(part, min_size=1, max_size=3).map(join_strokes)


@settings(max_examples=40)
@given(drawings, st.sampled_from([32, 64, 128, 256]), st.sampled_from([2.0, 3.0, 6.0]))
def test_ink_lies_where_the_lines_are(strokes: np.ndarray, size: int, line_width: float) -> None:
    image = rasterise(strokes, size, line_width)
    assert image.shape == (size, size) and image.dtype == np.uint8 and image.min() < 200
    pixel = CANVAS / size
    distance = distance_to_lines((np.stack(np.meshgrid(*[np.arange(size)] * 2), -1) + 0.5) * pixel, strokes)
    # Within a pixel of the line's edge anti-aliasing and rounding of the width may decide either way.
    assert (image[distance < line_width / 2 - pixel] < 128).all()
    assert (image[distance > line_width / 2 + 1.5 * pixel] == 255).all()


@pytest.mark.parametrize("size", [64, 256])
def test_a_dot_leaves_ink_at_its_place(size: int) -> None:
    dot = np.array([[40, 200, 1], [40, 200, 1]], np.float32)
    ink = np.argwhere(rasterise(dot, size) < 255)
    np.testing.assert_allclose((ink.mean(0) + 0.5) * CANVAS / size, [200, 40], atol=CANVAS / size)


def test_lines_off_the_canvas_are_cut() -> None:
    image = rasterise(np.array([[-500, 128, 0], [800, 128, 1]], np.float32), 256)
    assert (image[127:129] == 0).all() and (image[:100] == 255).all()

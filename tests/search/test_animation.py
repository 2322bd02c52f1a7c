"""A drawing being drawn."""

import io

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.strokes import check_strokes, join_strokes, split_strokes
from fgsbir.search.animation import FRAMES, SIDE, drawing_gif, drawn_part

SKETCH = join_strokes([np.array([[50.0, 50], [150, 50], [150, 100]]), np.array([[60.0, 60], [60, 110]])])


def length(strokes: np.ndarray) -> float:
    return sum(float(np.hypot(*np.diff(part, axis=0).T).sum()) for part in split_strokes(strokes))


def test_the_pen_goes_at_an_even_pace() -> None:
    for share in np.linspace(0, 1, 21):
        part = drawn_part(SKETCH, share)
        assert length(part) == pytest.approx(200 * share, abs=1e-3)
        if len(part) > 1:
            check_strokes(part, "part")
    np.testing.assert_array_equal(drawn_part(SKETCH, 1), SKETCH)
    assert drawn_part(SKETCH, 0.6)[:, :2].tolist() == [[50, 50], [150, 50], [150, 70]]


def test_dots_are_drawn_too() -> None:
    dots = join_strokes([np.array([[50.0, 50]]), np.array([[60.0, 60]])])
    assert [len(drawn_part(dots, share)) for share in (0, 0.5, 0.6, 1)] == [0, 1, 2, 2]


def test_the_gif_shows_the_photo_beside_more_and_more_ink() -> None:
    photo = np.full((64, 64, 3), (200, 30, 60), np.uint8)
    with Image.open(io.BytesIO(drawing_gif(photo, SKETCH))) as gif:
        ink = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            pixels = np.asarray(gif.convert("RGB")).astype(int)
            assert pixels.shape == (SIDE, 2 * SIDE + 1, 3)
            assert np.abs(pixels[:, :SIDE] - (200, 30, 60)).max() <= 8
            ink.append(int((pixels[:, SIDE + 1 :] < 128).all(2).sum()))
        assert (pixels[0, -1] == 255).all() and gif.info["loop"] == 0
    assert gif.n_frames == FRAMES + 1 and ink == sorted(ink) and ink[0] == 0 < ink[-1]

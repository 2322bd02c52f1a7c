import itertools

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from fgsbir.data.rasterise import rasterise
from fgsbir.data.records import DataError
from fgsbir.data.strokes import check_strokes, join_strokes, split_strokes
from fgsbir.data.tracing import order_strokes, trace, trace_mask
from tests.data.distance_oracle import distance_to_lines
from tests.data.pictures import CHAIR, drawn, ellipse, encoded, gaps

points = hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.just(2)), elements=st.integers(15, 240).map(float))
drawings = st.lists(points, min_size=1, max_size=5).map(join_strokes)


def retrace(image: np.ndarray, tolerance: float = 1.0) -> list[np.ndarray]:
    return split_strokes(check_strokes(trace(encoded(image), "x", tolerance), "x"))


@settings(max_examples=60)
@given(drawings.filter(lambda strokes: np.ptp(strokes[:, :2], axis=0).max() > 60))
def test_tracing_a_drawing_gives_its_ink_back(strokes: np.ndarray) -> None:
    image = rasterise(strokes, 256)
    again = rasterise(trace(encoded(image), "x", 1.0), 256)
    missing, added = gaps(image, again), gaps(again, image)
    # In both directions; what may be further off are the points of acute angles, where two lines are one blot.
    assert missing.mean() < 0.8 and added.mean() < 0.6
    assert np.percentile(missing, 95) < 5 and added.max() < 7


@settings(max_examples=60)
@given(st.lists(st.integers(15, 240), min_size=4, max_size=4), st.sampled_from([2.0, 3.0, 5.0, 8.0]))
@example([30, 30, 200, 200], 3.0)  # diagonals, which some thinning eats up
@example([200, 40, 40, 200], 3.0)
def test_a_straight_line_comes_back_as_its_two_ends(corners: list[int], width: float) -> None:
    wanted = np.array(corners, float).reshape(2, 2)
    assume(np.hypot(*(wanted[1] - wanted[0])) >= 4 * width)
    (found,) = retrace(rasterise(join_strokes([wanted]), 256, width), 2.0)
    error = min(np.abs(found[[0, -1]] - ends).max() for ends in (wanted, wanted[::-1]))
    assert error < 0.5 * width + 2 and len(found) <= 4


@pytest.mark.parametrize("width", [3.0, 6.0])
@pytest.mark.parametrize(
    ("strokes", "number"),
    [
        ([[(40, 128), (216, 128)], [(128, 40), (128, 216)]], 2),  # a cross
        ([[(40, 50), (216, 190)], [(40, 200), (216, 60)]], 2),  # an oblique one, which thinning turns into two forks
        ([[(30, 94), (226, 162)], [(30, 162), (226, 94)]], 2),  # a more acute one, 38 degrees: with a bridge between
        ([[(40, 60), (216, 60)], [(128, 60), (128, 216)]], 2),  # a T
        ([[(30, 60), (226, 60)], [(128, 60), (50, 140)], [(128, 60), (206, 140)]], 3),  # a turn of 90 degrees is an end
        ([[(40, 60), (200, 60), (200, 216)]], 1),  # a corner is no end
        ([[(60, 60), (200, 60), (200, 200), (60, 200), (60, 60)]], 1),
        ([ellipse(128, 128, 80, 60)], 1),
        ([ellipse(128, 128, 90, 90), ellipse(128, 128, 40, 30)], 2),
        ([[(30, y), (220, y + 8)] for y in range(40, 220, 40)], 5),
        ([[(30, y), (226, y)] for y in range(60, 220, 60)] + [[(x, 30), (x, 226)] for x in range(60, 220, 60)], 6),
    ],
)
def test_strokes_run_straight_through_junctions(strokes: list, number: int, width: float) -> None:
    found = retrace(rasterise(drawn(*strokes), 256, width))
    assert len(found) == number


@pytest.mark.parametrize("angle", [40, 60, 90])
@pytest.mark.parametrize("turn", range(0, 180, 20))
def test_each_line_of_a_crossing_goes_straight_on(angle: int, turn: int) -> None:
    arms = [90 * np.array([np.cos(a), np.sin(a)]) for a in np.radians([turn, turn + angle])]
    found = retrace(rasterise(join_strokes([np.array([128 - arm, 128 + arm]) for arm in arms]), 256))
    assert len(found) == 2
    assert all(np.hypot(*(part[-1] - part[0])) == pytest.approx(180, abs=4) for part in found)


def test_the_point_of_a_tip_is_no_branch_and_a_closed_line_ends_where_it_began() -> None:
    assert len(retrace(rasterise(drawn([(60, 40), (128, 216), (170, 40)]), 256))) == 1
    image = rasterise(drawn(ellipse(128, 128, 80, 60)), 256)
    (ring,), (coarse,) = retrace(image, 0.01), retrace(image, 5.0)
    assert ring[0].tolist() == ring[-1].tolist()
    assert len(coarse) < len(ring) and distance_to_lines(ring, join_strokes([coarse])).max() < 5.3


def test_the_fringes_of_a_ragged_thick_line_are_no_strokes() -> None:
    image = rasterise(drawn([(30, 128), (226, 128)]), 256, 12.0).copy()
    rng = np.random.default_rng(3)
    image[ndimage.binary_dilation(image < 128) & (rng.random(image.shape) < 0.5)] = 0
    for x in range(50, 220, 30):
        image[117:122, x : x + 4] = 0
    assert len(retrace(image)) == 1


def test_two_bars_across_a_post_stay_apart() -> None:
    ladder = drawn([(128, 30), (128, 226)], [(60, 100), (128, 100)], [(128, 112), (196, 112)])
    found = retrace(rasterise(ladder, 256))
    assert len(found) == 3
    heights = sorted(float(np.median(part[:, 1])) for part in found)
    assert heights[0] < 103 and 109 < heights[1] < 115  # not drawn as one bar through a common junction


def test_small_drawn_dots_stay_and_dust_goes() -> None:
    image = rasterise(drawn([(30, 40), (220, 40)], [(128, 128), (129, 128)]), 256, 6.0).copy()
    image[200, 30] = image[220, 200] = 0
    found = retrace(image)
    assert len(found) == 2
    np.testing.assert_allclose(found[1].mean(0), [128.5, 128], atol=1.5)


def scan(strokes: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A photographed sheet: grey ink, paper that darkens to a corner, noise, blur."""
    ink = 1 - rasterise(strokes, side, 2.5) / 255
    y, x = np.mgrid[:side, :side] / side
    sheet = (230 - 60 * x - 40 * y**2) * (1 - 0.6 * ink) + rng.normal(0, 5, ink.shape)
    return ndimage.gaussian_filter(sheet, side / 700).clip(0, 255).astype(np.uint8)


def variants() -> dict[str, bytes]:
    image = rasterise(CHAIR, 256)
    opaque = np.dstack([image] * 3 + [np.full_like(image, 255)])
    transparent = np.dstack([np.zeros_like(image)] * 3 + [255 - image])
    return {
        "RGBA with alpha 255 everywhere": encoded(opaque),
        "black on transparency": encoded(transparent),
        "white on black": encoded(255 - image),
        "grey ink": encoded((128 + image // 2).astype(np.uint8)),
        "red ink": encoded(np.dstack([np.full_like(image, 255), image, image])),
        "JPEG": encoded(image, "JPEG", quality=50),
        "two colours": encoded(image > 128),
        "thin lines": encoded(rasterise(CHAIR, 256, 1.5)),
        "thick lines": encoded(rasterise(CHAIR, 256, 6.0)),
        "a large image": encoded(rasterise(CHAIR, 1500)),
        "a small image": encoded(rasterise(CHAIR, 128)),
        "a scan": encoded(scan(CHAIR, 1000, np.random.default_rng(0)), "JPEG", quality=70),
    }


@pytest.mark.parametrize("kind", variants())
def test_the_drawing_is_found_however_it_was_stored(kind: str) -> None:
    found = trace(variants()[kind], kind, 1.0)
    plain, again = rasterise(CHAIR, 256), rasterise(found, 256)
    missing, added = gaps(plain, again), gaps(again, plain)
    assert missing.mean() < 0.7 and added.mean() < 0.7 and missing.max() < 7 and added.max() < 7
    assert len(split_strokes(found)) <= 9


def test_a_picture_that_is_not_square_is_centred() -> None:
    image = np.full((100, 200), 255, np.uint8)
    image[49:51, 20:180] = 0
    (found,) = retrace(image)
    wanted = np.array([(20, 100), (180, 100)]) * 256 / 200
    np.testing.assert_allclose(found[np.argsort(found[:, 0])][[0, -1]], wanted, atol=2)


def test_strokes_begin_with_the_longest_and_go_on_with_the_nearest() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.uniform(0, 256, (3, 2)) for _ in range(12)]
    ordered = order_strokes(parts)
    assert sorted(map(np.sum, ordered)) == pytest.approx(sorted(map(np.sum, parts)))
    lengths = [sum(np.hypot(*(b - a)) for a, b in itertools.pairwise(part)) for part in ordered]
    assert lengths[0] == max(lengths)
    assert ordered[0][0].sum() <= ordered[0][-1].sum()
    for position, part in enumerate(ordered[1:], 1):
        pen = ordered[position - 1][-1]
        others = [np.hypot(*(end - pen)) for left in ordered[position:] for end in (left[0], left[-1])]
        assert np.hypot(*(part[0] - pen)) == pytest.approx(min(others))


@settings(max_examples=60)
@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=24)))
@example(np.pad(np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool), 4))  # nothing but a junction
def test_any_mask_gives_lines_inside_the_picture(ink: np.ndarray) -> None:
    parts = trace_mask(ink)
    assert bool(parts) == bool(ink.any())
    for part in parts:
        assert np.isfinite(part).all() and (part >= 0).all() and (part <= ink.shape[::-1]).all()


def test_paper_without_ink_is_an_error() -> None:
    rng = np.random.default_rng(0)
    white = np.full((256, 256), 255, np.uint8)
    for paper in (white, np.zeros((64, 64), np.uint8), scan(drawn([(-9, -9), (-9, -8)]), 256, rng)):
        with pytest.raises(DataError, match=r"^sketches/1\.png: expected lines on paper, found no ink"):
            trace(encoded(paper), "sketches/1.png", 1.0)
    white[100:103, 100:103] = 0
    with pytest.raises(DataError, match=r"^x: expected lines on paper, found a single dot"):
        trace(encoded(white), "x", 1.0)

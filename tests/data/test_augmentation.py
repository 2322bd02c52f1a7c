"""Photo and sketch are changed together where they must agree, and stay valid whatever is drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.augmentation import Changes, change_photos, change_sketches, change_sketches_jointly, draw_changes
from fgsbir.data.pixels import photo_tensor
from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import CANVAS, LONGEST_SIDE, centre, check_strokes, join_strokes

SIZE = 64
seeds = st.integers(0, 2**32 - 1)
part = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.just(2)),
    elements=st.floats(0, CANVAS, width=32, allow_subnormal=False),
)
drawings = st.lists(part, min_size=1, max_size=10).map(join_strokes).filter(lambda strokes: len(strokes) >= 2)


def drawn(seed: int, strength: float = 1.0, n: int = 1) -> Changes:
    return draw_changes(np.random.default_rng(seed), n, strength)


def flag() -> np.ndarray:
    """A shape without any symmetry: a pole, a pennant and a hook."""
    pole = [[70, 230], [70, 30]]
    pennant = [[70, 35], [200, 60], [120, 80], [72, 110]]
    hook = [[72, 180], [110, 190], [120, 225]]
    return centre(join_strokes([np.array(line, np.float32) for line in (pole, pennant, hook)]))


def photo_of(strokes: np.ndarray) -> torch.Tensor:
    """A photo that shows just the lines: float32 (1, 3, s, s)."""
    return photo_tensor(torch.from_numpy(rasterise(strokes, SIZE, 12.0)[None, :, :, None].repeat(3, 3)))


def ink(image: np.ndarray) -> np.ndarray:
    """The ink of an image, cut out and stretched to one square, so that only the shape is compared."""
    dark = 1 - image
    rows, columns = (np.flatnonzero(dark.max(axis) > 0.5) for axis in (1, 0))
    cut = torch.from_numpy(dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])[None, None]
    return torch.nn.functional.interpolate(cut, (24, 24), mode="area")[0, 0].numpy()


def likeness(photo: torch.Tensor, sketch: np.ndarray) -> float:
    shown = ink(photo[0].mean(0).numpy())
    drawn = ink(rasterise(sketch, SIZE, 12.0).astype(np.float32) / 255)
    return float(np.corrcoef(shown.ravel(), drawn.ravel())[0, 1])


def shape_of(image: np.ndarray) -> float:
    """Width over height of the ink."""
    dark = image < 0.5
    return float(np.ptp(np.flatnonzero(dark.any(0))) / np.ptp(np.flatnonzero(dark.any(1))))


@given(seeds, drawings)
def test_strength_0_only_centres(seed: int, strokes: np.ndarray) -> None:
    change = drawn(seed, 0.0)
    for changed in (change_sketches([strokes], change)[0], change_sketches_jointly([strokes], change)[0]):
        np.testing.assert_allclose(changed, centre(strokes), atol=1e-2)


@pytest.mark.parametrize("seed", range(3))
def test_strength_0_leaves_photos_as_they_are(seed: int) -> None:
    photos = torch.rand(3, 3, 9, 9, generator=torch.Generator().manual_seed(seed))
    changed = change_photos(photos, drawn(seed, 0.0, 3))
    torch.testing.assert_close(changed, photos, atol=1e-5, rtol=0)


@given(seeds, drawings, st.floats(0, 2))
def test_sketches_stay_valid(seed: int, strokes: np.ndarray, strength: float) -> None:
    change = drawn(seed, strength)
    before = strokes.copy()
    whole, jointly = change_sketches([strokes], change)[0], change_sketches_jointly([strokes], change)[0]
    check_strokes(whole, "changed")
    check_strokes(jointly, "changed jointly")
    assert np.array_equal(jointly[:, 2], strokes[:, 2])
    assert np.array_equal(strokes, before)  # the set's own sketch is not touched


@given(seeds, drawings)
def test_strokes_are_left_out_whole(seed: int, strokes: np.ndarray) -> None:
    change = replace(drawn(seed), dropout_rate=np.array([0.5]))
    numbers = np.concatenate([[0], np.cumsum(strokes[:-1, 2])]).astype(int)
    kept = change.dropout[0, numbers % 16] >= 0.5
    expected = strokes[kept if kept.sum() > 1 else np.ones(len(strokes), bool)]
    assert np.array_equal(change_sketches([strokes], change)[0][:, 2], expected[:, 2])


def test_usually_some_strokes_are_left_out() -> None:
    strokes = join_strokes([np.array([[k, k], [k + 9, 2 * k]], np.float32) for k in range(16)])
    left = [len(change_sketches([strokes], drawn(seed))[0]) / len(strokes) for seed in range(200)]
    assert 0.85 < np.mean(left) < 0.95 and min(left) < 0.8


@given(seeds)
def test_a_changed_sketch_stays_on_the_page(seed: int) -> None:
    changed = change_sketches([flag()], drawn(seed))[0]
    assert changed[:, :2].min() > 0 and changed[:, :2].max() < CANVAS
    assert 0.85 * LONGEST_SIDE < np.ptp(changed[:, :2], axis=0).max() < 1.05 * LONGEST_SIDE


@given(seeds)
def test_a_jointly_changed_sketch_is_centred(seed: int) -> None:
    changed = change_sketches_jointly([flag()], drawn(seed))[0]
    np.testing.assert_allclose(changed, centre(changed), atol=1e-3)


def test_half_of_all_changes_mirror() -> None:
    changes = drawn(0, n=400)
    assert 0.4 < np.mean(np.linalg.det(changes.joint) < 0) < 0.6
    assert (np.linalg.det(changes.sketch) > 0).all() and (np.linalg.det(changes.photo) > 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_photo_and_sketch_are_changed_alike(seed: int) -> None:
    """The joint change of a photo of a drawing is the drawing's own: mirror image, proportions and slant."""
    nothing = drawn(0, 0.0)
    change = replace(nothing, joint=drawn(seed, 2.0).joint)
    photo = change_photos(photo_of(flag()), change)
    for changed in (change_sketches([flag()], change)[0], change_sketches_jointly([flag()], change)[0]):
        assert likeness(photo, changed) > 0.78
        raster = rasterise(changed, SIZE, 12.0).astype(np.float32) / 255
        assert shape_of(photo[0].mean(0).numpy()) == pytest.approx(shape_of(raster), rel=0.08)
        # The mirror image is another shape, which the likeness tells apart.
        turned = changed * np.array([-1, 1, 1], np.float32) + np.array([CANVAS, 0, 0], np.float32)
        assert likeness(photo, turned) < 0.6


@pytest.mark.parametrize("seed", range(12))
def test_points_of_photo_and_sketch_move_alike(seed: int) -> None:
    """Four coloured spots, followed through the photo and through the sketch: the same but for place and scale."""
    change = replace(drawn(0, 0.0), joint=drawn(seed, 2.0).joint)
    points = np.array([[90, 80], [180, 100], [120, 170], [150, 130]], np.float32)
    y, x = np.mgrid[0:128, 0:128] * 2 + 1
    spots = np.stack([np.exp(-((x - px) ** 2 + (y - py) ** 2) / 200) for px, py in points]).astype(np.float32)
    moved = change_photos(torch.from_numpy(spots).unsqueeze(1).expand(-1, 3, -1, -1), change[np.zeros(4, int)])[
        :, 0
    ].numpy()
    mass = moved.sum((1, 2))
    in_photo = np.stack([(moved * x).sum((1, 2)) / mass, (moved * y).sum((1, 2)) / mass], 1)
    strokes = np.concatenate([points, [[0], [0], [0], [1]]], 1).astype(np.float32)
    for changed in (change_sketches([strokes], change)[0], change_sketches_jointly([strokes], change)[0]):
        shapes = [found - found.mean(0) for found in (in_photo, changed[:, :2])]
        photo, sketch = (found / np.linalg.norm(found) for found in shapes)
        np.testing.assert_allclose(photo, sketch, atol=5e-3)


@pytest.mark.parametrize("seed", range(6))
def test_with_all_changes_the_sketch_still_shows_the_photo(seed: int) -> None:
    change = replace(drawn(seed), dropout_rate=np.zeros(1), colour=np.zeros((1, 5)))
    photo, sketch = change_photos(photo_of(flag()), change), change_sketches([flag()], change)[0]
    mirrored = sketch * np.array([-1, 1, 1], np.float32) + np.array([CANVAS, 0, 0], np.float32)
    assert likeness(photo, sketch) > likeness(photo, mirrored) + 0.2


@given(seeds, st.floats(0, 2))
def test_colours_stay_in_range(seed: int, strength: float) -> None:
    photos = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    changed = change_photos(photos, drawn(seed, strength, 2))
    assert changed.shape == photos.shape and changed.dtype == torch.float32
    assert changed.min() >= 0 and changed.max() <= 1


@given(seeds, st.lists(drawings, min_size=1, max_size=5))
def test_each_sketch_gets_its_own_change(seed: int, sketches: list[np.ndarray]) -> None:
    changes = drawn(seed, n=len(sketches))
    for change in (change_sketches, change_sketches_jointly):
        for row, found in enumerate(change(sketches, changes)):
            alone = change([sketches[row]], changes[row : row + 1])[0]
            np.testing.assert_allclose(found, alone, atol=1e-3)


def test_each_photo_gets_its_own_change() -> None:
    photos = torch.rand(3, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    changes = drawn(0, n=3)
    together = change_photos(photos, changes)
    for row in range(3):
        torch.testing.assert_close(
            together[row], change_photos(photos[row : row + 1], changes[row : row + 1])[0], atol=1e-5, rtol=0
        )


def test_brightness_contrast_and_gain_move_the_right_way() -> None:
    nothing, grey = drawn(0, 0.0), torch.full((1, 3, 4, 4), 0.6)
    grey[:, :, 2:] = 0.4

    def mean(*colour: float) -> list[float]:
        return change_photos(grey, replace(nothing, colour=np.array([colour])))[0].mean((1, 2)).tolist()

    assert mean(1, 0, 0, 0, 0) == pytest.approx([0.65] * 3, abs=1e-5)
    assert mean(0, 0, 0, 1, 0) == pytest.approx([0.575, 0.4625, 0.5], abs=1e-5)
    more = change_photos(grey, replace(nothing, colour=np.array([[0, 1.0, 0, 0, 0]])))
    assert float(more.amax() - more.amin()) == pytest.approx(0.2 * 1.3, abs=1e-5)

"""Photo and sketch are changed together where they must agree, and stay valid whatever is drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.augmentation import (
    Changes,
    change_photos,
    change_sketches,
    change_sketches_jointly,
    draw_changes,
    drawn_separately,
)
from fgsbir.data.strokes import CANVAS, LONGEST_SIDE, centre, check_strokes, join_strokes

seeds = st.integers(0, 2**32 - 1)
coordinates = st.floats(0, CANVAS, width=32, allow_subnormal=False)
part = hnp.arrays(np.float32, st.tuples(st.integers(1, 9), st.just(2)), elements=coordinates)
drawings = st.lists(part, min_size=1, max_size=10).map(join_strokes).filter(lambda strokes: len(strokes) >= 2)


def drawn(seed: int, strength: float = 1.0, n: int = 1) -> Changes:
    return draw_changes(np.random.default_rng(seed), n, strength)


def random_photos(seed: int, n: int = 3) -> torch.Tensor:
    return torch.rand(n, 3, 12, 12, generator=torch.Generator().manual_seed(seed))


def both(strokes: np.ndarray, change: Changes) -> tuple[np.ndarray, np.ndarray]:
    """A sketch with all of a change, the same n times, and with what photo and sketch share."""
    sketches = [strokes] * len(change.joint)
    return change_sketches(sketches, change)[0], change_sketches_jointly(sketches, change)[0]


# A shape without any symmetry: a pole, a pennant and a hook.
LINES = ([[70, 230], [70, 30]], [[70, 35], [200, 60], [120, 80], [72, 110]], [[72, 180], [110, 190], [120, 225]])
FLAG = centre(join_strokes([np.array(line, np.float32) for line in LINES]))


def follow(change: Changes) -> list[np.ndarray]:
    """Four points, followed through photos, a sketch, and one with what they share; (4, 2) without place and scale."""
    points = np.array([[90, 80], [180, 100], [120, 170], [150, 130]], np.float32)
    y, x = np.mgrid[0:128, 0:128] * 2 + 1
    spots = np.stack([np.exp(-((x - px) ** 2 + (y - py) ** 2) / 200) for px, py in points]).astype(np.float32)
    photos = torch.from_numpy(spots).unsqueeze(1).expand(-1, 3, -1, -1)  # one spot a photo
    moved = change_photos(photos, change)[:, 0].numpy()
    in_photo = np.stack([(moved * axis).sum((1, 2)) / moved.sum((1, 2)) for axis in (x, y)], 1)
    in_sketches = both(np.concatenate([points, [[0], [0], [0], [1]]], 1).astype(np.float32), change)
    shapes = [found - found.mean(0) for found in (in_photo, *(sketch[:, :2] for sketch in in_sketches))]
    return [shape / np.linalg.norm(shape) for shape in shapes]


@given(seeds, drawings)
def test_strength_0_only_centres(seed: int, strokes: np.ndarray) -> None:
    for changed in both(strokes, drawn(seed, 0.0)):
        np.testing.assert_allclose(changed, centre(strokes), atol=1e-2)
    photos = random_photos(seed)
    torch.testing.assert_close(change_photos(photos, drawn(seed, 0.0, 3)), photos, atol=1e-5, rtol=0)


@given(seeds, drawings, st.floats(0, 2))
def test_sketches_and_photos_stay_valid(seed: int, strokes: np.ndarray, strength: float) -> None:
    before = strokes.copy()
    whole, jointly = both(strokes, drawn(seed, strength))
    check_strokes(whole, "changed")
    check_strokes(jointly, "changed jointly")
    assert np.array_equal(jointly[:, 2], strokes[:, 2])
    np.testing.assert_allclose(jointly, centre(jointly), atol=1e-3)
    assert np.array_equal(strokes, before)  # the set's own sketch is not touched
    photos = random_photos(seed)
    changed = change_photos(photos, drawn(seed, strength, 3))
    assert changed.shape == photos.shape and changed.dtype == torch.float32
    assert changed.min() >= 0 and changed.max() <= 1


@given(seeds, drawings)
def test_strokes_are_left_out_whole(seed: int, strokes: np.ndarray) -> None:
    change = replace(drawn(seed), dropout_rate=np.array([0.5]))
    numbers = np.concatenate([[0], np.cumsum(strokes[:-1, 2])]).astype(int)
    kept = change.dropout[0, numbers % 16] >= 0.5
    expected = strokes[kept if kept.sum() > 1 else np.ones(len(strokes), bool)]
    assert np.array_equal(change_sketches([strokes], change)[0][:, 2], expected[:, 2])


def test_usually_some_strokes_are_left_out_and_half_of_all_changes_mirror() -> None:
    strokes = join_strokes([np.array([[k, k], [k + 9, 2 * k]], np.float32) for k in range(16)])
    left = [len(change_sketches([strokes], drawn(seed))[0]) / len(strokes) for seed in range(200)]
    assert 0.85 < np.mean(left) < 0.95 and min(left) < 0.8
    changes = drawn(0, n=400)
    assert 0.4 < np.mean(np.linalg.det(changes.joint) < 0) < 0.6
    assert (np.linalg.det(changes.sketch) > 0).all() and (np.linalg.det(changes.photo) > 0).all()


@given(seeds)
def test_a_changed_sketch_stays_on_the_page(seed: int) -> None:
    changed = change_sketches([FLAG], drawn(seed))[0]
    assert changed[:, :2].min() > 0 and changed[:, :2].max() < CANVAS
    assert 0.85 * LONGEST_SIDE < np.ptp(changed[:, :2], axis=0).max() < 1.05 * LONGEST_SIDE


@pytest.mark.parametrize("seed", range(12))
def test_photo_and_sketch_are_changed_alike(seed: int) -> None:
    photo, *sketches = follow(replace(drawn(0, 0.0, 4), joint=drawn_separately([seed] * 4, 2.0).joint))
    for sketch in sketches:
        np.testing.assert_allclose(photo, sketch, atol=5e-3)
    # With all changes the sketch still shows the photo, and not its mirror image.
    everything = drawn_separately([seed] * 4, 1.0)
    photo, sketch, _ = follow(replace(everything, dropout_rate=np.zeros(4), colour=np.zeros((4, 5))))
    assert np.linalg.norm(photo - sketch) < 0.4 < np.linalg.norm(photo - sketch * [-1, 1])


@given(st.lists(st.tuples(seeds, drawings), min_size=1, max_size=5))
def test_each_pair_gets_its_own_change(pairs: list[tuple[int, np.ndarray]]) -> None:
    numbers, sketches = zip(*pairs, strict=True)
    changes, photos = drawn_separately(numbers, 1.0), random_photos(0, len(pairs))
    together = change_photos(photos, changes)
    for row, number in enumerate(numbers):
        own = drawn_separately([number], 1.0)
        for change in (change_sketches, change_sketches_jointly):
            np.testing.assert_allclose(change(sketches, changes)[row], change([sketches[row]], own)[0], atol=1e-3)
        torch.testing.assert_close(together[row], change_photos(photos[row : row + 1], own)[0], atol=1e-5, rtol=0)


def test_brightness_contrast_and_gain_move_the_right_way() -> None:
    nothing, grey = drawn(0, 0.0), torch.full((1, 3, 4, 4), 0.6)
    grey[:, :, 2:] = 0.4

    def coloured(*colour: float) -> torch.Tensor:
        return change_photos(grey, replace(nothing, colour=np.array([colour])))[0]

    assert coloured(1, 0, 0, 0, 0).mean((1, 2)).tolist() == pytest.approx([0.65] * 3, abs=1e-5)
    assert coloured(0, 0, 0, 1, 0).mean((1, 2)).tolist() == pytest.approx([0.575, 0.4625, 0.5], abs=1e-5)
    more = coloured(0, 1, 0, 0, 0)
    assert float(more.amax() - more.amin()) == pytest.approx(0.2 * 1.3, abs=1e-5)

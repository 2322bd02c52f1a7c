"""Untrained features: what they do and do not depend on."""

import numpy as np

from fgsbir.evaluation.baselines import hog_on_edges, ink_statistics


def shapes() -> np.ndarray:
    """A tall frame, a wide frame and a triangle, each in the upper left of 64 x 64."""
    drawn = np.zeros((3, 64, 64), bool)
    for row, (height, width) in enumerate(((30, 12), (10, 28))):
        drawn[row, 2 : 2 + height, 2 : 2 + width] = True
        drawn[row, 3 : 1 + height, 3 : 1 + width] = False
    for i in range(24):
        drawn[2, 2 + i, 2 : 3 + i] = True
    return drawn


def test_ink_statistics_ignore_place_and_holes() -> None:
    drawn = shapes()
    moved = np.roll(drawn, (20, 9), (1, 2))
    filled = drawn.copy()
    filled[0, 2:32, 2:14] = True
    assert np.allclose(ink_statistics(drawn), ink_statistics(moved))
    assert np.allclose(ink_statistics(drawn), ink_statistics(filled))
    features = ink_statistics(drawn)
    assert np.allclose(features.mean(0), 0) and np.allclose(features.std(0), 1)
    assert features[1, 0] == features[:, 0].max()  # the wide one
    assert features[2, 1] == features[:, 1].min()  # the triangle fills half its box


def test_an_empty_drawing_is_no_error() -> None:
    drawn = shapes()
    drawn[1] = False
    assert np.isfinite(ink_statistics(drawn)).all()
    assert not hog_on_edges(np.full((1, 64, 64), 255, np.uint8), drawn=True).any()


def test_hog_finds_the_drawing_of_a_shape_in_its_photo() -> None:
    rng = np.random.default_rng(0)
    solid = np.zeros((3, 64, 64), bool)
    solid[0, 2:50, 2:20], solid[1, 2:20, 2:50] = True, True
    solid[2] = np.add.outer(np.arange(64), np.arange(64)) < 50
    outline = solid & ~(np.roll(solid, 1, 1) & np.roll(solid, -1, 1) & np.roll(solid, 1, 2) & np.roll(solid, -1, 2))
    photos = np.where(solid, 60, 190) + rng.integers(-8, 9, solid.shape)
    sketches = np.where(np.roll(outline, (7, 5), (1, 2)), 0, 255)
    gallery = hog_on_edges(photos.astype(np.uint8), drawn=False)
    queries = hog_on_edges(sketches.astype(np.uint8), drawn=True)
    assert np.allclose(np.linalg.norm(gallery, axis=1), 1, atol=1e-5)
    assert ((queries @ gallery.T).argmax(1) == np.arange(3)).all()

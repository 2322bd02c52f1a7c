"""Edge drawings follow what stands out in the middle of a photo, and nothing else."""

import io
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fgsbir.data.contours import POINTS
from fgsbir.data.edges import MOST_POINTS, photo_edges, read_edges, write_edges
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre, check_strokes, split_strokes
from tests.toy import Toy, cpu

BOX = (70, 60, 180, 200)


def encoded(*shapes: tuple[int, int, int, int], noise: float = 0.0) -> bytes:
    """A white photo of 256 x 256 pixels with dark boxes."""
    image = Image.new("RGB", (256, 256), "white")
    for shape in shapes:
        ImageDraw.Draw(image).rectangle(shape, fill=(60, 40, 30))
    pixels = np.asarray(image) + np.random.default_rng(0).normal(0, noise, (256, 256, 1))
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "png")
    return out.getvalue()


@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_a_box_is_drawn_along_its_sides(noise: float) -> None:
    strokes = check_strokes(photo_edges(encoded(BOX, noise=noise), tolerance=4.0).drawing, "box")
    lines = [line for part in split_strokes(strokes) for line in itertools.pairwise(part)]
    x, y = np.concatenate([np.linspace(start, end, 50) for start, end in lines]).T
    left, top, right, bottom = BOX
    to_side = np.minimum.reduce([abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)])
    assert to_side.max() < 6
    assert x.min() < left + 4 and x.max() > right - 4 and y.min() < top + 4 and y.max() > bottom - 4
    assert len(strokes) < 20  # sides, not pixels


def test_the_surroundings_and_specks_are_left_out() -> None:
    assert photo_edges(encoded(), tolerance=4.0).drawing.shape == (0, 3)
    alone = photo_edges(encoded(BOX), tolerance=4.0).drawing
    among = photo_edges(encoded(BOX, (2, 100, 12, 150), (20, 30, 24, 34)), tolerance=4.0).drawing
    np.testing.assert_allclose(among, alone)


def test_the_longest_contours_come_first_and_fit() -> None:
    corners = itertools.product(range(30, 230, 25), repeat=2)
    strokes = photo_edges(encoded(*((x, y, x + 14, y + 14) for x, y in corners)), tolerance=1.0).drawing
    assert MOST_POINTS - 10 < len(strokes) <= MOST_POINTS
    both = photo_edges(encoded(BOX, (200, 30, 215, 45)), tolerance=4.0).drawing
    lengths = [np.linalg.norm(np.diff(part, axis=0), axis=1).sum() for part in split_strokes(both)]
    assert len(lengths) > 1 and lengths[0] > 4 * lengths[-1]


@pytest.fixture(scope="module")
def drawn(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edges")
    store = ShardStore(toy_folder / "shards")
    write_edges(store, tolerance=2.0, workers=2, processes=cpu(), scratch=folder / "scratch", out=folder / "out")
    return folder / "out"


def test_every_photo_has_its_own_edges(toy: Toy, drawn: Path) -> None:
    store = toy.pictures.shards
    entries = [*toy.split.unlabelled, *toy.split.labelled, *toy.split.validation][::-1]
    found = read_edges(drawn, store, entries)
    for entry, edges in zip(entries, found, strict=True):
        alone = photo_edges(store.read_photo(entry), tolerance=2.0)
        np.testing.assert_array_equal(
            edges.drawing, centre(alone.drawing) if len(alone.drawing) > 1 else alone.drawing[:0]
        )
        np.testing.assert_allclose(edges.contours.points, alone.contours.points, atol=0.07)
        np.testing.assert_array_equal(edges.contours.contour, alone.contours.contour)
        np.testing.assert_array_equal(edges.contours.strength, alone.contours.strength)
    assert any(len(edges.drawing) for edges in found)


def test_a_shard_that_is_whole_is_not_drawn_again_and_a_damaged_one_is_named(
    toy: Toy, drawn: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn, tmp_path / "scratch")
    marked, missing = sorted((tmp_path / "scratch").iterdir())[:2]
    shapes = {"drawing": (0, 3), "points": (0, POINTS, 2), "contour": 0, "strength": 0}
    np.savez(marked, drawn=[0], pieces=[0], **{name: np.zeros(shape) for name, shape in shapes.items()})
    kept = marked.read_bytes()
    missing.unlink()
    out = tmp_path / "out"
    write_edges(toy.pictures.shards, tolerance=2.0, workers=1, processes=cpu(), scratch=tmp_path / "scratch", out=out)
    for path in drawn.iterdir():
        assert (out / path.name).read_bytes() == (kept if path.name == marked.name else path.read_bytes())

    with pytest.raises(DataError, match=rf"{marked.name}: expected the edges of . photos, found 1"):
        read_edges(out, toy.pictures.shards, [*toy.split.unlabelled, *toy.split.labelled])
    (out / marked.name).write_bytes(kept[:100])
    with pytest.raises(DataError, match=marked.name):
        read_edges(out, toy.pictures.shards, [*toy.split.unlabelled, *toy.split.labelled])

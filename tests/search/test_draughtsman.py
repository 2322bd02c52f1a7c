"""G and D_C from their folders, on photos of strangers."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.certainty.discriminator import Discriminator, certainty
from fgsbir.data.photos import read_pixels
from fgsbir.data.pixels import photo_tensor, raster_tensor, sketch_rasters
from fgsbir.data.records import DataError
from fgsbir.data.strokes import check_strokes
from fgsbir.runtime.model_folder import load_model, save_model
from fgsbir.search.draughtsman import Draughtsman

MakePhoto = Callable[[Path, int], Path]


@pytest.fixture
def photos(tmp_path: Path, make_photo: MakePhoto) -> list[bytes]:
    return [make_photo(tmp_path / f"{number}.png", number).read_bytes() for number in range(3)]


def test_each_photo_gets_a_sketch_and_what_the_discriminator_thinks_of_it(
    joint_model: Path, photos: list[bytes]
) -> None:
    drawn = Draughtsman.load(joint_model).draw(photos)
    judge = load_model(joint_model / "discriminator", Discriminator)
    assert len(drawn) == 3
    for data, (strokes, omega, ended) in zip(photos, drawn, strict=True):
        check_strokes(strokes, "drawn")
        pixels = torch.from_numpy(read_pixels(data, "x", judge.image_size)[None])
        rasters = torch.from_numpy(sketch_rasters([strokes], judge.image_size, 3.0))
        expected = certainty(judge(photo_tensor(pixels), raster_tensor(rasters)))
        assert omega == pytest.approx(expected.item(), abs=1e-5) and isinstance(ended, bool)
    assert Draughtsman.load(joint_model).draw([]) == []


def test_a_seed_draws_the_same_and_another_one_other(joint_model: Path, photos: list[bytes]) -> None:
    draughtsman = Draughtsman.load(joint_model)
    first, again, other = (draughtsman.draw(photos, seed=seed, temperature=1.0) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.strokes, two.strokes)
        assert one.certainty == two.certainty
    assert any(not np.array_equal(one.strokes, two.strokes) for one, two in zip(first, other, strict=True))
    greedy = [draughtsman.draw(photos[:1], seed=seed, temperature=0.0)[0].strokes for seed in (0, 1)]
    np.testing.assert_array_equal(*greedy)


def test_a_folder_of_g_alone_has_no_certainty(joint_model: Path, photos: list[bytes], tmp_path: Path) -> None:
    beside = Draughtsman.load(joint_model / "generator").draw(photos[:1])[0]
    assert beside.certainty == Draughtsman.load(joint_model).draw(photos[:1])[0].certainty is not None
    alone = shutil.copytree(joint_model / "generator", tmp_path / "alone" / "generator")
    drawn = Draughtsman.load(alone).draw(photos[:1])[0]
    np.testing.assert_array_equal(drawn.strokes, beside.strokes)
    assert drawn.certainty is None


def test_a_discriminator_of_another_size_sees_photos_of_its_own(
    tmp_path: Path, joint_model: Path, photos: list[bytes]
) -> None:
    save_model(
        joint_model / "discriminator",
        Discriminator(image_size=48, width=8),
        details={"image_size": 48, "line_width": 2.0},
    )
    assert all(0 <= (drawn.certainty or 0) <= 1 for drawn in Draughtsman.load(joint_model).draw(photos))


def test_what_cannot_be_drawn_is_told_by_name(joint_model: Path, photos: list[bytes]) -> None:
    draughtsman = Draughtsman.load(joint_model)
    with pytest.raises(DataError, match=r"^photo 2: expected a JPEG"):
        draughtsman.draw([photos[0], photos[1][:60]])
    with pytest.raises(DataError, match=r"^mine\.png: expected a JPEG"):
        draughtsman.draw([b""], names=["mine.png"])
    with pytest.raises(DataError, match="expected a model of kind generator, found retrieval"):
        Draughtsman.load(joint_model / "retrieval")
    with pytest.raises(DataError, match="no such file"):
        Draughtsman.load(joint_model / "none")

"""G and D_C from their folders, on photos of strangers."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.certainty.certainty import batch_certainty
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.photos import read_pixels
from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.data.strokes import check_strokes
from fgsbir.features.extraction import Reader
from fgsbir.runtime.model_folder import load_model, save_model
from fgsbir.search.sketching import PhotoSketcher
from tests.toy import SIZE, SPEC, cpu

MakePhoto = Callable[[Path, int], Path]


@pytest.fixture
def photos(tmp_path: Path, make_photo: MakePhoto) -> list[bytes]:
    return [make_photo(tmp_path / f"{number}.png", number).read_bytes() for number in range(3)]


def test_each_photo_gets_a_sketch_and_what_the_discriminator_thinks_of_it(
    joint_model: Path, photos: list[bytes]
) -> None:
    drawn = PhotoSketcher.load(joint_model).draw(photos)
    judge = load_model(joint_model / "discriminator", Discriminator)
    reader = Reader(judge.trunk, SPEC, cpu())
    assert len(drawn) == 3
    for data, (strokes, omega, ended) in zip(photos, drawn, strict=True):
        check_strokes(strokes, "drawn")
        photo = reader.photos(read_pixels(data, "x", SIZE)[None]).taps
        expected = batch_certainty(judge, photo, reader.sketches([strokes]).taps, cpu())
        assert omega == pytest.approx(expected.item(), abs=1e-5) and isinstance(ended, bool)
    assert PhotoSketcher.load(joint_model).draw([]) == []


def test_a_seed_draws_the_same_and_another_one_other(joint_model: Path, photos: list[bytes]) -> None:
    sketcher = PhotoSketcher.load(joint_model)
    first, again, other = (sketcher.draw(photos, seed=seed, temperature=1.0) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.strokes, two.strokes)
        assert one.certainty == two.certainty
    assert any(not np.array_equal(one.strokes, two.strokes) for one, two in zip(first, other, strict=True))
    greedy = [sketcher.draw(photos[:1], seed=seed, temperature=0.0)[0].strokes for seed in (0, 1)]
    np.testing.assert_array_equal(*greedy)


def test_a_folder_of_g_alone_has_no_certainty(joint_model: Path, photos: list[bytes], tmp_path: Path) -> None:
    beside = PhotoSketcher.load(joint_model / "generator").draw(photos[:1])[0]
    assert beside.certainty == PhotoSketcher.load(joint_model).draw(photos[:1])[0].certainty is not None
    alone = shutil.copytree(joint_model / "generator", tmp_path / "alone" / "generator")
    drawn = PhotoSketcher.load(alone).draw(photos[:1])[0]
    np.testing.assert_array_equal(drawn.strokes, beside.strokes)
    assert drawn.certainty is None


def test_a_discriminator_of_pixels_sees_photos_of_its_own_size(
    tmp_path: Path, joint_model: Path, photos: list[bytes]
) -> None:
    folder = shutil.copytree(joint_model, tmp_path / "joint")
    spec = replace(SPEC, image_size=48)
    judge = Discriminator(spec=spec.as_json(), channels=[], reads="pixels", width=8).eval()
    save_model(folder / "discriminator", judge, details={})
    for data, drawn in zip(photos, PhotoSketcher.load(folder).draw(photos), strict=True):
        seen = photo_tensor(torch.from_numpy(read_pixels(data, "x", 48)[None]))
        sketch = sketch_tensor(torch.from_numpy(spec.rasterise([drawn.strokes])))
        assert drawn.certainty == pytest.approx(batch_certainty(judge, seen, sketch, cpu()).item(), abs=1e-5)


def test_what_cannot_be_drawn_is_told_by_name(joint_model: Path, photos: list[bytes]) -> None:
    sketcher = PhotoSketcher.load(joint_model)
    with pytest.raises(DataError, match=r"^photo 2: expected a JPEG"):
        sketcher.draw([photos[0], photos[1][:60]])
    with pytest.raises(DataError, match=r"^mine\.png: expected a JPEG"):
        sketcher.draw([b""], names=["mine.png"])
    with pytest.raises(DataError, match="expected a model of kind generator, found retrieval"):
        PhotoSketcher.load(joint_model / "retrieval")
    with pytest.raises(DataError, match="no such file"):
        PhotoSketcher.load(joint_model / "none")

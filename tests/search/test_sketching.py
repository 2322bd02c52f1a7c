"""G and D_C from their folders, on photos of strangers."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.certainty.discriminator import Discriminator, batch_certainty
from fgsbir.data.photos import read_pixels
from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.data.strokes import check_strokes
from fgsbir.features.extraction import Reader
from fgsbir.runtime.model_folder import load_model, save_model
from fgsbir.search.sketching import PhotoSketcher
from tests.toy import SIZE, SPEC, cpu


@pytest.fixture
def photo(tmp_path: Path, make_photo: Callable[[Path, int], Path]) -> bytes:
    return make_photo(tmp_path / "photo.png", 0).read_bytes()


def test_a_photo_gets_a_sketch_and_what_the_discriminator_thinks_of_it(joint_model: Path, photo: bytes) -> None:
    strokes, omega, ended = PhotoSketcher.load(joint_model).draw(photo, "x")
    judge = load_model(joint_model / "discriminator", Discriminator)
    reader = Reader(judge.trunk, SPEC, cpu())
    check_strokes(strokes, "drawn")
    seen = reader.photos(read_pixels(photo, "x", SIZE)[None]).taps
    expected = batch_certainty(judge, seen, reader.sketches([strokes]).taps, cpu())
    assert omega == pytest.approx(expected.item(), abs=1e-5) and isinstance(ended, bool)


def test_a_seed_draws_the_same_and_another_one_other(joint_model: Path, photo: bytes) -> None:
    sketcher = PhotoSketcher.load(joint_model)
    first, again, other = (sketcher.draw(photo, "x", seed=seed, temperature=1.0) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.strokes, again.strokes)
    assert first.certainty == again.certainty and not np.array_equal(first.strokes, other.strokes)
    np.testing.assert_array_equal(*(sketcher.draw(photo, "x", seed=seed, temperature=0).strokes for seed in (0, 1)))


def test_a_folder_of_g_alone_has_no_certainty(joint_model: Path, photo: bytes, tmp_path: Path) -> None:
    alone = shutil.copytree(joint_model / "generator", tmp_path / "alone" / "generator")
    whole, beside, drawn = (
        PhotoSketcher.load(folder).draw(photo, "x") for folder in (joint_model, joint_model / "generator", alone)
    )
    assert beside.certainty == whole.certainty is not None and drawn.certainty is None
    np.testing.assert_array_equal(drawn.strokes, beside.strokes)


def test_a_discriminator_of_pixels_sees_photos_of_its_own_size(tmp_path: Path, joint_model: Path, photo: bytes) -> None:
    folder = shutil.copytree(joint_model, tmp_path / "joint")
    spec = replace(SPEC, image_size=48)
    judge = Discriminator(spec=spec.as_json(), channels=[], reads="pixels", width=8).eval()
    save_model(folder / "discriminator", judge, details={})
    drawn = PhotoSketcher.load(folder).draw(photo, "x")
    seen = photo_tensor(torch.from_numpy(read_pixels(photo, "x", 48)[None]))
    sketch = sketch_tensor(torch.from_numpy(spec.rasterise([drawn.strokes])))
    assert drawn.certainty == pytest.approx(batch_certainty(judge, seen, sketch, cpu()).item(), abs=1e-5)


def test_what_cannot_be_drawn_is_told_by_name(joint_model: Path, photo: bytes) -> None:
    with pytest.raises(DataError, match=r"^mine\.png: expected a JPEG"):
        PhotoSketcher.load(joint_model).draw(photo[:60], "mine.png")
    with pytest.raises(DataError, match="expected a model of kind generator, found retrieval"):
        PhotoSketcher.load(joint_model / "retrieval")
    with pytest.raises(DataError, match="no such file"):
        PhotoSketcher.load(joint_model / "none")

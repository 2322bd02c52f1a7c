"""D_C: patches, certainty, and scores that do not depend on the batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.certainty.certainty import certainties
from fgsbir.certainty.discriminator import Discriminator, certainty
from fgsbir.data.pixels import sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.features.extraction import Reader
from fgsbir.runtime.model_folder import load_model, save_model
from tests.toy import SPEC, Toy, shape

CHANNELS = (24, 40)
DIMENSIONS = sum(CHANNELS) * SPEC.places**2


def make(reads: Any = "features", size: int = 64) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(spec=SPEC.as_json() | {"image_size": size}, channels=CHANNELS, reads=reads, width=8)


def pairs(reads: str, n: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(1)
    shape = (n, DIMENSIONS) if reads == "features" else (n, 3, 64, 64)
    return torch.rand(shape, generator=numbers), torch.rand(shape, generator=numbers)


@pytest.mark.parametrize(("size", "side"), [(256, 30), (64, 6), (32, 2)])
def test_patches_of_pixels(size: int, side: int) -> None:
    assert make("pixels", size)(torch.rand(2, 3, size, size), torch.rand(2, 3, size, size)).shape == (2, side, side)


def test_a_patch_sees_70_pixels() -> None:
    model = make("pixels", 256)
    photos = torch.rand(1, 4, 256, 256, requires_grad=True)
    # Without the norms, which look at the whole map, a logit's gradient covers its patch and no more.
    layers = [layer for layer in model.layers if not isinstance(layer, torch.nn.GroupNorm)]
    torch.nn.Sequential(*layers)(photos)[0, 0, 15, 15].backward()
    assert photos.grad is not None
    reached = photos.grad[0].abs().sum(0) > 0
    assert reached.any(0).sum() == reached.any(1).sum() == 70


def test_too_small_an_image_is_refused() -> None:
    with pytest.raises(DataError, match="3 layers leave no patch of a 16 pixel image"):
        make("pixels", 16)


def test_every_place_of_the_taps_is_a_patch() -> None:
    """A place's numbers, of all channels of both taps, come together: the others do not change what it says alone."""
    model = make()
    photo, sketch = pairs("features", 1)
    assert model(photo, sketch).shape == (1, SPEC.places, SPEC.places)
    maps = model._places(torch.arange(DIMENSIONS).float()[None])
    assert maps.shape == (1, 64, 2, 2)
    assert maps[0, :2].flatten().tolist() == list(range(8))
    assert maps[0, 24].flatten().tolist() == [96, 97, 98, 99]  # the second tap's first channel


@pytest.mark.parametrize("reads", ["features", "pixels"])
def test_photo_and_sketch_both_count_and_the_batch_does_not(reads: str) -> None:
    model, (photos, sketches) = make(reads).train(), pairs(reads)
    score = model(photos, sketches)
    torch.testing.assert_close(model(photos[2:3], sketches[2:3]), score[2:3], rtol=1e-4, atol=1e-5)
    assert (model(photos.flip(0), sketches) - score).abs().max() > 1e-4
    assert (model(photos, sketches.flip(0)) - score).abs().max() > 1e-4


@pytest.mark.parametrize("reads", ["features", "pixels"])
@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_extreme_inputs_stay_finite(reads: str, value: float) -> None:
    model = make(reads)
    logits = model(*(torch.full_like(side, value) for side in pairs(reads)))
    logits.sum().backward()
    assert logits.isfinite().all() and certainty(logits).isfinite().all()
    assert all(weights.grad is not None and weights.grad.isfinite().all() for weights in model.parameters())


def test_certainty_is_the_mean_probability_without_gradient() -> None:
    logits = torch.tensor([[[0.0, 0.0]], [[100.0, -100.0]], [[100.0, 100.0]]], requires_grad=True)
    found = certainty(logits)
    assert found.tolist() == pytest.approx([0.5, 0.5, 1.0]) and not found.requires_grad


def test_the_sides_are_standardised_as_f_does(toy: Toy, tmp_path: Path) -> None:
    model, retrieval = make(), toy.retrieval()
    model.standardise_as(retrieval)
    for name, values in retrieval.sides.state_dict().items():
        assert torch.equal(model.sides.state_dict()[name], values)
    save_model(tmp_path, model, details={})
    again = load_model(tmp_path, Discriminator)
    torch.testing.assert_close(again(*pairs("features")), model.eval()(*pairs("features")))


def test_an_f_that_does_not_standardise_leaves_d_c_as_it_is(toy: Toy) -> None:
    model, retrieval = make(), toy.retrieval()
    retrieval.standardised = False
    model.standardise_as(retrieval)
    assert model.sides["sketch"].mean.abs().max() == 0


@pytest.mark.parametrize("reads", ["features", "pixels"])
def test_certainties_of_strokes(toy: Toy, reads: str) -> None:
    model, rows = make(reads), np.array([2, 0, 4])
    sketches = [shape(row, 3) for row in rows]
    photos = toy.pictures.photos(toy.split.labelled, model.level)
    found = certainties(model, photos, rows, sketches, compute=toy.compute)
    reader = Reader(toy.pictures.features.trunk(), SPEC, toy.compute)
    drawn = sketch_tensor(torch.from_numpy(SPEC.rasterise(sketches)))
    inputs = reader.sketches(sketches).taps if reads == "features" else drawn
    with torch.no_grad():
        expected = certainty(model.eval()(photos(rows), inputs))
    assert found.dtype == np.float32 and found == pytest.approx(expected.numpy(), abs=1e-5)
    assert certainties(model, photos, rows[:0], [], compute=toy.compute).shape == (0,)

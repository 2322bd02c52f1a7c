"""D_C: patches, certainty, and scores that do not depend on the batch."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fgsbir.certainty import discriminator as module
from fgsbir.certainty.discriminator import Discriminator, certainties, certainty
from fgsbir.data.pixels import sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.features.extraction import Reader
from tests.toy import SPEC, Toy, shape

CHANNELS = (24, 40)
DIMENSIONS = sum(CHANNELS) * SPEC.places**2
both_inputs = pytest.mark.parametrize("reads", ["features", "pixels"])


def make(reads: Any = "features", size: int = 64, **more: Any) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(spec=SPEC.as_json() | {"image_size": size}, channels=CHANNELS, reads=reads, width=8, **more)


def pairs(reads: str, n: int = 4) -> tuple[Tensor, Tensor]:
    numbers = torch.Generator().manual_seed(1)
    shape = (n, DIMENSIONS) if reads == "features" else (n, 3, 64, 64)
    return torch.rand(shape, generator=numbers), torch.rand(shape, generator=numbers)


def test_patches_of_pixels_and_too_small_an_image_for_one() -> None:
    for size, side in ((256, 30), (64, 6), (32, 2)):
        assert make("pixels", size)(*torch.rand(2, 2, 3, size, size)).shape == (2, side, side)
    with pytest.raises(DataError, match="3 layers leave no patch of a 16 pixel image"):
        make("pixels", 16)


def test_a_patch_sees_70_pixels() -> None:
    photos = torch.rand(1, 4, 256, 256, requires_grad=True)
    # Without the norms, which look at the whole map, a logit's gradient covers its patch and no more.
    layers = [layer for layer in make("pixels", 256).layers if not isinstance(layer, torch.nn.GroupNorm)]
    (reached,) = torch.autograd.grad(torch.nn.Sequential(*layers)(photos)[0, 0, 15, 15], photos)
    assert (reached[0].abs().sum(0) > 0).any(0).sum() == (reached[0].abs().sum(0) > 0).any(1).sum() == 70


def test_every_place_of_the_taps_is_a_patch() -> None:
    """The numbers of a place, of all channels of both taps, come together."""
    model = make()
    assert model(*pairs("features", 1)).shape == (1, 2, 2)
    maps = model._places(torch.arange(DIMENSIONS)[None])
    assert maps.shape == (1, 64, 2, 2) and maps[0, :2].flatten().tolist() == list(range(8))
    assert maps[0, 24].flatten().tolist() == [96, 97, 98, 99]  # the second tap's first channel


@both_inputs
def test_photo_and_sketch_both_count_and_the_batch_does_not(reads: str) -> None:
    model, (photos, sketches) = make(reads).train(), pairs(reads)
    score = model(photos, sketches)
    torch.testing.assert_close(model(photos[2:3], sketches[2:3]), score[2:3], rtol=1e-4, atol=1e-5)
    assert (model(photos.flip(0), sketches) - score).abs().max() > 1e-4
    assert (model(photos, sketches.flip(0)) - score).abs().max() > 1e-4


def test_hidden_channels_do_not_count_and_the_others_count_for_them() -> None:
    model, (photos, sketches) = make(dropout=0.75), pairs("features")
    keep = model.kept_channels(torch.Generator().manual_seed(0))
    assert keep is not None and keep.shape == (64, 1, 1) and set(keep.unique().tolist()) == {0, 4}
    assert 0.6 < (keep == 0).float().mean() < 0.9
    hidden = (keep == 0).flatten().repeat_interleave(SPEC.places**2)
    others = torch.where(hidden, 9.0, photos), torch.where(hidden, -9.0, sketches)
    assert torch.equal(model(*others, keep), model(photos, sketches, keep))
    torch.testing.assert_close(
        model(photos, sketches, keep), model(*(torch.where(hidden, 0, 4 * side) for side in (photos, sketches)))
    )
    for all_seen in (make(), make("pixels", dropout=0.75)):
        assert all_seen.kept_channels(torch.Generator()) is None


@both_inputs
@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_extreme_inputs_stay_finite(reads: str, value: float) -> None:
    model = make(reads)
    logits = model(*(torch.full_like(side, value) for side in pairs(reads)))
    logits.sum().backward()
    assert logits.isfinite().all() and certainty(logits).isfinite().all()
    assert all(weights.grad is not None and weights.grad.isfinite().all() for weights in model.parameters())


def test_certainty_is_the_mean_probability() -> None:
    found = certainty(torch.tensor([[[0.0, 0.0]], [[100.0, -100.0]], [[100.0, 100.0]]]))
    assert found.tolist() == pytest.approx([0.5, 0.5, 1.0])


def test_the_sides_are_standardised_as_f_does(toy: Toy) -> None:
    model, retrieval = make(), toy.retrieval()
    retrieval.standardised = False
    model.standardise_as(retrieval)
    assert not model.sides["sketch"].mean.any()
    retrieval.standardised = True
    model.standardise_as(retrieval)
    assert torch.equal(model.sides["sketch"].mean, retrieval.sides["sketch"].mean)


@both_inputs
def test_certainties_of_strokes(toy: Toy, reads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    model, rows = make(reads), np.array([2, 0, 4])
    if reads == "features":
        model.drawing.copy_(torch.tensor([[1.5], [0.25]]).expand_as(model.drawing))
    sketches = [shape(row, 3) for row in rows]
    photos = toy.pictures.photos(toy.split.labelled, model.level)
    found, generated = (
        certainties(model, photos, rows, sketches, generated=each, compute=toy.compute) for each in (False, True)
    )
    drawn = sketch_tensor(torch.from_numpy(SPEC.rasterise(sketches)))
    fitted = drawn
    if reads == "features":
        drawn = Reader(toy.pictures.features.trunk(), SPEC, toy.compute).sketches(sketches).taps
        fitted = drawn * 1.5 + 0.25
    with torch.no_grad():
        expected, expected_of_g = (certainty(model.eval()(photos(rows), each)).numpy() for each in (drawn, fitted))
    assert found.dtype == np.float32 and found == pytest.approx(expected, abs=1e-5)
    assert generated == pytest.approx(expected_of_g, abs=1e-5)
    assert certainties(model, photos, rows[:0], [], generated=True, compute=toy.compute).shape == (0,)

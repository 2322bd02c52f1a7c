"""D_C: patches, certainty, and scores that do not depend on the batch."""

import pytest
import torch
from fgsbir.features.backbones import build_backbone

from fgsbir.certainty.discriminator import Discriminator, certainty
from fgsbir.data.records import DataError


@pytest.mark.parametrize(("size", "layers", "side"), [(256, 3, 30), (64, 3, 6), (64, 2, 14), (32, 3, 2)])
def test_patch_logits(size: int, layers: int, side: int) -> None:
    model = Discriminator(image_size=size, width=8, layers=layers)
    assert model(torch.rand(2, 3, size, size), torch.rand(2, 1, size, size)).shape == (2, side, side)


def test_a_patch_sees_70_pixels() -> None:
    model = Discriminator(image_size=256, width=8, layers=3)
    photos = torch.rand(1, 3, 256, 256, requires_grad=True)
    # Without the norms, which look at the whole map, a logit's gradient covers its patch and no more.
    layers = [layer for layer in model.layers if not isinstance(layer, torch.nn.GroupNorm)]
    logits = torch.nn.Sequential(*layers)(torch.cat([photos, torch.rand(1, 1, 256, 256)], 1))
    logits[0, 0, 15, 15].backward()
    assert photos.grad is not None
    reached = photos.grad[0].abs().sum(0) > 0
    assert int(reached.any(0).sum()) == int(reached.any(1).sum()) == 70


def test_a_pairs_score_does_not_depend_on_the_batch() -> None:
    model = Discriminator(image_size=32, width=8).train()
    photos, sketches = torch.rand(4, 3, 32, 32), torch.rand(4, 1, 32, 32)
    alone = model(photos[2:3], sketches[2:3])
    torch.testing.assert_close(model(photos, sketches)[2:3], alone, rtol=1e-4, atol=1e-5)


def test_photo_and_sketch_both_count() -> None:
    model = Discriminator(image_size=32, width=8)
    photos, sketches = torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32)
    score = model(photos, sketches)
    assert (model(photos.flip(0), sketches) - score).abs().max() > 1e-4
    assert (model(photos, sketches.flip(0)) - score).abs().max() > 1e-4


def test_certainty_is_the_mean_probability_of_the_patches_and_carries_no_gradient() -> None:
    logits = torch.tensor([[[0.0, 100.0], [-100.0, 0.0]], [[100.0, 100.0], [100.0, 100.0]]], requires_grad=True)
    found = certainty(logits)
    torch.testing.assert_close(found, torch.tensor([0.5, 1.0]))
    assert not found.requires_grad


def test_certainty_varies_with_the_pair() -> None:
    torch.manual_seed(0)
    model = Discriminator(image_size=32, width=8)
    scores = certainty(model(torch.rand(8, 3, 32, 32), torch.rand(8, 1, 32, 32)))
    assert ((scores > 0) & (scores < 1)).all()
    assert len(scores.unique()) == 8


def test_bf16_logits_come_back_as_float32() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logits = Discriminator(image_size=32, width=8)(torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32))
    assert logits.dtype == torch.float32


def test_too_small_an_image_is_refused() -> None:
    with pytest.raises(DataError, match="3 layers leave no patch of a 16 pixel image"):
        Discriminator(image_size=16, width=8, layers=3)


@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_extreme_inputs_stay_finite(value: float) -> None:
    model = Discriminator(image_size=32, width=8)
    logits = model(torch.full((1, 3, 32, 32), value), torch.full((1, 1, 32, 32), value))
    logits.sum().backward()
    assert logits.isfinite().all() and certainty(logits).isfinite().all()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def on_features() -> Discriminator:
    torch.manual_seed(0)
    model = Discriminator(image_size=32, width=8, backbone="small")
    model.read_as(build_backbone("small"))
    return model


def test_on_features_every_place_of_the_map_is_a_patch() -> None:
    logits = on_features()(torch.rand(2, 3, 64, 64), torch.rand(2, 1, 64, 64))
    assert logits.shape == (2, 4, 4) and logits.dtype == torch.float32


def test_the_network_that_reads_is_the_one_given_and_stays_as_it_is() -> None:
    read = build_backbone("small")
    model = Discriminator(image_size=32, width=8, backbone="small")
    model.read_as(read)
    assert model.features is not None and not model.train().features.training
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32)).sum().backward()
    optimizer.step()
    for name, value in read.state_dict().items():
        assert torch.equal(model.features.state_dict()[name], value)
    assert model.of_photo.weight.grad is not None and model.of_photo.weight.grad.any()


def test_on_features_photo_and_sketch_both_count_and_the_batch_does_not() -> None:
    model = on_features().train()
    photos, sketches = torch.rand(4, 3, 32, 32), torch.rand(4, 1, 32, 32)
    score = model(photos, sketches)
    torch.testing.assert_close(model(photos[2:3], sketches[2:3]), score[2:3], rtol=1e-4, atol=1e-5)
    assert (model(photos.flip(0), sketches) - score).abs().max() > 1e-4
    assert (model(photos, sketches.flip(0)) - score).abs().max() > 1e-4

"""F: the unit sphere, the attention as printed in the paper, independence of the batch."""

import pytest
import torch
from torch import Tensor

from fgsbir.retrieval.model import RetrievalModel


def make(attention: bool = True, backbone: str = "small") -> RetrievalModel:
    torch.manual_seed(0)
    return RetrievalModel(backbone=backbone, embedding_dim=24, attention=attention, image_size=32).eval()


def images(n: int = 3) -> Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("attention", [True, False])
def test_embeddings_lie_on_the_unit_sphere(attention: bool) -> None:
    embedded = make(attention)(images())
    assert embedded.shape == (3, 24) and embedded.dtype == torch.float32
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(3))


def test_pooled_attention_is_the_papers() -> None:
    """F = F' + F' * f_attn(F'), then global average pooling, written out."""
    model = make()
    features = model.backbone(images())
    assert model.attention is not None
    scores = torch.nn.functional.conv2d(features, model.attention.score.weight, model.attention.score.bias)
    attention = scores.flatten(1).softmax(1).view(3, 1, *features.shape[2:])
    attended = features + features * attention
    torch.testing.assert_close(model.attention(features), attended.mean((2, 3)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("attention", [True, False])
def test_attention_map_sums_to_one(attention: bool) -> None:
    looked = make(attention).attention_map(images())
    assert looked.shape == (3, 2, 2)
    torch.testing.assert_close(looked.sum((1, 2)), torch.ones(3))


def test_an_embedding_does_not_depend_on_the_batch() -> None:
    model = make().train()
    torch.testing.assert_close(model(images(5))[2:3], model(images(5)[2:3]), rtol=1e-4, atol=1e-5)


def test_the_attention_learns() -> None:
    model = make()
    (model(images()) * torch.arange(24)).sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.any() for parameter in model.parameters() if parameter.ndim > 1
    )


def test_bf16_and_channels_last_give_near_float32_embeddings() -> None:
    model = make()
    expected = model(images())
    with torch.autocast("cpu", torch.bfloat16):
        low = model(images())
        looked = model.attention_map(images())
    assert low.dtype == looked.dtype == torch.float32
    torch.testing.assert_close(low, expected, rtol=0, atol=0.03)
    torch.testing.assert_close(looked.sum((1, 2)), torch.ones(3))
    last = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = last(images().to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 100.0])
def test_extreme_weights_stay_finite(scale: float) -> None:
    model = make()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    embedded = model(images())
    embedded.sum().backward()
    assert embedded.isfinite().all()


def test_the_config_rebuilds_the_same_architecture() -> None:
    model = make(attention=False)
    RetrievalModel(**model.config()).load_state_dict(model.state_dict())


def test_torchvision_backbones_train() -> None:
    model = make(backbone="mobilenet_v3_small").train()
    model(torch.rand(4, 3, 64, 64)).sum().backward()
    assert model.head.weight.grad is not None

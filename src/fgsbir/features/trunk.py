"""The trunk: an image network that knows ImageNet, read at its middle, where sketch and photo agree on what lies where:
its end knows kinds of photos, and not of sketches.
"""

import functools
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fgsbir.data.records import DataError
from fgsbir.features.spec import FeatureSpec
from fgsbir.features.timm_import import import_timm
from fgsbir.features.weights import PACKAGED, load_strictly, packaged_weights, read_weights, renamed_in_order


class Features(NamedTuple):
    """What the trunk says of n pictures, float32: the pooled taps one after the other (n, D), a map (n, c, h, w)."""

    taps: Tensor
    map: Tensor

    def at(self, level: str) -> Tensor:
        """The part that a model of ``level`` reads: the taps, or for any other level the map."""
        return self.taps if level == "taps" else self.map


class Trunk(nn.Module):
    """The blocks of an image network, up to the last that is tapped, with its own input normalisation.

    Frozen, and in evaluation mode for good: a picture's features do not depend on the batch that it is read in.
    """

    def __init__(self, blocks: Sequence[nn.Module], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.mean: Tensor
        self.std: Tensor
        # Constants of the architecture, so they do not belong in a model's file.
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "Trunk":
        """Batch normalisation keeps ImageNet's statistics, whether weights are trained or not."""
        return super().train(False)

    def normalise(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std

    def maps(self, images: Tensor, wanted: Sequence[int]) -> list[Tensor]:
        """The maps (n, c, h, w) after the blocks ``wanted``, which rise, of images (n, 3, s, s) in [0, 1]."""
        return run_blocks(self.blocks, self.normalise(images), wanted)

    def forward(self, images: Tensor, spec: FeatureSpec) -> Features:
        """Taps and map of images, float32 (n, 3, s, s) in [0, 1]."""
        wanted = sorted({*spec.taps, spec.map_block})
        maps = dict(zip(wanted, self.maps(images, wanted), strict=True))
        return Features(pool_taps([maps[tap] for tap in spec.taps], spec.places), maps[spec.map_block].float())


def run_blocks(blocks: Sequence[nn.Module] | nn.ModuleList, x: Tensor, wanted: Sequence[int]) -> list[Tensor]:
    """Outputs of the blocks ``wanted``, int and rising, of ``blocks`` one after the other from ``x``."""
    found = []
    for number, block in enumerate(blocks):
        x = block(x)
        if number in wanted:
            found.append(x)
    return found


def pool_taps(maps: Sequence[Tensor], places: int) -> Tensor:
    """Each map (n, c_i, h_i, w_i) averaged to places x places and flattened, one after the other: float32 (n, D)."""
    return torch.cat([functional.adaptive_avg_pool2d(each.float(), places).flatten(1) for each in maps], 1)


def build_trunk(name: str, depth: int, weights: str, sha256: str = "") -> Trunk:
    """The trunk ``name`` of timm with the blocks 0 to ``depth``.

    ``weights``: "package", the data package of that name; "hub", timm's over the network; the path of a local file; or
    "nothing", random numbers, to be loaded over. They must have the hash ``sha256``, a hub's that of the trunk's
    tensors as safetensors. An EfficientNet's blocks are its inverted residual blocks, counted through its stages, the
    stem being part of block 0; any other network's are timm's ``features_only`` layers, in their order. Raises
    DataError for an unknown network, one that has no such block, and where there are no such weights to be had.
    """
    # Importing timm takes seconds. Imported here, it does not delay the error for a wrong path.
    timm = import_timm()
    from timm.models.efficientnet import EfficientNet

    if not timm.is_model(name):
        raise DataError(f"trunk {name!r}: timm {timm.__version__} has no such network")
    try:
        network = timm.create_model(name, pretrained=weights == "hub")
    except (RuntimeError, OSError, ValueError) as error:
        raise DataError(f"trunk {name}: cannot be built: {error}") from error
    if weights == "package":
        if name not in PACKAGED:
            raise DataError(
                f"trunk {name}: give a local weight file, or hub, as features.weights; "
                f"data packages have the weights of {', '.join(PACKAGED)}"
            )
        _expect(f"trunk {name}", sha256 or PACKAGED[name].sha256, PACKAGED[name].sha256, "the package has")
        network.load_state_dict(renamed_in_order(network.state_dict(), packaged_weights(name), name))
    elif weights not in ("hub", "nothing"):
        load_strictly(network, read_weights(Path(weights), sha256), weights)
    normalised: Any = network.pretrained_cfg
    if isinstance(network, EfficientNet):
        stages: Any = network.blocks
        blocks = [block for stage in stages for block in stage]
        blocks[0] = nn.Sequential(network.conv_stem, network.bn1, blocks[0])
    else:
        blocks = _levels(name, network)
    if not blocks:
        trunk: Trunk = TransformerTrunk([network], normalised["mean"], normalised["std"])
    elif depth >= len(blocks):
        raise DataError(f"trunk {name}: expected a block from 0 to {len(blocks) - 1}, found {depth}")
    else:
        blocks = blocks[: depth + 1]
        if isinstance(network, EfficientNet):
            blocks = [folded(block.eval()) for block in blocks]
        trunk = Trunk(blocks, normalised["mean"], normalised["std"])
    if weights == "hub":
        _expect(f"trunk {name}", sha256, hashlib.sha256(trunk_bytes(trunk)).hexdigest(), "the hub has")
    return trunk


def _expect(name: str, expected: str, found: str, by: str) -> None:
    if found != expected:
        raise DataError(f"{name}: expected weights of sha256 {expected}, {by} {found}")


def folded(network: nn.Module) -> nn.Module:
    """``network`` with batch normalisations folded into the convolutions before, in place: in evaluation the same."""
    for child in network.children():
        folded(child)
    names = list(network._modules)
    for name, following in itertools.pairwise(names):
        convolution, normalisation = network._modules[name], network._modules[following]
        if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
            network._modules[name] = fuse_conv_bn_eval(convolution, normalisation)
            network._modules[following] = getattr(normalisation, "act", None) or nn.Identity()
    return network


class TransformerTrunk(Trunk):
    """A network whose blocks are no plain sequence of maps, such as a vision transformer, read through timm."""

    def maps(self, images: Tensor, wanted: Sequence[int]) -> list[Tensor]:
        """As :meth:`Trunk.maps`; blocks are those of timm's ``forward_intermediates``."""
        return self.blocks[0].forward_intermediates(  # type: ignore[operator]
            self.normalise(images), indices=list(wanted), intermediates_only=True, output_fmt="NCHW"
        )


def _levels(name: str, network: nn.Module) -> list[nn.Module]:
    """A network as timm's sequence of layers up to its last feature map; empty if it has no such sequence."""
    timm = import_timm()
    from timm.models import FeatureListNet

    try:
        levels = timm.create_model(name, features_only=True, pretrained=False)
    except (RuntimeError, AttributeError, KeyError) as error:
        raise DataError(f"trunk {name}: timm gives no feature maps of it: {error}") from error
    if not isinstance(levels, FeatureListNet):
        return []
    # timm may flatten a network: its tensors then have other names, in the same order, the classifier's left out.
    own = levels.state_dict()
    first = dict(list(network.state_dict().items())[: len(own)])
    levels.load_state_dict(renamed_in_order(own, first, name))
    return list(levels.children())


def is_packaged(spec: FeatureSpec) -> bool:
    """Whether a data package has the weights of the trunk of ``spec``."""
    return spec.trunk in PACKAGED and PACKAGED[spec.trunk].sha256 == spec.weights_sha256


def depth_of(spec: FeatureSpec) -> int:
    """The last block that ``spec`` needs."""
    return max(*spec.taps, spec.map_block)


@functools.cache
def packaged_trunk(spec: FeatureSpec) -> Trunk:
    """The trunk of ``spec``, of which :func:`is_packaged` holds: one for all models of a process."""
    return build_trunk(spec.trunk, depth_of(spec), "package")


def trunk_bytes(trunk: Trunk) -> bytes:
    """The trunk's tensors as a safetensors file."""
    return save_safetensors({key: value.detach().cpu().contiguous() for key, value in trunk.state_dict().items()})


def tap_channels(trunk: Trunk, spec: FeatureSpec) -> list[int]:
    """Channels of the maps at the taps of ``spec``."""
    return [shape[0] for shape in _shapes(trunk, spec, spec.taps)]


def map_shape(trunk: Trunk, spec: FeatureSpec) -> tuple[int, int, int]:
    """(c, h, w) of the map of ``spec.map_block``."""
    return _shapes(trunk, spec, (spec.map_block,))[0]


@torch.no_grad()
def _shapes(trunk: Trunk, spec: FeatureSpec, wanted: Sequence[int]) -> list[tuple[int, int, int]]:
    image = torch.zeros(1, 3, spec.image_size, spec.image_size, device=trunk.mean.device)
    return [(each.shape[1], each.shape[2], each.shape[3]) for each in trunk.maps(image, wanted)]

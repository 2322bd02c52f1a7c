"""Model folders: rebuilt from themselves alone, stable bytes, and an error for everything that can be wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from timm import get_pretrained_cfg

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.data.records import DataError
from fgsbir.features.reading_model import ReadingModel
from fgsbir.features.trunk import packaged_trunk, tap_channels
from fgsbir.generator.model import Generator
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import StoredModel, load_model, read_config, save_model
from fgsbir.sketch_classifier.model import SketchClassifier
from tests.toy import SPEC, toy_chooser, toy_generator

DATA = {"name": "naïve: 1", "layout": "folder", "category": None, "labelled_frac": 0.5, "labelled_photos": 1200}
DETAILS = {"data": DATA, "seed": 0, "line_width": 3.0}
CHANNELS = tap_channels(packaged_trunk(SPEC), SPEC)
CONFIG = {"spec": SPEC.as_json(), "channels": CHANNELS, "embedding_dim": 8}
FILES = ["README.md", "config.json", "model.safetensors"]
KEYS = ("kind", "architecture", "sha256", "details")


def retrieval() -> RetrievalModel:
    return RetrievalModel(**CONFIG)  # type: ignore[arg-type]


MODELS: dict[str, Callable[[], StoredModel]] = {
    "retrieval": retrieval,
    "generator": toy_generator,
    "contour_generator": toy_chooser,
    "discriminator": lambda: Discriminator(spec=SPEC.as_json(), channels=CHANNELS, reads="features", width=8),
    "sketch_classifier": lambda: SketchClassifier(image_size=32, classes=3),
    "adaptive": lambda: AdaptiveModel(
        retrieval=retrieval().config(), embedding_dim=8, scope="head", steps=1, margin_width=8, statistics=True
    ),
}


def test_every_kind_is_tried_here() -> None:
    kinds = [*StoredModel.__subclasses__(), *ReadingModel.__subclasses__()]
    stored = {model.kind: model for model in kinds if hasattr(model, "kind") and model.__module__.startswith("fgsbir.")}
    assert {kind: type(build()) for kind, build in MODELS.items()} == stored


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_round_trip(tmp_path: Path, kind: str) -> None:
    model = MODELS[kind]()
    save_model(tmp_path / "model", model, details=DETAILS)
    loaded = load_model(tmp_path / "model", type(model))
    assert type(loaded) is type(model) and loaded.config() == model.config() and not loaded.training
    for (name, value), (other, read) in zip(model.state_dict().items(), loaded.state_dict().items(), strict=True):
        assert name == other and torch.equal(value, read), name
    assert read_config(tmp_path / "model")["details"] == DETAILS
    assert json.loads(json.dumps(model.config())) == model.config()
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == FILES


def test_bytes_are_stable_whatever_the_memory_format(tmp_path: Path) -> None:
    model = retrieval()
    save_model(tmp_path / "a", model, details=DETAILS)
    save_model(tmp_path / "b", load_model(tmp_path / "a", RetrievalModel), details=DETAILS)
    save_model(tmp_path / "b", model.to(memory_format=torch.channels_last), details=DETAILS)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_the_card_is_one_of_a_model_hub(tmp_path: Path, kind: str) -> None:
    save_model(tmp_path / "model", MODELS[kind](), details=DETAILS)
    card = ModelCard.load(tmp_path / "model" / "README.md")
    front = card.data.to_dict()
    assert set(front) - {"base_model"} == {"license", "library_name", "tags", "datasets", "metrics"}
    assert (front["license"], front["datasets"]) == ("apache-2.0", [DATA["name"]])
    trunk = None if kind == "sketch_classifier" else f"timm/{SPEC.trunk}.in1k"
    assert card.data.base_model == trunk and (trunk is None or get_pretrained_cfg(SPEC.trunk).hf_hub_id == trunk)
    assert "1,200 photos with sketches, seed 0." in card.text


KNOWN = [{}, {"adapted": {}}, {"adapted": {"sketches": 0}}, DETAILS | {"unlabelled_photos": 30}]


@pytest.mark.parametrize("details", KNOWN)
def test_a_card_says_what_is_known_and_the_folder_is_one_without_it(tmp_path: Path, details: dict[str, object]) -> None:
    save_model(tmp_path / "model", retrieval(), details=details)
    path = tmp_path / "model" / "README.md"
    card = ModelCard.load(path)
    assert (card.data.datasets is not None) == ("data" in details)
    assert ("Then adapted" in card.text) == ("adapted" in details)
    assert ("to photos alone" in card.text) == (details.get("adapted") == {"sketches": 0})
    assert (" and 30 without" in card.text) == ("unlabelled_photos" in details)
    path.unlink()
    load_model(tmp_path / "model", RetrievalModel)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", retrieval(), details=DETAILS)
    return tmp_path / "model"


def test_missing_files(folder: Path) -> None:
    for name in ("model.safetensors", "config.json"):
        (folder / name).unlink()
        with pytest.raises(DataError, match=f"{name}: no such file"):
            load_model(folder, RetrievalModel)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_truncated_or_altered_tensors(folder: Path, place: int) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    altered = bytearray(data)
    altered[place] ^= 1
    for damaged in (data[:place], altered):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"model\.safetensors: truncated or altered: expected sha256 \w{64}, found"):
            load_model(folder, RetrievalModel)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"format": 99}', "{}"])
def test_broken_config(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(DataError, match=r"config\.json: expected (JSON|a model of format 1)"):
        load_model(folder, RetrievalModel)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(({key: 3}, rf"config\.json: expected key {key} as \w+, found 3") for key in KEYS),
        ({"kind": "oracle"}, "expected a model of kind retrieval, found oracle"),
        ({"architecture": {"spec": SPEC.as_json(), "layers": 3}}, r"config\.json: no architecture of kind retrieval"),
        ({"architecture": {**CONFIG, "spec": SPEC.as_json() | {"trunk": "no_such_network"}}}, "no_such_network"),
        ({"architecture": {**CONFIG, "embedding_dim": 16}}, r"size mismatch for head\.bias: .*\[8\].*\[16\]"),
    ],
)
def test_a_config_that_does_not_fit(folder: Path, changes: dict[str, object], message: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(DataError, match=message):
        load_model(folder, RetrievalModel)


def test_a_form_of_other_keys_is_told(tmp_path: Path) -> None:
    save_model(tmp_path, toy_generator(), details={})
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"max_points"', '"points"'))
    with pytest.raises(DataError, match=r"no architecture of kind generator: .*'points'"):
        load_model(tmp_path, Generator)


def test_a_compact_model_is_small_and_says_nearly_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = retrieval().eval()
    save_model(tmp_path / "whole", model, details=DETAILS)
    save_model(tmp_path / "compact", model, details=DETAILS, compact=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "compact")]
    assert sizes[1] < 0.5 * sizes[0]
    rows = torch.randn(5, model.dimensions)
    with torch.no_grad():
        found = load_model(tmp_path / "compact", RetrievalModel).embed(rows, "photo")
        torch.testing.assert_close(found, model.embed(rows, "photo"), rtol=0, atol=0.02)

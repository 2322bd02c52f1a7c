"""``fgsbir export``: the embeddings of the ONNX file are the model's."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.data.pixels import photo_tensor, sketch_tensor
from fgsbir.features.trunk import pool_taps
from fgsbir.retrieval import onnx_export
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import read_config, save_model
from tests.toy import SIZE, SPEC, Toy, cpu, shape

Run = Callable[..., int]
Refusal = Callable[..., str]


def embed(path: Path, images: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["embeddings"], {"images": images, "sketch": sketch})[0]


def test_any_number_of_images_of_either_side_is_embedded_as_by_the_model(
    tmp_path: Path, joint_model: Path, fgsbir: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    out = tmp_path / "new" / "f.onnx"
    assert fgsbir("export", "--model", joint_model, "--onnx", out) == 0
    told = capsys.readouterr().out
    assert "images (n, 3, 64, 64) and sketch (n,) to embeddings (n, 8)" in told and float(told.split()[-1]) < 1e-5
    encoder = Encoder.load(joint_model / "retrieval", cpu())
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    strokes = [shape(number) for number in range(3)]
    photos = photo_tensor(torch.from_numpy(pixels)).numpy()
    sketches = sketch_tensor(torch.from_numpy(SPEC.rasterise(strokes))).numpy()
    mixed = np.concatenate([photos, sketches])[[0, 3, 4, 1, 2, 5]]
    found = embed(out, mixed, np.array([0, 1, 1, 0, 0, 1], bool))
    np.testing.assert_allclose(found[[0, 3, 4]], encoder.photos(pixels), atol=1e-5)
    np.testing.assert_allclose(found[[1, 2, 5]], encoder.sketches(strokes), atol=1e-5)
    np.testing.assert_allclose(embed(out, photos[:1], np.zeros(1, bool)), found[:1], atol=1e-5)
    metadata = onnxruntime.InferenceSession(str(out)).get_modelmeta().custom_metadata_map
    sha256 = read_config(joint_model / "retrieval")["sha256"]
    assert metadata.items() >= {"kind": "retrieval", "sha256": sha256, "image_size": "64", "line_width": "6"}.items()
    assert [path.name for path in out.parent.iterdir()] == ["f.onnx"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mirror", "tuned", "pooling"),
    [(True, 0, "places"), *((False, tuned, pooling) for tuned in (2, "all") for pooling in ("places", "attention"))],
)
def test_every_form_of_f_can_be_exported(
    tmp_path: Path, toy: Toy, fgsbir: Run, mirror: bool, tuned: int | str, pooling: str
) -> None:
    torch.manual_seed(0)
    model = toy.retrieval(mirror=True)
    if not mirror:
        model = RetrievalModel(**toy.retrieval().config() | {"tuned_blocks": tuned, "pooling": pooling})
        model.take_trunk(toy.pictures.features.trunk())
    save_model(tmp_path / "f", model, details={})
    assert fgsbir("export", "--model", tmp_path / "f", "--onnx", tmp_path / "f.onnx") == 0
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    found = embed(tmp_path / "f.onnx", photo_tensor(torch.from_numpy(pixels)).numpy(), np.zeros(2, bool))
    np.testing.assert_allclose(found, Encoder(model, cpu()).photos(pixels), atol=1e-4)


@pytest.mark.parametrize("side", [14, 7, 5, 4, 3])
@pytest.mark.parametrize("places", [1, 3, 4])
def test_averages_of_places_are_those_of_the_trunk(side: int, places: int) -> None:
    maps = torch.rand(2, 3, side, side + 1, generator=torch.Generator().manual_seed(side))
    torch.testing.assert_close(onnx_export.average_places(maps, places), pool_taps([maps], places))


def test_what_cannot_be_exported_leaves_no_file(
    tmp_path: Path, joint_model: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    out = tmp_path / "f.onnx"
    told = refusal("export", "--model", joint_model / "generator", "--onnx", out)
    assert "expected a model of kind retrieval, found generator" in told
    told = refusal("export", "--model", joint_model, "--onnx", tmp_path)
    assert "expected the name of a file, found a folder" in told
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    told = refusal("export", "--model", joint_model, "--onnx", out)
    assert "not written: the ONNX model's embeddings differ from torch's by" in told
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_told_in_one_line(
    tmp_path: Path, joint_model: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, sys)  # there, whether it is or not
    monkeypatch.setitem(sys.modules, missing, None)
    told = refusal("export", "--model", joint_model, "--onnx", tmp_path / "f.onnx")
    assert told == f"error: export needs the package {missing}: pip install 'fgsbir[export]'\n"
    assert not (tmp_path / "f.onnx").exists()

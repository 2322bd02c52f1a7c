"""``fgsbir export``: the embeddings of the ONNX file are the model's."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.__main__ import main
from fgsbir.retrieval import onnx_export
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config, save_model

DETAILS = {"image_size": 64, "line_width": 3.0}


def export(model: Path, out: Path) -> int:
    try:
        main(["export", "--model", str(model), "--onnx", str(out)])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def embed(path: Path, images: np.ndarray) -> np.ndarray:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["embeddings"], {"images": images})[0]


def test_any_number_of_images_is_embedded_as_by_the_model(
    tmp_path: Path, joint_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    out = tmp_path / "new" / "f.onnx"
    assert export(joint_model, out) == 0
    told = capsys.readouterr().out
    assert "images (n, 3, 32, 32) to embeddings (n, 8)" in told and float(told.split()[-1]) < 1e-5
    model = load_model(joint_model / "retrieval", RetrievalModel)
    for n in (1, 2, 7):
        images = torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(n))
        with torch.no_grad():
            np.testing.assert_allclose(embed(out, images.numpy()), model(images).numpy(), atol=1e-5)
    metadata = onnxruntime.InferenceSession(str(out)).get_modelmeta().custom_metadata_map
    sha256 = read_config(joint_model / "retrieval")["sha256"]
    assert metadata.items() >= {"kind": "retrieval", "sha256": sha256, "image_size": "32", "line_width": "3"}.items()
    assert [path.name for path in out.parent.iterdir()] == ["f.onnx"]


def test_a_file_that_differs_is_not_left(
    tmp_path: Path, joint_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    (tmp_path / "out").mkdir()
    assert export(joint_model, tmp_path / "out" / "f.onnx") == 1
    assert "expected torch's embeddings to -1, found a difference of" in capsys.readouterr().err
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_told_in_one_line(
    tmp_path: Path,
    joint_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
) -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, sys)  # there, whether it is or not
    monkeypatch.setitem(sys.modules, missing, None)
    assert export(joint_model, tmp_path / "f.onnx") == 1
    assert capsys.readouterr().err == f"error: export needs the package {missing}: pip install 'fgsbir[export]'\n"
    assert not (tmp_path / "f.onnx").exists()


def test_what_cannot_be_exported(tmp_path: Path, joint_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(joint_model / "generator", tmp_path / "g.onnx") == 1
    assert "expected a model of kind retrieval, found generator" in capsys.readouterr().err
    assert export(joint_model, tmp_path) == 1
    assert "expected the name of a file, found a folder" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "size"), [("small", 64), ("inception_v3", 128), ("resnet18", 64), ("convnext_tiny", 64)]
)
@pytest.mark.parametrize("attention", [False, True])
def test_every_kind_of_backbone_can_be_exported(tmp_path: Path, backbone: str, size: int, attention: bool) -> None:
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model = RetrievalModel(backbone=backbone, embedding_dim=16, attention=attention, image_size=size)
    save_model(tmp_path / "f", model, details=DETAILS)
    assert export(tmp_path / "f", tmp_path / "f.onnx") == 0
    assert embed(tmp_path / "f.onnx", np.zeros((3, 3, size, size), np.float32)).shape == (3, 16)

"""``fgsbir adapt``: sketches or pairs in, a model of its own out; and a clear error for all that cannot be used."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.__main__ import main
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.support import adapt_to, pooled_triplets, read_support
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config, save_model
from tests.toy import Toy, cpu
from tests.trained import save_meta_trained, save_retrieval

NAMES = ("cup", "jug", "pot")


@pytest.fixture
def support(tmp_path: Path) -> Path:
    root = tmp_path / "mine"
    for folder in ("photos", "sketches"):
        (root / folder).mkdir(parents=True)
    for number, name in enumerate(NAMES):
        pixels = np.full((40, 50, 3), 255, np.uint8)
        pixels[5 + 8 * number : 15 + 8 * number, 10:40] = 40 * number
        Image.fromarray(pixels).save(root / "photos" / f"{name}.png")
        strokes = [[[20, 20 + 60 * number], [200, 20 + 60 * number]], [[20, 90], [90, 20]]]
        (root / "sketches" / f"{name}.json").write_text(json.dumps(strokes))
    (root / "sketches" / "cup_2.json").write_text(json.dumps([[[30, 30], [200, 100]]]))
    return root


def adapt(model: Path, support: Path, out: Path) -> int:
    try:
        main(["adapt", "--model", str(model), "--support", str(support), "--out", str(out)])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    return save_meta_trained(tmp_path_factory.mktemp("adapt") / "model", Toy(toy_folder))


def test_a_model_of_its_own_is_written_and_the_first_is_left(tmp_path: Path, support: Path, model: Path) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    assert adapt(model, support, tmp_path / "adapted") == 0
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    adapted, first = load_model(tmp_path / "adapted", RetrievalModel), load_model(model, AdaptiveModel)
    expected = adapt_to(first, Encoder(first.retrieval, cpu()), read_support(support), pool=True)
    for name, value in expected.state_dict().items():
        # The command may compute in bf16.
        torch.testing.assert_close(adapted.state_dict()[name], value, atol=0.05, rtol=0.05)
    assert not torch.allclose(adapted.head.weight, first.head.weight @ first.projection.weight)
    details = read_config(tmp_path / "adapted")["details"]
    assert details["adapted"]["sketches"] == 4 and details["adapted"]["model"] == read_config(model)["sha256"]


@pytest.mark.parametrize("inside", [True, False])
def test_sketches_alone_move_the_statistics_of_a_plain_model(
    tmp_path: Path, support: Path, joint_model: Path, inside: bool
) -> None:
    for photo in (support / "photos").iterdir():
        photo.unlink()
    (support / "photos").rmdir()
    assert adapt(joint_model, support if inside else support / "sketches", tmp_path / "adapted") == 0
    first, adapted = (
        load_model(folder, RetrievalModel) for folder in (joint_model / "retrieval", tmp_path / "adapted")
    )
    assert torch.equal(adapted.head.weight, first.head.weight)
    assert torch.equal(adapted.sides["photo"].mean, first.sides["photo"].mean)
    assert not torch.equal(adapted.sides["sketch"].mean, first.sides["sketch"].mean)


def test_every_sketch_is_told_from_photos_that_are_not_its_own(support: Path) -> None:
    found = read_support(support)
    assert len(found.sketches) == 4 and found.photo.tolist() == [0, 0, 1, 2] and len(found.photos) == 3
    triplets = pooled_triplets(torch.zeros(4, 5), torch.arange(15.0).view(3, 5), found.photo, True)
    assert triplets is not None
    _, photo, other = triplets.inputs.unbind(1)
    assert not any(torch.equal(one, two) for one, two in zip(photo, other, strict=True))
    # The two drawings of the cup are no negatives of each other.
    assert triplets.negatives[0, 1] == triplets.negatives[1, 0] == 0
    torch.testing.assert_close(triplets.negatives.sum(), torch.tensor(1.0))


def unpaired_sketch(root: Path) -> str:
    (root / "photos" / "jug.png").unlink()
    return "jug.json"


def unpaired_photo(root: Path) -> str:
    (root / "sketches" / "pot.json").unlink()
    return r"pot\.png: expected a sketch"


def broken_photo(root: Path) -> str:
    (root / "photos" / "jug.png").write_bytes(b"no image")
    return r"jug\.png: expected a JPEG"


def broken_sketch(root: Path) -> str:
    (root / "sketches" / "jug.json").write_text("{")
    return r"jug\.json: expected strokes"


def empty(root: Path) -> str:
    for path in root.glob("*/*"):
        path.unlink()
    return "expected sketches, found none"


def no_folder(root: Path) -> str:
    root.rename(root.with_name("moved"))
    return r"mine: expected a folder of sketches, or with photos/ and sketches/, found nothing"


@pytest.mark.parametrize("spoil", [unpaired_sketch, unpaired_photo, broken_photo, broken_sketch, empty, no_folder])
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    tmp_path: Path, support: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], str], model: Path
) -> None:
    message = spoil(support)
    assert adapt(model, support, tmp_path / "adapted") == 1
    told = capsys.readouterr().err
    assert re.search(message, told) and told.startswith("error: ") and told.count("\n") == 1
    assert not (tmp_path / "adapted").exists()


def test_models_that_cannot_adapt(
    tmp_path: Path, support: Path, capsys: pytest.CaptureFixture[str], toy: Toy, joint_model: Path
) -> None:
    plain = RetrievalModel(**toy.retrieval().config() | {"standardise": False})
    save_model(tmp_path / "plain", plain, details={})
    assert adapt(tmp_path / "plain", support, tmp_path / "adapted") == 1
    assert "has nothing to adapt by" in capsys.readouterr().err
    assert adapt(joint_model / "generator", support, tmp_path / "adapted") == 1
    assert "expected a model of kind adaptive, found generator" in capsys.readouterr().err
    assert not (tmp_path / "adapted").exists()


def test_nothing_but_a_model_of_this_command_is_replaced(
    tmp_path: Path, support: Path, capsys: pytest.CaptureFixture[str], toy: Toy
) -> None:
    model = save_retrieval(tmp_path / "model", toy)
    assert adapt(model, support, support) == 1 and "is no model folder" in capsys.readouterr().err
    assert adapt(model, support, model) == 1 and "fgsbir adapt has not made" in capsys.readouterr().err
    assert adapt(model, support, tmp_path / "adapted") == adapt(model, support, tmp_path / "adapted") == 0
    assert sorted(path.name for path in support.iterdir()) == ["photos", "sketches"]

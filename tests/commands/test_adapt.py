"""``fgsbir adapt``: pairs in, a model of its own out; and a clear error for all that cannot be used."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.__main__ import main
from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.support import read_support
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config, save_model

RETRIEVAL = {"backbone": "small", "embedding_dim": 8, "attention": True, "image_size": 32}
DETAILS = {"image_size": 32, "line_width": 3.0, "negatives": "pool"}
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


def test_a_model_of_its_own_is_written_and_the_first_is_left(
    tmp_path: Path, support: Path, save_adaptive: Callable[..., Path]
) -> None:
    model = save_adaptive(tmp_path / "model")
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    assert adapt(model, support, tmp_path / "adapted") == 0
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    adapted, first = load_model(tmp_path / "adapted", RetrievalModel), load_model(model, AdaptiveModel)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(adapted(images), first.retrieval(images))
    triplets = read_support(support).triplets(32, 3.0, pool=True)
    assert torch.equal(adapted(images), first.adapted(triplets)(images))
    details = read_config(tmp_path / "adapted")["details"]
    assert details["line_width"] == 3.0 and details["adapted"]["pairs"] == 4
    card = (tmp_path / "adapted.md").read_text()
    assert "adapted to 4 pairs" in card and details["adapted"]["model"] == read_config(model)["sha256"] in card
    (snippet,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(snippet, "adapted.md", "exec"), scope)
    assert scope["encoder"].photos(np.zeros((1, 32, 32, 3), np.uint8)).shape == (1, first.retrieval.head.out_features)


def test_every_sketch_is_told_from_photos_that_are_not_its_own(support: Path) -> None:
    found = read_support(support)
    assert len(found.sketches) == 4 and found.photo.tolist() == [0, 0, 1, 2]
    triplets = found.triplets(32, 3.0, pool=True)
    assert triplets.inputs.shape == (4, 3, 3, 32, 32)
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
    return r"mine: expected a folder with photos/ and sketches/, found nothing"


def one_photo(root: Path) -> str:
    for path in [*root.glob("*/jug*"), *root.glob("*/pot*")]:
        path.unlink()
    return "at least 2 photos"


@pytest.mark.parametrize(
    "spoil", [unpaired_sketch, unpaired_photo, broken_photo, broken_sketch, empty, no_folder, one_photo]
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    tmp_path: Path,
    support: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], str],
    save_adaptive: Callable[..., Path],
) -> None:
    message = spoil(support)
    assert adapt(save_adaptive(tmp_path / "model"), support, tmp_path / "adapted") == 1
    told = capsys.readouterr().err
    assert re.search(message, told) and told.startswith("error: ") and told.count("\n") == 1
    assert not (tmp_path / "adapted").exists()


def test_models_that_cannot_adapt(
    tmp_path: Path, support: Path, capsys: pytest.CaptureFixture[str], save_adaptive: Callable[..., Path]
) -> None:
    save_model(tmp_path / "plain", RetrievalModel(**RETRIEVAL), details=DETAILS)  # type: ignore[arg-type]
    assert adapt(tmp_path / "plain", support, tmp_path / "adapted") == 1
    assert "expected a model of kind adaptive, found retrieval" in capsys.readouterr().err
    assert adapt(save_adaptive(tmp_path / "still", scope="none"), support, tmp_path / "adapted") == 1
    assert "was trained without adaptation" in capsys.readouterr().err
    assert not (tmp_path / "adapted").exists()


@pytest.mark.parametrize("missing", ["line_width", "data"])
def test_a_model_that_does_not_say_what_is_needed_is_refused(
    tmp_path: Path, support: Path, capsys: pytest.CaptureFixture[str], save_adaptive: Callable[..., Path], missing: str
) -> None:
    model = save_adaptive(tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    del config["details"][missing]
    (model / "config.json").write_text(json.dumps(config))
    assert adapt(model, support, tmp_path / "adapted") == 1
    assert f"expected details.{missing}" in capsys.readouterr().err
    assert not (tmp_path / "adapted").exists() and not (tmp_path / "adapted.md").exists()


def test_nothing_but_a_model_is_replaced(
    tmp_path: Path, support: Path, capsys: pytest.CaptureFixture[str], save_adaptive: Callable[..., Path]
) -> None:
    model = save_adaptive(tmp_path / "model")
    assert adapt(model, support, support) == 1 and "is no model folder" in capsys.readouterr().err
    assert adapt(model, support, model) == 1 and "fgsbir adapt has not made" in capsys.readouterr().err
    assert adapt(model, support, tmp_path / "adapted") == adapt(model, support, tmp_path / "adapted") == 0
    assert sorted(path.name for path in support.iterdir()) == ["photos", "sketches"]
    (tmp_path / "README.md").write_text("mine")
    assert adapt(model, support, tmp_path / "README") == 1
    assert "README.md: exists" in capsys.readouterr().err and not (tmp_path / "README").exists()
    assert (tmp_path / "README.md").read_text() == "mine"

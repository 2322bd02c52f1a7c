"""``fgsbir adapt``: sketches or pairs in, a model of its own out; and a clear error for all that cannot be used."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.adaptation.edge_side import SeenEdges
from fgsbir.adaptation.model import AdaptiveModel, statistics_alone
from fgsbir.adaptation.support import adapt_to, read_support, triplets_of
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import load_model, read_config, save_model
from tests.toy import Toy, cpu
from tests.trained import save_meta_trained, save_retrieval

Refusal = Callable[..., str]
Adapt = Callable[[Path, Path], RetrievalModel]


@pytest.fixture
def support(tmp_path: Path, make_photo: Callable[[Path, int], Path]) -> Path:
    """Pairs of three photos, the first of them drawn twice."""
    root = tmp_path / "mine"
    (root / "sketches").mkdir(parents=True)
    for number, name in enumerate(("cup", "jug", "pot")):
        make_photo(root / "photos" / f"{name}.png", number)
        strokes = [[[20, 20 + 60 * number], [200, 20 + 60 * number]], [[20, 90], [90, 20]]]
        (root / "sketches" / f"{name}.json").write_text(json.dumps(strokes))
    (root / "sketches" / "cup_2.json").write_text(json.dumps([[[30, 30], [200, 100]]]))
    return root


@pytest.fixture
def adapt(fgsbir: Callable[..., int], tmp_path: Path) -> Adapt:
    """Adapt a model to a support: the adapted one, in the folder ``adapted``."""

    def run(model: Path, support: Path) -> RetrievalModel:
        assert fgsbir("adapt", "--model", model, "--support", support, "--out", tmp_path / "adapted") == 0
        return load_model(tmp_path / "adapted", RetrievalModel)

    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    return save_meta_trained(tmp_path_factory.mktemp("adapt") / "model", Toy(toy_folder))


def test_a_model_of_its_own_is_written_and_the_first_is_left(
    tmp_path: Path, support: Path, model: Path, adapt: Adapt
) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    adapted, first = adapt(model, support), load_model(model, AdaptiveModel)
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    expected = adapt_to(first, Encoder(first.retrieval, cpu()), read_support(support), pool=True)
    for name, value in expected.state_dict().items():
        # The command may compute in bf16.
        torch.testing.assert_close(adapted.state_dict()[name], value, atol=0.05, rtol=0.05)
    assert not torch.allclose(adapted.head.weight, first.head.weight @ first.projection.weight)
    details = read_config(tmp_path / "adapted")["details"]
    assert details["adapted"]["sketches"] == 4 and details["adapted"]["model"] == read_config(model)["sha256"]


@pytest.mark.parametrize("inside", [True, False])
def test_sketches_alone_move_the_statistics_of_a_plain_model(
    support: Path, joint_model: Path, adapt: Adapt, inside: bool
) -> None:
    shutil.rmtree(support / "photos")
    adapted = adapt(joint_model, support if inside else support / "sketches")
    first = load_model(joint_model / "retrieval", RetrievalModel)
    assert torch.equal(adapted.head.weight, first.head.weight)
    assert torch.equal(adapted.sides["photo"].mean, first.sides["photo"].mean)
    assert not torch.equal(adapted.sides["sketch"].mean, first.sides["sketch"].mean)


def test_every_sketch_is_told_from_photos_that_are_not_its_own(support: Path) -> None:
    found = read_support(support)
    assert len(found.sketches) == 4 and found.photo.tolist() == [0, 0, 1, 2] and len(found.photos) == 3
    triplets = triplets_of(torch.zeros(4, 5), torch.arange(15.0).view(3, 5), found.photo, True)
    assert triplets is not None
    _, photo, other = triplets.inputs.unbind(1)
    assert not any(torch.equal(one, two) for one, two in zip(photo, other, strict=True))
    # The two drawings of the cup are no negatives of each other.
    assert triplets.negatives[0, 1] == triplets.negatives[1, 0] == 0
    torch.testing.assert_close(triplets.negatives.sum(), torch.tensor(1.0))


@pytest.mark.parametrize("place", ["photos", "index"])
def test_photos_alone_move_the_statistics_of_a_model_that_knows_edges(
    tmp_path: Path,
    support: Path,
    toy: Toy,
    fgsbir: Callable[..., int],
    refusal: Refusal,
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    """A folder of them or an index, which say the same; a model that does not know edges says what does."""
    plain, model = save_retrieval(tmp_path / "plain", toy), tmp_path / "model"
    first = toy.retrieval()
    save_model(
        model, statistics_alone(first, SeenEdges(first.side("sketch").mean + 9, 64)), details={"negatives": "pool"}
    )
    photos = support / "photos"
    if place == "index":
        assert fgsbir("index", photos, "--model", plain, "--out", tmp_path / "index") == 0
        photos = tmp_path / "index"
    assert fgsbir("adapt", "--model", model, "--photos-only", photos, "--out", tmp_path / "adapted") == 0
    adapted, details = load_model(tmp_path / "adapted", RetrievalModel), read_config(tmp_path / "adapted")["details"]
    assert details["adapted"]["sketches"] == 0 and torch.equal(adapted.head.weight, first.head.weight)
    moved = not torch.equal(adapted.side("sketch").mean, first.side("sketch").mean)
    assert moved and torch.equal(adapted.side("photo").mean, first.side("photo").mean)
    if place == "photos":  # a photo that cannot be read is left out, with a warning
        (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff")
        assert fgsbir("adapt", "--model", model, "--photos-only", photos, "--out", tmp_path / "adapted") == 0
        assert "left out: " in caplog.text and "torn.jpg" in caplog.text
    asked = ("adapt", "--model", plain, "--photos-only", photos, "--out", tmp_path / "other")
    assert "cannot adapt to photos alone" in refusal(*asked)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("form", ["pairs", "sketches", "photos"])
def test_a_name_that_is_no_utf_8_is_skipped_and_named(
    tmp_path: Path,
    support: Path,
    model: Path,
    adapt: Adapt,
    make_photo: Callable[[Path, int], Path],
    fgsbir: Callable[..., int],
    caplog: pytest.LogCaptureFixture,
    form: str,
) -> None:
    """The others are adapted to as if it were not there."""
    if form == "sketches":
        shutil.rmtree(support / "photos")
    given = support / "photos" if form == "photos" else support

    def digest() -> str:
        if form == "photos":
            command = ("adapt", "--model", model, "--support", support, "--photos", given)
            assert fgsbir(*command, "--out", tmp_path / "adapted") == 0
        else:
            adapt(model, given)
        return str(read_config(tmp_path / "adapted")["details"]["adapted"]["support_sha256"])

    expected = digest()
    sketch, other = support / "sketches" / "cup.json", tmp_path / "elsewhere"
    if form != "photos":
        shutil.copy(sketch, support / "sketches" / os.fsdecode(b"cup_\xfe.json"))
    if form != "sketches":
        make_photo(other / "new.png", 9).rename(support / "photos" / os.fsdecode(b"j\xff.png"))
    assert digest() == expected
    assert caplog.text.count("expected a name in UTF-8") == {"pairs": 2, "sketches": 1, "photos": 2}[form]
    assert (r"j\udcff.png" in caplog.text) == (form != "sketches")
    assert (r"cup_\udcfe.json" in caplog.text) == (form != "photos")


def test_drawings_of_other_things_are_told(
    support: Path, tmp_path: Path, joint_model: Path, fgsbir: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    for number, path in enumerate(sorted((support / "sketches").iterdir())):
        walk = np.random.default_rng(number).normal(0, 30, (80, 2)).cumsum(0)
        path.write_text(json.dumps([walk.tolist()]))
    command = ("adapt", "--model", joint_model, "--support", support / "sketches", "--photos", support / "photos")
    assert fgsbir(*command, "--out", tmp_path / "adapted") == 0
    assert "about as far from all photos as scribbles" in caplog.text


@pytest.mark.parametrize(
    ("spoiled", "content", "message"),
    [
        ("photos/jug.png", None, r"jug\.json"),
        ("sketches/pot.json", None, r"pot\.png: expected a sketch"),
        ("photos/jug.png", "no image", r"jug\.png: expected a JPEG"),
        ("sketches/jug.json", "{", r"jug\.json: expected strokes"),
        ("*/*", None, "expected sketches, found none"),
        ("sketches/*", "[[[30, 30], [200, 100]]]", r"holds the same drawing as"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    tmp_path: Path, support: Path, model: Path, refusal: Refusal, spoiled: str, content: str | None, message: str
) -> None:
    for path in support.glob(spoiled):
        path.write_text(content) if content else path.unlink()
    assert re.search(message, refusal("adapt", "--model", model, "--support", support, "--out", tmp_path / "adapted"))
    assert not (tmp_path / "adapted").exists()


def test_no_other_model_adapts_and_nothing_but_a_model_of_this_command_is_replaced(
    tmp_path: Path, support: Path, toy: Toy, joint_model: Path, refusal: Refusal, adapt: Adapt
) -> None:
    plain = RetrievalModel(**toy.retrieval().config() | {"standardise": False})
    save_model(tmp_path / "plain", plain, details={})
    model, adapted = save_retrieval(tmp_path / "model", toy), tmp_path / "adapted"
    for first, out, message in (
        (tmp_path / "plain", adapted, "this model cannot adapt"),
        (joint_model / "generator", adapted, "expected a model of kind adaptive, found generator"),
        (model, support, "is no model folder"),
        (model, model, "fgsbir adapt has not made"),
    ):
        assert message in refusal("adapt", "--model", first, "--support", support, "--out", out)
    assert not adapted.exists() and sorted(path.name for path in support.iterdir()) == ["photos", "sketches"]
    adapt(model, support)
    adapt(model, support)

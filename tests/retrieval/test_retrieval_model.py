"""F: the unit sphere, each side by its own statistics, tuned blocks that begin as the trunk's; and its pairs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from fgsbir.data.photos import decode_photo
from fgsbir.data.records import DataError
from fgsbir.features.pictures import Level
from fgsbir.features.store import MIRRORED
from fgsbir.features.trunk import packaged_trunk, tap_channels
from fgsbir.retrieval.encoder import Encoder, embed_inputs
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import HumanPairs, PairStream, human_pairs
from fgsbir.runtime.model_folder import load_model, save_model
from tests.toy import SIZE, SPEC, Toy, cpu

every_level = pytest.mark.parametrize("level", ["taps", "map", "pixels"])
CONFIG = {"spec": SPEC.as_json(), "channels": tap_channels(packaged_trunk(SPEC), SPEC), "embedding_dim": 6}


@every_level
def test_embeddings_lie_on_the_unit_sphere(toy: Toy, level: Level) -> None:
    model = toy.retrieval(level=level)
    pairs = human_pairs(toy.pictures, toy.split.validation, level)
    for side, inputs in (("photo", pairs.photos), ("sketch", pairs.sketches)):
        embedded = embed_inputs(model, inputs, side, cpu())  # type: ignore[arg-type]
        assert embedded.shape == (len(inputs), 8) and embedded.dtype == torch.float32
        torch.testing.assert_close(embedded.norm(dim=1), torch.ones(len(inputs)))
    assert embed_inputs(model, toy.pictures.photos([], level), "photo", cpu()).shape == (0, 8)
    assert Encoder(model, cpu()).sketches([]).shape == (0, 8)


@pytest.mark.parametrize("tuned", [1, 2, "all"])
def test_untrained_blocks_say_what_the_trunk_says(toy: Toy, tuned: int) -> None:
    other = RetrievalModel(**CONFIG, tuned_blocks=tuned).eval()  # type: ignore[arg-type]
    other.take_trunk(packaged_trunk(SPEC))
    entries, rows = toy.split.validation, np.arange(3)
    with torch.no_grad():
        expected = toy.retrieval().pooled(toy.pictures.photos(entries, "taps")(rows))
        found = other.pooled(toy.pictures.photos(entries, other.level)(rows))
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=2e-2)


def test_each_side_is_standardised_by_itself(toy: Toy) -> None:
    model = toy.retrieval()
    pairs = human_pairs(toy.pictures, toy.split.labelled, "taps")
    for side, inputs in (("photo", pairs.photos), ("sketch", pairs.sketches)):
        rows = inputs(np.arange(len(inputs)))
        mean = model.standardise(model.pooled(rows), side).mean(0)  # type: ignore[arg-type]
        torch.testing.assert_close(mean, torch.zeros(model.dimensions), rtol=0, atol=1e-2)
    assert not torch.equal(model.side("photo").mean, model.side("sketch").mean)


def test_the_papers_attention_is_written_out(toy: Toy) -> None:
    """Of the paper's F: whole network, spatial attention, one set of weights for both sides."""
    torch.manual_seed(0)
    model = RetrievalModel(**CONFIG, tuned_blocks="all", pooling="attention", standardise=False)
    model.take_trunk(packaged_trunk(SPEC))
    images = toy.pictures.photos(toy.split.validation, "pixels")(np.arange(3))
    assert model.network is not None and model.attention is not None
    parts = []
    for pool, features in zip(model.attention, model.network.maps(images, SPEC.taps), strict=True):
        scores = functional.conv2d(features, pool.score.weight, pool.score.bias)
        attended = features + features * scores.flatten(1).softmax(1).view_as(scores)
        parts.append(attended.mean((2, 3)))
    expected = functional.normalize(model.head(torch.cat(parts, 1)), dim=1)
    for side in ("photo", "sketch"):
        torch.testing.assert_close(model.embed(images, side), expected, rtol=1e-4, atol=1e-5)


@every_level
@pytest.mark.parametrize("mirror", [False, True])
def test_a_model_folder_is_enough(toy: Toy, tmp_path: Path, level: Level, mirror: bool) -> None:
    model = toy.retrieval(level=level, mirror=mirror)
    save_model(tmp_path / "model", model, details={})
    encoder = Encoder.load(tmp_path / "model", cpu())
    entries = toy.split.validation
    pixels = np.stack([decode_photo(toy.pictures.shards.read_photo(entry), SIZE) for entry in entries])
    expected = embed_inputs(model, toy.pictures.photos(entries, level), "photo", cpu()).numpy()
    np.testing.assert_allclose(encoder.photos(pixels), expected, atol=5e-3)
    strokes = toy.pictures.strokes(entries, [[0]] * 3)
    sketches = toy.pictures.sketches(entries, [[0]] * 3, level)
    found = encoder.sketches([choice[0] for choice in strokes])
    np.testing.assert_allclose(found, embed_inputs(model, sketches, "sketch", cpu()).numpy(), atol=5e-3)
    # The frozen trunk is the package's: a folder holds what is the model's own.
    stored = set(load_model(tmp_path / "model", RetrievalModel).state_dict())
    assert any("blocks" in name or "upper" in name for name in stored) == (level != "taps")


def test_with_mirror_images_a_similarity_is_the_mean_of_both(toy: Toy) -> None:
    plain, both = toy.retrieval(), toy.retrieval(mirror=True)
    pairs, rows = human_pairs(toy.pictures, toy.split.validation, "taps"), np.arange(3)
    photo, sketch = (
        embed_inputs(both, inputs, side, cpu())  # type: ignore[arg-type]
        for side, inputs in (("photo", pairs.photos), ("sketch", pairs.sketches))
    )
    assert photo.shape == (3, 16) and Encoder(both, cpu()).dimensions == 16
    with torch.no_grad():
        similar = [
            plain.embed(pairs.sketches(rows, form), "sketch") @ plain.embed(pairs.photos(rows, form), "photo").T
            for form in (0, MIRRORED)
        ]
    torch.testing.assert_close(sketch[:3] @ photo.T, torch.stack(similar).mean(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"tuned_blocks": 3}, "need features.map_block <= 1, found 2"),
        ({"tuned_blocks": 1, "spec": SPEC.as_json() | {"taps": [1, 4]}}, "need features.map_block <= 1, found 2"),
        ({"pooling": "attention"}, "attention needs pretrain_retrieval.tune_blocks"),
    ],
)
def test_what_cannot_be_built_is_said(form: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        RetrievalModel(**CONFIG | form)  # type: ignore[arg-type]


def labelled(toy: Toy, level: Level = "taps") -> HumanPairs:
    return human_pairs(toy.pictures, toy.split.labelled, level, 1.0)


def same(one: object, other: object) -> bool:
    return all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else np.array_equal(a, b)
        for a, b in zip(one, other, strict=True)  # type: ignore[call-overload]
    )


@every_level
def test_a_batch_is_a_function_of_its_step_that_processes_share(toy: Toy, level: Level) -> None:
    stream, again = (PairStream(labelled(toy, level), 4, 3, "pairs") for _ in range(2))
    first = [stream.batch(step) for step in range(3)]
    assert all(same(again.batch(step), first[step]) for step in (2, 0)) and not same(first[0], first[1])
    for seed, name in ((4, "pairs"), (3, "others")):
        assert not same(PairStream(labelled(toy, level), 4, seed, name).batch(0), first[0])
    parts = [PairStream(labelled(toy, level), 4, 3, "pairs", rank, 2).batch(1) for rank in range(2)]
    for name in ("photo", "sketch"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(first[1], name))
    assert np.array_equal(np.concatenate([part.rows for part in parts]), first[1].rows)


def test_an_epoch_shows_every_photo_once(toy: Toy) -> None:
    stream = PairStream(labelled(toy), 4, 0, "pairs")
    shown = np.concatenate([stream.rows(step) for step in range(3)])
    assert sorted(shown[:6]) == sorted(shown[6:]) == list(range(6))


def test_a_pair_is_mirrored_as_a_whole(toy: Toy) -> None:
    pairs, features = labelled(toy), toy.pictures.features
    batch = PairStream(pairs, 6, 1, "pairs").batch(0)
    forms = []
    for row, drawn, photo, sketch in zip(batch.rows, batch.drawn, batch.photo, batch.sketch, strict=True):
        entry, one = toy.split.labelled[row], np.array([0])
        form = int(torch.equal(features.photos([entry], "taps")(one, 1)[0], photo))
        assert torch.equal(features.photos([entry], "taps")(one, form)[0], photo)
        stored = features.sketches([entry], [[drawn - pairs.first[row]]], "taps")
        assert any(torch.equal(stored(one, 2 * form + variant)[0], sketch) for variant in range(2))
        forms.append(form)
    assert {0, 1} == set(forms)


def test_batches_that_cannot_be_shared_are_refused(toy: Toy) -> None:
    with pytest.raises(DataError, match="shared evenly by 3"):
        PairStream(labelled(toy), 4, 0, "pairs", 0, 3)
    with pytest.raises(DataError, match="no photo with a sketch"):
        PairStream(human_pairs(toy.pictures, [], "taps"), 4, 0, "pairs")

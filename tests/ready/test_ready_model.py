"""The ready model as the package ships it, and how it is made: on the toy set, step by step."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.data.edges import photo_edges
from fgsbir.data.strokes import join_strokes
from fgsbir.features.extraction import Reader
from fgsbir.features.pictures import KeptInputs
from fgsbir.ready import READY_MODEL
from fgsbir.ready.recipe import (
    ReadyRecipe,
    as_sketches,
    balanced_statistics,
    changed_pairs,
    few_of_each,
    make_ready_model,
    ready_batch,
)
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_card import model_card
from fgsbir.runtime.model_folder import CARD, load_model, read_config
from pipeline.params import load
from tests.toy import SPEC, Toy, cpu

ROOT = Path(__file__).resolve().parents[2]
REAL_DATA = "FGSBIR_REAL_DATA"
RECIPE = ReadyRecipe(dimensions=8, changes=2, steps=4, batch_size=4, edge_tolerance=2.0)


def test_it_is_small_and_says_what_it_was_made_of() -> None:
    assert {path.name for path in READY_MODEL.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert sum(path.stat().st_size for path in READY_MODEL.iterdir()) <= 3_300_000
    details = read_config(READY_MODEL)["details"]
    base_model = load_model(READY_MODEL, RetrievalModel).base_model
    assert (READY_MODEL / CARD).read_text() == model_card("retrieval", details, base_model)
    assert details["data"]["name"] == "synthetic" and details["recipe"]["dimensions"] > 0


def test_it_reads_pictures_as_the_pipelines_features_do() -> None:
    spec, features = load_model(READY_MODEL, RetrievalModel).spec, load(ROOT / "params.yaml").features
    for name in ("trunk", "weights_sha256", "taps", "image_size", "line_width", "places"):
        assert getattr(spec, name) == getattr(features, name)


def test_it_embeds_any_picture() -> None:
    encoder = Encoder.load(READY_MODEL, cpu())
    size = encoder.spec.image_size
    photos = np.stack([np.full((size, size, 3), level, np.uint8) for level in (0, 255)])
    line = join_strokes([np.array([[20.0, 20], [200, 180]])])
    for rows in (encoder.photos(photos), encoder.sketches([line])):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(REAL_DATA not in os.environ, reason=f"{REAL_DATA} does not name the folder that holds ChairV2/")
def test_it_finds_real_chairs_from_real_sketches() -> None:
    """Of ChairV2's training photos and sketches: its test split is for results alone."""
    from benchmarks.ready_model import scores

    found = scores(Encoder.load(READY_MODEL, cpu()), Path(os.environ[REAL_DATA]), "train")
    assert found["alone"]["acc@1"] >= 30


def test_each_category_counts_alike_in_the_statistics() -> None:
    """Worked by hand: one picture at 0, four at 1 and 3, are two categories of means 0 and 2."""
    rows = torch.tensor([[0.0], [1.0], [3.0], [1.0], [3.0]])
    mean, deviation = balanced_statistics(rows, np.array(["a", "b", "b", "b", "b"]))
    assert mean.tolist() == [1.0] and deviation.tolist() == [1.5**0.5]  # (1 + (0 + 4) / 2) / 2
    equal = torch.rand(6, 3, generator=torch.Generator().manual_seed(0))
    mean, deviation = balanced_statistics(equal, np.array([0, 1, 0, 1, 0, 1]))
    torch.testing.assert_close(mean, equal.double().mean(0))
    torch.testing.assert_close(deviation, equal.double().std(0, correction=0))


def test_few_of_each_takes_small_categories_whole() -> None:
    categories = np.array([0, 1, 1, 1, 0, 1, 1])
    chosen = few_of_each(categories, 3, np.random.default_rng(0))
    assert (categories[chosen] == 0).sum() == 2 and (categories[chosen] == 1).sum() == 3
    assert sorted(set(chosen.tolist())) == chosen.tolist()


def test_forms_count_modulo_their_number() -> None:
    taps = KeptInputs(torch.arange(12.0).reshape(3, 2, 2).half())
    assert len(taps) == 2
    np.testing.assert_array_equal(taps(np.array([1, 0, 1]), np.array([0, 4, 5])), [[2, 3], [4, 5], [10, 11]])
    np.testing.assert_array_equal(taps(np.array([1, 0])), [[2, 3], [0, 1]])


def test_drawings_of_another_kind_get_the_statistics_of_sketches(toy: Toy) -> None:
    model = toy.retrieval()
    taps = 3 + 2 * torch.randn(400, model.dimensions, generator=torch.Generator().manual_seed(0))
    moved = as_sketches(model, taps, np.zeros(400))
    statistics = model.sides["sketch"]
    torch.testing.assert_close(moved.mean(0), statistics.mean, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(moved.std(0, correction=0), statistics.deviation, atol=1e-3, rtol=1e-3)


def test_a_pair_is_read_as_it_is_changed_and_with_the_photos_edges(toy: Toy) -> None:
    model, entries = toy.retrieval(), toy.split.labelled
    pairs = changed_pairs(model, toy.pictures, entries, RECIPE, toy.compute)
    assert pairs.photos.kept.shape[:2] == (4, len(entries)) and pairs.sketches.kept.shape[:2] == (4, 2 * len(entries))
    batches = [ready_batch(pairs, RECIPE, step) for step in (0, 0, 1)]
    assert torch.equal(batches[0].photo, batches[1].photo) and not torch.equal(batches[0].photo, batches[2].photo)
    assert len(set(batches[0].rows.tolist())) == RECIPE.batch_size and not batches[0].categories.any()
    known = toy.pictures.photos(entries, "taps")(np.arange(len(entries)))
    for form in (0, 3):
        torch.testing.assert_close(pairs.photos.kept[form].float(), known)
    assert not torch.allclose(pairs.photos.kept[1].float(), known, atol=0.1)
    assert not torch.allclose(pairs.photos.kept[1], pairs.photos.kept[2], atol=0.1)
    photos = map(toy.pictures.shards.read_photo, entries)
    edges = [photo_edges(photo, tolerance=2.0).drawing for photo in photos]
    assert all(len(strokes) > 1 for strokes in edges)
    read = Reader(model.trunk, SPEC, toy.compute).sketches(edges).taps
    expected = as_sketches(model, read, np.zeros(len(edges)))[pairs.truth]
    torch.testing.assert_close(pairs.sketches.kept[3].float(), expected, atol=0.02, rtol=0.01)


def test_the_same_recipe_makes_the_same_model_and_a_trained_one(toy: Toy) -> None:
    first, again = (make_ready_model(toy.pictures, toy.compute, RECIPE).state_dict() for _ in range(2))
    for name, value in first.items():
        assert torch.equal(value, again[name]) and torch.isfinite(value).all()
    untrained = make_ready_model(toy.pictures, toy.compute, replace(RECIPE, steps=1, learning_rate=0.0)).state_dict()
    assert torch.equal(untrained["sides.photo.mean"], first["sides.photo.mean"])
    assert not torch.equal(untrained["head.weight"], first["head.weight"])

"""The chooser of contours: its chances, its choices and its drawings; what it learns from."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.data.contours import Contours
from fgsbir.data.strokes import split_strokes
from fgsbir.evaluation.drawings import watch_drawings
from fgsbir.features.pictures import ContourBatch
from fgsbir.generator.contour_model import ContourGenerator, choice_loss
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.kinds import load_generator
from fgsbir.generator.pairs import CoveragePairs, coverage_pairs, labelled_pairs
from fgsbir.generator.training import GeneratorValidation, train_generator
from fgsbir.retrieval.pairs import PairStream, human_pairs
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.model_folder import save_model
from tests.generator.conftest import SETTINGS
from tests.toy import Toy, toy_chooser

LEARNING = dataclasses.replace(SETTINGS, learning_rate=1e-2, select="likelihood", validate_every=20)


@pytest.fixture
def batch(toy: Toy) -> ContourBatch:
    return toy.pictures.photos(toy.split.labelled, "contours")(np.arange(6))


def test_a_photo_is_judged_alike_in_any_batch(toy: Toy, batch: ContourBatch) -> None:
    photos, model = toy.pictures.photos(toy.split.labelled, "contours"), toy_chooser()
    with torch.no_grad():
        together = model(batch)
        for row in range(6):
            count = int(batch.mask[row].sum())
            torch.testing.assert_close(model(photos(np.array([row])))[0], together[row, :count], rtol=1e-4, atol=1e-5)


def test_choices_follow_their_chances(batch: ContourBatch) -> None:
    model = toy_chooser()
    with torch.no_grad():
        model.output_layer.weight.mul_(8)
    numbers = torch.Generator().manual_seed(1)
    drawings = [model.sample(batch, temperature=1.0, generator=numbers) for _ in range(400)]
    share = torch.stack([drawing.kept for drawing in drawings]).float().mean(0)
    chances = drawings[0].logits.sigmoid()
    # The likeliest piece of all is drawn in any case, so a photo of few pieces has more.
    assert (share - chances)[batch.mask].abs().mean() < 0.03
    assert not any(drawing.kept[~batch.mask].any() for drawing in drawings)

    likely = model.sample(batch, temperature=0.0)
    certain = (likely.logits > 0) & batch.mask
    assert torch.equal(likely.kept | certain, likely.kept) and (likely.kept & ~certain).sum(1).max() <= 1


def test_the_log_probability_is_that_of_independent_choices(batch: ContourBatch) -> None:
    model = toy_chooser()
    drawing = model.sample(batch, temperature=0.5, generator=torch.Generator().manual_seed(2))
    found = model.log_probability(drawing, 0.5)
    chances = (drawing.logits / 0.5).sigmoid().numpy()
    for row in range(len(chances)):
        pieces = batch.mask[row].numpy()
        kept = drawing.kept[row].numpy()[pieces]
        expected = np.log(np.where(kept, chances[row][pieces], 1 - chances[row][pieces])).sum()
        assert found[row].item() == pytest.approx(expected, rel=1e-4)
    found.sum().backward()
    assert all(weights.grad is not None for weights in model.parameters())


def test_the_loss_is_a_mean_over_pixels_of_contour(batch: ContourBatch) -> None:
    logits, covered = torch.randn(batch.mask.shape), torch.rand(batch.mask.shape)
    found = choice_loss(logits, covered, batch)
    for row, pieces in enumerate(batch.mask):
        chances = logits[row][pieces].sigmoid()
        cost = -(covered[row][pieces] * chances.log() + (1 - covered[row][pieces]) * (1 - chances).log())
        pixels = batch.points[row][pieces].diff(dim=1).norm(dim=2).sum(1)
        torch.testing.assert_close(found[row], (cost * pixels).sum() / pixels.sum())


def test_a_drawing_lies_on_contours_and_is_the_same_whatever_the_batch(toy: Toy, batch: ContourBatch) -> None:
    model, photos = toy_chooser(), toy.pictures.photos(toy.split.labelled, "contours")
    for points, mask, strokes in zip(
        batch.points, batch.mask, model.strokes_of(model.sample(batch, temperature=0.0)), strict=True
    ):
        on = points[mask].reshape(-1, 1, 2).numpy()
        assert np.linalg.norm(on - strokes[:, :2], axis=2).min(0).max() < 1e-3
        assert len(strokes) <= 60 and all(len(line) > 1 for line in split_strokes(strokes))
    rows = np.arange(6)
    whole, parts = (
        draw_sketches(model, photos, rows, rows % 2, temperature=1.0, seed=3, compute=toy.compute, batch=size)
        for size in (6, 4)
    )
    for one, other in zip(whole.strokes, parts.strokes, strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole.ended.all()


def test_a_photo_without_contours_is_a_dot(toy: Toy, batch: ContourBatch) -> None:
    nothing = Contours(np.zeros((0, 12, 2), np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32))
    photos = toy.pictures.photos(toy.split.labelled[:1], "contours")
    empty = dataclasses.replace(photos, contours=[nothing])  # type: ignore[type-var]
    drawn = draw_sketches(toy_chooser(), empty, np.zeros(1, int), 0, temperature=0.5, seed=0, compute=toy.compute)
    assert len(drawn.strokes[0]) == 2
    (watched,) = watch_drawings(toy_chooser(), empty(np.zeros(1, int), 0), temperature=0.5, seed=0, compute=toy.compute)
    assert len(watched.sequence) == 2


def test_it_learns_which_contours_are_drawn(toy: Toy, tmp_path: Path) -> None:
    """Here people draw what lies above the middle, and nothing else."""
    entries = toy.split.labelled
    pairs = labelled_pairs(toy.pictures, entries, toy_chooser(), 0.0, 1)
    assert isinstance(pairs, CoveragePairs) and np.diff(pairs.first).tolist() == [2] * 6
    high = [edges.contours.points[:, :, 1].mean(1) < 128 for edges in toy.pictures.edges_of(entries)]
    pairs = dataclasses.replace(pairs, covered=[each.astype(np.float32) for each in high for _ in range(2)])
    judge = toy.retrieval()
    validation = GeneratorValidation(
        RetrievalValidation(human_pairs(toy.pictures, toy.split.validation, judge.level), toy.compute), judge, pairs
    )
    model, phases = toy_chooser(), [(PairStream(pairs, 6, 0, "test"), 100)]
    curve = train_generator(toy.compute, model, phases, validation, LEARNING, scratch=Scratch(tmp_path / "scratch"))
    assert curve[-1]["validation_likelihood"] > -0.2 > curve[0]["validation_likelihood"]

    save_model(tmp_path / "model", model, details={})
    again = load_generator(tmp_path / "model")
    assert isinstance(again, ContourGenerator)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())


def test_processes_lay_sketches_over_photos_alike(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fgsbir.generator.pairs.FEW", 2)
    alone, together = (coverage_pairs(toy.pictures, toy.split.labelled, workers) for workers in (1, 2))
    for one, other in zip(alone.covered, together.covered, strict=True):
        np.testing.assert_array_equal(one, other)
    # Most of a simple shape's contours are drawn.
    assert np.mean([covered.mean() for covered in alone.covered]) > 0.5

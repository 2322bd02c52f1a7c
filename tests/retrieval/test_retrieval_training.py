"""Supervised training of F: that it learns, what validation says, and that it resumes anywhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.data.records import DataError
from fgsbir.retrieval.encoder import Encoder
from fgsbir.retrieval.losses import RetrievalObjective
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.pairs import PairStream, human_pairs
from fgsbir.retrieval.ranking import ranks
from fgsbir.retrieval.training import (
    KNOWN,
    RetrievalSettings,
    dropout_mask,
    parameter_groups,
    retrieval_loss,
    start_from,
    train_retrieval,
    trained_head,
)
from fgsbir.retrieval.validation import RetrievalValidation, rank_scores
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.run import Row
from tests.interruptions import broken_off_everywhere
from tests.toy import Toy

OBJECTIVE = RetrievalObjective("info_nce", 0.3, 0.1)
SETTINGS = RetrievalSettings(
    steps=7, learning_rate=1e-2, blocks_learning_rate=1e-3, weight_decay=0.01, dropout=0.3, head="square",
    validate_every=3, log_interval=2,
)  # fmt: skip


def train(toy: Toy, scratch: Path, level: Any = "taps", **changed: Any) -> tuple[RetrievalModel, list[Row]]:
    model = toy.retrieval(level=level)
    pairs = human_pairs(toy.pictures, toy.split.labelled, level, 1.0)
    validation = RetrievalValidation(human_pairs(toy.pictures, toy.split.validation, level), toy.compute)
    stream, settings = PairStream(pairs, 4, 0, "retrieval/pairs"), replace(SETTINGS, **changed)
    rows = train_retrieval(toy.compute, model, stream, validation, OBJECTIVE, settings, scratch=Scratch(scratch))
    return model, rows


@pytest.mark.parametrize("level", ["taps", "map"])
def test_f_learns(toy: Toy, tmp_path: Path, level: Any) -> None:
    rows = train(toy, tmp_path, level, steps=40, validate_every=20, dropout=0.0)[1]
    assert rows[-1]["retrieval_loss"] < 0.8 * rows[0]["retrieval_loss"]
    assert rows[0].keys() == {"step", "retrieval_loss", "acc@1", "acc@10", "mean_reciprocal_rank"}


def test_the_start_is_kept_where_training_makes_it_worse(toy: Toy, tmp_path: Path) -> None:
    start = toy.retrieval()
    found, rows = train(toy, tmp_path, learning_rate=0.9, steps=6)
    validation = RetrievalValidation(human_pairs(toy.pictures, toy.split.validation, "taps"), toy.compute)
    best = max([validation.scores(start)["mean_reciprocal_rank"], *(row["mean_reciprocal_rank"] for row in rows)])
    assert validation.scores(found)["mean_reciprocal_rank"] == pytest.approx(best)


def test_a_start_from_another_model_takes_its_head_and_mixes_statistics(toy: Toy) -> None:
    other, model = toy.retrieval(seed=7), toy.retrieval(seed=0)
    rows = torch.randn(KNOWN, model.dimensions)
    start_from(model, other, rows, rows[:0])
    assert torch.equal(model.head.weight, other.head.weight)
    assert torch.equal(model.side("sketch").mean, other.side("sketch").mean)
    expected = (other.side("photo").mean + rows.mean(0)) / 2
    torch.testing.assert_close(model.side("photo").mean, expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(DataError, match="embedding_dim of the ready model"):
        start_from(toy.retrieval(level="pixels"), RetrievalModel(**other.config() | {"embedding_dim": 4}), rows, rows)


def test_a_square_matrix_keeps_to_the_axes_that_the_head_starts_with(toy: Toy) -> None:
    start = toy.retrieval().head.weight.detach()
    batch = PairStream(human_pairs(toy.pictures, toy.split.labelled, "taps"), 6, 0, "pairs").batch(0)

    def stepped(head: Any) -> torch.Tensor:
        model = toy.retrieval()
        with trained_head(model, head):
            retrieval_loss(toy.compute, model, batch, OBJECTIVE, None, torch.Generator()).backward()
            torch.optim.SGD(parameter_groups(model), lr=1.0).step()
        return model.head.weight.detach()

    square, whole = stepped("square"), stepped("whole")
    axes = torch.linalg.svd(start, full_matrices=False)[2]

    def outside(weight: torch.Tensor) -> torch.Tensor:
        return (weight - weight @ axes.T @ axes).norm() / weight.norm()

    assert not torch.allclose(square, start) and not torch.allclose(whole, start)
    assert outside(square) < 1e-4 < outside(whole)


@pytest.mark.parametrize(
    ("level", "name"), [("taps", "triplet"), ("taps", "info_nce"), ("map", "triplet"), ("pixels", "info_nce")]
)
def test_every_trained_weight_gets_a_gradient(toy: Toy, level: Any, name: Any) -> None:
    model = toy.retrieval(level=level)
    batch = PairStream(human_pairs(toy.pictures, toy.split.labelled, level, 1.0), 6, 0, "pairs").batch(0)
    objective = RetrievalObjective(name, 0.9, 0.1)
    loss = retrieval_loss(toy.compute, model, batch, objective, None, torch.Generator().manual_seed(0))
    loss.backward()
    assert loss.dtype == torch.float32 and loss > 0
    for weights in model.parameters():
        assert not weights.requires_grad or (weights.grad is not None and weights.grad.isfinite().all())
    assert model.head.weight.grad is not None and model.head.weight.grad.any()


def test_a_dropout_mask_keeps_the_mean(toy: Toy) -> None:
    keep = dropout_mask(toy.retrieval(), 0.5, torch.Generator().manual_seed(0), toy.compute.device)
    assert keep is not None and set(keep.tolist()) == {0.0, 2.0} and 0.7 < float(keep.mean()) < 1.3


def test_validation_searches_with_every_sketch(toy: Toy) -> None:
    model, entries = toy.retrieval(), toy.split.validation
    pairs = human_pairs(toy.pictures, entries, "taps")
    validation = RetrievalValidation(pairs, toy.compute)
    with torch.no_grad():
        photos = model.eval().embed(pairs.photos(np.arange(3)), "photo").numpy()
        queries = model.embed(pairs.sketches(np.arange(6)), "sketch").numpy()
    assert validation.scores(model) == pytest.approx(rank_scores(ranks(queries, photos, np.repeat(np.arange(3), 2))))
    drawn = toy.pictures.strokes(entries, [[0, 1]] * 3)
    first, second = ([choice[place] for choice in drawn] for place in (0, 1))
    encoded = Encoder(model, toy.compute).sketches(first + second)
    expected = rank_scores(ranks(encoded, photos, np.tile(np.arange(3), 2)))
    assert validation.generated_scores(model, first + second) == pytest.approx(expected)
    scores = rank_scores(np.array([1, 2, 4, 20]))
    assert scores == {"acc@1": 25.0, "acc@10": 75.0, "mean_reciprocal_rank": pytest.approx(100 * (1.8 / 4))}


def test_stopped_and_killed_anywhere_it_ends_as_if_it_had_not_been(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked to stop after every step, and killed in each after its weights have changed."""
    expected = train(toy, tmp_path / "unbroken")
    assert [row["step"] for row in expected[1]] == [3, 6, 7]
    found, stops = broken_off_everywhere(lambda: train(toy, tmp_path / "broken"), monkeypatch)
    assert stops == 7 + 6
    # A finished run that is called again trains nothing.
    for model, rows in (found, train(toy, tmp_path / "broken", learning_rate=1.0)):
        assert all(torch.equal(value, model.state_dict()[name]) for name, value in expected[0].state_dict().items())
        assert rows == expected[1]

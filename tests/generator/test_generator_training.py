"""Training of G: the losses of Eq. 3, what is kept, that it can be stopped at any step, and that it learns."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.data.pixels import sketch_rasters
from fgsbir.data.strokes import from_sequence
from fgsbir.generator import training as module
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.losses import reconstruction_loss
from fgsbir.generator.model import Generator
from fgsbir.generator.pairs import SequencePairs, human_sequences, lone_sequences
from fgsbir.generator.sequences import offset_scale, pad_sequences
from fgsbir.generator.training import (
    GeneratorSettings,
    GeneratorValidation,
    divergence_weight,
    generator_losses,
    jittered,
    train_generator,
    validation_likelihood,
)
from fgsbir.retrieval.pairs import PairBatch, PairStream, human_pairs
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.run import Row
from fgsbir.runtime.schedule import set_rate, warmup_cosine
from fgsbir.runtime.streams import torch_stream
from tests.generator.conftest import SETTINGS, make_generator
from tests.interruptions import broken_off_everywhere
from tests.toy import SPEC, Toy, shape

SCALE = torch.tensor([20.0, 20, 1, 1, 1])
Train = Callable[..., tuple[Generator, list[Row]]]


@pytest.fixture
def pairs(toy: Toy, model: Generator) -> SequencePairs:
    return human_sequences(toy.pictures, toy.split.labelled, model.form, "map")


@pytest.fixture
def train(toy: Toy, pairs: SequencePairs) -> Train:
    """Two steps on sketches without photos, then five on pairs; always the same."""

    def run(scratch: Scratch, settings: GeneratorSettings = SETTINGS) -> tuple[Generator, list[Row]]:
        model = make_generator(max_points=20)
        alone = replace(lone_sequences([shape(9)], model.form, SPEC), photos=pairs.photos)
        phases = [(PairStream(alone, 4, 0, "alone"), 2), (PairStream(pairs, 4, 0, "pairs"), 5)]
        judge, photos = toy.retrieval(), toy.split.validation
        gallery = RetrievalValidation(human_pairs(toy.pictures, photos, judge.level), toy.compute)
        validation = GeneratorValidation(gallery, judge, human_sequences(toy.pictures, photos, model.form, "map"))
        return model, train_generator(toy.compute, model, phases, validation, settings, scratch=scratch)

    return run


def losses(toy: Toy, model: Generator, batch: PairBatch, jitter: float = 0.0, step: int = 3) -> list[float]:
    found = generator_losses(toy.compute, model, batch, jitter=jitter, kl_floor=0.0, seed=0, step=step)
    return [value.item() for value in found]


def test_the_losses_are_eq_3(toy: Toy, model: Generator, pairs: SequencePairs) -> None:
    batch = PairStream(pairs, 4, 0, "pairs").batch(0)
    found, divergence = losses(toy, model, batch)
    sequences = batch.sketch / SCALE
    lengths = torch.tensor([len(from_sequence(sequence)) + 1 for sequence in sequences.numpy()])
    output = model(batch.photo, sequences, torch.randn(4, 6, generator=torch_stream(0, "generator/latent", 3)))
    expected = reconstruction_loss(output.mixture, output.pen_logits, sequences, lengths).mean()
    assert found == pytest.approx(expected.item(), abs=1e-4)
    kl = 0.5 * (output.mu**2 + (2 * output.log_sigma).exp() - 1 - 2 * output.log_sigma).mean()
    assert divergence == pytest.approx(kl.item(), abs=1e-5)


def test_the_divergence_grows_to_its_whole_weight() -> None:
    """sketch-RNN's annealing: from 1 % over ``kl_anneal_steps`` of 4."""
    settings = replace(SETTINGS, kl_weight=2.0)
    assert [divergence_weight(settings, step) for step in (0, 1, 2, 4, 100)] == [0.02, 0.5, 1.0, 2.0, 2.0]
    assert divergence_weight(replace(settings, kl_anneal_steps=0), 1) == 2.0


def test_the_divergence_is_learned_from_by_its_weight(train: Train, tmp_path: Path) -> None:
    """Nothing else pulls the latent's spread, at a weight that is large, to that of a unit normal."""
    far = [
        abs(train(Scratch(tmp_path / str(weight)), replace(SETTINGS, kl_weight=weight))[1][-1]["divergence_loss"])
        for weight in (0.0, 100.0)
    ]
    assert far[1] < far[0]


def test_jitter_moves_points_and_no_end_anew_at_every_step(toy: Toy, model: Generator, pairs: SequencePairs) -> None:
    strokes = [shape(1), shape(2)[:3]]
    strokes[1][-1, 2] = 1
    sequences, moves = torch.from_numpy(pad_sequences(strokes)), torch.randn(2, len(strokes[0]) + 1, 2)
    moved = jittered(sequences, moves)
    assert torch.equal(moved[..., 2:], sequences[..., 2:])
    for sequence, before, move in zip(moved.numpy(), strokes, moves.numpy(), strict=True):
        shift = from_sequence(sequence)[:, :2] - before[:, :2]
        np.testing.assert_allclose(shift, move[: len(before)], atol=1e-3)
        assert not sequence[len(before) :, :2].any()
    batch = PairStream(pairs, 4, 0, "pairs").batch(0)
    found = [losses(toy, model, batch, *given)[0] for given in ((3.0, 0), (3.0, 0), (3.0, 1), (0.0, 0))]
    assert found[0] == found[1] and len({*found}) == 3


def test_stopped_or_killed_at_every_step_it_ends_the_same(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, rows = train(Scratch(tmp_path / "whole"))
    assert [row["step"] for row in rows] == [3, 6, 7]
    (again, rows_again), stops = broken_off_everywhere(lambda: train(Scratch(tmp_path / "again")), monkeypatch)
    assert stops == 7 + 6 and rows_again == rows
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


@pytest.mark.parametrize(("select", "best"), [("retrieval", 0), ("likelihood", 1)])
def test_the_best_epoch_is_what_select_says(
    train: Train, tmp_path: Path, select: str, best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    likelihoods, found = iter([-3.0, -1.0, -2.0]), iter([30.0, 20.0, 10.0])
    ends: list[torch.Tensor] = []

    def likelihood(compute: object, model: Generator, *given: object) -> float:
        ends.append(model.output_layer.weight.detach().clone())
        return next(likelihoods)

    monkeypatch.setattr(module, "validation_likelihood", likelihood)
    monkeypatch.setattr(RetrievalValidation, "generated_scores", lambda *given: {"mean_reciprocal_rank": next(found)})
    model, _ = train(Scratch(tmp_path), replace(SETTINGS, select=select))
    assert [torch.equal(model.output_layer.weight, end) for end in ends] == [place == best for place in range(3)]


def test_the_likelihood_is_that_of_every_sketch(toy: Toy, model: Generator, pairs: SequencePairs) -> None:
    values = []
    for row, strokes in zip(pairs.truth, pairs.sketches, strict=True):
        sequence = torch.from_numpy(pad_sequences([pairs.form.ordered(strokes)])) / SCALE
        output = model(pairs.photos(np.array([row])), sequence, torch.zeros(1, 6))
        length = torch.tensor([len(strokes) + 1])
        values.append(-reconstruction_loss(output.mixture, output.pen_logits, sequence, length).item())
    assert validation_likelihood(toy.compute, model, pairs) == pytest.approx(np.mean(values), abs=1e-4)


@pytest.mark.slow
def test_g_learns_three_shapes_by_heart(toy: Toy, pairs: SequencePairs) -> None:
    """It draws each photo's own shape, starts and stops by itself."""
    first, ordered = pairs.sketches[:6:2], [pairs.form.ordered(strokes) for strokes in pairs.sketches[:6:2]]
    three = replace(pairs, photo_ids=pairs.photo_ids[:3], sketches=first, first=np.arange(4), forms=1)
    model = make_generator(max_points=20, hidden=32)
    model.offset_scale = torch.tensor(offset_scale(ordered))
    stream, optimizer = PairStream(three, 6, 0, "three"), torch.optim.Adam(model.parameters())
    for step in range(600):
        model.train()
        set_rate(optimizer, warmup_cosine(step, 600, 1e-2))
        batch = stream.batch(step)
        found, divergence = generator_losses(toy.compute, model, batch, jitter=2.0, kl_floor=0.2, seed=0, step=step)
        toy.compute.descend(optimizer, model, found + 0.1 * divergence, 1.0)
    drawn = draw_sketches(model, three.photos, np.arange(3), 0, temperature=0.0, seed=0, compute=toy.compute)
    assert drawn.ended.all()
    pages = sketch_rasters([*drawn.strokes, *ordered], 32, 16.0).reshape(6, -1)
    likeness = np.corrcoef(pages)[:3, 3:]
    assert likeness.argmax(1).tolist() == [0, 1, 2] and likeness.diagonal().min() > 0.6

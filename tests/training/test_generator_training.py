"""Training of G: what it learns from, what is chosen, and that it can learn at all."""

from typing import Any

import numpy as np
import pytest
import torch
from fgsbir.data.pairs import PairSet

from fgsbir.data.augmentation import change_sketches_jointly
from fgsbir.data.pixels import sketch_rasters
from fgsbir.data.records import DataError
from fgsbir.data.strokes import from_sequence
from fgsbir.generator import training as module
from fgsbir.generator.drawing import draw_sketches
from fgsbir.generator.losses import reconstruction_loss
from fgsbir.generator.sequences import offset_scale, pad_sequences
from fgsbir.generator.training import generator_losses, sequence_batch, start_encoder, validation_likelihood
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.run import Run
from fgsbir.runtime.schedule import set_rate, warmup_cosine

CPU = torch.device("cpu")


def test_a_batch_becomes_scaled_sequences(toy: Any) -> None:
    model = toy.generator()
    batch = toy.stream(toy.as_sequences(toy.labelled()), change=change_sketches_jointly).batch(0)
    before = [strokes.copy() for strokes in batch.strokes]
    moves = np.zeros((4, model.max_points, 2))
    sequences, lengths = sequence_batch(batch, model, moves, CPU)
    assert sequences.dtype == torch.float32 and lengths.dtype == torch.int64
    assert lengths.tolist() == [len(strokes) + 1 for strokes in batch.strokes]
    assert sequences.shape == (4, int(lengths.max()), 5)
    expected, _ = pad_sequences(batch.strokes, float(model.offset_scale), model.max_points)
    np.testing.assert_allclose(sequences.numpy(), expected[:, : sequences.shape[1]], atol=1e-5)

    moves[2, 1] = [3.0, -5.0]
    moved, _ = sequence_batch(batch, model, moves, CPU)
    unscaled = moved[2].numpy() * np.array([float(model.offset_scale)] * 2 + [1] * 3)
    shift = from_sequence(unscaled)[:, :2] - batch.strokes[2][:, :2]
    np.testing.assert_allclose(shift[1], [3, -5], atol=1e-2)
    np.testing.assert_allclose(np.delete(shift, 1, 0), 0, atol=1e-2)
    assert all(np.array_equal(one, other) for one, other in zip(before, batch.strokes, strict=True))


def test_the_losses_are_eq_3(toy: Any) -> None:
    model = toy.generator()
    batch = toy.stream(toy.as_sequences(toy.labelled()), change=change_sketches_jointly, strength=0.0).batch(0)
    found, divergence = generator_losses(toy.fabric, model, batch, jitter=0.0, kl_floor=0.0, seed=0, step=3)
    sequences, lengths = sequence_batch(batch, model, np.zeros((4, model.max_points, 2)), CPU)
    photos = torch.from_numpy(batch.photos).permute(0, 3, 1, 2).float() / 255
    noise = torch.randn(4, 4, generator=module.step_generator(0, 3))
    output = model(photos, sequences, noise)
    expected = reconstruction_loss(output.mixture, output.pen_logits, sequences, lengths).mean()
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    kl = 0.5 * (output.mu**2 + (2 * output.log_sigma).exp() - 1 - 2 * output.log_sigma).mean()
    torch.testing.assert_close(divergence, kl)


def test_jitter_moves_every_step_anew(toy: Any) -> None:
    model = toy.generator()
    batch = toy.stream(toy.as_sequences(toy.labelled())).batch(0)

    def loss(jitter: float, step: int) -> float:
        return generator_losses(toy.fabric, model, batch, jitter=jitter, kl_floor=0.2, seed=0, step=step)[0].item()

    assert loss(3.0, 0) == loss(3.0, 0)
    assert len({loss(3.0, 0), loss(3.0, 1), loss(0.0, 0)}) == 3


def test_it_learns_from_sketches_alone_first(toy: Any, scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps on rasters standing in for photos, then four on pairs; a step is named by what it learned from."""
    batches, weights, described = [], [], []
    losses, enter = module.generator_losses, Run.__enter__

    def noting(fabric: Any, model: Any, batch: Any, **given: Any) -> Any:
        batches.append(batch)
        reconstruction, divergence = losses(fabric, model, batch, **given)
        divergence.register_hook(lambda gradient: weights.append(gradient.item()))
        return reconstruction, divergence

    def describing(self: Run) -> Run:
        described.extend(self._describe(step) for step in range(7))
        return enter(self)

    monkeypatch.setattr(module, "generator_losses", noting)
    monkeypatch.setattr(Run, "__enter__", describing)
    toy.train_generator(scratch)
    for step, batch in enumerate(batches):
        white = (batch.photos[..., 0] == batch.photos[..., 1]).all()  # a raster has no colour
        assert white == (step < 3)
        assert all(name.startswith("sketch " if step < 3 else "train-") for name in described[step])
    photos = toy.labelled()
    for step in range(3, 7):
        assert described[step] == [photos.photo_ids[row] for row in batches[step].rows]
        assert np.array_equal(batches[step].photos, photos.pixels[batches[step].rows])
    # The weight of the divergence is annealed from 1 % to 1 over four steps.
    assert weights == pytest.approx([0.01, 0.25, 0.5, 0.75, 1, 1, 1])


@pytest.mark.parametrize("select", ["retrieval", "likelihood"])
def test_the_best_epoch_is_what_select_says(
    toy: Any, scratch: Scratch, select: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The middle epoch is the best by likelihood, the first by retrieval."""
    likelihoods, found = iter([-3.0, -1.0, -2.0]), iter([30.0, 20.0, 10.0])
    monkeypatch.setattr(module, "validation_likelihood", lambda *given: next(likelihoods))
    validation = type(toy.validation())
    monkeypatch.setattr(
        validation, "generated_scores", lambda self, judge, sketches: {"mean_reciprocal_rank": next(found)}
    )
    ends: list[torch.Tensor] = []
    done = Run.epoch_done

    def noting(self: Run, step: int, scores: Any, *, score: float) -> None:
        ends.append(self._selected["model"].state_dict()["output_layer.weight"].clone())
        done(self, step, scores, score=score)

    monkeypatch.setattr(Run, "epoch_done", noting)
    trained = toy.train_generator(scratch, select=select)
    kept = trained.models["generator"].output_layer.weight
    assert torch.equal(kept, ends[0 if select == "retrieval" else 1])
    assert not torch.equal(kept, ends[2])


def test_the_curve_says_how_drawings_are_found_and_end(toy: Any, scratch: Scratch) -> None:
    rows = toy.train_generator(scratch, select="retrieval").rows
    generated = {f"generated_{name}" for name in ("acc@1", "acc@10", "mean_reciprocal_rank")}
    assert (
        rows[0].keys()
        == {"step", "reconstruction_loss", "divergence_loss", "ended", "validation_likelihood"} | generated
    )
    assert all(0 <= row["ended"] <= 100 for row in rows)


def test_the_validation_likelihood_is_that_of_every_sketch(toy: Any) -> None:
    model, pairs = toy.generator(), toy.as_sequences(toy.validation_pairs())
    values = []
    for row, choice in enumerate(pairs.sketches):
        for strokes in choice:
            sequence, length = pad_sequences([strokes], float(model.offset_scale), model.max_points)
            photo = torch.from_numpy(pairs.pixels[[row]]).permute(0, 3, 1, 2).float() / 255
            with torch.no_grad():
                output = model.eval()(photo, torch.from_numpy(sequence), torch.zeros(1, 4))
            target, ends = torch.from_numpy(sequence), torch.from_numpy(length)
            values.append(-reconstruction_loss(output.mixture, output.pen_logits, target, ends).item())
    assert validation_likelihood(toy.fabric, model, pairs) == pytest.approx(np.mean(values), abs=1e-4)


def test_the_encoder_may_start_as_f(toy: Any) -> None:
    model, judge = toy.generator(), toy.retrieval()
    before = {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}
    taken = start_encoder(model, judge)
    after, source = model.encoder.state_dict(), judge.backbone.state_dict()
    same = {name for name in after if name in source and torch.equal(after[name], source[name])}
    # Group normalisations start alike, so count only what differed before.
    assert taken >= len(same) > 20 and "trunk.0.weight" in same
    assert not torch.equal(before["trunk.0.weight"], after["trunk.0.weight"])
    torch.manual_seed(0)
    stranger = RetrievalModel(backbone="vgg11", embedding_dim=4, attention=False, image_size=32)
    with pytest.raises(DataError, match="needs the same backbone"):
        start_encoder(toy.generator(), stranger)


@pytest.mark.slow
def test_g_learns_three_shapes_by_heart(toy: Any, scratch: Scratch) -> None:
    """It draws each photo's own shape, starts and stops by itself, and the loss has fallen far."""
    labelled = toy.as_sequences(toy.labelled())
    three = PairSet(
        labelled.photo_ids[:3],
        labelled.categories[:3],
        labelled.pixels[np.arange(3)],
        [choice[:1] for choice in labelled.sketches[:3]],
    )
    model = toy.generator(hidden=32)
    model.offset_scale = torch.tensor(offset_scale([choice[0] for choice in three.sketches]))
    stream = toy.stream(three, 6, strength=0.0, change=change_sketches_jointly)
    optimizer = torch.optim.Adam(model.parameters())
    losses = []
    for step in range(400):
        model.train()
        set_rate(optimizer, warmup_cosine(step, 400, 1e-2))
        reconstruction, divergence = generator_losses(
            toy.fabric, model, stream.batch(step), jitter=0.5, kl_floor=0.2, seed=0, step=step
        )
        optimizer.zero_grad()
        (reconstruction + 0.1 * divergence).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(reconstruction.item())
    assert np.mean(losses[:5]) - np.mean(losses[-5:]) > 3
    drawn = draw_sketches(model, three.pixels, temperature=0.0, seed=0, batch=3, device=CPU, precision="float32")
    assert drawn.ended.all()
    pages = sketch_rasters([*drawn.strokes, *(choice[0] for choice in three.sketches)], 32, 16.0).reshape(6, -1)
    likeness = np.corrcoef(pages)[:3, 3:]
    assert likeness.argmax(1).tolist() == [0, 1, 2] and likeness.diagonal().min() > 0.6

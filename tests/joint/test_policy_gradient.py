"""Eqs. 8 and 9 on real models: rewards written out, baselines, and who gets a gradient."""

from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.certainty.discriminator import certainty
from fgsbir.features.extraction import Reader
from fgsbir.generator.drawing import drawing_strokes
from fgsbir.generator.losses import sequence_log_probability
from fgsbir.joint import policy_gradient as module
from fgsbir.joint.policy_gradient import Judges, PhotoBatch, PhotoPool, RewardForm, drawing_rewards, policy_gradient
from fgsbir.joint.reward import reward, tempered
from fgsbir.runtime.streams import torch_stream
from tests.joint.toy_joint import OBJECTIVE, discriminator, generator
from tests.toy import SPEC, Toy, shape

MEAN = RewardForm(1.0, 1.0, "mean")


@pytest.fixture
def judges(toy: Toy) -> Judges:
    reader = Reader(toy.pictures.features.trunk(), SPEC, toy.compute)
    return Judges(toy.retrieval(), discriminator(toy), OBJECTIVE, reader, lambda taps: 0.5 * taps)


def pool(toy: Toy) -> PhotoPool:
    return PhotoPool.of(toy.pictures, toy.split.labelled, toy.split.unlabelled, {"taps", "map"})


@pytest.fixture
def photos(toy: Toy) -> PhotoBatch:
    return pool(toy).batch(6, 0, 0, toy.compute)


def test_half_of_a_batch_is_labelled(toy: Toy) -> None:
    both = pool(toy)
    for step in range(4):
        batch = both.batch(6, 0, step, toy.compute)
        assert (batch.numbers < len(toy.split.labelled)).sum() == 3
        entries = [*toy.split.labelled, *toy.split.unlabelled]
        expected = toy.pictures.photos(entries, "map")(batch.numbers)
        assert torch.equal(batch.inputs["map"], expected)


def test_the_reward_is_eq_8_of_what_the_judges_see(toy: Toy, judges: Judges, photos: PhotoBatch) -> None:
    sketches = [shape(number, 5) for number in range(6)]
    earned = drawing_rewards(toy.compute, judges, photos, sketches, RewardForm(0.5, 2.0, "none"), torch_stream(0, "n"))
    taps, shown = 0.5 * judges.reader.sketches(sketches).taps, photos.inputs["taps"]
    with torch.no_grad():
        omega = certainty(judges.discriminator.eval()(shown, taps))
        sketch, photo = judges.retrieval.eval().embed(taps, "sketch"), judges.retrieval.embed(shown, "photo")
        numbers, categories = torch.from_numpy(photos.numbers), torch.from_numpy(photos.categories)
        loss = OBJECTIVE(sketch, photo, numbers, categories, torch_stream(0, "n"))
    torch.testing.assert_close(earned, reward(loss, omega, 0.5, 2.0))


def test_pixels_for_a_d_c_that_reads_them(toy: Toy, judges: Judges) -> None:
    both = Judges(judges.retrieval, discriminator(toy, "pixels"), OBJECTIVE, judges.reader, judges.fit)
    found = both.inputs([shape(1), shape(2)])
    assert found["pixels"].shape == (2, 3, 64, 64) and found["taps"].shape == (2, judges.retrieval.dimensions)


def drawn(model: Any, photos: PhotoBatch, temperature: float) -> Any:
    numbers = torch_stream(0, "joint/policy", 0, 0)
    return model.sample(photos.inputs["map"], temperature=temperature, generator=numbers)


@pytest.mark.parametrize("best", [0, 4])
def test_a_drawing_that_earns_more_than_the_others_gets_likelier(
    toy: Toy, judges: Judges, photos: PhotoBatch, best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    earned = torch.zeros(6)
    earned[best] = 1.0
    monkeypatch.setattr(module, "drawing_rewards", lambda *given: earned)
    model = generator()
    drawing = drawn(model, photos, 1.0)

    def likelihoods() -> torch.Tensor:
        with torch.no_grad():
            found = sequence_log_probability(*model.output(drawing.hidden), drawing.sequences, drawing.lengths)
            return found / drawing.lengths

    before = likelihoods()
    loss, mean = policy_gradient(toy.compute, model, judges, photos, MEAN, temperature=1.0, seed=0, step=0)
    assert mean.item() == pytest.approx(1 / 6)
    loss.backward()
    given = {name for name, weights in model.named_parameters() if weights.grad is not None}
    assert given == {"output_layer.weight", "output_layer.bias"}
    with torch.no_grad():
        for weights in model.output_layer.parameters():
            assert weights.grad is not None
            weights -= 0.01 * weights.grad
    gained = likelihoods() - before
    assert gained[best] > 0 and gained[best] == gained.max()


def test_baselines(toy: Toy, judges: Judges, photos: PhotoBatch) -> None:
    """-sum_t log p(t) (R - b) / T, with the baseline written out for each form."""
    model, temperature = generator(), 0.3

    def scores(strokes: list[np.ndarray]) -> torch.Tensor:
        return drawing_rewards(toy.compute, judges, photos, strokes, MEAN, torch_stream(0, "joint/negatives", 0))

    drawing = drawn(model, photos, temperature)
    earned = scores(drawing_strokes(model, drawing))
    greedy = scores(drawing_strokes(model, model.sample(photos.inputs["map"], temperature=0.0)))
    with torch.no_grad():
        policy = tempered(*model.output(drawing.hidden), temperature)
        likelihood = sequence_log_probability(*policy, drawing.sequences, drawing.lengths) / drawing.lengths
    for baseline, subtracted in {"none": torch.zeros(6), "mean": earned.mean(), "greedy": greedy}.items():
        form = RewardForm(1.0, 1.0, baseline)  # type: ignore[arg-type]
        loss, mean = policy_gradient(toy.compute, model, judges, photos, form, temperature=temperature, seed=0, step=0)
        assert loss.item() == pytest.approx(-((earned - subtracted) * likelihood).mean().item(), rel=1e-4, abs=1e-6)
        assert mean.item() == pytest.approx(earned.mean().item(), rel=1e-5)

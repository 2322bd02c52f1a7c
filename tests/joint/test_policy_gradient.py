"""Eqs. 8 and 9: rewards written out, the gradient's expectation against an exact enumeration, baselines."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fgsbir.certainty.discriminator import certainty
from fgsbir.generator.drawing import drawing_strokes
from fgsbir.generator.losses import Mixture, sequence_log_probability, tempered
from fgsbir.generator.model import Generator
from fgsbir.joint.policy_gradient import Judges, PhotoBatch, PhotoPool, policy_gradient, policy_gradient_loss
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import torch_stream
from tests.joint.toy_joint import OBJECTIVE, generator, judges
from tests.toy import Toy, shape, toy_chooser


def test_the_loss_is_a_worked_value_and_its_gradient_reaches_the_policy_alone() -> None:
    log_probability = torch.tensor([-10.0, -4.0], requires_grad=True)
    reward = torch.tensor([1.0, 0.0], requires_grad=True)
    loss = policy_gradient_loss(log_probability, reward, reward.mean(), torch.tensor([5, 2]))
    # -(1 - 0.5) * -10 / 5 and -(0 - 0.5) * -4 / 2
    torch.testing.assert_close(loss, torch.tensor([1.0, -1.0]))
    loss.sum().backward()
    assert reward.grad is None and log_probability.grad.tolist() == pytest.approx([-0.1, 0.25])


@pytest.mark.parametrize("baseline", [0.0, 1.7])
def test_the_expected_gradient_is_that_of_the_expected_reward_whatever_the_baseline(baseline: float) -> None:
    logits = torch.tensor([0.3, -0.2, 0.9, 0.0], dtype=torch.float64, requires_grad=True)
    gain = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    (true,) = torch.autograd.grad((logits.softmax(0) * gain).sum(), logits)
    # Every action once, weighted by its probability: the exact expectation of the estimate.
    loss = policy_gradient_loss(logits.log_softmax(0), gain, baseline, torch.ones(4))
    (estimate,) = torch.autograd.grad((logits.softmax(0).detach() * loss).sum(), logits)
    torch.testing.assert_close(-estimate, true)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 1.7])
def test_the_policy_is_what_g_draws_from_at_the_temperature(temperature: float) -> None:
    """Weights and spreads as the sampler's; a lift is tempered and an end is not."""
    mixture = Mixture(*torch.randn(6, 3, generator=torch.Generator().manual_seed(0)))
    pen = torch.tensor([0.2, -0.3, -1.5])
    policy, pens = tempered(mixture, pen, temperature)
    end = pen.softmax(0)[2:]
    expected = torch.cat([(pen[:2] / temperature).softmax(0) * (1 - end), end])
    torch.testing.assert_close(pens.softmax(0), expected)
    torch.testing.assert_close(policy.weight_logits.softmax(0), (mixture.weight_logits / temperature).softmax(0))
    for name in ("log_sigma_x", "log_sigma_y"):
        torch.testing.assert_close(getattr(policy, name).exp(), getattr(mixture, name).exp() * temperature**0.5)
    assert all(torch.equal(getattr(policy, name), getattr(mixture, name)) for name in ("mean_x", "mean_y", "rho"))


@pytest.fixture
def pool(toy: Toy) -> PhotoPool:
    return PhotoPool(toy.pictures, toy.split.labelled, toy.split.unlabelled, {"taps", "map"})


@pytest.fixture
def photos(toy: Toy, pool: PhotoPool) -> PhotoBatch:
    return pool.batch(6, 0, 0, toy.compute)


@pytest.fixture
def judging(toy: Toy) -> Judges:
    return judges(toy)


def test_half_of_a_batch_is_labelled(toy: Toy, pool: PhotoPool) -> None:
    stored = toy.pictures.photos([*toy.split.labelled, *toy.split.unlabelled], "map")
    for step in range(4):
        batch = pool.batch(6, 0, step, toy.compute)
        assert (batch.numbers < len(toy.split.labelled)).sum() == 3
        assert torch.equal(batch.inputs["map"], stored(batch.numbers.numpy()))


def test_the_reward_is_eq_8_of_what_the_judges_see(judging: Judges, photos: PhotoBatch) -> None:
    sketches = [shape(number, 5) for number in range(6)]
    taps, shown = 0.5 * judging.reader.sketches(sketches).taps, photos.inputs["taps"]
    with torch.no_grad():
        omega = certainty(judging.discriminator.eval()(shown, taps))
        sketch, photo = judging.retrieval.eval().embed(taps, "sketch"), judging.retrieval.embed(shown, "photo")
        loss = OBJECTIVE(sketch, photo, photos.numbers, photos.categories, torch_stream(0, "n"))
    torch.testing.assert_close(
        judging.rewards(photos, judging.reader.images(sketches), torch_stream(0, "n")), -0.5 * loss + 2.0 * omega
    )


def drawn(model: Generator, photos: PhotoBatch, temperature: float) -> Any:
    numbers = torch_stream(0, "joint/policy", 0, 0)
    return model.sample(photos.inputs["map"], temperature=temperature, generator=numbers)


@pytest.mark.parametrize("best", [0, 4])
def test_a_drawing_that_earns_more_than_the_others_gets_likelier(
    judging: Judges, photos: PhotoBatch, best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    earned = torch.zeros(6)
    earned[best] = 1.0
    monkeypatch.setattr(Judges, "rewards", lambda *given: earned)
    model = generator()
    drawing = drawn(model, photos, 1.0)

    def likelihoods() -> Tensor:
        found = sequence_log_probability(*model.output(drawing.hidden), drawing.sequences, drawing.lengths)
        return found.detach() / drawing.lengths

    before = likelihoods()
    loss, mean = policy_gradient(model, judging, photos, baseline="mean", temperature=1.0, seed=0, step=0)
    assert mean.item() == pytest.approx(1 / 6)
    loss.backward()
    reached = {name for name, weights in model.named_parameters() if weights.grad is not None}
    assert reached == {"output_layer.weight", "output_layer.bias"}
    torch.optim.SGD(model.parameters(), lr=0.01).step()
    gained = likelihoods() - before
    assert gained[best] > 0 and gained[best] == gained.max()


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("baseline", ["none", "mean", "greedy"])
def test_the_loss_is_eq_9_with_its_baseline(
    toy_folder: Path, monkeypatch: pytest.MonkeyPatch, baseline: Any, precision: str
) -> None:
    """-sum_t log p(t) (R - b) / T, written out; rewards are float32 in either precision."""
    monkeypatch.setattr("fgsbir.runtime.precision.multiplies_bf16", lambda _: True)
    toy = Toy(toy_folder, Compute(torch.device("cpu"), precision))
    judging, model, temperature = judges(toy), generator(), 0.3
    pool = PhotoPool(toy.pictures, toy.split.labelled, toy.split.unlabelled, {"taps", "map"})
    photos = pool.batch(6, 0, 0, toy.compute)

    def rewards(drawing: Any) -> Tensor:
        images = judging.reader.images(drawing_strokes(model, drawing))
        return judging.rewards(photos, images, torch_stream(0, "joint/negatives", 0))

    with toy.compute.autocast():
        drawing, likeliest = drawn(model, photos, temperature), model.sample(photos.inputs["map"], temperature=0.0)
    earned = rewards(drawing)
    policy = tempered(*model.output(drawing.hidden), temperature)
    likelihood = sequence_log_probability(*policy, drawing.sequences, drawing.lengths) / drawing.lengths
    subtracted = {"none": torch.zeros(6), "mean": earned.mean(), "greedy": rewards(likeliest)}[baseline]
    loss, mean = policy_gradient(model, judging, photos, baseline=baseline, temperature=temperature, seed=0, step=0)
    assert loss.item() == pytest.approx(-((earned - subtracted) * likelihood).mean().item(), rel=1e-4, abs=1e-6)
    assert mean.item() == pytest.approx(earned.mean().item(), rel=1e-5)


def test_a_chooser_of_contours_draws_more_of_what_is_rewarded(toy: Toy) -> None:
    batch = toy.pictures.photos(toy.split.labelled, "contours")(np.arange(6))
    left = (batch.points[..., 0].mean(2) < 128) & batch.mask
    model = toy_chooser()
    optimizer, numbers = torch.optim.Adam(model.parameters(), 1e-2), torch.Generator().manual_seed(0)

    def share_left(kept: Tensor) -> Tensor:
        return (kept & left).sum(1) / kept.sum(1)

    shares = []
    for _ in range(80):
        drawing = model.sample(batch, temperature=0.5, generator=numbers)
        shares.append(share_left(drawing.kept))
        likelihood = model.log_probability(drawing, 0.5)
        policy_gradient_loss(likelihood, shares[-1], shares[-1].mean(), drawing.lengths).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert torch.stack(shares[-10:]).mean() > torch.stack(shares[:10]).mean() + 0.15

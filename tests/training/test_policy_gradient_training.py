"""REINFORCE: what it may change of G, and that a drawing that earns more gets likelier."""

from typing import Any

import numpy as np
import pytest
import torch
from fgsbir.runtime.processes import step_generator

from fgsbir.certainty.certainty import pair_images
from fgsbir.certainty.discriminator import certainty
from fgsbir.generator.drawing import drawing_strokes
from fgsbir.generator.losses import sequence_log_probability
from fgsbir.joint import policy_gradient as module
from fgsbir.joint.drawn_photos import labelled_to_draw, photo_batch, pseudo_pairs
from fgsbir.joint.policy_gradient import Judges, PhotoBatch, RewardForm, drawing_rewards, policy_gradient
from fgsbir.joint.reward import reward, tempered

MEAN = RewardForm(1.0, 1.0, "mean")


@pytest.fixture
def judges(toy: Any) -> Judges:
    return Judges(toy.retrieval(), toy.discriminator(), toy.objective, 6.0, "float32")


@pytest.fixture
def photos(toy: Any) -> PhotoBatch:
    labelled = toy.labelled()
    return photo_batch(
        [
            (labelled_to_draw(labelled, labelled), np.array([0, 3, 5])),
            (pseudo_pairs(*toy.unlabelled()), np.array([1, 2])),
        ]
    )


def test_a_batch_numbers_labelled_and_unlabelled_photos_apart(toy: Any, photos: PhotoBatch) -> None:
    assert photos.numbers.tolist() == [0, 6, 10, 3, 5]
    assert photos.categories.tolist() == [0] * 5
    labelled, unlabelled = toy.labelled(), toy.unlabelled()[0]
    for images in (photos.for_generator, photos.for_retrieval):
        assert np.array_equal(images[:3], labelled.pixels[[0, 3, 5]])
        assert np.array_equal(images[3:], unlabelled.pixels[[1, 2]])


@pytest.mark.parametrize("baseline", ["none", "mean", "greedy"])
def test_the_gradient_reaches_the_last_layer_and_nothing_else(
    toy: Any, judges: Judges, photos: PhotoBatch, baseline: Any
) -> None:
    generator = toy.generator()
    loss, earned = policy_gradient(
        toy.fabric, generator, judges, photos, RewardForm(1, 1, baseline), temperature=1.0, seed=0, step=0
    )
    loss.backward()
    reached = {name for name, weights in generator.named_parameters() if weights.grad is not None}
    assert reached == {"output_layer.weight", "output_layer.bias"}
    assert float(generator.output_layer.bias.grad.abs().sum()) > 0
    assert not earned.requires_grad
    for judge in (judges.retrieval, judges.discriminator):
        assert all(weights.grad is None for weights in judge.parameters())


def test_judges_score_in_evaluation_mode_and_go_on_training(
    toy: Any, judges: Judges, photos: PhotoBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[bool] = []
    for judge in (judges.retrieval, judges.discriminator):
        judge.train().register_forward_pre_hook(lambda model, given: modes.append(model.training))
    policy_gradient(toy.fabric, toy.generator(), judges, photos, MEAN, temperature=1.0, seed=0, step=0)
    assert modes == [False, False] and judges.retrieval.training and judges.discriminator.training


def drawn(toy: Any, generator: Any, photos: PhotoBatch, temperature: float = 1.0) -> Any:
    """The drawings that the policy gradient of seed 0, step 0 makes."""
    pixels = torch.from_numpy(photos.for_generator).permute(0, 3, 1, 2).float() / 255
    numbers = torch.Generator().manual_seed(module.mixed_seed(0, 2, 0, 0))
    return generator.sample(pixels, temperature=temperature, generator=numbers)


def test_the_reward_is_eq_8(toy: Any, judges: Judges, photos: PhotoBatch) -> None:
    generator = toy.generator()
    sketches = drawing_strokes(generator, drawn(toy, generator, photos))
    form = RewardForm(0.5, 2.0, "none")
    earned = drawing_rewards(toy.fabric, judges, photos, sketches, form, step_generator(0, 0))

    pixels, rasters = pair_images(photos.for_generator, sketches, 32, 6.0, torch.device("cpu"))
    with torch.no_grad():
        omega = certainty(judges.discriminator.eval()(pixels, rasters))
        sketch, photo = judges.retrieval.eval()(rasters.expand(-1, 3, -1, -1)), judges.retrieval(pixels)
        loss = judges.objective(
            sketch, photo, torch.from_numpy(photos.numbers), torch.from_numpy(photos.categories), step_generator(0, 0)
        )
    torch.testing.assert_close(earned, reward(loss, omega, 0.5, 2.0))
    assert earned.dtype == torch.float32 and earned.shape == (5,)


@pytest.mark.parametrize("best", [0, 2, 4])
def test_a_drawing_that_earns_more_than_the_others_gets_likelier(
    toy: Any, judges: Judges, photos: PhotoBatch, best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    earned = torch.zeros(5)
    earned[best] = 1.0
    monkeypatch.setattr(module, "drawing_rewards", lambda *given: earned)
    generator = toy.generator()
    drawing = drawn(toy, generator, photos)

    def likelihoods() -> torch.Tensor:
        with torch.no_grad():
            return generator.log_probability(drawing.hidden, drawing.sequences, drawing.lengths) / drawing.lengths

    before = likelihoods()
    loss, mean = policy_gradient(toy.fabric, generator, judges, photos, MEAN, temperature=1.0, seed=0, step=0)
    assert mean.item() == pytest.approx(0.2)
    loss.backward()
    with torch.no_grad():
        for weights in generator.output_layer.parameters():
            weights -= 0.01 * weights.grad
    gained = likelihoods() - before
    assert gained[best] > 0 and gained[best] == gained.max()


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_baselines(toy: Any, judges: Judges, photos: PhotoBatch, temperature: float) -> None:
    """-sum_t log p(t) (R - b) / T, with the baseline written out for each form."""
    generator = toy.generator()
    drawing = drawn(toy, generator, photos, temperature)
    scores = drawing_rewards(
        toy.fabric, judges, photos, drawing_strokes(generator, drawing), MEAN, step_generator(0, 0)
    )
    pixels = torch.from_numpy(photos.for_generator).permute(0, 3, 1, 2).float() / 255
    greedy = drawing_strokes(generator, generator.sample(pixels, temperature=0.0))
    of_greedy = drawing_rewards(toy.fabric, judges, photos, greedy, MEAN, step_generator(0, 0))
    with torch.no_grad():
        policy = tempered(*generator.output(drawing.hidden), temperature)
        likelihood = sequence_log_probability(*policy, drawing.sequences, drawing.lengths) / drawing.lengths
    for baseline, subtracted in {"none": torch.zeros(5), "mean": scores.mean(), "greedy": of_greedy}.items():
        form = RewardForm(1.0, 1.0, baseline)  # type: ignore[arg-type]
        loss, earned = policy_gradient(
            toy.fabric, generator, judges, photos, form, temperature=temperature, seed=0, step=0
        )
        assert loss.item() == pytest.approx(-((scores - subtracted) * likelihood).mean().item(), rel=1e-4, abs=1e-6)
        assert earned.item() == pytest.approx(scores.mean().item(), rel=1e-5)


def test_every_step_draws_anew_and_the_same_step_the_same(toy: Any, judges: Judges, photos: PhotoBatch) -> None:
    def loss(seed: int, step: int) -> float:
        return policy_gradient(
            toy.fabric, toy.generator(), judges, photos, MEAN, temperature=1.0, seed=seed, step=step
        )[0].item()

    assert loss(0, 0) == loss(0, 0)
    assert len({loss(0, 0), loss(0, 1), loss(1, 0)}) == 3

"""G's losses against torch.distributions, numerical integration and hand-made masks."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal, Normal, kl_divergence

from fgsbir.generator import losses
from fgsbir.generator.losses import Mixture, kl_loss, reconstruction_loss, sequence_log_probability

ROWS, STEPS, MIXTURES = 3, 6, 4
LENGTHS = torch.tensor([3, 6, 6])  # ends at its third row; at the last; never


def random_mixture(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Mixture:
    numbers = torch.Generator().manual_seed(seed)
    fields = [torch.randn(*shape, MIXTURES, generator=numbers, dtype=dtype) for _ in Mixture._fields]
    return Mixture(*fields[:3], 0.4 * fields[3], 0.4 * fields[4], 0.9 * fields[5].tanh())


def library_mixture(mixture: Mixture) -> MixtureSameFamily:
    sigma_x, sigma_y = mixture.log_sigma_x.exp(), mixture.log_sigma_y.exp()
    shared = mixture.rho * sigma_x * sigma_y
    covariance = torch.stack([torch.stack([sigma_x**2, shared], -1), torch.stack([shared, sigma_y**2], -1)], -2)
    means = torch.stack([mixture.mean_x, mixture.mean_y], -1)
    return MixtureSameFamily(Categorical(logits=mixture.weight_logits), MultivariateNormal(means, covariance))


def drawings() -> Tensor:
    sequences = torch.zeros(ROWS, STEPS, 5)
    sequences[..., :2] = torch.randn(ROWS, STEPS, 2, generator=torch.Generator().manual_seed(1))
    sequences[..., 2] = 1
    sequences[1, 2, 2:4] = torch.tensor([0.0, 1.0])
    for row, end in ((0, 2), (1, 5)):
        sequences[row, end:] = torch.tensor([0.0, 0, 0, 0, 1])
    return sequences


def naive_log_probability(mixture: Mixture, pen_logits: Tensor, sequences: Tensor, lengths: Tensor) -> Tensor:
    """Eq. 3 read aloud: row by row, offsets until the end, pens up to and including it."""
    density = library_mixture(mixture).log_prob(sequences[..., :2])
    pens = Categorical(logits=pen_logits).log_prob(sequences[..., 2:].argmax(-1))
    total = torch.zeros(len(sequences))
    for row in range(len(sequences)):
        for step in range(int(lengths[row])):
            if sequences[row, step, 4] == 0:
                total[row] += density[row, step]
            total[row] += pens[row, step]
    return total


def test_density_equals_the_library() -> None:
    mixture = random_mixture(50, dtype=torch.float64)
    offsets = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(
        losses.bivariate_log_density(mixture, offsets), library_mixture(mixture).log_prob(offsets)
    )


def test_density_and_its_gradient_stay_finite_far_away() -> None:
    mixture = Mixture(*(field.requires_grad_() for field in random_mixture(2)))
    value = losses.bivariate_log_density(mixture, torch.tensor([[1e6, -1e6], [0.0, 1e15]]))
    assert value.isfinite().all()
    value.sum().backward()
    assert all(field.grad is not None and field.grad.isfinite().all() for field in mixture)


def test_log_probability_equals_a_naive_loop() -> None:
    mixture, pens, sequences = random_mixture(ROWS, STEPS), torch.randn(ROWS, STEPS, 3), drawings()
    found = sequence_log_probability(mixture, pens, sequences, LENGTHS)
    torch.testing.assert_close(found, naive_log_probability(mixture, pens, sequences, LENGTHS), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(reconstruction_loss(mixture, pens, sequences, LENGTHS), -found / LENGTHS)


def test_the_pen_counts_up_to_the_end_the_offset_before_it_and_nothing_after() -> None:
    mixture = Mixture(*(field.requires_grad_() for field in random_mixture(ROWS, STEPS)))
    pens, sequences = torch.randn(ROWS, STEPS, 3, requires_grad=True), drawings()
    expected = reconstruction_loss(mixture, pens, sequences, LENGTHS)
    sequences[0, 3:] = math.nan
    found = reconstruction_loss(mixture, pens, sequences, LENGTHS)
    assert torch.equal(found, expected)
    of_pens, *of_fields = torch.autograd.grad(found.sum(), [pens, *mixture])
    reached = [(gradient.abs().sum(-1) > 0).tolist() for gradient in (of_pens, *of_fields)]
    assert reached[0] == [[True] * 3 + [False] * 3, [True] * 6, [True] * 6]
    assert reached[1:] == [[[True] * 2 + [False] * 4, [True] * 5 + [False], [True] * 6]] * 6
    assert of_pens[0, 2, 2] < 0, "a likelier end must lower the loss where the drawing ends"


def test_kl_equals_the_library() -> None:
    mu, log_sigma = torch.randn(5, 8, dtype=torch.float64), torch.randn(5, 8, dtype=torch.float64)
    expected = kl_divergence(Normal(mu, log_sigma.exp()), Normal(torch.zeros_like(mu), torch.ones_like(mu))).mean()
    torch.testing.assert_close(kl_loss(mu, log_sigma), expected)


def test_kl_floor_stops_the_pull() -> None:
    mu = torch.full((2, 3), 0.1, requires_grad=True)
    loss = kl_loss(mu, torch.zeros(2, 3), floor=0.2)
    loss.backward()
    assert loss.item() == pytest.approx(0.2)
    assert mu.grad is not None and not mu.grad.any()
    above = kl_loss(torch.full((2, 3), 2.0), torch.zeros(2, 3), floor=0.2)
    assert above.item() == pytest.approx(2.0)  # mu ** 2 / 2

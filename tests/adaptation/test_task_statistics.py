"""The statistics of a new task: how much a few sketches count, and what they make of a side."""

import pytest
import torch

from fgsbir.adaptation.statistics import met, shrinkage
from fgsbir.features.statistics import Standardise


def test_the_share_by_hand() -> None:
    """Two rows of four numbers whose mean is 3 deviations away: 1 - 1.2 * (4 / 2) / 36. Near ones do not count."""
    rows = torch.tensor([[2.0], [4.0]]).expand(2, 4)
    assert shrinkage(Standardise(4), rows) == pytest.approx(1 - 1.2 * 2 / 36)
    assert shrinkage(Standardise(4), rows / 10) == 0
    assert shrinkage(Standardise(4), rows[:0]) == 0 and shrinkage(Standardise(4), torch.zeros(3, 4)) == 0


def test_the_shrunk_mean_errs_less_than_either() -> None:
    """Than that of the few sketches and that of the side, over kinds that lie near, apart and far."""
    random = torch.Generator().manual_seed(0)
    for shift in (0.1, 0.5, 1.0):
        errors = torch.zeros(3)
        for _ in range(200):
            mean = shift * torch.randn(60, generator=random)
            rows = mean + torch.randn(3, 60, generator=random)
            guesses = torch.stack([met(Standardise(60), rows).mean, rows.mean(0), torch.zeros(60)])
            errors += (guesses - mean).square().sum(1)
        assert errors[0] <= 1.1 * min(errors[1:])


def test_a_kind_that_is_met_is_a_copy() -> None:
    side = Standardise(3)
    rows = 10 + torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    found = met(side, rows)
    torch.testing.assert_close(found.mean, rows.mean(0), atol=0.1, rtol=0)
    assert torch.equal(side.mean, torch.zeros(3)) and torch.equal(met(side, rows[:0]).mean, side.mean)

"""Standardisation and principal axes: worked values, and no NaN where nothing varies."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fgsbir.features.statistics import LEAST_DEVIATION, Standardise, principal_axes


def fitted(rows: torch.Tensor) -> Standardise:
    side = Standardise(rows.shape[1])
    side.fit(rows)
    return side


def test_rows_come_out_with_mean_0_and_deviation_1() -> None:
    rows = torch.randn(500, 3) * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor([5.0, 0.0, -7.0])
    out = fitted(rows)(rows)
    torch.testing.assert_close(out.mean(0), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(out.std(0, correction=0), torch.ones(3), rtol=1e-4, atol=0)
    assert torch.equal(Standardise(3)(rows), rows), "without a fit nothing changes"


def test_what_does_not_vary_does_not_blow_up() -> None:
    side = fitted(torch.tensor([[1.0, 0.0, 5.0], [3.0, 4.0, 5.0]]))
    assert side.deviation.tolist() == [1.0, 2.0, np.float32(LEAST_DEVIATION)]
    for rows in (torch.randn(1, 3), torch.ones(5, 3)):
        assert fitted(rows).deviation.tolist() == [1.0, 1.0, 1.0]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(2, 30))
def test_mixing_n_rows_into_as_many_gives_the_statistics_of_both(seed: int, n: int, dimensions: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    old, new = (torch.randn(n, dimensions, generator=rng, dtype=torch.float64) for _ in range(2))
    side = Standardise(dimensions).double()
    side.mean, side.deviation = old.mean(0), old.std(0, correction=0)
    side.mix(new, prior=n)
    both = torch.cat([old, new])
    torch.testing.assert_close(side.mean, both.mean(0))
    free = both.std(0, correction=0)
    kept = free >= LEAST_DEVIATION * free.median()
    torch.testing.assert_close(side.deviation[kept], free[kept], rtol=1e-6, atol=1e-9)
    before = side.mean.clone()
    side.mix(new[:0], prior=5)
    assert torch.equal(side.mean, before), "mixing nothing changes nothing"


def test_axes_are_those_of_the_decomposition_whichever_side_is_longer() -> None:
    for n, dimensions in ((50, 5), (5, 50)):
        rows = torch.randn(n, dimensions)
        _, _, expected = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
        axes = principal_axes(rows, 3, 0.0)
        torch.testing.assert_close((axes @ expected[:3].T).abs(), torch.eye(3), rtol=0, atol=1e-4)


def test_whitening_divides_by_the_power_of_the_relative_strength() -> None:
    rows = torch.randn(60, 4) * torch.tensor([8.0, 4.0, 2.0, 1.0])
    plain, whitened = principal_axes(rows, 4, 0.0), principal_axes(rows, 4, 0.5)
    singular = torch.linalg.svdvals(rows - rows.mean(0))
    found = whitened.norm(dim=1) / plain.norm(dim=1)
    torch.testing.assert_close(found, (singular[0] / singular) ** 0.5, rtol=1e-3, atol=0)
    torch.testing.assert_close(torch.pdist(rows @ plain.T), torch.pdist(rows), rtol=1e-3, atol=1e-3)


def test_fewer_rows_than_axes_leave_zeros() -> None:
    axes = principal_axes(torch.randn(3, 10), 6, 0.5)
    assert (axes[2:] == 0).all()  # three rows span two directions about their mean
    assert (axes[:2].norm(dim=1) > 0).all()
    assert torch.isfinite(principal_axes(torch.ones(4, 5), 2, 0.5)).all()

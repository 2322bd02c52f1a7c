import itertools
import math

import pytest
import torch

from fgsbir.runtime.schedule import set_rate, warmup_cosine


def test_the_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    rates = [warmup_cosine(step, 100, 2.0) for step in range(100)]
    assert rates[:5] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert rates[5] == 2.0 and max(rates) == 2.0
    assert all(later < earlier for earlier, later in itertools.pairwise(rates[5:]))
    assert rates[5 + 95 // 2] == pytest.approx(1 + math.cos(math.pi * 47 / 95))
    assert 0 < rates[-1] < 0.01


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_short_runs_have_a_rate_at_every_step(steps: int) -> None:
    assert all(0 < warmup_cosine(step, steps, 1.0) <= 1 for step in range(steps))


def test_a_rate_reaches_every_group() -> None:
    groups = [{"params": [torch.zeros(1, requires_grad=True)]}, {"params": [torch.zeros(1, requires_grad=True)]}]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    set_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]

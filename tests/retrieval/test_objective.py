"""The objective by name."""

import torch
from torch import nn

from fgsbir.retrieval.objective import RetrievalObjective


def test_negatives_are_drawn_by_the_generator_and_only_for_the_papers_loss() -> None:
    torch.manual_seed(0)
    sketch, photo = (nn.functional.normalize(torch.randn(12, 4), dim=1) for _ in range(2))
    numbers, category = torch.arange(12), torch.zeros(12, dtype=torch.int64)

    def loss(name: str, seed: int) -> torch.Tensor:
        objective = RetrievalObjective(name, 0.3, 0.1)  # type: ignore[arg-type]
        return objective(sketch, photo, numbers, category, torch.Generator().manual_seed(seed))

    assert torch.equal(loss("triplet", 0), loss("triplet", 0))
    assert not torch.equal(loss("triplet", 0), loss("triplet", 1))
    for name in ("hardest", "semi_hard", "info_nce"):
        assert torch.equal(loss(name, 0), loss(name, 1))

"""What G's tests share: settings of a few steps, random maps, and a generator that has just begun."""

import pytest
import torch
from torch import Tensor

from fgsbir.generator.model import Generator
from fgsbir.generator.training import GeneratorSettings
from tests.toy import MAP_CHANNELS, toy_generator

SETTINGS = GeneratorSettings(
    learning_rate=1e-3, point_jitter=1.5, kl_weight=1.0, kl_floor=0.0, kl_anneal_steps=4, grad_clip=1.0,
    select="retrieval", validate_every=3, log_interval=2,
)  # fmt: skip


def maps(n: int = 4) -> Tensor:
    """Maps of n photos, (n, c, 4, 4), always the same ones."""
    return torch.randn(n, MAP_CHANNELS, 4, 4, generator=torch.Generator().manual_seed(5))


def numbers(seed: int = 2) -> torch.Generator:
    """Random numbers."""
    return torch.Generator().manual_seed(seed)


def make_generator(*, max_points: int = 40, end_bias: float = 0.0, **sizes: object) -> Generator:
    """A generator, with what is added to its bias to end; ``sizes`` are arguments of its constructor."""
    model = toy_generator({"max_points": max_points}, seed=0, **sizes)
    with torch.no_grad():
        model.output_layer.bias[-1] += end_bias
    return model


@pytest.fixture
def model() -> Generator:
    return make_generator(max_points=20)

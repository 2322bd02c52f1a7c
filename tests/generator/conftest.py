"""Small generators of the toy set's maps, always the same ones."""

from collections.abc import Callable

import pytest
import torch

from fgsbir.generator.model import Generator
from fgsbir.generator.training import GeneratorSettings
from tests.toy import MAP_CHANNELS, SPEC

MakeGenerator = Callable[..., Generator]
SETTINGS = GeneratorSettings(
    learning_rate=1e-3,
    point_jitter=1.5,
    kl_weight=1.0,
    kl_floor=0.0,
    kl_anneal_steps=4,
    grad_clip=1.0,
    select="retrieval",
    validate_every=3,
    log_interval=2,
)


@pytest.fixture(scope="session")
def make_generator() -> MakeGenerator:
    """A generator in evaluation mode; changes are arguments of the constructor, and its initial bias to end."""

    def make(*, max_points: int = 40, end_bias: float = 0.0, **changes: object) -> Generator:
        torch.manual_seed(0)
        sizes = {"encoder_width": 10, "latent": 6, "hidden": 16, "mixtures": 3, "attention": True, "attention_width": 8}
        settings = {"spec": SPEC.as_json(), "map_channels": MAP_CHANNELS, "pen_position": True} | sizes | changes
        form = {"simplify": 4.0, "max_points": max_points, "reorder": True}
        model = Generator(form=form, **settings).eval()  # type: ignore[arg-type]
        model.offset_scale.fill_(20.0)
        with torch.no_grad():
            model.output_layer.bias[-1] += end_bias
        return model

    return make

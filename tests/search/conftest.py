"""Small untrained models and photos: what a search needs, in milliseconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fgsbir.models.discriminator import Discriminator
from fgsbir.models.generator import Generator
from fgsbir.models.retrieval import RetrievalModel
from fgsbir.models.store import save_model

SIZE = 32
DETAILS = {"image_size": SIZE, "line_width": 3.0}


def save_retrieval(folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    model = RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=SIZE)
    save_model(folder, model, details=DETAILS)
    return folder


def save_generator(folder: Path, max_points: int = 12) -> Path:
    torch.manual_seed(0)
    model = Generator(
        backbone="small",
        latent=4,
        hidden=8,
        mixtures=2,
        attention=True,
        attention_width=4,
        pen_position=True,
        max_points=max_points,
        image_size=SIZE,
    )
    model.offset_scale.fill_(20.0)
    save_model(folder, model, details=DETAILS)
    return folder


def save_discriminator(folder: Path, size: int = SIZE) -> Path:
    torch.manual_seed(0)
    save_model(folder, Discriminator(image_size=size, width=8), details={"image_size": size, "line_width": 3.0})
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder of F, G and D_C, as models/joint is."""
    folder = tmp_path / "joint"
    save_retrieval(folder / "retrieval")
    save_generator(folder / "generator")
    save_discriminator(folder / "discriminator")
    return folder


@pytest.fixture
def make_photo() -> Callable[..., Path]:
    """Write a photo that no other number has: (path, number) to the path."""

    def make(path: Path, number: int) -> Path:
        rng = np.random.default_rng(number)
        pixels = np.full((40, 50, 3), 255, np.uint8)
        top, left = rng.integers(0, 20, 2)
        pixels[top : top + 15, left : left + 25] = rng.integers(0, 200, 3)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    return make

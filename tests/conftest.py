"""What all tests share: settings, and models and photos that take no time."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.certainty.discriminator import Discriminator
from fgsbir.generator.model import Generator
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.runtime.model_folder import save_model

# A busy machine is no failure, and a run that fails fails again: no deadlines, the same examples every time.
settings.register_profile("project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

# A shell makes its background jobs deaf to SIGINT, and so would be the processes that tests start to interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

SIZE = 32
DETAILS = {"image_size": SIZE, "line_width": 3.0}


@pytest.fixture(scope="session")
def save_retrieval() -> Callable[[Path, int], Path]:
    """Write a small untrained F: (folder, seed) to the folder."""

    def save(folder: Path, seed: int) -> Path:
        torch.manual_seed(seed)
        model = RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=SIZE)
        save_model(folder, model, details=DETAILS)
        return folder

    return save


@pytest.fixture(scope="session")
def shared_joint_model(tmp_path_factory: pytest.TempPathFactory, save_retrieval: Callable[[Path, int], Path]) -> Path:
    """A folder of small untrained F, G and D_C, as models/joint is, that all tests read."""
    folder = tmp_path_factory.mktemp("models") / "joint"
    save_retrieval(folder / "retrieval", 0)
    torch.manual_seed(0)
    generator = Generator(
        backbone="small",
        latent=4,
        hidden=8,
        mixtures=2,
        attention=True,
        attention_width=4,
        pen_position=True,
        max_points=12,
        image_size=SIZE,
    )
    generator.offset_scale.fill_(20.0)
    save_model(folder / "generator", generator, details=DETAILS)
    save_model(folder / "discriminator", Discriminator(image_size=SIZE, width=8), details=DETAILS)
    return folder


@pytest.fixture(scope="session")
def save_adaptive() -> Callable[..., Path]:
    """Save a small untrained adaptive model, (folder, negatives=…, line_width=…, what is else in it), to the folder."""

    def save(folder: Path, *, negatives: str = "pool", line_width: float = 3.0, **changes: Any) -> Path:
        settings: dict[str, Any] = {
            "retrieval": {"backbone": "small", "embedding_dim": 8, "attention": True, "image_size": SIZE},
            "scope": "head",
            "steps": 1,
            "first_order": False,
            "sign": False,
            "rate": 0.5,
            "margin": 0.3,
            "margin_width": None,
            "sharpness": 0.1,
        }
        torch.manual_seed(5)
        model = AdaptiveModel(**{**settings, **changes})
        data = {"name": "made up", "layout": "folder", "split_hash": "0"}
        details = {"image_size": SIZE, "line_width": line_width, "negatives": negatives, "data": data}
        save_model(folder, model, details=details)
        return folder

    return save


@pytest.fixture
def joint_model(tmp_path: Path, shared_joint_model: Path) -> Path:
    """A copy of the same, for one test to do with as it likes."""
    return shutil.copytree(shared_joint_model, tmp_path / "joint")


@pytest.fixture(scope="session")
def make_photo() -> Callable[[Path, int], Path]:
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

"""Models of the toy set in folders."""

from pathlib import Path

import pytest

from tests.toy import Toy
from tests.trained import save_joint


@pytest.fixture(scope="session")
def joint_model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    """F, G and D_C, to be read alone."""
    return save_joint(tmp_path_factory.mktemp("models") / "joint", Toy(toy_folder))

"""The toy set with pseudo sketches, drawn once."""

from pathlib import Path

import pytest

from fgsbir.joint.pseudo_sketches import PseudoSketches
from tests.joint.toy_joint import JointToy
from tests.toy import Toy


@pytest.fixture(scope="session")
def joint_folder(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joint")
    JointToy(Toy(toy_folder), folder)
    return folder


@pytest.fixture
def joint(toy: Toy, joint_folder: Path) -> JointToy:
    return JointToy(toy, joint_folder)


@pytest.fixture
def stored(joint: JointToy) -> PseudoSketches:
    return joint.stored()

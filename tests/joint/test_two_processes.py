"""Two processes (gloo) take the step that one takes at the same global batch, and end with equal weights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.joint import shared_work
from tests.joint.toy_joint import JointToy

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def test_two_processes_do_what_one_does(joint: JointToy, toy_folder: Path, joint_folder: Path, tmp_path: Path) -> None:
    script = str(ROOT / "tests/joint/shared_work.py")
    done = subprocess.run(
        [sys.executable, script, "2", str(toy_folder), str(joint_folder), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert one.keys() == other.keys() and len(one) > 30
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    alone = shared_work.steps(joint.toy, joint)
    far = {name: float((one[name] - value).abs().max()) for name, value in alone.items()}
    assert {name: distance for name, distance in far.items() if distance > 1e-3} == {}

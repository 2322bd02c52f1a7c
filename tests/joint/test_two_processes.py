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


@pytest.mark.slow
def test_two_processes_do_what_one_does(joint: JointToy, toy_folder: Path, joint_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, shared_work.__file__, "2", toy_folder, joint_folder, tmp_path]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    alone = shared_work.work(joint.toy, joint, tmp_path / "alone")
    far = {name: float((one[name] - value).abs().max()) for name, value in alone.items()}
    assert {name: distance for name, distance in far.items() if distance > 1e-3} == {}

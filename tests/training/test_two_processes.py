"""Two processes (gloo) take the step that one takes at the same global batch, and end with equal weights."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

SCRIPT = Path(__file__).with_name("shared_work.py")
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(toy_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, torch.Tensor]]:
    """What each of two processes computed."""
    folder = tmp_path_factory.mktemp("two")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "2", str(toy_shards), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.fixture(scope="module")
def alone(toy: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """What this process computes by itself."""
    spec = importlib.util.spec_from_file_location("shared_work", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["shared_work"] = module
    spec.loader.exec_module(module)
    return module.steps(toy) | module.trainings(toy, tmp_path_factory.mktemp("one"))


def test_both_processes_hold_the_same(both: list[dict[str, torch.Tensor]]) -> None:
    one, other = both
    assert one.keys() == other.keys() and len(one) > 100
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_one_step_is_the_step_of_one_process(
    both: list[dict[str, torch.Tensor]], alone: dict[str, torch.Tensor]
) -> None:
    names = [name for name in alone if name.startswith(("retrieval", "eq. ", "adaptation"))]
    assert len(names) == 8 + 16 + 2 + 3 + 1 + 5
    far = {name: float((both[0][name] - alone[name]).abs().max()) for name in names}
    assert {name: distance for name, distance in far.items() if distance > 1e-5} == {}


def test_a_supervised_training_follows_that_of_one_process(
    both: list[dict[str, torch.Tensor]], alone: dict[str, torch.Tensor]
) -> None:
    names = [name for name in alone if name.startswith("curve retrieval")]
    assert len(names) == 2
    for name in names:
        torch.testing.assert_close(both[0][name], alone[name], atol=1e-3, rtol=1e-3)


def test_an_uneven_batch_is_refused_on_every_process(both: list[dict[str, torch.Tensor]]) -> None:
    for found in both:
        assert bytes(found["refused"].tolist()).decode() == "batch_size 3 cannot be shared evenly by 2 processes"

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from fgsbir.runtime.processes import gather_live, launch, place, sum_gradients
from fgsbir.runtime.provenance import commit, provenance
from torch import nn

from fgsbir.retrieval.objective import RetrievalObjective
from fgsbir.runtime.precision import autocast, working_precision


@dataclass(frozen=True)
class Here:
    accelerator: str = "cpu"
    devices: int = 1
    threads: int = 0


@pytest.mark.parametrize(
    ("precision", "there", "dtype"),
    [("bf16", True, torch.bfloat16), ("bf16", False, torch.float32), ("float32", True, torch.float32)],
)
def test_the_precision_of_a_run(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    precision: str,
    there: bool,
    dtype: torch.dtype,
) -> None:
    monkeypatch.setattr("fgsbir.runtime.precision.multiplies_bf16", lambda _: there)
    fabric = launch(Here(), precision)
    assert fabric.world_size == 1 and fabric.global_rank == 0 and fabric.device.type == "cpu"
    for arithmetic in (fabric.autocast(), autocast(fabric.device, precision)):
        with arithmetic:
            assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype
    assert working_precision(precision, fabric.device) == {torch.bfloat16: "bf16", torch.float32: "float32"}[dtype]
    assert ("no bf16 arithmetic" in caplog.text) == (precision == "bf16" and not there)


def test_the_threads_of_a_run() -> None:
    before = torch.get_num_threads()
    try:
        launch(Here(threads=1), "float32")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_one_process_gathers_and_sums_nothing() -> None:
    fabric = launch(Here(), "float32")
    rows = torch.ones(3, 2, requires_grad=True)
    assert gather_live(fabric, rows) is rows
    model = nn.Linear(2, 1)
    place(fabric, model)
    model(rows).sum().backward()
    before = model.weight.grad.clone()
    sum_gradients(fabric, model)
    assert torch.equal(model.weight.grad, before)


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


def test_a_model_says_what_it_was_made_from(toy: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    index = toy.store.index
    made = provenance(index, 0.5, 3, 7)
    assert made["data"] == {
        "name": "toy",
        "layout": "folder",
        "category": "shape",
        "split_hash": index.split_hash,
        "labelled_frac": 0.5,
        "labelled_photos": 7,
    }
    assert made["seed"] == 3 and made["torch"] == torch.__version__ and made["commit"] == commit()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit() is None
    monkeypatch.setenv("PATH", os.devnull)
    assert commit() is None

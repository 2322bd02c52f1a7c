"""Algorithm 1: who is trained on what, and that a training goes on as if nothing had stopped it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.joint.trainer import JointTrainer
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Interruption, Scratch
from fgsbir.runtime.faults import TrainingInterrupted
from fgsbir.runtime.run import Run
from tests.joint.toy_joint import JointToy

SCORES = {"step", "validation_acc@1", "validation_acc@10", "validation_mean_reciprocal_rank"}
OF_F = {"labelled_loss", "pseudo_loss", "teacher_loss"}
OF_RIVALS = {"discriminator_loss", "reconstruction_loss", "divergence_loss", "reward"}
BINS = {f"certainty_{edge / 20:.2f}" for edge in range(20)}


def weights(trainer: JointTrainer) -> dict[str, torch.Tensor]:
    models = {**trainer.models.trained, "teacher": trainer.models.teacher}
    return {f"{name}.{key}": value.clone() for name, model in models.items() for key, value in model.state_dict().items()}


def changed(before: dict[str, torch.Tensor], trainer: JointTrainer) -> set[str]:
    after = weights(trainer)
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("level", ["taps", "map", "pixels"])
def test_all_three_learn_and_the_teacher_does_not(joint: JointToy, tmp_path: Path, level: Any) -> None:
    trainer = joint.trainer(level=level, steps=4)
    before = weights(trainer)
    rows = trainer.run(Scratch(tmp_path))
    assert changed(before, trainer) == {"retrieval", "generator", "discriminator"}
    assert [row["step"] for row in rows] == [4]
    for row in rows:
        assert row.keys() == SCORES | OF_F | OF_RIVALS | BINS
        assert sum(row[name] for name in BINS) == pytest.approx(100, abs=1e-3)
        assert np.isfinite(list(row.values())).all()

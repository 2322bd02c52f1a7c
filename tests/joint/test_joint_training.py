"""Algorithm 1: who is trained on what, and that a training goes on as if nothing had stopped it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fgsbir.data.records import DataError
from fgsbir.joint.pseudo_sketches import PseudoSketches
from fgsbir.joint.trainer import JointTrainer
from fgsbir.retrieval.validation import RetrievalValidation
from fgsbir.runtime.checkpoint import Scratch
from fgsbir.runtime.run import Row
from tests.interruptions import broken_off_everywhere
from tests.joint.toy_joint import JointToy

OF_F = {f"{name}_loss" for name in ("labelled", "pseudo", "teacher")}
OF_RIVALS = {"discriminator_loss", "reconstruction_loss", "divergence_loss", "reward"}
SCORES = {"step", "validation_acc@1", "validation_acc@10", "validation_mean_reciprocal_rank"}
BINS = {f"certainty_{edge / 20:.2f}" for edge in range(20)}


def weights(trainer: JointTrainer) -> dict[str, Tensor]:
    models = {**trainer.models.trained, "teacher": trainer.models.teacher}
    return {
        f"{name}.{key}": value.clone() for name, model in models.items() for key, value in model.state_dict().items()
    }


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("level", ["taps", "map", "pixels"])
def test_all_three_learn_and_the_teacher_does_not(joint: JointToy, tmp_path: Path, level: Any) -> None:
    trainer = joint.trainer(level=level, steps=4)
    before = weights(trainer)
    (row,) = trainer.run(Scratch(tmp_path))
    assert changed(before, weights(trainer)) == {"retrieval", "generator", "discriminator"}
    assert row["step"] == 4 and row.keys() == SCORES | OF_F | OF_RIVALS | BINS
    assert sum(row[name] for name in BINS) == pytest.approx(100, abs=1e-3)
    assert np.isfinite(list(row.values())).all() and row["teacher_loss"] > 1e-4
    assert not trainer.models.teacher.training


def test_the_reward_moves_gs_last_layer(joint: JointToy, tmp_path: Path) -> None:
    trainers = [joint.trainer(lambda_g=lambda_g, steps=2) for lambda_g in (0.0, 1.0)]
    for number, trainer in enumerate(trainers):
        trainer.run(Scratch(tmp_path / str(number)))
    assert not torch.equal(*(trainer.models.generator.output_layer.weight for trainer in trainers))


@pytest.mark.parametrize("control", [True, False])
def test_without_rivals_f_alone_is_trained_on_pairs_that_stay(joint: JointToy, tmp_path: Path, control: bool) -> None:
    """The control has labelled pairs in both halves; else stored sketches are used throughout."""
    now = joint.stored()
    trainer = joint.trainer(control=control, joint_training=False, stored=now)
    before = weights(trainer)
    rows = trainer.run(Scratch(tmp_path))
    assert changed(before, weights(trainer)) == {"retrieval"}
    assert rows[0].keys() == SCORES | OF_F | (set() if control else BINS) and not now.drawn_in.any()
    # A photo has one number in both halves, so that it is no negative of itself.
    of_labelled, of_pseudo = ({*numbers.tolist()} for numbers in trainer._numbers)
    assert of_labelled == of_pseudo if control else not of_labelled & of_pseudo


@pytest.mark.parametrize("weighting", [True, False])
def test_what_weighs_the_pseudo_pairs_is_what_f_learns_by(joint: JointToy, tmp_path: Path, weighting: bool) -> None:
    """Sketches of no certainty teach nothing where each pair weighs its own."""
    stored = joint.stored()
    stored.certainty[:] = 0
    trainer = joint.trainer(joint_training=False, stored=stored, relative_weights=False, instance_weighting=weighting)
    assert (trainer.run(Scratch(tmp_path))[0]["pseudo_loss"] == 0) == weighting


def test_rounds_redraw_some_photos_after_the_first(joint: JointToy, stored: PseudoSketches, tmp_path: Path) -> None:
    """Three rounds: before each of the later two, two photos are drawn anew, and weighed."""
    now = joint.stored()
    joint.trainer(redrawn=2, stored=now).run(Scratch(tmp_path))
    new = np.flatnonzero(now.drawn_in)
    assert 2 <= len(new) <= 4 and set(now.drawn_in[new]) == {1, 2}
    assert now.of_source("generator")[new].all()
    of_unlabelled = {entry.id for entry in joint.toy.split.unlabelled}
    assert all(now.photo_ids[now.photo[row]] in of_unlabelled for row in new)
    kept = np.setdiff1d(np.arange(len(now)), new)
    assert np.array_equal(now.taps[kept], stored.taps[kept])
    assert np.array_equal(now.certainty[kept], stored.certainty[kept])
    assert not (now.certainty[new] == stored.certainty[new]).any()
    assert all(np.isfinite(now.strokes[row]).all() for row in new)


@pytest.mark.parametrize("fakes", ["generated", "both"])
def test_d_c_can_learn_from_drawings_of_labelled_and_unlabelled_photos(
    joint: JointToy, stored: PseudoSketches, tmp_path: Path, fakes: str
) -> None:
    """People's sketches are real, and the drawings shown beside them are of the same photos among others."""
    trainer = joint.trainer(fakes=fakes, steps=2, judge="retrieval")
    trainer.run(Scratch(tmp_path))
    rivals: Any = trainer.rivals
    assert rivals.judges.retrieval is trainer.models.retrieval
    labelled, real = [entry.id for entry in joint.toy.split.labelled], rivals.real.pairs
    assert stored.of_source("person")[real.sketches].all() and real.photo_ids == labelled
    for feed, names in zip(rivals.generated, (stored.photo_ids[:5], labelled), strict=True):
        assert stored.of_source("generator")[feed.pairs.sketches].all() and feed.pairs.photo_ids == names


def test_joint_training_needs_drawings_by_g(joint: JointToy, stored: PseudoSketches) -> None:
    stored.source[stored.of_source("generator")] = 0
    with pytest.raises(DataError, match=r"set joint\.joint_training: false"):
        joint.trainer(stored=stored)


def test_the_last_step_is_kept_whatever_validation_says(
    joint: JointToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for found in ([1.0, -1.0], [-1.0, 1.0]):
        monkeypatch.setattr(RetrievalValidation, "scores", lambda *_, found=found: {"acc@1": found.pop(0)})
        trainer = joint.trainer(control=True, steps=4, validate_every=2)
        trainer.run(Scratch(tmp_path / str(len(ends))))
        ends.append(weights(trainer))
    assert changed(*ends) == set()


def test_stopped_or_killed_anywhere_it_ends_as_if_it_had_not_been(
    joint: JointToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train() -> tuple[list[Row], dict[str, Tensor], PseudoSketches]:
        stored = joint.stored()
        trainer = joint.trainer(stored=stored)
        return trainer.run(Scratch(tmp_path)), weights(trainer), stored

    rows, ends, stored = train()
    shutil.rmtree(tmp_path)
    (rows_again, ends_again, stored_again), stops = broken_off_everywhere(train, monkeypatch)
    assert stops == 3 + 2 and rows_again == rows and changed(ends, ends_again) == set()
    assert np.array_equal(stored.taps, stored_again.taps) and np.array_equal(stored.certainty, stored_again.certainty)
    assert all(np.array_equal(a, b) for a, b in zip(stored.strokes, stored_again.strokes, strict=True))

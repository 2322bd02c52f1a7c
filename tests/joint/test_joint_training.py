"""Algorithm 1: who is trained on what, and that a training goes on as if nothing had stopped it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.data.records import DataError
from fgsbir.joint import trainer as module
from fgsbir.joint.noise_tolerance import semi_supervised_losses
from fgsbir.joint.pseudo_sketches import read_pseudo
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
    return {
        f"{name}.{key}": value.clone() for name, model in models.items() for key, value in model.state_dict().items()
    }


def changed(before: dict[str, torch.Tensor], trainer: JointTrainer) -> set[str]:
    after = weights(trainer)
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


class Watch:
    """Notes the batches of F and what weighed their pseudo pairs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pseudo: list[Any] = []
        self.weights: list[np.ndarray] = []
        monkeypatch.setattr(module, "semi_supervised_losses", self._note)

    def _note(self, *given: Any, **named: Any) -> Any:
        self.pseudo.append(given[4])
        self.weights.append(given[6].numpy().copy())
        return semi_supervised_losses(*given, **named)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


@pytest.mark.parametrize("level", ["taps", "map", "pixels"])
def test_all_three_learn_and_the_teacher_does_not(joint: JointToy, tmp_path: Path, level: Any) -> None:
    trainer = joint.trainer(level=level, steps=4)
    before = weights(trainer)
    rows = trainer.run(Scratch(tmp_path))
    assert changed(before, trainer) == {"retrieval", "generator", "discriminator"}
    assert [row["step"] for row in rows] == [4] and rows[0].keys() == SCORES | OF_F | OF_RIVALS | BINS
    assert sum(rows[0][name] for name in BINS) == pytest.approx(100, abs=1e-3)
    assert np.isfinite(list(rows[0].values())).all() and rows[0]["teacher_loss"] > 1e-4
    assert not trainer.models.teacher.training


def test_the_control_trains_f_alone_on_as_many_labelled_pairs(joint: JointToy, tmp_path: Path, watch: Watch) -> None:
    trainer = joint.trainer(control=True)
    before = weights(trainer)
    rows = trainer.run(Scratch(tmp_path))
    assert changed(before, trainer) == {"retrieval"}
    assert rows[0].keys() == SCORES | OF_F
    assert len(watch.pseudo) == 6 and all(len(batch.rows) == 4 for batch in watch.pseudo)
    assert all((weight == 1).all() for weight in watch.weights)
    # Both halves number the same photos alike: a photo is no negative of itself.
    assert np.array_equal(*trainer._numbers) and len(set(trainer._numbers[0])) == 6


def test_without_joint_training_stored_sketches_are_used_throughout(
    joint: JointToy, tmp_path: Path, watch: Watch
) -> None:
    trainer = joint.trainer(joint_training=False, relative_weights=False)
    before, stored = weights(trainer), read_pseudo(joint.stored_at)
    trainer.run(Scratch(tmp_path))
    assert changed(before, trainer) == {"retrieval"}
    pairs: Any = trainer.pseudo.pairs
    for batch, weight in zip(watch.pseudo, watch.weights, strict=True):
        chosen = pairs.chosen(batch.rows, batch.choices)
        assert np.array_equal(batch.sketch.numpy(), stored.taps[chosen].astype(np.float32))
        assert np.array_equal(weight, stored.certainty[chosen]) and weight.max() < 1


def test_without_weighting_every_pair_weighs_1(joint: JointToy, tmp_path: Path, watch: Watch) -> None:
    joint.trainer(joint_training=False, instance_weighting=False, steps=2).run(Scratch(tmp_path))
    assert all((weight == 1).all() for weight in watch.weights)


def test_rounds_redraw_some_photos_after_the_first(joint: JointToy, tmp_path: Path) -> None:
    """Three rounds: before each of the later two, two photos are drawn anew, and weighed."""
    trainer = joint.trainer(redrawn=2)
    before = read_pseudo(joint.stored_at)
    assert trainer.rivals is not None
    stored = trainer.rivals.drawn.stored
    trainer.run(Scratch(tmp_path))
    new = np.flatnonzero(stored.drawn_in)
    assert 2 <= len(new) <= 4 and set(stored.drawn_in[new]) == {1, 2}
    assert stored.of_source("generator")[new].all()
    of_unlabelled = {entry.id for entry in joint.toy.split.unlabelled}
    assert all(stored.photo_ids[stored.photo[row]] in of_unlabelled for row in new)
    kept = np.setdiff1d(np.arange(len(stored)), new)
    assert np.array_equal(stored.taps[kept], before.taps[kept])
    assert np.array_equal(stored.certainty[kept], before.certainty[kept])
    assert not (stored.certainty[new] == before.certainty[new]).any()
    assert all(np.isfinite(stored.strokes[row]).all() for row in new)


@pytest.mark.parametrize("fakes", ["generated", "both"])
def test_d_c_can_learn_from_drawings_of_labelled_and_unlabelled_photos(
    joint: JointToy, tmp_path: Path, fakes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, Any]] = []
    step = module.discriminator_step

    def noting(compute: Any, model: Any, optimizer: Any, real: Any, others: Any) -> Any:
        seen.append((real, others))
        return step(compute, model, optimizer, real, others)

    monkeypatch.setattr(module, "discriminator_step", noting)
    trainer = joint.trainer(fakes=fakes, steps=2, judge="retrieval")
    trainer.run(Scratch(tmp_path))
    assert len(seen) == 1 and len(seen[0][1]) == {"generated": 2, "both": 3}[fakes]
    assert trainer.rivals is not None
    assert trainer.rivals.judges.retrieval is trainer.models.retrieval
    # People's sketches are real, and the drawings shown beside them are of the same photos among others.
    stored, labelled = trainer.rivals.drawn.stored, {entry.id for entry in joint.toy.split.labelled}
    real: Any = trainer.rivals.real.pairs
    assert stored.of_source("person")[real.sketches].all() and set(real.photo_ids) == labelled
    for feed, names in zip(trainer.rivals.generated, (stored.photo_ids[:5], sorted(labelled)), strict=True):
        pairs: Any = feed.pairs
        assert stored.of_source("generator")[pairs.sketches].all() and pairs.photo_ids == list(names)


def test_joint_training_needs_drawings_by_g(joint: JointToy) -> None:
    stored = read_pseudo(joint.stored_at)
    stored.source[stored.of_source("generator")] = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.joint.toy_joint.read_pseudo", lambda folder: stored)
        with pytest.raises(DataError, match=r"set joint\.joint_training: false"):
            joint.trainer()


def test_the_last_step_is_kept_whatever_validation_says(
    joint: JointToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for signs in ((1, -1), (-1, 1)):
        given = iter(signs)

        def scores(*_: Any, given: Any = given) -> dict[str, float]:
            return {"mean_reciprocal_rank": float(next(given))}

        monkeypatch.setattr(RetrievalValidation, "scores", scores)
        trainer = joint.trainer(control=True, steps=4, validate_every=2)
        trainer.run(Scratch(tmp_path / str(signs[0])))
        ends.append(weights(trainer))
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


def test_stopped_or_killed_anywhere_it_ends_as_if_it_had_not_been(
    joint: JointToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked to stop after every round, and killed in each after its weights have changed."""
    unbroken = joint.trainer()
    rows = unbroken.run(Scratch(tmp_path / "unbroken"))
    note = Run.step_done
    killed = set[int]()

    def kill(self: Run, step: int, *given: Any) -> None:
        if step not in killed:
            killed.add(step)
            raise MemoryError("killed")
        note(self, step, *given)

    monkeypatch.setattr(Run, "step_done", kill)
    monkeypatch.setattr(Interruption, "requested", lambda self: True)
    stops = 0
    while True:
        trainer = joint.trainer()
        try:
            found = trainer.run(Scratch(tmp_path / "broken"))
            break
        except (MemoryError, TrainingInterrupted):
            stops += 1
    assert stops == 3 + 2 and found == rows
    ends = weights(trainer)
    assert [name for name, value in weights(unbroken).items() if not torch.equal(value, ends[name])] == []
    assert unbroken.rivals is not None and trainer.rivals is not None
    one, other = unbroken.rivals.drawn.stored, trainer.rivals.drawn.stored
    assert np.array_equal(one.taps, other.taps) and np.array_equal(one.certainty, other.certainty)
    assert all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes, strict=True))

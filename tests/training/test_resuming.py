"""Every training procedure, stopped at any step and called again, ends as if it had never been stopped."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from fgsbir.runtime.checkpoint import Interruption, Scratch
from fgsbir.runtime.faults import TrainingDiverged, TrainingInterrupted
from fgsbir.runtime.run import Run

TRAININGS = ("retrieval", "generator", "discriminator", "sketch_classifier", "joint")


@pytest.fixture(scope="module")
def unbroken(toy: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each training leaves when nothing stops it, made when first asked for."""

    class Unbroken(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            self[name] = toy.training(name)(Scratch(tmp_path_factory.mktemp(name) / "scratch"))
            return self[name]

    return Unbroken()


def assert_same(found: Any, expected: Any) -> None:
    ours, theirs = found.weights(), expected.weights()
    assert ours.keys() == theirs.keys()
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []
    assert found.rows == expected.rows


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_is_reproducible_and_changes_its_model(
    name: str, toy: Any, unbroken: dict[str, Any], scratch: Scratch
) -> None:
    fresh = {"retrieval": toy.retrieval(), "generator": toy.generator(), "discriminator": toy.discriminator()}
    for part, model in unbroken[name].models.items():
        assert all(torch.isfinite(value).all() for value in model.state_dict().values())
        if part in fresh:
            assert any(
                not torch.equal(value, fresh[part].state_dict()[key]) for key, value in model.state_dict().items()
            )
    steps = [row["step"] for row in unbroken[name].rows]
    assert steps == ([4, 8] if name == "joint" else [3, 6, 7])
    # A finished run that is called again trains nothing and gives the same.
    assert_same(toy.training(name)(scratch), unbroken[name])


@pytest.mark.parametrize("name", TRAININGS)
def test_interrupted_and_called_again(
    name: str, toy: Any, unbroken: dict[str, Any], scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked to stop after every single step: in the middle of epochs, at their ends, between rounds."""
    # Made here, where this is the first test of its process to ask for it, and not while every run is stopped.
    expected = unbroken[name]
    monkeypatch.setattr(Interruption, "requested", lambda self: True)
    stops = 0
    while True:
        try:
            trained = toy.training(name)(scratch)
            break
        except TrainingInterrupted:
            stops += 1
            assert stops < 20
    assert stops == (3 if name == "joint" else 6)
    assert_same(trained, expected)


@pytest.mark.parametrize("name", TRAININGS)
@pytest.mark.parametrize("moment", [1, 4])
def test_killed_in_a_step_and_called_again(
    name: str, moment: int, toy: Any, unbroken: dict[str, Any], scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the weights of a step have changed, before anything is noted; then once more, later."""
    moment = moment if name != "joint" else (moment + 1) // 2
    note = Run.step_done
    for kill in (moment, moment + 1):

        def killed(self: Run, step: int, *given: Any, kill: int = kill) -> None:
            if step == kill:
                raise MemoryError("killed")
            note(self, step, *given)

        monkeypatch.setattr(Run, "step_done", killed)
        with pytest.raises(MemoryError, match="killed"):
            toy.training(name)(scratch)
    monkeypatch.setattr(Run, "step_done", note)
    assert_same(toy.training(name)(scratch), unbroken[name])


def test_killed_between_validation_and_checkpoint(
    toy: Any, unbroken: dict[str, Any], scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made when first asked for, and that must not be counted below.
    expected = unbroken["retrieval"]
    save, saves = Scratch.save, []

    def killed(self: Scratch, state: dict[str, Any]) -> None:
        saves.append(state["step"])
        if len(saves) == 2:
            raise MemoryError("killed")
        save(self, state)

    monkeypatch.setattr(Scratch, "save", killed)
    with pytest.raises(MemoryError, match="killed"):
        toy.train_retrieval(scratch)
    assert_same(toy.train_retrieval(scratch), expected)
    assert saves == [3, 6, 6, 7]


def test_a_broken_checkpoint_is_a_fresh_start(
    toy: Any, unbroken: dict[str, Any], scratch: Scratch, caplog: pytest.LogCaptureFixture
) -> None:
    toy.train_retrieval(scratch)
    data = scratch.path.read_bytes()
    scratch.path.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        again = toy.train_retrieval(scratch)
    assert "starting from the beginning" in caplog.text
    assert_same(again, unbroken["retrieval"])


@pytest.mark.parametrize("name", TRAININGS)
def test_a_loss_that_is_not_finite_stops_the_training(
    name: str, toy: Any, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One weight becomes NaN in the second epoch: the checkpoint of the first stays, and photos are named."""
    note, poisoned = Run.step_done, 2 if name == "joint" else 3

    def poison(self: Run, step: int, *given: Any) -> None:
        if step == poisoned:
            next(self._selected[sorted(self._selected)[-1]].parameters()).data.view(-1)[0] = torch.nan
        note(self, step, *given)

    monkeypatch.setattr(Run, "step_done", poison)
    with pytest.raises(TrainingDiverged) as error:
        toy.training(name)(scratch, log_interval=1000)
    told = str(error.value)
    assert f"the last good checkpoint is {scratch.path}" in told
    assert "(photos train-0" in told or "(photos sketch " in told
    kept = scratch.load()
    assert kept is not None and kept["step"] == (2 if name == "joint" else 3)
    assert all(torch.isfinite(value).all() for value in kept["best"][min(kept["best"])].values())


def test_a_rate_that_is_too_high_is_told(toy: Any, scratch: Scratch) -> None:
    told = r"retrieval: .* at step \d+ \(photos train-0.*Try a lower learning rate"
    with pytest.raises(TrainingDiverged, match=told):
        toy.train_retrieval(scratch, learning_rate=1e30, steps=40, log_interval=4, validate_every=40)


def test_a_scratch_folder_is_all_that_is_written(toy: Any, tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "deep" / "scratch")
    toy.train_sketch_classifier(scratch)
    assert [path.name for path in scratch.path.parent.iterdir()] == ["checkpoint.pt"]

"""A training stage that is killed at any moment goes on, and ends with the bytes of an unbroken run."""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import TIMEOUT, RunStage, Start, assert_same, contents, outputs_of

TRAINING = ("pretrain_retrieval", "pretrain_generator", "sketch_classifier", "pseudo", "joint", "adapt")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unbroken(packed: Path, run_stage: RunStage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each training stage, the folder as it was before the stage, and under "end" as it was after all."""
    work = tmp_path_factory.mktemp("unbroken")
    shutil.copytree(packed, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("raw"))
    before = {}
    for stage in TRAINING:
        before[stage] = tmp_path_factory.mktemp(f"before_{stage}")
        shutil.copytree(work, before[stage], dirs_exist_ok=True)
        run_stage(stage, work)
    assert not list((work / ".scratch").rglob("*.pt")), "a finished stage leaves no checkpoint"
    return before | {"end": work}


def checkpoints(folder: Path) -> list[tuple[Path, int]]:
    """The checkpoints that lie there now, with the times that they were written."""
    try:
        return [(path, path.stat().st_mtime_ns) for path in sorted((folder / ".scratch").rglob("*.pt"))]
    except FileNotFoundError:  # replaced or cleared meanwhile
        return checkpoints(folder)


def wait_for_progress(process: "subprocess.Popen[str]", folder: Path) -> bool:
    """Wait until the process has written a checkpoint or has ended; whether it is still running."""
    before, deadline = checkpoints(folder), time.monotonic() + TIMEOUT
    while process.poll() is None and checkpoints(folder) == before:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return process.poll() is None


def ended(process: "subprocess.Popen[str]") -> int:
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode in (0, -signal.SIGKILL, 130), said[-3000:]
    return process.returncode


def written_by(stage: str, unbroken: dict[str, Path]) -> dict[str, bytes]:
    """All outputs as they were after a stage that nothing broke."""
    following = (*TRAINING, "end")[TRAINING.index(stage) + 1]
    later = outputs_of(unbroken[following])
    assert later.keys() > outputs_of(unbroken[stage]).keys()
    return later


@pytest.fixture
def work(tmp_path: Path, unbroken: dict[str, Path], request: pytest.FixtureRequest) -> Iterator[Path]:
    shutil.copytree(unbroken[request.getfixturevalue("stage")], tmp_path, dirs_exist_ok=True)
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("stage", TRAINING)
def test_killed_at_random_moments(stage: str, work: Path, unbroken: dict[str, Path], start: Start) -> None:
    chance = random.Random(f"{stage} {time.time_ns()}")
    delays, kills = [], 0
    # Once while it starts, then at moments after a checkpoint: in a step, in a validation, while it writes its outputs.
    with start(stage, work) as process:
        time.sleep(chance.uniform(0, 4))
        process.kill()
        kills += ended(process) != 0
    for _ in range(12):
        with start(stage, work) as process:
            if wait_for_progress(process, work):
                delays.append(chance.uniform(0, 0.6))
                time.sleep(delays[-1])
                process.kill()
            if ended(process) == 0:
                break
            kills += 1
    else:
        with start(stage, work) as process:
            assert ended(process) == 0
    print(f"{stage}: {kills} kills, delays {delays}")
    assert kills >= 2
    assert_same(outputs_of(work), written_by(stage, unbroken))


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["pretrain_retrieval", "joint"])
def test_an_interrupt_saves_the_step_and_leaves_with_130(
    stage: str, signal_number: signal.Signals, work: Path, unbroken: dict[str, Path], start: Start
) -> None:
    with start(stage, work) as process:
        assert wait_for_progress(process, work)
        process.send_signal(signal_number)
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130, said[-3000:]
    assert said.endswith("interrupted; the same command goes on from where it stopped\n")
    assert checkpoints(work)
    with start(stage, work) as process:
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, said[-3000:]
    assert "resuming from " in said
    assert_same(outputs_of(work), written_by(stage, unbroken))


@pytest.mark.parametrize("stage", ["features", "edges"])
def test_a_stage_of_shards_is_killed_at_random_moments(stage: str, packed: Path, tmp_path: Path, start: Start) -> None:
    """Shards that are whole stay; what was begun is begun again, and ends with the same bytes."""
    shutil.copy(packed / "params.yaml", tmp_path)
    shutil.copytree(packed / "data" / "shards", tmp_path / "data" / "shards")
    chance, kills = random.Random(f"{stage} {time.time_ns()}"), 0
    for _ in range(6):
        with start(stage, tmp_path) as process:
            time.sleep(chance.uniform(2, 9))
            process.kill()
            kills += ended(process) != 0
    with start(stage, tmp_path) as process:
        assert ended(process) == 0
    assert kills >= 1
    assert_same(contents(tmp_path / "data", stage), contents(packed / "data", stage))

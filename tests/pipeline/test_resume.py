"""A training stage that is killed at any moment goes on, and ends with the bytes of an unbroken run."""

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import TIMEOUT, TRAINING, Start, assert_same, contents, outputs_of

pytestmark = pytest.mark.slow


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


def ended(process: "subprocess.Popen[str]", *statuses: int) -> str:
    """What a process said, which must end with one of ``statuses``."""
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode in statuses, said[-3000:]
    return said


def assert_as_unbroken(work: Path, stage: str, unbroken: dict[str, Path]) -> None:
    after = outputs_of(unbroken[(*TRAINING, "end")[TRAINING.index(stage) + 1]])
    assert after.keys() > outputs_of(unbroken[stage]).keys()
    assert_same(outputs_of(work), after)


@pytest.fixture
def work(tmp_path: Path, unbroken: dict[str, Path], request: pytest.FixtureRequest) -> Path:
    shutil.copytree(unbroken[request.getfixturevalue("stage")], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("stage", TRAINING)
def test_killed_at_random_moments(stage: str, work: Path, unbroken: dict[str, Path], start: Start) -> None:
    chance, kills = random.Random(f"{stage} {time.time_ns()}"), 0
    # Once while it starts, then at moments after a checkpoint: in a step, in a validation, while it writes its outputs.
    for attempt in range(14):
        with start(stage, work) as process:
            if attempt == 0:
                time.sleep(chance.uniform(0, 4))
            elif wait_for_progress(process, work):
                time.sleep(chance.uniform(0, 0.6))
            if attempt < 13:
                process.kill()
            ended(process, 0, -signal.SIGKILL)
        kills += process.returncode != 0
        if attempt and process.returncode == 0:
            break
    assert process.returncode == 0 and kills >= 2
    assert_as_unbroken(work, stage, unbroken)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["pretrain_retrieval", "joint"])
def test_an_interrupt_saves_the_step_and_leaves_with_130(
    stage: str, signal_number: signal.Signals, work: Path, unbroken: dict[str, Path], start: Start
) -> None:
    with start(stage, work) as process:
        assert wait_for_progress(process, work)
        process.send_signal(signal_number)
        assert ended(process, 130).endswith("interrupted; the same command goes on from where it stopped\n")
    assert checkpoints(work)
    with start(stage, work) as process:
        assert "resuming from " in ended(process, 0)
    assert_as_unbroken(work, stage, unbroken)


@pytest.mark.parametrize("stage", ["features", "edges"])
def test_a_stage_of_shards_is_killed_at_random_moments(stage: str, packed: Path, tmp_path: Path, start: Start) -> None:
    """Shards that are whole stay; what was begun is begun again, and ends with the same bytes."""
    shutil.copy(packed / "params.yaml", tmp_path)
    shutil.copytree(packed / "data" / "shards", tmp_path / "data" / "shards")
    chance, kills, took = random.Random(f"{stage} {time.time_ns()}"), 0, 0.0
    for attempt in range(7):
        began = time.monotonic()
        with start(stage, tmp_path) as process:
            # The first and the last run whole; the others end within the time that the first took.
            if 0 < attempt < 6:
                time.sleep(chance.uniform(0.1, 0.9) * took)
                process.kill()
            ended(process, 0, -signal.SIGKILL)
        kills += process.returncode != 0
        took = took or time.monotonic() - began
    assert process.returncode == 0 and kills >= 1
    assert_same(contents(tmp_path / "data", stage), contents(packed / "data", stage))

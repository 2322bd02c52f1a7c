"""Shards shared by the processes of torchrun, one of which is killed, and by two nodes that meet over loopback."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore

from fgsbir.data.records import Photo, Sketch, Source
from fgsbir.data.shards import write_shards
from tests.features import shared_shards
from tests.toy import SPLITS, draw_photo, shape, write_toy_edges, write_toy_features

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
# Seconds after which an agent of torchrun has hung.
TIMEOUT = 300


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``shards``, one for a photo or two, and their ``features`` and ``edges`` by one process."""
    folder, source = tmp_path_factory.mktemp("alone"), Source()
    for number, split in enumerate(SPLITS):
        draw_photo(folder / f"{number}.png", number)
        source.photos.append(Photo(f"p{number}", "shape", split, folder / f"{number}.png"))
        if split != "unlabelled":
            source.sketches.append(Sketch(f"s{number}", f"p{number}", None, shape(number)))
    write_shards(source, folder / "shards", name="toy", layout="folder", category="shape", photos_per_shard=1)
    # With one thread, as torchrun's processes: sums of other parts round differently.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    write_toy_features(folder / "shards", folder / "features")
    torch.set_num_threads(threads)
    write_toy_edges(folder / "shards", folder / "edges")
    return folder


@contextmanager
def agent(alone: Path, out: Path, *options: str, killed: int = 0) -> Iterator["subprocess.Popen[bytes]"]:
    """An agent of torchrun that shares out the photos of ``alone``; what it says goes to ``out/said``."""
    command = [sys.executable, "-m", "torch.distributed.run", *options, shared_shards.__file__]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    arguments = [str(alone / "shards"), str(out), str(killed)]
    with (
        (out / "said").open("ab") as said,
        subprocess.Popen([*command, *arguments], env=environment, stdout=said, stderr=said) as running,
    ):
        try:
            yield running
        finally:
            running.terminate()  # which ends its processes too


def status(running: "subprocess.Popen[bytes]") -> int | str:
    try:
        return running.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        return "hung"


def told(out: Path, killed: int = 0) -> str:
    """What a failed test shows."""
    return f"killed at {killed}; begun: {begun(out)}\n{(out / 'said').read_text(errors='replace')[-8000:]}"


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = [path for name in ("features", "edges") for path in (folder / name).rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def begun(out: Path) -> list[tuple[str, str]]:
    """The shards that were begun, and the process of each."""
    lines = (out / "begun").read_text().splitlines() if (out / "begun").exists() else []
    return [(shard, process) for shard, process in map(str.split, lines)]


@pytest.fixture
def killed(alone: Path) -> int:
    """The shard, counted from 1, at whose beginning a process is killed."""
    return random.Random().randint(1, len(list((alone / "features").glob("*/"))))


def test_a_killed_process_loses_one_shard_and_fewer_end_with_the_same_bytes(
    alone: Path, tmp_path: Path, killed: int
) -> None:
    shards = {path.name for path in (alone / "features").glob("*/")}
    with agent(alone, tmp_path, "--standalone", "--nproc-per-node", "3", killed=killed) as three:
        assert status(three) == 1, told(tmp_path, killed)
    assert not (tmp_path / "features").exists(), told(tmp_path, killed)
    first = [shard for shard, _ in begun(tmp_path)]
    with agent(alone, tmp_path, "--standalone", "--nproc-per-node", "2") as two:
        assert status(two) == 0, told(tmp_path, killed)
    assert bytes_of(tmp_path) == bytes_of(alone), told(tmp_path, killed)
    # Each of the three had one shard in hand at most.
    again = [shard for shard, _ in begun(tmp_path)[len(first) :]]
    assert set(first) | set(again) == shards, told(tmp_path, killed)
    assert len(set(first) & set(again)) <= 3 and len(again) == len(set(again)), told(tmp_path, killed)
    assert not (tmp_path / "scratch/features").exists()


def test_torchrun_that_restarts_its_processes_ends_with_the_same_bytes(
    alone: Path, tmp_path: Path, killed: int
) -> None:
    options = ["--standalone", "--nproc-per-node", "3", "--max-restarts", "1"]
    with agent(alone, tmp_path, *options, killed=killed) as three:
        assert status(three) == 0, told(tmp_path, killed)
    assert bytes_of(tmp_path) == bytes_of(alone), told(tmp_path, killed)


def test_two_nodes_that_meet_over_loopback_do_what_one_process_does(alone: Path, tmp_path: Path) -> None:
    meeting = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # at a port that nobody else has
    options = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{meeting.port}", "--rdzv-id", "photos"]
    options += ["--nnodes", "2", "--nproc-per-node", "1", "--local-addr", "127.0.0.1"]
    with agent(alone, tmp_path, *options) as one, agent(alone, tmp_path, *options) as other:
        assert (status(one), status(other)) == (0, 0), told(tmp_path)
    assert bytes_of(tmp_path) == bytes_of(alone), told(tmp_path)
    assert len({process for _, process in begun(tmp_path)}) == 2, told(tmp_path)  # both had shards

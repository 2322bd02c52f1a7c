"""Shards shared by the processes of torchrun, one of which is killed, and by two nodes that meet over loopback."""

import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fgsbir.data.records import Photo, Sketch, Source
from fgsbir.data.shards import write_shards
from tests.features import shared_shards
from tests.toy import SPLITS, draw_photo, shape, write_toy_edges, write_toy_features

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
# torchrun's own threads and agents: nothing that a test has to wait for long.
TIMEOUT = 600


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


def torchrun(alone: Path, out: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "torch.distributed.run", *options, shared_shards.__file__]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen([*command, str(alone / "shards"), str(out)], env=environment, **pipes)


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = [path for name in ("features", "edges") for path in (folder / name).rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def begun(said: str) -> list[str]:
    return [line.split()[2] for line in said.splitlines() if line.startswith("begins ")]


def test_a_killed_process_loses_one_shard_and_fewer_end_with_the_same_bytes(alone: Path, tmp_path: Path) -> None:
    chance, lines = random.Random(), list[str]()
    shards = {path.name for path in (alone / "features").glob("*/")}
    with torchrun(alone, tmp_path, "--standalone", "--nproc-per-node", "3") as three:
        assert three.stdout is not None
        after = chance.randint(1, len(shards) - 3)
        for line in three.stdout:
            lines.append(line)
            if line.startswith("begins ") and len(begun("".join(lines))) == after:
                os.kill(int(line.split()[1]), signal.SIGKILL)
    assert three.wait(TIMEOUT) != 0 and not (tmp_path / "features").exists()
    with torchrun(alone, tmp_path, "--standalone", "--nproc-per-node", "2") as two:
        said, _ = two.communicate(timeout=TIMEOUT)
    assert two.returncode == 0 and bytes_of(tmp_path) == bytes_of(alone)
    # Each of the three had one shard in hand at most.
    first, again = begun("".join(lines)), begun(said)
    assert set(first) | set(again) == shards and len(set(first) & set(again)) <= 3 and len(again) == len(set(again))
    assert not (tmp_path / "scratch/features").exists()


def test_two_nodes_that_meet_over_loopback_do_what_one_process_does(alone: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", "photos"]
    options = ["--nnodes", "2", "--nproc-per-node", "1", *meeting, "--local-addr", "127.0.0.1"]
    with torchrun(alone, tmp_path, *options) as one, torchrun(alone, tmp_path, *options) as other:
        said = [node.communicate(timeout=TIMEOUT)[0] for node in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0) and bytes_of(tmp_path) == bytes_of(alone)
    assert all(map(begun, said))  # both had shards

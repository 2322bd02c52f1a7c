"""An index made in parts: what a kill leaves is not done again, and processes that share it write what one writes."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fgsbir.data.atomic import hold
from fgsbir.data.records import DataError
from fgsbir.search import indexing
from fgsbir.search.index_parts import Work
from fgsbir.search.indexing import index_photos
from tests.features.test_extraction import OneOfTwo
from tests.search.conftest import contents

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def unbroken(tmp_path: Path, joint_model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What an index of five photos in parts of two holds; one of them is in two parts."""
    monkeypatch.setattr(indexing, "FILES", 2)
    (photos / "z.png").write_bytes((photos / "0.png").read_bytes())
    found = index_photos([photos], joint_model, tmp_path / "unbroken")
    assert found is not None and found[:3] == (5, 5, 1)
    return contents(tmp_path / "unbroken")


def test_what_was_whole_before_a_kill_is_not_done_again(
    tmp_path: Path, joint_model: Path, photos: Path, unbroken: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, done, alive = Work.run, list[str](), 2  # files before the kill

    def counted(self: Work, files: Any, progress: Any) -> Any:
        if len(done) == alive:
            raise MemoryError("killed")
        done.extend(path.name for path in files)
        return run(self, files, progress)

    monkeypatch.setattr(Work, "run", counted)
    with pytest.raises(MemoryError):
        index_photos([photos], joint_model, tmp_path / "index")
    assert not (tmp_path / "index").exists()
    (photos / "1.png").touch()  # its part is another one now
    alive = 100
    assert index_photos([photos], joint_model, tmp_path / "index") is not None
    assert contents(tmp_path / "index") == unbroken
    assert done == ["0.png", "1.png", "0.png", "1.png", "2.png", "3.png", "4.png", "z.png"]
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_runs_into_one_folder_are_refused(tmp_path: Path, joint_model: Path, photos: Path) -> None:
    with (
        hold(tmp_path / ".index.held", "another"),
        pytest.raises(DataError, match="another fgsbir index works here"),
    ):
        index_photos([photos], joint_model, tmp_path / "index")


def test_a_second_run_is_refused_until_the_first_has_put_everything_away(
    tmp_path: Path, joint_model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmtree, refused = shutil.rmtree, list[str]()

    def then(path: Path, **options: Any) -> None:
        rmtree(path, **options)
        if path == tmp_path / ".index.parts":
            with pytest.raises(DataError, match="another fgsbir index works here"):
                index_photos([photos], joint_model, tmp_path / "index")
            refused.append("yes")

    monkeypatch.setattr(indexing.shutil, "rmtree", then)
    assert index_photos([photos], joint_model, tmp_path / "index") is not None and refused == ["yes"]


def test_all_processes_end_after_the_merge(
    tmp_path: Path, joint_model: Path, photos: Path, unbroken: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, mine, merge = threading.Barrier(2), threading.local(), indexing.merge

    def slowly(*given: Any, **named: Any) -> Any:
        time.sleep(0.5)
        return merge(*given, **named)

    def index(rank: int) -> bool:
        mine.rank = rank
        index_photos([photos], joint_model, tmp_path / "index")
        return (tmp_path / "index/index.json").exists()

    monkeypatch.setattr(indexing, "merge", slowly)
    monkeypatch.setattr(indexing, "sharing", lambda _: OneOfTwo(mine.rank, barrier))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(index, range(2))) == [True, True]
    assert contents(tmp_path / "index") == unbroken


SHARED = """
import sys
import time
from fgsbir.runtime import compute
from fgsbir.search import indexing
from fgsbir.__main__ import main
compute.working_precision = lambda *_: "float32"
indexing.FILES = 2
main(["index", sys.argv[1], "--model", sys.argv[2], "--out", sys.argv[3]])
"""


@pytest.mark.slow
def test_processes_of_torchrun_write_what_one_writes_also_after_a_kill(
    tmp_path: Path, joint_model: Path, photos: Path, unbroken: dict[str, bytes]
) -> None:
    program, parts = tmp_path / "shared.py", tmp_path / ".index.parts"
    program.write_text(SHARED)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(program)]
    command += [str(photos), str(joint_model), str(tmp_path / "index")]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as killed:
        while killed.poll() is None and not list(parts.glob("*.npz")):
            time.sleep(0.1)
        killed.send_signal(signal.SIGTERM)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "5 photos" in done.stdout and contents(tmp_path / "index") == unbroken

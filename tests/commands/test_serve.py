"""``fgsbir serve``: a page at the address that it says, or one line that says why not."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from fgsbir.__main__ import main
from fgsbir.search.indexing import index_photos

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def index(tmp_path: Path, joint_model: Path, make_photo: Callable[[Path, int], Path]) -> Path:
    for number in range(3):
        make_photo(tmp_path / "photos" / f"{number}.png", number)
    index_photos([tmp_path / "photos"], joint_model, tmp_path / "index")
    return tmp_path / "index"


def error(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as left:
        main(["serve", *map(str, arguments)])
    told = capsys.readouterr().err
    assert left.value.code == 1 and told.startswith("error: ") and told.count("\n") == 1
    return told


def test_it_serves_until_interrupted(index: Path, joint_model: Path) -> None:
    command = [sys.executable, "-m", "fgsbir", "serve", "--index", index, "--port", "0", "--generator", joint_model]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr
        try:
            line = server.stderr.readline()
            told = re.fullmatch(r"3 photos: (http://127\.0\.0\.1:\d+) \(Ctrl\+C ends\)\n", line)
            assert told, line + server.stderr.read()
            with urllib.request.urlopen(f"{told[1]}/health", timeout=30) as answer:
                health = json.load(answer)
            assert health["photos"] == 3 and health["features"] == {"sketch": True, "adapt": True}
            with urllib.request.urlopen(told[1], timeout=30) as answer:
                assert b"Draw, and find" in answer.read()
        finally:
            server.send_signal(signal.SIGINT)
            rest = server.communicate(timeout=30)[1]
        assert rest == "" and server.returncode == 0


def test_what_cannot_be_served_is_told_in_one_line(
    tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "expected an index" in error(capsys, "--index", tmp_path)
    assert "no such file" in error(capsys, "--index", index, "--generator", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = error(capsys, "--index", index, "--port", port)
        assert f"cannot listen at 127.0.0.1, port {port}" in told and "give another --port" in told
    assert "cannot listen at no.such.host.invalid" in error(capsys, "--index", index, "--host", "no.such.host.invalid")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'fgsbir[serve]'" in error(capsys, "--index", index)


def test_a_port_that_is_none(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["serve", "--index", str(index), "--port", "70000"])
    assert left.value.code == 2 and "from 0 to 65535" in capsys.readouterr().err

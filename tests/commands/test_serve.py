"""``fgsbir serve``: a page at the address that it says, or one line that says why not."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


def test_it_serves_until_interrupted(index: Path, joint_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fgsbir", "serve", "--index", index, "--port", "0", "--generator", joint_model]
    browser = tmp_path / "browser"  # that writes where it is led
    browser.write_text(f"#!/bin/sh\necho $1 > {tmp_path}/opened.part && mv {tmp_path}/opened.part {tmp_path}/opened\n")
    browser.chmod(0o755)
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "BROWSER": f"{browser} %s"}
    command += ["--open", "--host", "127.0.0.1", "--name", "photos.example", "--proxy", "127.0.0.1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr
        try:
            assert server.stderr.readline() == f"opening {index}\n"
            line = server.stderr.readline()
            told = re.fullmatch(r"3 photos: (http://127\.0\.0\.1:\d+) \(Ctrl\+C ends\)\n", line)
            assert told, line + server.stderr.read()
            with urllib.request.urlopen(f"{told[1]}/health", timeout=30) as answer:
                health = json.load(answer)
            assert health["photos"] == 3 and health["features"] == {"sketch": True, "adapt": True}
            with urllib.request.urlopen(told[1], timeout=30) as answer:
                assert b"Draw, and find" in answer.read()
            by_proxy = urllib.request.Request(f"{told[1]}/health", headers={"Host": "photos.example"})
            with urllib.request.urlopen(by_proxy, timeout=30) as answer:
                assert answer.status == 200
            while not (tmp_path / "opened").exists():
                assert server.poll() is None
                time.sleep(0.01)
            assert (tmp_path / "opened").read_text() == f"{told[1]}\n"
        finally:
            server.send_signal(signal.SIGINT)
            rest = server.communicate(timeout=30)[1]
        assert rest == "" and server.returncode == 0


def test_what_cannot_be_served_is_told_in_one_line(
    tmp_path: Path,
    index: Path,
    refusal: Callable[..., str],
    fgsbir: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve = ("serve", "--index", index)
    assert "expected an index" in refusal("serve", "--index", tmp_path)
    assert "no such file" in refusal(*serve, "--generator", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refusal(*serve, "--port", port)
        assert f"cannot listen at 127.0.0.1, port {port}" in told and "give another --port" in told
    assert "cannot listen at no.such.host.invalid" in refusal(*serve, "--host", "no.such.host.invalid")
    assert fgsbir(*serve, "--port", 70000) == 2 and "from 0 to 65535" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'fgsbir[serve]'" in refusal(*serve)

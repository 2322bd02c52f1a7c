"""The package as a stranger installs it: a wheel in an environment of its own, without DVC and without the pipeline."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = re.compile(r"dns error|error sending request|failed to (fetch|resolve)|connection|timed out", re.IGNORECASE)
LINE = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M 20 20 L 200 180" stroke="black"/></svg>'


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a fresh environment that holds the wheel and what it needs, as locked."""
    folder, uv = tmp_path_factory.mktemp("wheel"), shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("uv, which make install brings where it can be had, is not there")
    source, python = folder / "source", folder / "venv" / "bin" / "python"
    # A copy, since a build writes beside the sources.
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*pip, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder / "venv")], check=True)
    locked = re.findall(r"^\S+==.*(?= \\$)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    (folder / "locked").write_text("\n".join(locked))
    install = [uv, "pip", "install", "-q", "--python", str(python), "-c", str(folder / "locked"), f"{wheel}[serve]"]
    done = subprocess.run(install, capture_output=True, text=True, timeout=900)
    if done.returncode and OFFLINE.search(done.stderr):
        pytest.skip(f"the packages that the wheel needs cannot be had: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return python.parent


@pytest.mark.slow
def test_the_wheel_indexes_searches_and_serves(
    installed: Path, tmp_path: Path, make_photo: Callable[[Path, int], Path]
) -> None:
    photos = [make_photo(tmp_path / "photos" / f"{number}.png", number) for number in range(3)]
    (tmp_path / "drawing.svg").write_text(LINE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def said(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    absent = "import importlib.util as u; print([n for n in ('dvc', 'pipeline', 'pytest', 'tests') if u.find_spec(n)])"
    assert said(str(installed / "python"), "-c", absent).strip() == "[]"
    fgsbir = str(installed / "fgsbir")
    assert "index: 3 photos, 3 of them new" in said(fgsbir, "index", "photos", "--out", "index")
    found = said(fgsbir, "search", "drawing.svg", "--index", "index")
    assert all(photo.name in found for photo in photos)
    command = [fgsbir, "serve", "--index", "index", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=clean, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        try:
            lines = [server.stderr.readline() for _ in range(2)]
            (address,) = re.findall(r"http://127\.0\.0\.1:\d+", lines[1])
            with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
                assert json.load(answer)["photos"] == 3
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert b"Draw, and find" in answer.read()
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)

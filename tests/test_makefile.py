"""make demo: from photos, one's own or drawn now, to a page that answers."""

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from tests.pipeline.repositories import clean_environment

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("own", [True, False], ids=["own photos", "drawn photos"])
def test_the_demo_answers(own: bool, tmp_path: Path) -> None:
    for name in ("Makefile", "params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("pipeline", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    photos = tmp_path / "my photos"
    photos.mkdir()
    for number in range(4):
        Image.new("RGB", (64, 64), (60 * number, 90, 120)).save(photos / f"{number}.png")
    # The environment is there already.
    command = ["make", "--old-file=install", "demo", "PORT=0", *([f"PHOTOS={photos}"] if own else [])]
    environment = clean_environment(tmp_path) | {"PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, **pipes) as process:
        try:
            said = []
            for line in process.stdout or []:
                said.append(line)
                if ready := re.match(r"(\d+) photos: (http://127.0.0.1:\d+) ", line):
                    break
            else:
                pytest.fail("".join(said))
            assert int(ready[1]) == 4 if own else int(ready[1]) > 100
            with urllib.request.urlopen(f"{ready[2]}/health") as answer:
                assert answer.status == 200
        finally:
            os.killpg(process.pid, signal.SIGINT)

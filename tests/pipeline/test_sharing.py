"""The commands of docs/sharing.md, as they stand there, over each kind of remote, with a kill and a damaged file."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from fgsbir.runtime.model_folder import CARD, CONFIG
from tests.pipeline.conftest import assert_same, contents
from tests.pipeline.pages import block
from tests.pipeline.remotes import REMOTES, Remote
from tests.pipeline.repositories import Repository, clean_environment, ran
from tests.toy import Toy
from tests.trained import save_retrieval

pytestmark = pytest.mark.slow

STAGES = ("synthesise", "shard", "edges")
# What the page says of joint training, said of a stage that takes a second.
SHORTER = {"unlabelled_frac=0.5": "edges.tolerance=5", "'joint'": "'edges'"}
# The page's section of each kind of remote, and where its second block goes, below a user's home.
SECTIONS = {"folder": ("A folder", None), "ssh": ("SSH", ".ssh/config"), "s3": ("S3", ".aws/credentials")}


@dataclass
class Page:
    """docs/sharing.md with addresses of this machine."""

    here: dict[str, str]

    def block(self, heading: str, number: int = 0) -> str:
        return block("docs/sharing.md", heading, number, self.here)


@pytest.fixture(scope="module")
def made(project_copy: Path, toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pipeline is cheap: three stages, and one that hands a model on. It ran and is committed."""
    outside = tmp_path_factory.mktemp("made")
    giver = Repository(outside / "giver", clean_environment(outside))
    shutil.copytree(project_copy, giver.path)
    save_retrieval(giver.path / "data" / "trained", Toy(toy_folder))
    whole = yaml.safe_load((giver.path / "dvc.yaml").read_text())
    path = whole["artifacts"]["retrieval"]["path"]
    copied = {"cmd": f"mkdir -p models/joint && cp -r data/trained {path}", "outs": [path]}
    stages = {name: whole["stages"][name] for name in STAGES} | {"joint": copied}
    (giver.path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages, "artifacts": whole["artifacts"]}))
    giver.git("init", "-q", "-b", "main")
    giver.commit(".")
    giver.dvc("repro")
    giver.commit(".")
    return giver.path


@pytest.mark.parametrize("kind", sorted(REMOTES))
def test_what_is_given_is_taken(kind: str, made: Path, tmp_path: Path) -> None:
    with REMOTES[kind](tmp_path) as remote:
        bare = tmp_path / "team.git"
        page = Page({**SHORTER, **remote.here, "<address>": str(bare), "make install && . .venv/bin/activate": "true"})
        giver = Repository(tmp_path / "giver", clean_environment(tmp_path))
        shutil.copytree(made, giver.path, symlinks=True)
        giver.git("clone", "-q", "--bare", ".", str(bare))
        giver.git("remote", "add", "origin", str(bare))
        giver.git("fetch", "-q", "origin")
        giver.git("branch", "-q", "-u", "origin/main")

        experiment = give(kind, giver, page, remote)
        take(giver, page, experiment)
        heal(giver, page, remote)


def give(kind: str, giver: Repository, page: Page, remote: Remote) -> dict[str, bytes]:
    """The giver's part, the first push killed. What the shared experiment brought, by file."""
    section, settings = SECTIONS[kind]
    if settings:
        path = Path(giver.environment["HOME"], settings)
        path.parent.mkdir()
        path.write_text(page.block(section, 1))
    giver.shell(page.block(section))
    giver.shell(page.block("Whichever it is"))
    push = ["bash", "-ec", page.block("The giver, each time")]
    with subprocess.Popen(push, cwd=giver.path, env=giver.environment, start_new_session=True) as process:
        while not remote.files() and process.poll() is None:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    some = remote.files()
    giver(*push)
    assert 0 < len(some) < len(remote.files())
    giver.shell(page.block("The giver, each time", 1))
    experiment = giver.bytes()
    giver.undo()
    return experiment


def take(giver: Repository, page: Page, experiment: dict[str, bytes]) -> None:
    """The taker's part: the run, the experiment in two ways, a model. Nothing runs."""
    taker = Repository(giver.path.parent, giver.environment)
    output = taker.shell(page.block("The taker"))
    taker.path /= "fgsbir"
    assert ran(output) == []
    assert_same(taker.bytes(), giver.bytes())
    for number in (1, 2):
        output = taker.shell(page.block("The taker", number))
        assert ran(output) == []
        assert_same(taker.bytes(), experiment)
        taker.undo()
    assert page.block("The taker", 2).splitlines()[-1].removeprefix("# ") in output

    giver.shell(page.block("One model alone"))
    stranger = Repository(giver.path.parent, giver.environment)
    stranger.shell(page.block("One model alone", 1))
    model = contents(stranger.path / "my" / "model", ".")
    assert_same(model, contents(giver.path / "data" / "trained", "."))
    assert {CARD, CONFIG} < set(model)


def heal(giver: Repository, page: Page, remote: Remote) -> None:
    """A damaged file of the remote, or of one's own cache, is noticed, and mended."""
    shard = min((giver.path / "data" / "shards").glob("*.tar"))
    hashes = hashlib.md5(shard.read_bytes()).hexdigest(), giver.hashes_of_outs()["data/shards"]
    damaged, listing = (f"files/md5/{md5[:2]}/{md5[2:]}" for md5 in hashes)
    good = remote.read(damaged)
    remote.write(damaged, good[:-20])
    careful = Repository(giver.path.parent / "careful", giver.environment)
    giver.git("clone", "-q", "../team.git", str(careful.path))
    output = careful.shell("dvc pull", check=False)
    assert "data/shards" in output and not (careful.path / "data" / "shards").exists(), output
    for name in (damaged, listing):
        remote.delete(name)
    giver.shell(page.block("A damaged file in the remote"))
    assert remote.read(damaged) == good
    careful.dvc("pull")
    assert_same(careful.bytes(), giver.bytes())

    # The same in one's own cache.
    kept = careful.path / ".dvc/cache" / damaged
    kept.chmod(0o644)
    kept.write_bytes(good[:-20])
    output = careful.shell(page.block("A damaged file in your own cache"))
    assert re.search(r"not in cache: +data/shards", output)
    assert_same(careful.bytes(), giver.bytes())

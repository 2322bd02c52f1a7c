"""The commands of docs/data.md for published sets, on small sets in their layouts."""

import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.readers.toy_files import drawing, write_photo, write_sketch
from tests.pipeline.pages import NOT_READY, block
from tests.pipeline.repositories import Repository, clean_environment, ran

pytestmark = pytest.mark.slow

NAMES = {"train": [f"a{number}" for number in range(16)], "test": [f"b{number}" for number in range(4)]}
COMMANDS = block("docs/data.md", "Your own data, and the public sets", -1, NOT_READY).splitlines()


def sketchx(root: Path) -> None:
    keys = {f"/{split}/{name}_1": drawing(name).astype(float) for split, names in NAMES.items() for name in names}
    for names in NAMES.values():
        for name in names:
            write_photo(root / "ChairV2/photo" / f"{name}.png")
    (root / "ChairV2/ChairV2_Coordinate").write_bytes(pickle.dumps(keys, 3))


def qmul(root: Path) -> None:
    for split, names in NAMES.items():
        for name in names:
            write_photo(root / "ShoeV2/ShoeV2_photo" / f"{name}.png")
            write_sketch(root / "ShoeV2/ShoeV2_sketch" / f"{name}_1.svg")
        (root / "ShoeV2" / f"photo_{split}.txt").write_text("".join(f"{name}.png\n" for name in names))
        (root / "ShoeV2" / f"sketch_{split}.txt").write_text("".join(f"{name}_1.png\n" for name in names))


def qmul_v1(root: Path) -> None:
    for split, names in NAMES.items():
        for name in names:
            write_photo(root / "shoes" / split / "images" / f"{name[1:]}.jpg")
            write_sketch(root / "shoes" / split / "sketches" / f"{name[1:]}.png")


def sketchy(root: Path) -> None:
    for names in NAMES.values():
        for name in names:
            write_photo(root / "256x256/photo/tx_000000000000/airplane" / f"{name}.jpg")
            write_sketch(root / "256x256/sketch/tx_000000000000/airplane" / f"{name}-1.png")
    (root / "info").mkdir()
    (root / "info/testset.txt").write_text("".join(f"airplane/{name}.jpg\n" for name in NAMES["test"]))


WRITERS: dict[str, Callable[[Path], None]] = {"sketchx": sketchx, "qmul": qmul, "qmul_v1": qmul_v1, "sketchy": sketchy}


@pytest.fixture(scope="module")
def repository(project_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    outside = tmp_path_factory.mktemp("outside")
    shutil.copytree(project_copy, outside / "project")
    repository = Repository(outside / "project", clean_environment(outside))
    repository.git("init", "-q", "-b", "main")
    repository.commit(".")
    return repository


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: re.findall(r"layout=(\w+)", command)[0])
def test_a_published_set_is_trained_on(repository: Repository, command: str) -> None:
    said = dict(re.findall(r"dataset\.(\w+)=(\S+)", command))
    WRITERS[said["layout"]](repository.path / said["root"])
    done = ran(repository.shell(command))
    assert done[0] == "shard" and done[-1] == "evaluate" and "joint" in done
    found = json.loads((repository.path / "metrics/data.json").read_text())
    assert (found["name"], found["layout"]) == (said["name"], said["layout"])
    assert found["published"] and found["skipped"] == found["leaks"] == []
    scores = json.loads((repository.path / "metrics/evaluate.json").read_text())
    assert scores["n_query"] == scores["n_gallery"] == len(NAMES["test"])
    repository.git("checkout", "-q", ".")

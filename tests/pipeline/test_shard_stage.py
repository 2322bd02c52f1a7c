"""Packing a data set: what is left out and told, and what a failure leaves."""

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from webdataset.writer import TarWriter

from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore
from fgsbir.synthetic.dataset import synthesise
from fgsbir.synthetic.photo import draw_photo
from pipeline import shard, stage
from pipeline.stage import run

PARAMS = Path(__file__).parents[2] / "params.yaml"
SIZES = {"labelled": 8, "sketches_per_photo": 2, "unlabelled": 4, "val": 2, "test": 3}
SIZES |= {"seen_categories": 3, "seen_photos": 3, "unseen_categories": 1, "unseen_train": 2, "unseen_test": 2}
SIZES |= {"users": 3, "unseen_users": 2, "unseen_user_train": 8, "unseen_user_test": 3}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small default set, one of whose categories is unseen."""
    folder = tmp_path_factory.mktemp("drawn")
    synthesise(folder, seed=0, size=64, jpeg_quality=90, workers=1, **SIZES)
    return folder


@pytest.fixture
def project(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with params.yaml and the set in raw."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(drawn, "raw")
    configure()
    return tmp_path


def configure(**values: Any) -> None:
    params = yaml.safe_load(PARAMS.read_text())
    params["dataset"].update({"root": "raw", "layout": "synthetic", "name": "toy", "category": "chair"} | values)
    Path("params.yaml").write_text(yaml.safe_dump(params))


def written() -> dict[str, bytes]:
    files = [*Path("data").rglob("*"), *Path("metrics").rglob("*")]
    return {str(path): path.read_bytes() for path in sorted(files) if path.is_file()}


def packed() -> dict[str, Any]:
    """What the stage says of the set that it packs."""
    shard.main()
    return json.loads(Path("metrics/data.json").read_text())


def test_the_stage_packs_and_reports_the_same_bytes_each_time(project: Path) -> None:
    data = packed()
    training = {"labelled": 8, "labelled_sketches": 16, "unlabelled": 4, "validation": 2, "validation_sketches": 4}
    expected = {
        "name": "toy",
        "photos": {"train": 19, "val": 2, "test": 5, "unlabelled": 4},
        "users": {"all": 5, "unseen": 2},
        "categories": {"seen": 4, "unseen": 1},
        "training": training | {"test": 3, "test_sketches": 9},
        "left_out": {"skipped": 0, "leaks": 0},
    }
    assert {name: data[name] for name in expected} == expected
    assert [row["category"] for row in data["by_category"]] == ["bench", "chair", "sofa", "stool", "watering_can"]
    with ShardStore(Path("data/shards")) as store:
        assert (store.index.split_hash, len(store.photos)) == (data["split_hash"], 30)
    before = written()
    assert len(before) >= 6
    shard.main()
    assert written() == before


def test_what_is_left_out_is_listed_by_its_place_in_the_set(project: Path) -> None:
    more = Path("raw/unlabelled/chair")
    more.mkdir(parents=True)
    (more / "list.txt").write_text("no photo")
    with Image.open("raw/photos/chair/chair-00000.jpg") as picture:  # a test photo
        picture.save(more / "copy.jpg", quality=40)
    (more / "new.jpg").write_bytes(draw_photo("chair-00900", seed=0, size=64))
    configure(root=str(project / "raw"))
    data = packed()
    assert data["left_out"] == {"skipped": 1, "leaks": 1}
    assert data["skipped"][0]["path"] == "unlabelled/chair/list.txt"
    assert (data["leaks"][0]["photo"], data["leaks"][0]["duplicate_of"]) == ("unlabelled/chair/copy", "chair-00000")
    assert str(project) not in Path("metrics/data.json").read_text()
    with ShardStore(Path("data/shards")) as store:
        ids = {photo.id for photo in store.photos}
    assert "unlabelled/chair/new" in ids and "unlabelled/chair/copy" not in ids


def test_a_table_of_users_says_who_drew(project: Path) -> None:
    table = b"sketch_id,user\nchair-00000-1,eva\nchair-00000-2,eva\n"
    Path("users.csv").write_bytes(table)
    configure(user_table="users.csv", user_table_sha256=hashlib.sha256(table).hexdigest())
    assert packed()["users"]["all"] == 6
    configure(user_table="users.csv", user_table_sha256="0" * 64)
    with pytest.raises(DataError, match=r"users\.csv: expected SHA-256 0000"):
        shard.main()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"category": "shoe"}, "category 'shoe' is not in the set, which has: bench, chair, sofa"),
        ({"category": "watering_can"}, "category watering_can: .* found 0 such training sketches, 0 test sketches"),
        (
            {"unseen_users": ["u00", "u01", "u02", "n00", "n01"]},
            "category chair: .* found 0 such training sketches, 0 test",
        ),
    ],
)
def test_a_set_that_nothing_can_be_trained_on_is_an_error(project: Path, values: dict[str, Any], message: str) -> None:
    configure(**values)
    with pytest.raises(DataError, match=message):
        shard.main()
    assert written() == {}


def test_a_second_run_meanwhile_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard.main()
    before, held = written(), stage._held
    monkeypatch.setattr(stage, "_held", {})  # as another process
    with pytest.raises(DataError, match=r"shard\.held: another run of the stage shard works here"):
        shard.main()
    assert held and written() == before


def test_a_bad_photo_or_a_full_disk_ends_the_stage_with_one_line_and_leaves_the_old_shards(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: TarWriter, sample: dict[str, Any]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def said() -> str:
        with pytest.raises(SystemExit, match="1"):
            run(shard.main)
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
        return line

    shard.main()
    before = written()
    photo = Path("raw/photos/chair/chair-00006.jpg")
    photo.write_bytes(photo.read_bytes()[:200])
    assert "chair-00006.jpg" in said()
    photo.write_bytes(draw_photo("chair-00900", seed=0, size=64))
    monkeypatch.setattr(TarWriter, "write", full)
    assert "disk is full" in said()
    assert written() == before


@pytest.mark.slow
@pytest.mark.skipif("FGSBIR_REAL_DATA" not in os.environ, reason="FGSBIR_REAL_DATA does not name ChairV2's folder")
def test_chairv2_is_packed_whole_and_none_of_its_look_alikes_is_taken_for_a_leak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(os.environ["FGSBIR_REAL_DATA"]).resolve()
    monkeypatch.chdir(tmp_path)
    configure(root=str(root), layout="sketchx", name="chairv2", category="chair")
    data = packed()
    assert data["found"] == data["published"]
    assert data["found"] == {"train_photos": 300, "train_sketches": 952, "test_photos": 100, "test_sketches": 323}
    assert data["photos"]["train"] + data["photos"]["val"] == 300
    assert data["left_out"] == {"skipped": 0, "leaks": 0}
    assert str(root) not in Path("metrics/data.json").read_text()

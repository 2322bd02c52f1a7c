"""Packing a data set: what is left out and told, and what a failure leaves."""

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from webdataset.writer import TarWriter

from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore
from pipeline import shard
from pipeline.stage import run

PARAMS = Path(__file__).parents[2] / "params.yaml"
SPLITS = ["train"] * 8 + ["val"] * 2 + ["test"] * 3 + ["unlabelled"] * 4


def draw(path: Path, number: int, **options: Any) -> None:
    """A picture of large random patches, unlike any other number's."""
    patches = np.random.default_rng(number).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(patches).resize((96, 96), Image.Resampling.BICUBIC).save(path, "JPEG", **options)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with params.yaml and a small set: 17 chairs, 2 boats of an unseen category."""
    monkeypatch.chdir(tmp_path)
    photos = [{"id": f"chair-{i}", "category": "chair", "split": split} for i, split in enumerate(SPLITS)]
    photos += [{"id": f"boat-{i}", "category": "boat", "split": split} for i, split in enumerate(("train", "test"))]
    sketches = []
    for number, photo in enumerate(photos):
        draw(Path("raw/photos", photo["category"], f"{photo['id']}.jpg"), number)
        if photo["split"] != "unlabelled":
            for k, user in enumerate(("anna", "otto")):
                strokes = [[[10 + k, 20], [200, 30 + number]], [[50, 50], [60, 70.5], [90, 10]]]
                sketches.append({"id": f"{photo['id']}-{k}", "photo": photo["id"], "user": user, "strokes": strokes})
    manifest = {
        "format": 1,
        "seed": 0,
        "categories": [{"name": "boat", "unseen": True}, {"name": "chair", "unseen": False}],
        "users": [{"id": "anna", "unseen": False}, {"id": "otto", "unseen": True}],
        "photos": photos,
        "hash": "0" * 64,
    }
    Path("raw/manifest.json").write_text(json.dumps(manifest))
    Path("raw/sketches.ndjson").write_text("".join(json.dumps(sketch) + "\n" for sketch in sketches))
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
    assert data["name"] == "toy"
    assert data["photos"] == {"train": 9, "val": 2, "test": 4, "unlabelled": 4}
    assert data["sketches"] == {"train": 18, "val": 4, "test": 8, "unlabelled": 0}
    assert data["users"] == {"all": 2, "unseen": 1}
    assert data["categories"] == {"seen": 1, "unseen": 1}
    assert data["training"] == {
        "labelled": 8,
        "labelled_sketches": 8,
        "unlabelled": 4,
        "validation": 2,
        "validation_sketches": 2,
        "test": 3,
        "test_sketches": 3,
    }
    assert data["left_out"] == {"skipped": 0, "leaks": 0}
    assert [row["category"] for row in data["by_category"]] == ["boat", "chair"]
    with ShardStore(Path("data/shards")) as store:
        assert store.index.split_hash == data["split_hash"]
        assert len(store.photos) == 19
    before = written()
    assert len(before) >= 6
    shard.main()
    assert written() == before


def test_a_copy_of_a_test_photo_is_left_out_and_listed(project: Path) -> None:
    draw(Path("raw/unlabelled/chair/17.jpg"), SPLITS.index("test"), quality=40)
    draw(Path("raw/unlabelled/chair/18.jpg"), 900)
    data = packed()
    assert data["left_out"]["leaks"] == 1
    (leak,) = data["leaks"]
    assert (leak["photo"], leak["duplicate_of"]) == ("unlabelled/chair/17", "chair-10")
    assert data["photos"]["unlabelled"] == 5
    with ShardStore(Path("data/shards")) as store:
        ids = {photo.id for photo in store.photos}
    assert "unlabelled/chair/18" in ids
    assert "unlabelled/chair/17" not in ids


def test_a_table_of_users_says_who_drew(project: Path) -> None:
    table = b"sketch_id,user\nchair-0-0,eva\nchair-0-1,eva\n"
    Path("users.csv").write_bytes(table)
    configure(user_table="users.csv", user_table_sha256=hashlib.sha256(table).hexdigest())
    assert packed()["users"]["all"] == 3
    configure(user_table="users.csv", user_table_sha256="0" * 64)
    with pytest.raises(DataError, match=r"users\.csv: expected SHA-256 0000"):
        shard.main()


def test_skipped_files_are_listed_by_their_place_in_the_set(project: Path) -> None:
    configure(root=str(project / "raw"))
    Path("raw/unlabelled/chair").mkdir(parents=True)
    Path("raw/unlabelled/chair/list.txt").write_text("no photo")
    (skipped,) = packed()["skipped"]
    assert skipped["path"] == "unlabelled/chair/list.txt"
    assert str(project) not in Path("metrics/data.json").read_text()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"category": "shoe"}, "category 'shoe' is not in the set, which has: boat, chair"),
        ({"category": "boat"}, "category boat: .* found 0 such training sketches, 0 test sketches"),
        ({"unseen_users": ["anna"]}, "category chair: .* found 0 such training sketches, 0 test sketches"),
    ],
)
def test_a_set_that_nothing_can_be_trained_on_is_an_error(project: Path, values: dict[str, Any], message: str) -> None:
    configure(**values)
    with pytest.raises(DataError, match=message):
        shard.main()
    assert written() == {}


def test_a_bad_photo_or_a_full_disk_ends_the_stage_with_one_line_and_leaves_the_old_shards(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = TarWriter.write

    def full(self: TarWriter, sample: dict[str, Any]) -> int:
        if "chair-5" in sample["__key__"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, sample)

    def said() -> str:
        with pytest.raises(SystemExit) as stopped:
            run(shard.main)
        assert stopped.value.code == 1
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
        return line

    shard.main()
    before = written()
    photo = Path("raw/photos/chair/chair-2.jpg")
    photo.write_bytes(photo.read_bytes()[:200])
    assert "chair-2.jpg" in said()
    draw(photo, 5000)
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

"""No training stage reads a sketch that it should not have.

With NaN in the strokes and in the stored features of all of those, every byte of every model stays the same.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import yaml

from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import stable_fraction
from fgsbir.data.shards import ShardStore
from tests.pipeline.conftest import TRAINING, Start, Train, assert_same, outputs_of

# Adaptation reads sketches by unseen users, as it should.
STAGES = tuple(stage for stage in TRAINING if stage != "adapt")
LABELLED_FRAC = yaml.safe_load(Path(__file__).with_name("tiny.yaml").read_text())["labelled_frac"]
Wanted = Callable[[PhotoEntry], list[bool]]

pytestmark = pytest.mark.slow


def forbidden(photo: PhotoEntry) -> list[bool]:
    """For each sketch of a photo, whether training at LABELLED_FRAC may not read it, by the definitions."""
    moved = photo.split == "train" and stable_fraction("labelled", photo.id) >= LABELLED_FRAC
    return [photo.split == "test" or moved or photo.unseen or sketch.unseen for sketch in photo.sketches]


def allowed(photo: PhotoEntry) -> list[bool]:
    return [photo.split == "train" and not mark for mark in forbidden(photo)]


def photos_of(folder: Path) -> list[PhotoEntry]:
    with ShardStore(folder / "data" / "shards") as store:
        return list(store.photos)


def poison_strokes(folder: Path, wanted: Wanted) -> int:
    """Write NaN over the strokes of the ``wanted`` sketches, and the new hashes into the index; count them."""
    count, shards = 0, folder / "data" / "shards"
    for photo in photos_of(folder):
        marks = wanted(photo)
        count += sum(marks)
        if photo.strokes is None or not any(marks):
            continue
        offset, size = photo.strokes
        with (shards / photo.shard).open("r+b") as file:
            file.seek(offset)
            strokes = np.load(BytesIO(file.read(size)), allow_pickle=False)
            strokes[np.repeat(marks, [sketch.points for sketch in photo.sketches])] = np.nan
            file.seek(offset)
            np.save(file, strokes, allow_pickle=False)
            assert file.tell() == offset + size
    index = json.loads((shards / "index.json").read_text())
    for shard in index["shards"]:
        shard["sha256"] = hashlib.sha256((shards / shard["file"]).read_bytes()).hexdigest()
    (shards / "index.json").write_text(json.dumps(index))
    return count


def poison_features(folder: Path, wanted: Wanted) -> int:
    """Write NaN over what the trunk said of the ``wanted`` sketches, in all their forms; count them."""
    photos, count = photos_of(folder), 0
    for file in {photo.shard for photo in photos}:
        marks = [mark for photo in photos if photo.shard == file for mark in wanted(photo)]
        count += sum(marks)
        for path in (folder / "data" / "features" / Path(file).stem).glob("sketch_*.npy"):
            array = np.load(path, allow_pickle=False)
            if array.size:
                array[np.flatnonzero(marks)] = np.nan
                np.save(path, array)
    return count


def test_training_reads_no_stroke_that_it_should_not_have(
    packed: Path, unbroken: dict[str, Path], train: Train, tmp_path: Path
) -> None:
    # Each kind of forbidden sketch is there, and allowed ones too.
    kinds = {
        (mark, photo.split == "train", photo.unseen, sketch.unseen)
        for photo in photos_of(packed)
        for sketch, mark in zip(photo.sketches, forbidden(photo), strict=True)
    }
    assert {(True, True, False, False), (True, True, False, True), (False, True, False, False)} <= kinds
    assert any(unseen for _, _, unseen, _ in kinds)

    shutil.copytree(packed, tmp_path, dirs_exist_ok=True)
    assert poison_strokes(tmp_path, forbidden) == poison_features(tmp_path, forbidden) > 0
    found = train(tmp_path, *STAGES)
    assert {"models/joint/retrieval/model.safetensors", "models/generator/model.safetensors"} <= found.keys()
    assert_same(found, outputs_of(unbroken["adapt"]))

    # The paper's G reads strokes, and those of other categories too.
    clean = tmp_path / "clean"
    shutil.copytree(unbroken["pretrain_generator"], clean)
    values = yaml.safe_load((packed / "params.yaml").read_text())
    small = {"encoder_width": 8, "attention_width": 8, "latent": 4, "mixtures": 2, "steps": 2}
    values["pretrain_generator"] |= {"decoder": "points", "edge_steps": 2, "category_steps": 2, **small}
    for folder in (clean, tmp_path):
        (folder / "params.yaml").write_text(yaml.safe_dump(values))
        train(folder, "pretrain_generator")
    name = "models/generator/model.safetensors"
    assert outputs_of(tmp_path)[name] == outputs_of(clean)[name] != found[name]


@pytest.mark.parametrize(
    ("poison", "stage"), [(poison_strokes, "sketch_classifier"), (poison_features, "pretrain_retrieval")]
)
def test_one_poisoned_sketch_that_is_read_would_be_noticed(
    packed: Path, tmp_path: Path, start: Start, poison: Callable[[Path, Wanted], int], stage: str
) -> None:
    shutil.copytree(packed, tmp_path, dirs_exist_ok=True)
    assert poison(tmp_path, allowed)
    with start(stage, tmp_path) as process:
        _, said = process.communicate()
    assert process.returncode == 1, said[-2000:]
    assert not (tmp_path / "models").exists()

"""No training stage reads a sketch that it should not have.

With NaN in the strokes and in the stored features of all of those, every byte of every model stays the same.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fgsbir.data.index import PhotoEntry
from fgsbir.data.selection import stable_fraction
from fgsbir.data.shards import ShardStore
from tests.pipeline.conftest import RunStage, Start, assert_same, outputs_of

TRAINING = ("pretrain_retrieval", "pretrain_generator", "sketch_classifier", "pseudo", "joint")
LABELLED_FRAC = 0.4

pytestmark = pytest.mark.slow


def forbidden(photo: PhotoEntry) -> list[bool]:
    """For each sketch of a photo, whether training at LABELLED_FRAC may not read it; told from the definitions."""
    moved = photo.split == "train" and stable_fraction("labelled", photo.id) >= LABELLED_FRAC
    return [photo.split == "test" or moved or photo.unseen or sketch.unseen for sketch in photo.sketches]


def poison(shards: Path, wanted: Callable[[PhotoEntry], list[bool]]) -> int:
    """Write NaN over the strokes of the ``wanted`` sketches, and the new hashes into the index; count them."""
    count = 0
    with ShardStore(shards) as store:
        photos = store.photos
    for photo in photos:
        marks = wanted(photo)
        if photo.strokes is None or not any(marks):
            continue
        count += sum(marks)
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


def poison_features(folder: Path, wanted: Callable[[PhotoEntry], list[bool]]) -> int:
    """Write NaN over what the trunk said of the ``wanted`` sketches, in all their forms; count them."""
    with ShardStore(folder / "data" / "shards") as store:
        photos = store.photos
    count = 0
    for file in {photo.shard for photo in photos}:
        marks = [mark for photo in photos if photo.shard == file for mark in wanted(photo)]
        for path in (folder / "data" / "features" / Path(file).stem).glob("sketch_*.npy"):
            array = np.load(path, allow_pickle=False)
            if array.size:
                array[np.flatnonzero(marks)] = np.nan
                np.save(path, array)
        count += sum(marks)
    return count


@pytest.fixture
def folders(packed: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same shards, features and edges, and labelled_frac LABELLED_FRAC."""
    values: dict[str, Any] = yaml.safe_load((packed / "params.yaml").read_text())
    values["labelled_frac"] = LABELLED_FRAC
    made = tmp_path / "clean", tmp_path / "poisoned"
    for folder in made:
        for name in ("shards", "features", "edges"):
            shutil.copytree(packed / "data" / name, folder / "data" / name)
        (folder / "params.yaml").write_text(yaml.safe_dump(values))
    return made


def test_training_reads_no_stroke_that_it_should_not_have(folders: tuple[Path, Path], run_stage: RunStage) -> None:
    clean, poisoned = folders
    with ShardStore(clean / "data" / "shards") as store:
        photos = [photo for photo in store.photos if photo.sketches]
        assert store.index.category is not None
    # Each kind of forbidden sketch is there, and allowed ones too.
    marks = [
        (mark, photo.split == "train", photo.unseen, sketch.unseen)
        for photo in photos
        for sketch, mark in zip(photo.sketches, forbidden(photo), strict=True)
    ]
    assert any(photo_unseen for _, _, photo_unseen, _ in marks)
    assert any(sketch_unseen and train for _, train, _, sketch_unseen in marks)
    assert {(True, True, False, False), (False, True, False, False)} <= set(marks)

    hidden = sum(mark for mark, *_ in marks)
    assert poison(poisoned / "data" / "shards", forbidden) == hidden
    assert poison_features(poisoned, forbidden) == hidden
    for folder in folders:
        for stage in TRAINING:
            run_stage(stage, folder)
    found, expected = outputs_of(poisoned), outputs_of(clean)
    assert {"models/joint/retrieval/model.safetensors", "models/generator/model.safetensors"} <= found.keys()
    assert_same(found, expected)

    # The paper's G reads strokes, and those of other categories too.
    for folder in folders:
        values = yaml.safe_load((folder / "params.yaml").read_text())
        small = {"encoder_width": 8, "attention_width": 8, "latent": 4, "mixtures": 2, "steps": 2}
        values["pretrain_generator"] |= {"decoder": "points", "edge_steps": 2, "category_steps": 2, **small}
        (folder / "params.yaml").write_text(yaml.safe_dump(values))
        run_stage("pretrain_generator", folder)
    assert_same(outputs_of(poisoned), outputs_of(clean))


@pytest.mark.parametrize("where", ["strokes", "features"])
def test_one_poisoned_sketch_that_is_read_would_be_noticed(
    folders: tuple[Path, Path], start: Start, where: str
) -> None:
    folder, _ = folders

    def allowed(photo: PhotoEntry) -> list[bool]:
        return [photo.split == "train" and not mark for mark in forbidden(photo)]

    # G reads strokes, F reads features.
    stage = "sketch_classifier" if where == "strokes" else "pretrain_retrieval"
    assert poison(folder / "data" / "shards", allowed) if where == "strokes" else poison_features(folder, allowed)
    with start(stage, folder) as process:
        _, said = process.communicate()
    assert process.returncode == 1, said[-2000:]
    assert not (folder / "models").exists()

"""What the pictures of a data set are read from."""

import random
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data import shard_files
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import centre
from fgsbir.features.pictures import Pictures
from fgsbir.features.store import FeatureStore


def test_strokes_of_many_photos_fetch_each_tar_once(
    toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched, fetch = list[str](), shard_files.fetch
    monkeypatch.setattr(shard_files, "FETCHED", 1)
    monkeypatch.setattr(shard_files, "fetch", lambda url, *given: fetched.append(url) or fetch(url, *given))
    (tmp_path / "index.json").write_bytes((toy_folder / "shards/index.json").read_bytes())
    here, there = ShardStore(toy_folder / "shards"), ShardStore(tmp_path, f"file://{toy_folder / 'shards'}")
    pictures = Pictures(there, FeatureStore(toy_folder / "features", there.index))
    entries = there.photos
    random.Random(0).shuffle(entries)
    places = [range(len(entry.sketches))[number % 2 :] for number, entry in enumerate(entries)]
    for entry, chosen, strokes in zip(entries, places, pictures.strokes(entries, places), strict=True):
        expected = [centre(here.read_strokes(entry)[place]) for place in chosen]
        assert len(strokes) == len(expected) and all(map(np.array_equal, strokes, expected))
    tars = {entry.shard for entry, chosen in zip(entries, places, strict=True) if chosen}
    assert len(tars) == 2 and len(fetched) == len(tars)

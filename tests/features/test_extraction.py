"""Features: what is stored is what the trunk says, whoever wrote which shard, and damage is named."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.data.augmentation import sketch_variant
from fgsbir.data.photos import decode_photo
from fgsbir.data.records import DataError
from fgsbir.data.shards import ShardStore
from fgsbir.data.strokes import mirrored
from fgsbir.features import extraction
from fgsbir.features.extraction import Reader, write_features
from fgsbir.features.store import FILES, MIRRORED, FeatureStore, half, layout_of
from fgsbir.features.trunk import packaged_trunk
from fgsbir.runtime.compute import Compute
from fgsbir.runtime.streams import stream
from tests.toy import SIZE, SPEC, Toy, cpu, write_toy_features


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def reader() -> Reader:
    return Reader(packaged_trunk(SPEC), SPEC, cpu())


def test_stored_photos_are_what_the_trunk_says(toy: Toy) -> None:
    entries = toy.split.labelled
    rows, store = np.arange(len(entries)), toy.pictures.shards
    pixels = np.stack([decode_photo(store.read_photo(entry), SIZE) for entry in entries])
    for form, shown in ((0, pixels), (1, np.ascontiguousarray(pixels[:, :, ::-1]))):
        for level in ("taps", "map"):
            stored = toy.pictures.photos(entries, level)(rows, form)
            assert np.array_equal(half(reader().photos_as(level, shown)), stored.half().numpy())


def test_stored_sketches_are_their_variants_and_mirror_images(toy: Toy) -> None:
    entry = toy.split.labelled[2]
    sketch = toy.pictures.strokes([entry], [[1]])[0][0]
    changed = sketch_variant(sketch, stream(0, "features/variant", entry.sketches[1].id, 1), 1.0)
    stored = toy.pictures.sketches([entry], [[1]], "taps")
    for form, strokes in enumerate([sketch, changed, mirrored(sketch), mirrored(changed)]):
        expected = reader().sketches([strokes])
        torch.testing.assert_close(stored(np.array([0]), form), expected.taps, rtol=1e-2, atol=2e-3)


def test_rows_of_several_shards_come_in_the_order_asked_for(toy: Toy) -> None:
    entries = [*toy.split.unlabelled, *toy.split.labelled, *toy.split.validation]
    assert len({entry.shard for entry in entries}) > 2
    order = np.random.default_rng(0).permutation(len(entries))
    together = toy.pictures.photos(entries, "taps")(order)
    alone = torch.cat([toy.pictures.photos([entries[row]], "taps")(np.array([0])) for row in order])
    assert torch.equal(together, alone)


def test_a_mirror_image_has_its_form_in_any_split(toy: Toy) -> None:
    """Sketches that nobody trains on are stored as they are and mirrored, the others in two variants first."""
    entries = [toy.split.validation[0], toy.split.labelled[0]]
    stored = toy.pictures.sketches(entries, [[0], [0]], "taps")
    expected = torch.cat([stored(np.array([0]), 1), stored(np.array([1]), 2)])
    assert torch.equal(stored(np.arange(2), MIRRORED), expected)
    with pytest.raises(IndexError):
        stored(np.array([0]), 2)


class OneOfTwo(Compute):
    """One of two processes that share a run, which wait for each other."""

    def __init__(self, rank: int, barrier: threading.Barrier) -> None:
        super().__init__(torch.device("cpu"))
        self.rank, self.world, self.is_main, self._barrier = rank, 2, rank == 0, barrier

    def in_turn(self, work: Sequence[Any], name: str) -> Iterator[Any]:
        return iter(work[self.rank :: self.world])

    def wait_for_all(self) -> None:
        self._barrier.wait(60)


def test_two_processes_write_what_one_writes(toy_folder: Path, tmp_path: Path) -> None:
    barrier, trunk = threading.Barrier(2), packaged_trunk(SPEC)

    def write(rank: int) -> None:
        reader, store = Reader(trunk, SPEC, OneOfTwo(rank, barrier)), ShardStore(toy_folder / "shards")
        layout = layout_of(trunk, SPEC, variants=2, sketch_maps=True)
        write_features(reader, store, layout, strength=1.0, scratch=tmp_path / "scratch", out=tmp_path / "features")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    assert bytes_of(tmp_path / "features") == bytes_of(toy_folder / "features")


def test_a_killed_run_goes_on_where_it_stopped(
    toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shard, written, alive = extraction._write_shard, list[str](), 2

    def counted(*arguments: Any) -> None:
        if len(written) == alive:
            raise KeyboardInterrupt
        written.append(arguments[-1].name)
        write_shard(*arguments)

    monkeypatch.setattr(extraction, "_write_shard", counted)
    with pytest.raises(KeyboardInterrupt):
        write_toy_features(toy_folder / "shards", tmp_path / "features")
    assert not (tmp_path / "features").exists()
    alive = 100
    write_toy_features(toy_folder / "shards", tmp_path / "features")
    assert len(set(written)) == len(written)  # no shard was done twice
    assert bytes_of(tmp_path / "features") == bytes_of(toy_folder / "features")


@pytest.mark.parametrize("damage", ["truncated", "missing", "other shards", "not features"])
def test_damage_is_named(toy_folder: Path, tmp_path: Path, damage: str) -> None:
    folder, index = tmp_path / "features", ShardStore(toy_folder / "shards").index
    shutil.copytree(toy_folder / "features", folder)
    array, about = next(folder.glob(f"train-*/{FILES['photo', 'taps']}")), folder / "features.json"
    if damage == "truncated":
        array.write_bytes(array.read_bytes()[:-1000])
    elif damage == "missing":
        array.unlink()
    else:
        about.write_text("{}" if damage == "not features" else about.read_text().replace("train-00000", "train-7"))
    with pytest.raises(DataError, match=array.name if damage in ("truncated", "missing") else about.name):
        FeatureStore(folder, index)


def test_too_large_numbers_are_cut_and_not_infinite() -> None:
    assert half(torch.tensor([1e9, -1e9, 0.5])).tolist() == [60000.0, -60000.0, 0.5]

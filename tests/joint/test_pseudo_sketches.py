"""The folder of pseudo sketches: what goes in comes out; statistics of a source; what rounds replace."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.data.records import DataError
from fgsbir.features.trunk import Features
from fgsbir.joint.pseudo_sketches import SOURCES, PseudoSketches, gathered, moments, read_pseudo, write_pseudo

OF_SKETCHES = ("photo", "form", "source", "taps", "certainty", "typical")
D = 6


def some(seed: int = 0, names: tuple[str, ...] = ("b/2", "none", "a"), maps: bool = True) -> PseudoSketches:
    """Eight sketches: five of the first photo, none of the second, three of the third."""
    rng = np.random.default_rng(seed)
    return PseudoSketches(
        photo_ids=list(names),
        photo=np.array([0, 0, 0, 0, 0, 2, 2, 2]),
        form=np.array([0, 1] * 4, np.uint8),
        source=np.array([0, 0, 1, 1, 1, 0, 1, 1], np.uint8),
        strokes=[rng.uniform(0, 256, (3 + number, 3)).astype(np.float32) for number in range(8)],
        taps=rng.normal(3, 2, (8, D)).astype(np.float16),
        maps=rng.normal(0, 1, (8, 2, 3, 3)).astype(np.float16) if maps else None,
        certainty=rng.random(8, np.float32),
        typical=np.full(8, 0.5, np.float32),
        scale=np.ones((len(SOURCES), D), np.float32),
        offset=np.zeros((len(SOURCES), D), np.float32),
        edges=3,
    )


def assert_same(one: PseudoSketches, other: PseudoSketches) -> None:
    assert one.photo_ids == other.photo_ids and one.edges == other.edges
    for name in (*OF_SKETCHES, "scale", "offset", "drawn_in"):
        values, expected = getattr(one, name), getattr(other, name)
        assert values.dtype == expected.dtype and np.array_equal(values, expected), name
    assert (one.maps is None) == (other.maps is None) and (one.maps is None or np.array_equal(one.maps, other.maps))
    assert all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes, strict=True))


@pytest.mark.parametrize("maps", [True, False])
def test_what_goes_in_comes_out_and_the_same_bytes_again(tmp_path: Path, maps: bool) -> None:
    write_pseudo(tmp_path / "one", some(maps=maps))
    found = read_pseudo(tmp_path / "one")
    assert_same(found, some(maps=maps))
    write_pseudo(tmp_path / "other", found)
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()}
    # What is read can change, and the files do not.
    found.taps[:] = 0
    assert_same(read_pseudo(tmp_path / "one"), some(maps=maps))


def test_no_photo_at_all(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {name: getattr(some(), name)[:0] for name in (*OF_SKETCHES, "strokes", "scale", "offset")}
    write_pseudo(tmp_path, PseudoSketches([], maps=None, **nothing))
    assert len(read_pseudo(tmp_path)) == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "expected format 3, found 2; run the stage pseudo again"),
        ({"photos": 3}, "expected what the stage pseudo writes"),
        ({"photos": [{"id": "a"}]}, "'sketches'"),
        ({"photos": [{"id": "a", "sketches": 1}]}, "lists 1 sketches, the arrays hold"),
        ({"photos": [{"id": "a", "sketches": 9}, {"id": "b", "sketches": -1}]}, "lists 8 sketches"),
    ],
)
def test_a_malformed_index_is_told(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    write_pseudo(tmp_path, some())
    index = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps(index | change))
    with pytest.raises(DataError, match=told):
        read_pseudo(tmp_path)


@pytest.mark.parametrize("file", ["index.json", "sketches.npz", "taps.npy"])
def test_truncated_and_missing_files_are_told(tmp_path: Path, file: str) -> None:
    write_pseudo(tmp_path, some())
    path = tmp_path / file
    for data in (path.read_bytes()[: path.stat().st_size // 2], b"", None):
        path.unlink() if data is None else path.write_bytes(data)
        with pytest.raises(DataError, match="stage pseudo"):
            read_pseudo(tmp_path)


def test_gathered_parts_are_one(tmp_path: Path) -> None:
    parts = [some(0), some(1, ("c", "d", "e"))]
    both = gathered(parts, tmp_path)
    assert both.photo_ids == ["b/2", "none", "a", "c", "d", "e"] and len(both) == len(both.strokes) == 16
    assert both.photo.tolist() == [0] * 5 + [2] * 3 + [3] * 5 + [5] * 3
    assert np.array_equal(both.taps[8:], parts[1].taps) and np.array_equal(both.certainty[:8], parts[0].certainty)


def test_a_source_takes_the_statistics_of_people() -> None:
    stored, before = some(), some()
    mean, deviation = np.full(D, 10, np.float32), np.full(D, 4, np.float32)
    stored.standardise_source("generator", mean, deviation)
    stored.standardise_source("file", mean, deviation)  # of which there is none
    rows = np.flatnonzero(stored.of_source("generator"))
    of_generator, spread = moments(stored.taps, rows)
    np.testing.assert_allclose(of_generator, mean, atol=0.02)
    np.testing.assert_allclose(spread, deviation, rtol=0.01)
    edges = stored.of_source("edges")
    assert np.array_equal(stored.taps[edges], before.taps[edges])
    # What is read later is moved alike.
    again = stored.fit(torch.from_numpy(before.taps[rows]).float(), "generator")
    np.testing.assert_allclose(again.numpy(), stored.taps[rows], rtol=2e-3)


def test_a_checkpoint_holds_what_was_replaced() -> None:
    stored, again = some(), some()
    for each in (stored, again):
        each.standardise_source("generator", np.zeros(D, np.float32), np.ones(D, np.float32))
    strokes = [np.full((2, 3), 7, np.float32), np.full((5, 3), 8, np.float32)]
    read = Features(torch.ones(2, D), torch.full((2, 2, 3, 3), 5.0))
    stored.replace(np.array([2, 7]), strokes, read, drawn_in=4)
    stored.certainty[[2, 7]] = [0.25, 0.75]
    again.load_state_dict(stored.state_dict())
    assert_same(again, stored)
    assert again.drawn_in.tolist() == [0, 0, 4, 0, 0, 0, 0, 4] and np.array_equal(again.strokes[7], strokes[1])
    assert np.array_equal(stored.taps[2], stored.fit(torch.ones(1, D), "generator").half().numpy()[0])

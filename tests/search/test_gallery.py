"""The nearest photos against brute force in float64, and an index whose files are damaged."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.records import DataError
from fgsbir.search import gallery as gallery_module
from fgsbir.search.gallery import (
    EMBEDDINGS,
    FEATURES,
    FORMAT,
    HALF_NORMS,
    HASHES,
    INDEX,
    PATH_ENDS,
    PATHS,
    Gallery,
    Photos,
    nearest,
    nearest_by_faiss,
    write_photos,
)

numbers = st.floats(-4, 4, width=32).map(lambda value: round(value, 2))
# Few different numbers, so that rows are often equal, or equally far.
coarse = st.sampled_from([-1.0, 0.0, 0.5, 1.0])


@st.composite
def searches(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """A query (d,), embeddings (n, d) with ties and duplicates, and k."""
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    elements = draw(st.sampled_from([numbers, coarse]))
    rows = draw(hnp.arrays(np.float32, (n, d), elements=elements))
    query = draw(hnp.arrays(np.float32, d, elements=elements))
    return query, rows[draw(hnp.arrays(np.int64, n, elements=st.integers(0, n - 1)))], draw(st.integers(0, n + 3))


def brute_force(query: np.ndarray, embeddings: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    distances = np.sqrt(np.square(embeddings.astype(np.float64) - query.astype(np.float64)).sum(1))
    rows = sorted(range(len(embeddings)), key=lambda row: (distances[row], row))[:k]
    return np.array(rows, np.int64), distances[rows]


@settings(max_examples=300)
@given(searches())
def test_the_nearest_are_those_of_brute_force(search: tuple[np.ndarray, np.ndarray, int]) -> None:
    found = nearest(*search)
    rows, distances = brute_force(*search)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.distances, distances)


@settings(max_examples=200)
@given(searches())
def test_faiss_finds_the_same(search: tuple[np.ndarray, np.ndarray, int]) -> None:
    pytest.importorskip("faiss")
    found, rows = nearest_by_faiss(*search), brute_force(*search)[0]
    np.testing.assert_array_equal(found.rows, rows)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("search", [nearest, nearest_by_faiss])
def test_near_ties_on_the_sphere_are_told_apart(search, seed: int) -> None:  # type: ignore[no-untyped-def]
    if search is nearest_by_faiss:
        pytest.importorskip("faiss")
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=64)
    # All so close to one another that float32's products cannot order them.
    rows = centre + rng.normal(scale=1e-5, size=(3000, 64))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    query = (centre / np.linalg.norm(centre)).astype(np.float32)
    np.testing.assert_array_equal(search(query, rows, 10).rows, brute_force(query, rows, 10)[0])


def test_faiss_and_many_photos_alike() -> None:
    pytest.importorskip("faiss")
    rows = np.zeros((500, 8), np.float32)
    rows[:, 0], rows[:3, 0] = 1, 2
    found = nearest_by_faiss(np.zeros(8, np.float32), rows, 5)
    assert found.rows.tolist() == [3, 4, 5, 6, 7]


HASHED = np.random.default_rng(0).integers(0, 256, (5, 32), dtype=np.uint8)
HASHED = HASHED[np.lexsort(HASHED.T[::-1])]
NAMES = [b"/a/b.jpg", b"/\xff\xfe.png", "/ü/ß.jpg".encode(), b"/a\nb.jpg", b"/z"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of 5 photos, without its model, which no search of the gallery needs."""
    path = tmp_path / "index"
    path.mkdir()
    embeddings = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    write_photos(path, Photos(HASHED, NAMES, embeddings, embeddings[:, None, :3].astype(np.float16)))
    about = {"format": FORMAT, "photos": 5, "dimensions": 4, "model": "a" * 64, "adaptive": "b" * 64, "skipped": {}} | {
        "precision": "float32"
    }
    (path / INDEX).write_text(json.dumps(about))
    return path


def test_ids_rows_and_paths_belong_together(folder: Path) -> None:
    gallery = Gallery(folder)
    ids = [gallery.id(row) for row in range(5)]
    assert ids == sorted(ids) == [bytes(row[:8]).hex() for row in HASHED] and len(set(ids)) == len(gallery) == 5
    assert [gallery.row(id) for id in ids] == list(range(5))
    assert [bytes(gallery.path(row)) for row in range(5)] == NAMES


@pytest.mark.parametrize(
    "wrong", ["", "0" * 16, "f" * 16, "../../etc/passwd", "0" * 15 + "g", "ü" * 16, "0x" + "1" * 14]
)
def test_other_ids_are_unknown(folder: Path, wrong: str) -> None:
    with pytest.raises(DataError, match="expected the id of a photo in the index"):
        Gallery(folder).row(wrong)


def test_an_id_has_one_spelling(folder: Path) -> None:
    gallery = Gallery(folder)
    hashes = HASHED.copy()
    hashes[0, 0], hashes[0, 7] = 0, 171
    write_photos(folder, Photos(hashes, NAMES, np.array(gallery.embeddings), np.array(gallery.features)))
    gallery, id = Gallery(folder), bytes(hashes[0, :8]).hex()
    assert gallery.row(id) == 0
    for spelled in (id.upper(), f"{id[2:]}  ", f" {id[2:]} ", id[2:], f"{id[:8]} {id[8:]}"):
        with pytest.raises(DataError, match="expected the id of a photo"):
            gallery.row(spelled)


def test_many_photos_are_searched_by_faiss_if_it_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, asked = Gallery(folder), []
    monkeypatch.setattr(gallery_module, "MANY", 4)
    monkeypatch.setattr(gallery_module, "nearest_by_faiss", lambda *arguments: asked.append(arguments[2]))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert len(gallery.nearest(np.zeros(4, np.float32), 3).rows) == 3 and not asked
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    gallery.nearest(np.zeros(4, np.float32), 3)
    assert asked == [3]


@pytest.mark.parametrize("name", [EMBEDDINGS, HALF_NORMS, HASHES, PATH_ENDS, FEATURES, PATHS, INDEX])
@pytest.mark.parametrize("left", [0, 5, 60, -1])
def test_a_truncated_file_is_told(folder: Path, name: str, left: int) -> None:
    data = (folder / name).read_bytes()
    # The last byte of JSON is a line's end at most.
    (folder / name).write_bytes(data[: min(left, len(data) - 2)] if left >= 0 else data[:-1])
    with pytest.raises(DataError, match=rf"{name.replace('.', '[.]')}|no {INDEX}"):
        Gallery(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=name.replace(".", "[.]")):
        Gallery(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 1),
        ("format", None),
        ("photos", 4),
        ("photos", "5"),
        ("photos", -5),
        ("dimensions", 3),
        ("dimensions", None),
        ("model", 3),
        ("adaptive", 3),
        ("precision", "float16"),
        ("precision", None),
    ],
)
def test_another_index_json_is_told(folder: Path, key: str, value: object) -> None:
    about = json.loads((folder / INDEX).read_text())
    (folder / INDEX).write_text(json.dumps(about | {key: value}))
    with pytest.raises(DataError, match="expected"):
        Gallery(folder)


@pytest.mark.parametrize("text", ["", "[]", "null", "3", "{", '"x"', "\xff", "[" * 100_000])
def test_what_is_no_index_json_is_told(folder: Path, text: str) -> None:
    (folder / INDEX).write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match="expected"):
        Gallery(folder)


def test_files_of_another_type_are_told(folder: Path, tmp_path: Path) -> None:
    whole = shutil.copytree(folder, tmp_path / "whole")
    np.save(folder / EMBEDDINGS, np.zeros((5, 4)))
    with pytest.raises(DataError, match=r"expected float32 \(5, 4\), found float64"):
        Gallery(folder)
    np.savez(folder / "x.npz", a=np.zeros(3))
    (folder / "x.npz").replace(folder / EMBEDDINGS)
    with pytest.raises(DataError, match=EMBEDDINGS):
        Gallery(folder)
    np.save(whole / EMBEDDINGS, np.array([{}] * 5), allow_pickle=True)
    with pytest.raises(DataError, match=EMBEDDINGS):
        Gallery(whole)
    with pytest.raises(DataError, match="made by fgsbir index"):
        Gallery(tmp_path / "none")

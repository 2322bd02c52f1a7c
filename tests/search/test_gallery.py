"""The nearest photos against brute force in float64, and an index whose files are damaged."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.records import DataError
from fgsbir.search.gallery import FORMAT, Gallery, Photos, nearest, write_photos

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
@given(searched=searches())
def test_the_nearest_are_those_of_brute_force(searched: tuple[np.ndarray, np.ndarray, int]) -> None:
    for found, expected in zip(nearest(*searched), brute_force(*searched), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", range(3))
def test_near_ties_on_the_sphere_are_told_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=64)
    # All so close to one another that float32's products cannot order them.
    rows = centre + rng.normal(scale=1e-5, size=(3000, 64))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    query = (centre / np.linalg.norm(centre)).astype(np.float32)
    np.testing.assert_array_equal(nearest(query, rows, 10)[0], brute_force(query, rows, 10)[0])


def test_many_photos_alike() -> None:
    rows = np.zeros((500, 8), np.float32)
    rows[:, 0], rows[:3, 0] = 1, 2
    assert nearest(np.zeros(8, np.float32), rows, 5)[0].tolist() == [3, 4, 5, 6, 7]


HASHED = np.random.default_rng(0).integers(0, 256, (5, 32), dtype=np.uint8)
HASHED = HASHED[np.lexsort(HASHED.T[::-1])]
HASHED[0, 0], HASHED[0, 7] = 0, 171
NAMES = [b"/a/b.jpg", b"/\xff\xfe.png", "/ü/ß.jpg".encode(), b"/a\nb.jpg", b"/z"]


FILES = ["embeddings.npy", "half_norms.npy", "hashes.npy", "path_ends.npy", "features.npy", "paths.bin", "index.json"]
ABOUT = {"format": FORMAT, "photos": 5, "dimensions": 4, "skipped": {}, "precision": "float32"}
ABOUT |= {"model": "a" * 64, "adaptive": "b" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of 5 photos, without its model, which no search of the gallery needs."""
    embeddings = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    write_photos(tmp_path, Photos(HASHED, NAMES, embeddings, embeddings[:, None, :3].astype(np.float16)))
    (tmp_path / "index.json").write_text(json.dumps(ABOUT))
    return tmp_path


def test_ids_rows_and_paths_belong_together(folder: Path) -> None:
    gallery = Gallery(folder)
    ids = [gallery.id(row) for row in range(5)]
    assert ids == sorted(ids) == [bytes(row[:8]).hex() for row in HASHED] and len(set(ids)) == len(gallery) == 5
    assert [gallery.row(id) for id in ids] == list(range(5))
    assert [bytes(gallery.path(row)) for row in range(5)] == NAMES


FIRST = bytes(HASHED[0, :8]).hex()


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "0" * 16, "f" * 16, "../../etc/passwd", "0" * 15 + "g", "ü" * 16, "0x" + "1" * 14),
        # An id has one spelling.
        *(FIRST.upper(), f"{FIRST[2:]}  ", f" {FIRST[2:]} ", FIRST[2:], f"{FIRST[:8]} {FIRST[8:]}"),
    ],
)
def test_other_ids_are_unknown(folder: Path, wrong: str) -> None:
    with pytest.raises(DataError, match="expected the id of a photo in the index"):
        Gallery(folder).row(wrong)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [None, 0, 5, 60, -2])  # None: there is no such file
def test_a_truncated_file_is_told(folder: Path, name: str, left: int | None) -> None:
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    if left is not None:
        (folder / name).write_bytes(data[: min(left, len(data) - 2)])
    with pytest.raises(DataError, match=name.replace(".", "[.]")):
        Gallery(folder)


@pytest.mark.parametrize(
    "text",
    [
        *(json.dumps(ABOUT | {"format": value}) for value in (1, None)),
        *(json.dumps(ABOUT | {key: value}) for key in ("photos", "dimensions") for value in (3, None, "5", -5)),
        *(json.dumps(ABOUT | {key: 3}) for key in ("model", "adaptive", "precision")),
        *("", "[]", "null", "3", "{", '"x"', "\xff", "[" * 100_000),
    ],
)
def test_another_index_json_is_told(folder: Path, text: str) -> None:
    (folder / "index.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match="expected") as refused:
        Gallery(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("other", [np.zeros((5, 4)), np.zeros((5, 3), np.float32), np.array([{}] * 5), None])
def test_files_of_another_type_are_told(folder: Path, other: np.ndarray | None) -> None:
    with (folder / "embeddings.npy").open("wb") as file:
        if other is None:
            np.savez(file, a=np.zeros(3))
        else:
            np.save(file, other, allow_pickle=True)
    with pytest.raises(DataError, match=r"embeddings\.npy"):
        Gallery(folder)

"""Search by an inverted file: as good as exact, after photos came and went too, and with true distances."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ratio import unit_vectors
from benchmarks.vectors import perturbed
from fgsbir.data.records import DataError
from fgsbir.search.gallery import FORMAT, Gallery, Photos, nearest, write_photos
from fgsbir.search.inverted_file import FILE, cells_of

pytest.importorskip("faiss")
PHOTOS, DIMENSIONS = 6000, 160
ABOUT = {
    "format": FORMAT,
    "dimensions": DIMENSIONS,
    "skipped": {},
    "precision": "float32",
    "model": "",
    "adaptive": None,
}
# Photos differ in some directions more than in others, as those of a data set do.
BASE = unit_vectors(0, 200, DIMENSIONS) * np.linspace(1.5, 0.1, DIMENSIONS, dtype=np.float32)
EMBEDDINGS = np.concatenate(list(perturbed(BASE / np.linalg.norm(BASE, axis=1, keepdims=True), PHOTOS, 0)))
HASHES = np.random.default_rng(0).integers(0, 256, (PHOTOS, 32), dtype=np.uint8)


def index_of(folder: Path, chosen: np.ndarray, old: Path | None = None) -> Gallery:
    """An index of the photos ``chosen``, in ``folder``."""
    chosen = chosen[np.lexsort(HASHES[chosen].T[::-1])]
    folder.mkdir()
    photos = Photos(HASHES[chosen], [b"photo.jpg"] * len(chosen), EMBEDDINGS[chosen], None)
    write_photos(folder, photos, old=old, many=100)
    (folder / "index.json").write_text(json.dumps(ABOUT | {"photos": len(chosen)}))
    return Gallery(folder)


def recall(gallery: Gallery, among: np.ndarray | None = None) -> float:
    """The share of the exact top ten that is found; what is found has its true distance."""
    shared = []
    for query in unit_vectors(1, 50, DIMENSIONS) + EMBEDDINGS[:50]:
        rows, distances = gallery.nearest(query, 10, among)
        exact, _ = nearest(query, gallery.embeddings, 10, among=among)
        np.testing.assert_allclose(distances, np.linalg.norm(gallery.embeddings[rows] - query, axis=1), rtol=1e-5)
        assert (np.diff(distances) >= 0).all() and (among is None or among[rows].all())
        shared.append(len(np.intersect1d(rows, exact)) / 10)
    return float(np.mean(shared))


def test_the_top_ten_are_found_also_after_photos_came_and_went(tmp_path: Path) -> None:
    first = index_of(tmp_path / "first", np.arange(4000))
    assert recall(first) >= 0.98
    later = np.arange(1000, PHOTOS)
    updated = index_of(tmp_path / "updated", later, old=first.folder)
    anew = index_of(tmp_path / "anew", later)
    assert recall(updated) >= 0.98 and recall(anew) >= 0.98
    # Nothing was trained again, and what was trained is the same every time.
    again = index_of(tmp_path / "again", later, old=first.folder)
    assert (again.folder / FILE).read_bytes() == (updated.folder / FILE).read_bytes()
    assert (updated.folder / FILE).read_bytes() != (anew.folder / FILE).read_bytes()
    few = index_of(tmp_path / "few", np.arange(300), old=first.folder)
    assert cells_of(300) <= cells_of(4000) // 4 and recall(few) >= 0.98


@pytest.mark.parametrize("share", [0.0, 0.001, 0.03, 0.2, 0.99])
def test_a_folder_is_searched_as_well_as_all(tmp_path: Path, share: float) -> None:
    gallery = index_of(tmp_path / "index", np.arange(PHOTOS))
    among = np.random.default_rng(2).random(PHOTOS) < share
    assert len(gallery.nearest(EMBEDDINGS[0], 10, among)[0]) == min(10, among.sum())
    assert not among.sum() >= 10 or recall(gallery, among) >= 0.98


def test_as_many_are_found_as_are_asked_for(tmp_path: Path) -> None:
    gallery = index_of(tmp_path / "index", np.arange(3000))
    for k in (0, 1, 900, 1001, 3000, 4000):
        rows, _ = gallery.nearest(EMBEDDINGS[5], k)
        assert len(rows) == len(np.unique(rows)) == min(k, 3000)


@pytest.mark.parametrize("damage", ["truncated", "of other photos", "empty"])
def test_damage_is_told(tmp_path: Path, damage: str) -> None:
    gallery = index_of(tmp_path / "index", np.arange(3000))
    path = gallery.folder / FILE
    whole = path.read_bytes()
    if damage == "of other photos":
        path.write_bytes((index_of(tmp_path / "other", np.arange(2999)).folder / FILE).read_bytes())
    else:
        path.unlink()  # what is mapped stays
        path.write_bytes(whole[: len(whole) // 2 if damage == "truncated" else 0])
    with pytest.raises(DataError, match=r"inverted\.faiss"):
        Gallery(gallery.folder)

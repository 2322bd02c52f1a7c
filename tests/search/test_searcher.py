"""An index with its model: searches, and photos like a photo."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.data.strokes import join_strokes
from fgsbir.retrieval.encoder import Encoder
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from tests.toy import SIZE, cpu

MakePhoto = Callable[[Path, int], Path]
SKETCHES = [
    join_strokes([np.array([[30.0, 20 + 40 * number], [200, 220 - 30 * number], [60, 90]])]) for number in range(5)
]


@pytest.fixture
def photos(tmp_path: Path, make_photo: MakePhoto) -> Path:
    for number in range(8):
        make_photo(tmp_path / "photos" / f"{number}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def index(tmp_path: Path, joint_model: Path, photos: Path) -> Path:
    index_photos([photos], joint_model, tmp_path / "index")
    return tmp_path / "index"


def test_a_search_ranks_by_the_distance_of_the_embeddings(index: Path, joint_model: Path) -> None:
    searcher, encoder = Searcher.open(index), Encoder.load(joint_model / "retrieval", cpu())
    query = encoder.sketch(SKETCHES[0])
    found = searcher.search(SKETCHES[0], 20)
    assert [match.rank for match in found] == list(range(1, 9)) and len({match.id for match in found}) == 8
    assert [match.distance for match in found] == sorted(match.distance for match in found)
    for match in found:
        pixels = read_pixels(match.path.read_bytes(), match.path.name, SIZE)
        expected = np.linalg.norm(encoder.photos(pixels[None])[0] - query)
        assert match.distance == pytest.approx(expected, abs=1e-5)
    assert searcher.search(SKETCHES[0], 3) == found[:3] and searcher.search(SKETCHES[0], 0) == []
    moved = SKETCHES[0] * np.float32([0.5, 0.5, 1]) + np.float32([9, 40, 0])
    assert [match.id for match in searcher.search(moved, 20)] == [match.id for match in found]


def test_photos_like_a_photo_leave_itself_out(index: Path) -> None:
    searcher = Searcher.open(index)
    first = searcher.search(SKETCHES[0], 1)[0]
    alike = searcher.similar(first.id, 20)
    assert len(alike) == 7 and first.id not in {match.id for match in alike}
    assert [match.rank for match in alike] == list(range(1, 8)) and alike[:2] == searcher.similar(first.id, 2)
    rows = searcher.gallery.embeddings
    here = searcher.gallery.row(first.id)
    expected = np.linalg.norm(rows[searcher.gallery.row(alike[0].id)] - rows[here])
    assert alike[0].distance == pytest.approx(expected, abs=1e-6)
    with pytest.raises(DataError, match="expected the id of a photo"):
        searcher.similar("0" * 16, 3)

"""An index with its model: searches, and photos like a photo."""

from pathlib import Path

import numpy as np
import pytest

from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.data.strokes import join_strokes
from fgsbir.retrieval.encoder import Encoder
from fgsbir.search.searcher import Searcher
from tests.toy import SIZE, cpu

SKETCH = join_strokes([np.array([[30.0, 20], [200, 220], [60, 90]])])


def test_a_search_ranks_by_the_distance_of_the_embeddings(index: Path, joint_model: Path) -> None:
    searcher, encoder = Searcher.open(index), Encoder.load(joint_model / "retrieval", cpu())
    query, found = encoder.sketch(SKETCH), searcher.search(SKETCH, 20)
    assert [match.rank for match in found] == list(range(1, 6)) and len({match.id for match in found}) == 5
    assert [match.distance for match in found] == sorted(match.distance for match in found)
    for match in found:
        pixels = read_pixels(match.path.read_bytes(), match.path.name, SIZE)
        expected = np.linalg.norm(encoder.photos(pixels[None])[0] - query)
        assert match.distance == pytest.approx(expected, abs=1e-5)
    assert searcher.search(SKETCH, 3) == found[:3] and searcher.search(SKETCH, 0) == []
    moved = SKETCH * np.float32([0.5, 0.5, 1]) + np.float32([9, 40, 0])
    assert [match.id for match in searcher.search(moved, 20)] == [match.id for match in found]


def test_photos_like_a_photo_leave_itself_out(index: Path) -> None:
    searcher = Searcher.open(index)
    first = searcher.search(SKETCH, 1)[0]
    alike = searcher.similar(first.id, 20)
    assert len(alike) == 4 and first.id not in {match.id for match in alike}
    assert [match.rank for match in alike] == list(range(1, 5)) and alike[:2] == searcher.similar(first.id, 2)
    here, other = (searcher.gallery.embeddings[searcher.gallery.row(id)] for id in (first.id, alike[0].id))
    assert alike[0].distance == pytest.approx(np.linalg.norm(other - here), abs=1e-6)
    with pytest.raises(DataError, match="expected the id of a photo"):
        searcher.similar("0" * 16, 3)

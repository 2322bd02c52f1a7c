"""An index adapted to a hand: by statistics of its own F, or by an adaptive model's weights too."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.support import SupportSet, adapt_to
from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre, join_strokes
from fgsbir.retrieval.encoder import Encoder
from fgsbir.runtime.model_folder import load_model
from fgsbir.search.adaptation import Adapter
from fgsbir.search.gallery import ADAPTIVE
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from tests.toy import SIZE, Toy, cpu
from tests.trained import save_adaptive, save_meta_trained

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
def adaptive(tmp_path: Path, toy: Toy) -> Path:
    return save_meta_trained(tmp_path / "adaptive", toy)


@pytest.fixture
def index(tmp_path: Path, joint_model: Path, photos: Path, adaptive: Path) -> Path:
    index_photos([photos], joint_model, tmp_path / "index", adaptive=adaptive)
    return tmp_path / "index"


def test_adapting_is_that_of_the_adaptive_model_on_the_same_support(index: Path, adaptive: Path) -> None:
    searcher, model = Searcher.open(index), load_model(adaptive, AdaptiveModel)
    rows = [2, 6, 2, 4, 6]  # two photos were drawn twice
    ids = [searcher.gallery.id(row) for row in rows]
    adapted = Adapter(searcher).adapt(SKETCHES, ids)
    data = [searcher.gallery.path(row).read_bytes() for row in (2, 4, 6)]
    support = SupportSet([centre(sketch) for sketch in SKETCHES], np.array([0, 2, 0, 1, 2]), data)
    expected = Encoder(adapt_to(model, Encoder(model.retrieval, cpu()), support, pool=True), cpu())
    assert not torch.allclose(expected.model.head.weight, model.head.weight @ model.projection.weight)
    query = expected.sketch(SKETCHES[3])
    for match in adapted.search(SKETCHES[3], 8):
        pixels = read_pixels(match.path.read_bytes(), "x", SIZE)
        # The index keeps float16.
        assert match.distance == pytest.approx(np.linalg.norm(expected.photos(pixels[None])[0] - query), abs=5e-3)
    alike = adapted.similar(ids[0], 8)
    assert len(alike) == 7 and [match.distance for match in alike] == sorted(match.distance for match in alike)


def test_an_index_of_a_plain_f_adapts_to_sketches_and_keeps_its_photos(
    tmp_path: Path, joint_model: Path, photos: Path
) -> None:
    index_photos([photos], joint_model, tmp_path / "plain")
    searcher = Searcher.open(tmp_path / "plain")
    # Long strokes in one corner: another kind of drawing than the toy's.
    rows = [0, 1, 2, 3, 4]
    adapted = Adapter(searcher).adapt(SKETCHES, [searcher.gallery.id(row) for row in rows])
    id = searcher.gallery.id(0)
    assert adapted.similar(id, 8) == searcher.similar(id, 8)
    assert adapted.search(SKETCHES[0], 8) != searcher.search(SKETCHES[0], 8)


def test_adapting_changes_no_other_searcher(index: Path) -> None:
    searcher = Searcher.open(index)
    adapter, before = Adapter(searcher), searcher.search(SKETCHES[1], 8)
    ids = [searcher.gallery.id(row) for row in (0, 3)]
    first = adapter.adapt(SKETCHES[:2], ids)
    found = first.search(SKETCHES[1], 8)
    other = adapter.adapt(SKETCHES[2:4], ids[::-1])
    assert other.search(SKETCHES[1], 8) != found == first.search(SKETCHES[1], 8)
    assert searcher.search(SKETCHES[1], 8) == before != found
    assert adapter.adapt(SKETCHES[:2], ids).search(SKETCHES[1], 8) == found


def test_corrections_that_cannot_be_used(index: Path) -> None:
    adapter, id = Adapter(Searcher.open(index)), Searcher.open(index).gallery.id(0)
    with pytest.raises(DataError, match="expected at least one sketch"):
        adapter.adapt([], [])
    with pytest.raises(DataError, match="expected the id of a photo"):
        adapter.adapt(SKETCHES[:2], [id, "0" * 16])
    assert len(adapter.adapt(SKETCHES[:1], [id]).search(SKETCHES[0], 8)) == 8, "one photo moves statistics alone"


def test_another_adaptive_model_than_the_indexs_is_refused(index: Path, toy: Toy) -> None:
    save_adaptive(index / ADAPTIVE, toy, seed=1)
    with pytest.raises(DataError, match="is another model than the index was made with"):
        Adapter(Searcher.open(index))

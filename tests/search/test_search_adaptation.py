"""An index adapted to a hand: by statistics of its own F, or by an adaptive model's weights too."""

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
from tests.trained import save_adaptive

# Long strokes in one corner: another kind of drawing than the toy's.
SKETCHES = [
    join_strokes([np.array([[30.0, 20 + 40 * number], [200, 220 - 30 * number], [60, 90]])]) for number in range(5)
]


@pytest.fixture
def searcher(tmp_path: Path, joint_model: Path, photos: Path, adaptive_model: Path) -> Searcher:
    """Of an index that can be adapted by weights."""
    index_photos([photos], joint_model, tmp_path / "adaptable", adaptive=adaptive_model)
    return Searcher.open(tmp_path / "adaptable")


def test_adapting_is_that_of_the_adaptive_model_on_the_same_support(searcher: Searcher, adaptive_model: Path) -> None:
    model, rows = load_model(adaptive_model, AdaptiveModel), [1, 4, 1, 2, 4]  # two photos were drawn twice
    ids = [searcher.gallery.id(row) for row in rows]
    adapted = Adapter(searcher).adapt(SKETCHES, ids, "head")
    data = [searcher.gallery.path(row).read_bytes() for row in (1, 2, 4)]
    support = SupportSet([centre(sketch) for sketch in SKETCHES], np.array([0, 2, 0, 1, 2]), data)
    expected = Encoder(adapt_to(model, Encoder(model.retrieval, cpu()), support, pool=True), cpu())
    assert not torch.allclose(expected.model.head.weight, model.head.weight @ model.projection.weight)
    query = expected.sketch(SKETCHES[3])
    for match in adapted.search(SKETCHES[3], 5):
        pixels = read_pixels(match.path.read_bytes(), "x", SIZE)
        # The index keeps float16.
        assert match.distance == pytest.approx(np.linalg.norm(expected.photos(pixels[None])[0] - query), abs=5e-3)
    alike = adapted.similar(ids[0], 5)
    assert len(alike) == 4 and [match.distance for match in alike] == sorted(match.distance for match in alike)


def test_an_index_of_a_plain_f_adapts_to_sketches_and_keeps_its_photos(index: Path) -> None:
    searcher = Searcher.open(index)
    ids = [searcher.gallery.id(row) for row in range(5)]
    adapted = Adapter(searcher).adapt(SKETCHES, ids)
    assert adapted.similar(ids[0], 5) == searcher.similar(ids[0], 5)
    assert adapted.search(SKETCHES[0], 5) != searcher.search(SKETCHES[0], 5)


def test_adapting_changes_no_other_searcher(searcher: Searcher) -> None:
    adapter, before = Adapter(searcher), searcher.search(SKETCHES[1], 5)
    ids = [searcher.gallery.id(row) for row in (0, 3)]
    first = adapter.adapt(SKETCHES[:2], ids)
    found = first.search(SKETCHES[1], 5)
    other = adapter.adapt(SKETCHES[2:4], ids[::-1])
    assert other.search(SKETCHES[1], 5) != found == first.search(SKETCHES[1], 5)
    assert searcher.search(SKETCHES[1], 5) == before != found
    assert adapter.adapt(SKETCHES[:2], ids).search(SKETCHES[1], 5) == found


def test_corrections_that_cannot_be_used(searcher: Searcher) -> None:
    adapter, id = Adapter(searcher), searcher.gallery.id(0)
    with pytest.raises(DataError, match="expected at least one sketch"):
        adapter.adapt([], [])
    with pytest.raises(DataError, match="expected the id of a photo"):
        adapter.adapt(SKETCHES[:2], [id, "0" * 16])
    # The head needs two photos to tell from each other, however many drawings there are of one.
    heads = [adapter.adapt(SKETCHES, [id] * 5, grade).encoder.model.head.weight for grade in ("head", "statistics")]
    assert torch.equal(*heads) and adapter.learn(SKETCHES, [id] * 5, searcher)[0] != "head"


def test_another_adaptive_model_than_the_indexs_is_refused(searcher: Searcher, toy: Toy) -> None:
    save_adaptive(searcher.gallery.folder / ADAPTIVE, toy, seed=1)
    with pytest.raises(DataError, match="is another model than the index was made with"):
        Adapter(searcher)

"""The test set, and that F sees each photo and each sketch of it exactly once."""

import numpy as np
import pytest
import torch

from fgsbir.data.records import DataError
from fgsbir.evaluation.search import Search, evaluation_set
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.ranking import ranks
from tests.evaluation.conftest import MakePictures
from tests.toy import cpu


def test_gallery_and_queries_of_one_category(make_pictures: MakePictures) -> None:
    test = evaluation_set(make_pictures("chair"))
    # A photo without a usable sketch is in the gallery all the same.
    assert test.photo_ids == [f"chair-{number:02d}" for number in range(3, 9)]
    assert test.sketch_ids == ["chair-04-0", "chair-05-0", "chair-05-1", "chair-07-0", "chair-08-0", "chair-08-1"]
    assert test.query_photo_ids == [name[:8] for name in test.sketch_ids]
    assert test.gallery_sizes.tolist() == [6] * 6
    assert test.drawn_by_people(0) is None
    assert test.drawn_by_people(1) is test.sketches[0]


def test_all_seen_categories_each_with_its_own_gallery(make_pictures: MakePictures, model: RetrievalModel) -> None:
    test = evaluation_set(make_pictures(None))
    assert {photo.category for photo in test.photos} == {"chair", "lamp"}
    assert test.gallery_sizes.tolist() == [6] * 6 + [3] * 3
    search = Search(model, test, cpu())
    assert search.ranks.max() <= 6
    for row, found in enumerate(search.nearest(np.arange(len(test.sketches)), 4)):
        photos = [test.photos[place] for place in found if place >= 0]
        assert {photo.category for photo in photos} == {test.photos[test.truth[row]].category}
        assert len(photos) == (4 if photos[0].category == "chair" else 3)


def test_no_test_sketch_is_an_error_that_names_the_folder(make_pictures: MakePictures) -> None:
    with pytest.raises(DataError, match=r"shards: no sketch of a test photo of chair"):
        evaluation_set(make_pictures("chair", sketches=False))


def test_search_is_embedding_then_ranking(search: Search, model: RetrievalModel) -> None:
    test = search.test
    with torch.no_grad():
        gallery = model.embed(test.photo_inputs("taps")(np.arange(6)), "photo").numpy()
        queries = model.embed(test.sketch_inputs("taps")(np.arange(6)), "sketch").numpy()
    np.testing.assert_allclose(search.gallery, gallery, atol=1e-5)
    assert search.ranks.tolist() == ranks(queries, gallery, test.truth).tolist()


def test_drawings_that_people_made_are_found_as_theirs_are(search: Search) -> None:
    test, rows = search.test, np.arange(len(search.test.photos))
    drawn = [test.drawn_by_people(row) for row in rows]
    found = search.ranks_of_drawings([test.sketches[0] if strokes is None else strokes for strokes in drawn])
    first = {row: int(np.flatnonzero(test.truth == row)[0]) for row in rows if drawn[row] is not None}
    assert len(first) == 4 and all(found[row] == search.ranks[query] for row, query in first.items())

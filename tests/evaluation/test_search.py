"""The test set, and that F sees each photo and each sketch of it exactly once."""

import numpy as np
import pytest
import torch
from fgsbir.retrieval.embedding import embed_photos, embed_sketches

from fgsbir.data.pixels import photo_tensor, sketch_rasters, sketch_tensor
from fgsbir.data.records import DataError
from fgsbir.evaluation.search import PhotoSizes, Search, evaluation_set
from fgsbir.retrieval.model import RetrievalModel
from fgsbir.retrieval.ranking import ranks

CPU = torch.device("cpu")
WHERE = {"device": CPU, "precision": "float32"}


def small_model(size=16):
    torch.manual_seed(0)
    return RetrievalModel(backbone="small", embedding_dim=8, attention=True, image_size=size).eval()


def test_gallery_and_queries_of_one_category(make_store):
    test = evaluation_set(make_store("chair"))
    # A photo without a usable sketch is in the gallery all the same.
    assert test.photo_ids == [f"chair-{number:02d}" for number in range(3, 9)]
    assert test.sketch_ids == ["chair-04-0", "chair-05-0", "chair-05-1", "chair-07-0", "chair-08-0", "chair-08-1"]
    assert test.query_photo_ids == [name[:8] for name in test.sketch_ids]
    assert test.gallery_sizes.tolist() == [6] * 6
    assert test.human(0) is None
    assert test.human(1) is test.sketches[0]


def test_all_seen_categories_each_with_its_own_gallery(make_store):
    store = make_store(None)
    test = evaluation_set(store)
    assert {photo.category for photo in test.photos} == {"chair", "lamp"}
    assert test.gallery_sizes.tolist() == [6] * 6 + [3] * 3
    sizes = PhotoSizes(store, test.photos, 1)
    search = Search(small_model(), sizes.at(16), test, line_width=3.0, **WHERE)
    assert search.ranks.max() <= 6
    nearest = search.nearest(np.arange(len(test.sketches)), 4)
    for row, found in enumerate(nearest):
        photos = [test.photos[place] for place in found if place >= 0]
        assert {photo.category for photo in photos} == {test.photos[test.truth[row]].category}
        assert len(photos) == (4 if photos[0].category == "chair" else 3)


def test_no_test_sketch_is_an_error_that_names_the_folder(make_store):
    store = make_store("chair", sketches=False)
    with pytest.raises(DataError, match=r"shards-chair: no sketch of a test photo of chair"):
        evaluation_set(store)


def test_every_photo_and_every_sketch_is_encoded_once_a_model(make_store):
    store = make_store("chair")
    test = evaluation_set(store)
    model = small_model()
    encoded: list[torch.Tensor] = []
    model.register_forward_pre_hook(lambda _, images: encoded.extend(images[0]))
    search = Search(model, PhotoSizes(store, test.photos, 1).at(16), test, line_width=3.0, **WHERE)
    search.nearest(np.arange(4), 3)
    assert len(encoded) == len(test.photos) + len(test.sketches)
    pictures = {image.numpy().tobytes() for image in encoded}
    assert len(pictures) == len(encoded)
    # Drawings search the same embeddings: nothing but themselves is encoded.
    found = search.ranks_of_drawings([test.sketches[0]] * len(test.photos))
    assert len(encoded) == 2 * len(test.photos) + len(test.sketches)
    assert found.shape == (len(test.photos),)


def test_search_is_embedding_then_ranking(make_store):
    store = make_store("chair")
    test = evaluation_set(store)
    model = small_model()
    pixels = PhotoSizes(store, test.photos, 1).at(16)
    search = Search(model, pixels, test, line_width=5.0, **WHERE)
    with torch.no_grad():
        gallery = model(photo_tensor(torch.from_numpy(pixels[np.arange(len(test.photos))])))
        queries = model(sketch_tensor(torch.from_numpy(sketch_rasters(test.sketches, 16, 5.0))))
    np.testing.assert_allclose(search.gallery, gallery.numpy(), atol=1e-5)
    assert search.ranks.tolist() == ranks(queries.numpy(), gallery.numpy(), test.truth).tolist()


def test_a_size_is_decoded_once_however_many_models_ask(make_store):
    store = make_store("chair")
    sizes = PhotoSizes(store, evaluation_set(store).photos, 1)
    assert sizes.at(16) is sizes.at(16)
    assert sizes.at(16) is not sizes.at(8)


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_embeddings_do_not_depend_on_the_batch_or_leave_a_mode_behind(make_store, batch):
    test = evaluation_set(make_store("chair"))
    model = small_model().train()
    photos = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), np.uint8)
    found = embed_photos(model, photos, batch=batch, **WHERE)
    np.testing.assert_allclose(found, embed_photos(model, photos, batch=7, **WHERE), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    drawn = embed_sketches(model, test.sketches, image_size=16, line_width=3.0, batch=batch, **WHERE)
    assert drawn.shape == (len(test.sketches), 8)
    assert drawn.dtype == np.float32
    assert model.training


def test_photos_and_sketches_become_the_same_kind_of_image():
    photos = torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8)
    torch.testing.assert_close(photo_tensor(photos).flatten(), torch.tensor([0, 128 / 255, 1]))
    rasters = torch.tensor([[[0, 255], [51, 255]]], dtype=torch.uint8)
    image = sketch_tensor(rasters)
    assert image.shape == (1, 3, 2, 2)
    for channel in image[0]:
        torch.testing.assert_close(channel, torch.tensor([[0.0, 1.0], [0.2, 1.0]]))


def test_where_a_sketch_was_drawn_does_not_matter():
    """Moved and scaled sketches are placed by one rule before they are drawn, and an empty one is a white page."""
    sketch = np.array([[30, 40, 0], [90, 60, 0], [50, 120, 1]], np.float32)
    moved = sketch * np.array([1.5, 1.5, 1], np.float32) + np.array([20, -10, 0], np.float32)
    first, second, empty = sketch_rasters([sketch, moved, np.zeros((0, 3), np.float32)], 32, 3.0)
    assert np.abs(first.astype(int) - second).max() <= 64
    assert (first != 255).any()
    assert (empty == 255).all()

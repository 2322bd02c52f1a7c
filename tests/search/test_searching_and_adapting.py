"""An index with its model: searches, photos like a photo, and the adaptation to one hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fgsbir.adaptation.model import AdaptiveModel
from fgsbir.adaptation.support import SupportSet
from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre, join_strokes
from fgsbir.runtime.model_folder import load_model
from fgsbir.search.adaptation import Adapter
from fgsbir.search.encoder import Encoder
from fgsbir.search.gallery import ADAPTIVE
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher

MakePhoto = Callable[[Path, int], Path]
RETRIEVAL = {"backbone": "small", "embedding_dim": 8, "attention": True, "image_size": 32}
SKETCHES = [
    join_strokes([np.array([[30.0, 20 + 40 * number], [200, 220 - 30 * number], [60, 90]])]) for number in range(5)
]


@pytest.fixture
def photos(tmp_path: Path, make_photo: MakePhoto) -> Path:
    for number in range(8):
        make_photo(tmp_path / "photos" / f"{number}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def index(tmp_path: Path, joint_model: Path, photos: Path, save_adaptive: Callable[..., Path]) -> Path:
    index_photos([photos], joint_model, tmp_path / "index", adaptive=save_adaptive(tmp_path / "adaptive"))
    return tmp_path / "index"


def test_a_search_ranks_by_the_distance_of_the_embeddings(index: Path, joint_model: Path) -> None:
    searcher, encoder = Searcher.open(index), Encoder.load(joint_model)
    query = encoder.sketch(SKETCHES[0])
    found = searcher.search(SKETCHES[0], 20)
    assert [match.rank for match in found] == list(range(1, 9)) and len({match.id for match in found}) == 8
    assert [match.distance for match in found] == sorted(match.distance for match in found)
    for match in found:
        pixels = read_pixels(match.path.read_bytes(), match.path.name, encoder.size)
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


@pytest.mark.parametrize("negatives", ["pool", "own"])
def test_adapting_is_that_of_the_adaptive_model_on_the_same_support(
    tmp_path: Path, joint_model: Path, photos: Path, negatives: str, save_adaptive: Callable[..., Path]
) -> None:
    folder = save_adaptive(tmp_path / "adaptive", negatives=negatives)
    index_photos([photos], joint_model, tmp_path / "index", adaptive=folder)
    searcher = Searcher.open(tmp_path / "index")
    rows = [2, 6, 2, 4, 6]  # two photos were drawn twice
    ids = [searcher.gallery.id(row) for row in rows]
    adapted = Adapter(searcher).adapt(SKETCHES, ids)

    data = [searcher.gallery.path(row).read_bytes() for row in (2, 4, 6)]
    support = SupportSet([centre(sketch) for sketch in SKETCHES], np.array([0, 2, 0, 1, 2]), data)
    expected = load_model(folder, AdaptiveModel).adapted(support.triplets(32, 3.0, pool=negatives == "pool"))
    encoder = Encoder(expected, 3.0)
    for name, value in expected.head.named_parameters():
        assert torch.allclose(dict(adapted.encoder.model.head.named_parameters())[name], value, atol=1e-5)
    query = encoder.sketch(SKETCHES[3])
    for match in adapted.search(SKETCHES[3], 8):
        pixels = read_pixels(match.path.read_bytes(), "x", 32)
        assert match.distance == pytest.approx(np.linalg.norm(encoder.photos(pixels[None])[0] - query), abs=1e-4)
    alike = adapted.similar(ids[0], 8)
    assert len(alike) == 7 and [match.distance for match in alike] == sorted(match.distance for match in alike)


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
    searcher = Searcher.open(index)
    id = searcher.gallery.id(0)
    for ids in ([], [id], [id, id]):
        with pytest.raises(DataError, match="expected corrections for at least 2 photos"):
            Adapter(searcher).adapt(SKETCHES[: len(ids)], ids)
    with pytest.raises(DataError, match="expected the id of a photo"):
        Adapter(searcher).adapt(SKETCHES[:2], [id, "0" * 16])


def test_an_index_without_an_adaptive_model_or_with_another_is_refused(
    tmp_path: Path, joint_model: Path, photos: Path, index: Path, save_adaptive: Callable[..., Path]
) -> None:
    index_photos([photos], joint_model, tmp_path / "plain")
    with pytest.raises(DataError, match="was made without an adaptive model; index with --adaptive"):
        Adapter(Searcher.open(tmp_path / "plain"))
    save_adaptive(index / ADAPTIVE, margin_width=4)
    with pytest.raises(DataError, match="is another model than the index was made with"):
        Adapter(Searcher.open(index))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scope": "none"}, "expected a model whose head adapts"),
        ({"scope": "all"}, "expected a model whose head adapts"),
        ({"steps": 0}, "expected a model whose head adapts"),
        ({"line_width": 2.0}, "expected pictures of 32 pixels and lines of 3"),
        ({"retrieval": RETRIEVAL | {"image_size": 48}}, "found 48 and 3"),
    ],
)
def test_adaptive_models_that_do_not_fit_are_refused(
    tmp_path: Path,
    joint_model: Path,
    photos: Path,
    changes: dict[str, Any],
    message: str,
    save_adaptive: Callable[..., Path],
) -> None:
    with pytest.raises(DataError, match=message):
        index_photos(
            [photos], joint_model, tmp_path / "index", adaptive=save_adaptive(tmp_path / "adaptive", **changes)
        )
    assert not (tmp_path / "index").exists()


def test_features_are_made_again_when_the_adaptive_model_changes(
    tmp_path: Path,
    joint_model: Path,
    photos: Path,
    index: Path,
    make_photo: MakePhoto,
    save_adaptive: Callable[..., Path],
) -> None:
    adaptive = tmp_path / "adaptive"
    assert index_photos([photos], joint_model, index, adaptive=adaptive).new == 0
    make_photo(photos / "new.png", 20)
    assert index_photos([photos], joint_model, index, adaptive=adaptive).new == 1
    features = Searcher.open(index).gallery.features
    index_photos([photos], joint_model, tmp_path / "again", adaptive=adaptive)
    again = Searcher.open(tmp_path / "again").gallery.features
    assert features is not None and again is not None
    np.testing.assert_allclose(features, again, atol=1e-5)
    other = save_adaptive(tmp_path / "other", margin_width=4)
    assert index_photos([photos], joint_model, index, adaptive=other).new == 9


def test_an_index_made_again_keeps_its_adaptive_model(index: Path, joint_model: Path, photos: Path) -> None:
    before = Searcher.open(index).gallery
    assert before.adaptive_sha256 and before.features is not None
    features = np.array(before.features)
    assert index_photos([photos], joint_model, index).new == 0
    after = Searcher.open(index).gallery
    assert after.adaptive_sha256 == before.adaptive_sha256
    assert after.features is not None and np.array_equal(after.features, features)

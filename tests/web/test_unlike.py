""" "Nothing here looks like this": said where the nearest photo is no nearer than chance, and there alone."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fgsbir.adaptation.scribbles import scribbles
from fgsbir.data.stroke_files import parse_strokes
from fgsbir.search.adaptation import Adapter
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher

Strokes = list[list[list[float]]]


def polygons(corners: int, count: int = 30) -> list[Strokes]:
    """Drawings of one stroke, with corners anywhere."""
    rng = np.random.default_rng(corners)
    return [[rng.uniform(0, 256, (corners, 2)).round().tolist()] for _ in range(count)]


def chance(searcher: Searcher) -> float:
    """What scribbles find, in the middle."""
    return float(np.median([searcher.search(scribble, 1)[0].distance for scribble in scribbles()]))


def asked(client: Any, **query: Any) -> tuple[float, bool]:
    """The distance of the nearest photo, and whether nothing is said to look like it."""
    found = client.post("/search", json=query | {"k": 1}).json()
    return found["photos"][0]["distance"], found["unlike"]


def kept(client: Any, pixels: np.ndarray) -> dict[str, Any]:
    """Upload a photo, with a dark edge on the right by which it is no scan; the part that is the photo."""
    file = io.BytesIO()
    Image.fromarray(np.pad(pixels, ((0, 0), (0, pixels.shape[1]), (0, 0)))).save(file, "PNG")
    return {"id": client.post("/uploads", content=file.getvalue()).json()["id"], "box": [0, 0, 0.5, 1]}


def test_a_drawing_is_like_nothing_from_what_scribbles_find_on(client: Any, searcher: Searcher) -> None:
    far, told = zip(*(asked(client, strokes=drawing) for drawing in polygons(14)), strict=True)
    limit = chance(searcher)
    assert list(told) == [distance >= limit for distance in far] and {*told} == {True, False}


def test_what_is_only_begun_is_not_judged(client: Any, searcher: Searcher) -> None:
    """It may still become anything, however far it is from all photos; and how large it is drawn does not count."""
    far, told = zip(*(asked(client, strokes=drawing) for drawing in polygons(3)), strict=True)
    assert max(far) > chance(searcher) and not any(told)
    drawing = next(drawing for drawing in polygons(14) if asked(client, strokes=drawing)[1])
    assert asked(client, strokes=[[[x / 100, y / 100] for x, y in stroke] for stroke in drawing])[1]


def test_a_picture_is_like_nothing_from_what_lies_between_any_two_photos_on(client: Any, searcher: Searcher) -> None:
    photos = searcher.photos(np.arange(len(searcher.gallery)))
    between = np.linalg.norm(photos[:, None] - photos, axis=2)[np.triu_indices(len(photos), 1)]
    with Image.open(searcher.gallery.path(4)) as image:
        photo = np.asarray(image.convert("RGB"))
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, np.uint8)
    judged = []
    for share in np.linspace(0, 1, 11):
        mixed = (share * noise + (1 - share) * photo).astype(np.uint8)
        distance, told = asked(client, picture=kept(client, mixed))
        if abs(distance - np.median(between)) > 0.05:  # which pairs are drawn is chance
            judged.append(told)
            assert told == (distance > np.median(between)), distance
    assert {*judged} == {True, False}


def test_a_drawing_with_a_picture_is_not_judged(client: Any) -> None:
    drawing = next(drawing for drawing in polygons(14) if asked(client, strokes=drawing)[1])
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    picture = kept(client, noise)
    assert asked(client, picture=picture)[1]
    assert not any(asked(client, strokes=drawing, picture=picture, weight=weight)[1] for weight in (0, 0.5, 1))


def test_a_search_that_has_learned_is_compared_with_what_scribbles_find_by_it(
    client_of: Callable[..., Any], index_of: Callable[[Path], Path], tmp_path: Path
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    client, drawings, ids = client_of(searcher, Adapter(searcher)), polygons(14), []
    for row, drawing in enumerate(drawings[:2]):
        ids.append(searcher.gallery.id(row))
        answer = client.post("/corrections", json={"strokes": drawing, "photo": ids[-1]})
    by = answer.json()["by"]
    learned = Adapter(searcher).adapt([parse_strokes(drawing, "x") for drawing in drawings[:2]], ids, by)
    far, told = zip(*(asked(client, strokes=drawing, adapted=True) for drawing in drawings), strict=True)
    plain, limit = chance(searcher), chance(learned)
    assert list(told) == [distance >= limit for distance in far] != [distance >= plain for distance in far]


def test_one_photo_is_all_there_is_to_compare_with(
    tmp_path: Path, joint_model: Path, client_of: Callable[..., Any], make_photo: Callable[[Path, int], Path]
) -> None:
    index_photos([make_photo(tmp_path / "photos" / "one.png", 1)], joint_model, tmp_path / "index")
    searcher = Searcher.open(tmp_path / "index")
    client = client_of(searcher)
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    assert not asked(client, picture=kept(client, noise))[1]
    itself = client.post("/search", json={"photo": searcher.gallery.id(0)}).json()
    assert itself["photos"] == [] and not itself["unlike"]

"""What the API answers: the same as the library, in the form that its description promises."""

import hashlib
import io
import itertools
import os
import shutil
import unicodedata
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.stroke_files import parse_strokes
from fgsbir.retrieval.encoder import Encoder
from fgsbir.search.adaptation import Adapter
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Match, Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.search.svg_writer import svg_of
from fgsbir.web.collection import Collection
from fgsbir.web.limits import Limits
from tests.data.pictures import encoded, scene
from tests.web.conftest import CHAIR, SKETCH, upload

OTHER = [[[20, 20], [200, 20], [200, 100], [20, 100], [20, 20]]]


def found(answer: Any) -> list[tuple[str, str, int, float]]:
    assert answer.status_code == 200, answer.text
    return [(photo["id"], photo["name"], photo["rank"], photo["distance"]) for photo in answer.json()["photos"]]


def listed(matches: list[Match]) -> list[tuple[str, str, int, float]]:
    return [(match.id, match.path.name, match.rank, match.distance) for match in matches]


def test_a_search_is_the_librarys(client: Any, searcher: Searcher) -> None:
    answer = client.post("/search", json={"strokes": CHAIR, "k": 5})
    assert found(answer) == listed(searcher.search(SKETCH, 5)) and answer.json()["milliseconds"] > 0
    id = searcher.gallery.id(2)
    assert found(client.post("/search", json={"photo": id, "k": 4})) == listed(searcher.similar(id, 4))
    everything = found(client.post("/search", json={"strokes": CHAIR}))
    assert len(everything) == len(searcher.gallery)
    # Where a drawing lies does not count.
    moved = [[[3 * x - 500, 3 * y + 4000] for x, y in stroke] for stroke in CHAIR]
    there = found(client.post("/search", json={"strokes": moved}))
    assert [photo[0] for photo in there] == [photo[0] for photo in everything]


def test_a_gallery_is_gone_through_in_pages_by_path_or_distance(client: Any, searcher: Searcher) -> None:
    everything = client.post("/search", json={}).json()
    names = [photo["name"] for photo in everything["photos"]]
    assert names == sorted(names) and len(names) == everything["total"] == len(searcher.gallery)
    assert {photo["distance"] for photo in everything["photos"]} == {None}
    for query in ({}, {"strokes": CHAIR}):
        pages = [
            client.post("/search", json=query | {"k": 5, "skip": skip}).json()["photos"] for skip in (0, 5, 10, 15)
        ]
        assert [len(page) for page in pages] == [5, 5, 2, 0]
        assert [*itertools.chain(*pages)] == client.post("/search", json=query).json()["photos"]


def test_a_drawing_and_a_picture_together(client: Any, searcher: Searcher) -> None:
    photo, pixels, file = searcher.gallery.path(4), np.zeros((40, 60, 3), np.uint8), io.BytesIO()
    with Image.open(photo) as image:
        pixels[:, :50] = np.asarray(image.convert("RGB"))
    Image.fromarray(pixels).save(file, "PNG")
    id = upload(client, file.getvalue(), "image/png").json()["id"]
    with Image.open(io.BytesIO(client.get(f"/uploads/{id}").content)) as image:
        assert image.size == (60, 40)
    # The part of the upload that is the photo finds it.
    picture = {"id": id, "box": [0, 0, 50 / 60, 1]}
    ((first, _, _, distance),) = found(client.post("/search", json={"picture": picture, "k": 1}))
    assert first == searcher.gallery.id(4) and distance < 1e-3
    sketch = searcher.encoder.sketch(SKETCH)
    for weight in (0, 0.3, 1):
        mixed = (1 - weight) * sketch + weight * searcher.photo(4)
        rows, distances = searcher.nearest(mixed / np.linalg.norm(mixed), 12)
        answer = found(client.post("/search", json={"strokes": CHAIR, "picture": picture, "weight": weight}))
        assert [photo[0] for photo in answer] == [searcher.gallery.id(row) for row in rows]
        assert [photo[3] for photo in answer] == pytest.approx(distances.tolist(), abs=1e-3)
    for asked, status in (
        ({"photo": first, "picture": picture}, 422),
        ({"photo": "0" * 16}, 404),
        ({"picture": {"id": "0" * 16}}, 404),
        ({"picture": picture | {"box": [0, 0, 2, 1]}}, 422),
    ):
        assert client.post("/search", json=asked).status_code == status


def test_a_search_reads_no_photo_and_copies_are_told_after_it(
    client_of: Callable[..., Any], index_of: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Searcher.open(index_of(tmp_path)).gallery.path(4)
    with Image.open(first) as image:
        image.resize((200, 160), Image.Resampling.BICUBIC).save(first.with_name("large.png"))
    index_photos([first.parent], tmp_path / "index" / "model", tmp_path / "index")
    client = client_of(Searcher.open(tmp_path / "index"))
    with monkeypatch.context() as patch:
        patch.delattr("fgsbir.web.collection.read_pixels")
        photos = client.post("/search", json={"strokes": CHAIR}).json()["photos"]
    ids, names = [photo["id"] for photo in photos], {photo["id"]: photo["name"] for photo in photos}
    copies = client.post("/copies", json={"photos": ids}).json()
    assert [{names[copy], names[other]} for copy, other in copies.items()] == [{first.name, "large.png"}]
    assert all(ids.index(copy) > ids.index(other) for copy, other in copies.items())
    (place,) = map(ids.index, copies)
    asked = {"before": ids[:place], "photos": ids[place:]}
    assert client.post("/copies", json=asked).json() == copies
    assert client.post("/copies", json={"photos": ids[place:]}).json() == {}
    assert client.post("/copies", json={"photos": ["0" * 16]}).status_code == 404


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_pictures_of_one_colour_are_copies_where_it_is_the_same(
    client_of: Callable[..., Any], index_of: Callable[[Path], Path], tmp_path: Path
) -> None:
    photos = Searcher.open(index_of(tmp_path)).gallery.path(0).parent
    for name, colour, side in (("red.png", "red", 40), ("large.png", "red", 60), ("blue.png", "blue", 40)):
        Image.new("RGB", (side, side), colour).save(photos / name)
    index_photos([photos], tmp_path / "index" / "model", tmp_path / "index")
    client = client_of(Searcher.open(tmp_path / "index"))
    found = client.post("/search", json={"k": 100}).json()["photos"]
    names = {photo["id"]: photo["name"] for photo in found}
    copies = client.post("/copies", json={"photos": list(names)}).json()
    assert [{names[copy], names[other]} for copy, other in copies.items()] == [{"red.png", "large.png"}]


def test_photos_are_the_files_as_they_are(client: Any, searcher: Searcher) -> None:
    id, data = searcher.gallery.id(3), searcher.gallery.path(3).read_bytes()
    assert id == hashlib.sha256(data).hexdigest()[:16]
    answer = client.get(f"/photos/{id}")
    assert answer.content == data and answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    small = client.get(f"/photos/{id}/thumbnail")
    assert small.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(small.content)) as image:
        assert image.size == (50, 40)  # no larger than the photo


def test_a_photo_that_browsers_do_not_read_is_opened_all_the_same(
    tmp_path: Path, joint_model: Path, client_of: Callable[..., Any]
) -> None:
    names = {"ü 1.heic": "image/heic", "b.tiff": "image/tiff", "c.avif": "image/avif", "d.png": "image/png"}
    for number, (name, form) in enumerate(zip(names, ("HEIF", "TIFF", "AVIF", "PNG"), strict=True)):
        (tmp_path / name).write_bytes(encoded(scene(90 + number), form))
    index_photos([tmp_path], joint_model, tmp_path / "index")
    client = client_of(Searcher.open(tmp_path / "index"))
    for photo in client.post("/search", json={}).json()["photos"]:
        name, type = photo["name"], names[photo["name"]]
        as_it_is = client.get(f"/photos/{photo['id']}")
        assert as_it_is.content == (tmp_path / name).read_bytes() and as_it_is.headers["content-type"] == type
        assert as_it_is.headers["content-disposition"] == f"inline; filename*=UTF-8''{quote(name)}"
        opened = client.get(f"/photos/{photo['id']}?readable=true")
        read = type in ("image/avif", "image/png")
        assert opened.headers["content-type"] == (type if read else "image/jpeg")
        assert (opened.content == as_it_is.content) == read
        assert opened.headers["content-disposition"].endswith(quote(name if read else f"{name}.jpg"))
        with Image.open(io.BytesIO(opened.content)) as image, Image.open(tmp_path / name) as original:
            assert image.size == original.size


def test_a_folder_that_two_systems_have_written_is_one(
    tmp_path: Path, joint_model: Path, client_of: Callable[..., Any], make_photo: Callable[[Path, int], Path]
) -> None:
    """A Mac writes é as e and an accent, other systems as one letter."""
    for number, form in enumerate(("NFC", "NFD")):
        make_photo(tmp_path / "photos" / unicodedata.normalize(form, "café") / "été" / f"{form}.png", number)
    index_photos([tmp_path / "photos"], joint_model, tmp_path / "index")
    client = client_of(Searcher.open(tmp_path / "index"))
    folders = client.get("/folders").json()
    assert folders == [{"path": path, "photos": 2} for path in ("café", "café/été")]
    for form in ("NFC", "NFD"):
        asked = {"folder": unicodedata.normalize(form, "café/été")}
        photos = client.post("/search", json=asked).json()["photos"]
        assert sorted(photo["name"] for photo in photos) == ["NFC.png", "NFD.png"]


@pytest.mark.parametrize(("turned", "size"), [(1, (384, 192)), (6, (192, 384))])
def test_thumbnails_are_upright_unpadded_and_kept(
    tmp_path: Path, joint_model: Path, client_of: Callable[..., Any], turned: int, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    photo = tmp_path / "ü<b>\n.jpg"
    Image.new("RGB", (1200, 600), "red").save(photo, exif=exif)
    index_photos([photo], joint_model, tmp_path / "one")
    client = client_of(Searcher.open(tmp_path / "one"))
    ((id, name, *_),) = found(client.post("/search", json={"strokes": CHAIR}))
    assert name == "ü<b>\n.jpg"
    for _ in range(2):
        with Image.open(io.BytesIO(client.get(f"/photos/{id}/thumbnail").content)) as image:
            assert image.size == size
            assert np.asarray(image)[0, 0].tolist() == pytest.approx([254, 0, 0], abs=3)
        photo.unlink(missing_ok=True)


def test_a_photo_that_is_not_as_it_was(
    tmp_path: Path, index_of: Callable[[Path], Path], joint_model: Path, client_of: Callable[..., Any]
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    client = client_of(searcher, sketcher=PhotoSketcher.load(joint_model))
    copied = searcher.gallery.path(3)
    shutil.copy(copied, tmp_path / "photos" / "z.png")
    index_photos([tmp_path / "photos"], joint_model, tmp_path / "index")
    copied.unlink()
    about = client.get(f"/photos/{searcher.gallery.id(3)}/about").json()
    assert about["paths"] == [str(copied), str(tmp_path / "photos" / "z.png")]
    assert client.get(f"/photos/{searcher.gallery.id(3)}").status_code == 200  # as long as one of its copies is
    gone, changed, pipe = (searcher.gallery.path(row) for row in range(3))
    gone.unlink()
    changed.write_bytes(b"another")
    pipe.unlink()
    os.mkfifo(pipe)  # reading it would never end
    for row, told in enumerate(("no longer where", "has changed", "no longer where")):
        for part in ("", "/thumbnail", "/sketch"):
            answer = client.get(f"/photos/{searcher.gallery.id(row)}{part}")
            assert answer.status_code == 410 and told in answer.json()["message"], part
            assert str(gone.parent) not in answer.text
    # They are still found, and found by.
    others = client.post("/search", json={"photo": searcher.gallery.id(0)})
    assert len(found(others)) == len(searcher.gallery) - 1


def test_the_generators_sketch(client: Any, searcher: Searcher, joint_model: Path) -> None:
    id = searcher.gallery.id(0)
    answer = client.get(f"/photos/{id}/sketch").json()
    drawn = PhotoSketcher.load(joint_model).draw(searcher.gallery.path(0).read_bytes(), "x")
    assert answer["svg"] == svg_of(drawn.strokes) and answer["ended"] == drawn.ended
    assert answer["certainty"] == pytest.approx(drawn.certainty, abs=1e-5)
    read = [point for stroke in answer["strokes"] for point in stroke]
    np.testing.assert_allclose(read, drawn.strokes[:, :2], atol=0.006)
    assert client.get(f"/photos/{id}/sketch").json() == answer


def test_corrections_lead_to_the_librarys_search_and_to_a_model(
    client_of: Callable[..., Any], index_of: Callable[[Path], Path], tmp_path: Path
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    client, ids = client_of(searcher, Adapter(searcher)), [searcher.gallery.id(row) for row in range(2)]
    for strokes, id in zip((CHAIR, OTHER), ids, strict=True):
        answer = client.post("/corrections", json={"strokes": strokes, "photo": id}).json()
    assert answer["by"] == "statistics"
    adapted = Adapter(searcher).adapt([SKETCH, parse_strokes(OTHER, "x")], ids, "statistics")
    for asked, expected in (
        ({"strokes": CHAIR, "adapted": True}, adapted.search(SKETCH, 24)),
        ({"photo": ids[0], "adapted": True}, adapted.similar(ids[0], 24)),
    ):
        assert [photo[0] for photo in found(client.post("/search", json=asked))] == [match.id for match in expected]
    # As a model folder, it searches the same without the server.
    with zipfile.ZipFile(io.BytesIO(client.get("/corrections/model").content)) as file:
        file.extractall(tmp_path)
    loaded = Encoder.load(tmp_path / "corrected", searcher.encoder.compute)
    np.testing.assert_allclose(loaded.sketch(SKETCH), adapted.encoder.sketch(SKETCH), atol=1e-6)


def test_what_is_corrected_while_another_index_is_opened_is_not_forgotten(
    client_of: Callable[..., Any],
    index_of: Callable[[Path], Path],
    make_photo: Callable[[Path, int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    client, renewed, opening, going_on = client_of(searcher, Adapter(searcher)), Collection.renewed, Event(), Event()

    def slowly(known: Collection) -> Collection:
        made = renewed(known)
        opening.set()
        going_on.wait(10)
        return made

    monkeypatch.setattr(Collection, "renewed", slowly)
    make_photo(tmp_path / "photos" / "new.png", 99)
    index_photos([tmp_path / "photos"], tmp_path / "index" / "model", tmp_path / "index")
    with ThreadPoolExecutor(2) as pool:
        pool.submit(client.get, "/health")
        assert opening.wait(10)
        asked = {"strokes": CHAIR, "photo": searcher.gallery.id(0)}
        corrected = pool.submit(lambda: client.post("/corrections", json=asked))
        sleep(0.3)  # a correction that did not wait would be with the index that goes
        going_on.set()
        assert corrected.result().status_code == 200
    assert len(client.get("/corrections").json()["corrections"]) == 1


def test_what_a_server_cannot_do(searcher: Searcher, client: Any, client_of: Callable[..., Any]) -> None:
    health = client.get("/health").json()
    assert health == {
        "status": "ok",
        "version": health["version"],
        "photos": len(searcher.gallery),
        "features": {"sketch": True, "adapt": True},
        "upload_bytes": Limits().upload_bytes,
    }
    bare, id = client_of(), searcher.gallery.id(0)
    assert bare.get("/health").json()["features"] == {"sketch": False, "adapt": False}
    assert "no generator" in bare.get(f"/photos/{id}/sketch").json()["message"]
    answer = bare.post("/corrections", json={"strokes": CHAIR, "photo": id})
    assert answer.status_code == 404 and "cannot be adapted" in answer.json()["message"]


def asked_together(client: Any, drawings: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(len(drawings)) as pool:
        return list(pool.map(lambda strokes: client.post("/search", json={"strokes": strokes}), drawings))


def test_many_at_once_get_their_own_answers(client: Any) -> None:
    drawings = [[[[10 * number + 10, 20], [200, 20 + 9 * number]]] for number in range(12)]
    alone = [found(client.post("/search", json={"strokes": strokes})) for strokes in drawings]
    assert [found(answer) for answer in asked_together(client, drawings)] == alone


def test_more_than_can_wait_are_turned_away(client_of: Callable[..., Any]) -> None:
    client = client_of(limits=Limits(waiting=1))
    answers = asked_together(client, [CHAIR] * 30)
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 429)
    assert client.post("/search", json={"strokes": CHAIR}).status_code == 200

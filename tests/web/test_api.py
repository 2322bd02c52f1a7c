"""What the API answers: the same as the library, in the form that its description promises."""

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image

from fgsbir.data.readers.json_strokes import parse_strokes
from fgsbir.search.adaptation import Adapter
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.search.svg_writer import svg_of
from fgsbir.web.app import create_app
from fgsbir.web.limits import MAX_POINTS, Limits

CHAIR = [[[60, 40], [60, 200]], [[60, 120], [180, 120], [180.5, 200]]]
OTHER = [[[20, 20], [200, 20], [200, 100], [20, 100], [20, 20]]]


def test_a_search_is_the_librarys(client: Any, searcher: Searcher) -> None:
    answer = client.post("/search", json={"strokes": CHAIR, "k": 5})
    assert answer.status_code == 200 and answer.json()["milliseconds"] > 0
    expected = searcher.search(parse_strokes(CHAIR, "x"), 5)
    found = answer.json()["photos"]
    assert [(photo["id"], photo["rank"], photo["name"]) for photo in found] == [
        (match.id, match.rank, match.path.name) for match in expected
    ]
    assert [photo["distance"] for photo in found] == [match.distance for match in expected]
    assert len(client.post("/search", json={"strokes": CHAIR}).json()["photos"]) == len(searcher.gallery)


def test_where_a_drawing_lies_does_not_count(client: Any) -> None:
    moved = (np.array([[3 * x - 500, 3 * y + 4000] for stroke in CHAIR for x, y in stroke]).reshape(-1, 2)).tolist()
    there = [moved[:2], moved[2:]]
    ids = [
        [photo["id"] for photo in client.post("/search", json={"strokes": strokes}).json()["photos"]]
        for strokes in (CHAIR, there)
    ]
    assert ids[0] == ids[1]


def test_photos_are_the_files_as_they_are(client: Any, searcher: Searcher) -> None:
    id, path = searcher.gallery.id(3), searcher.gallery.path(3)
    answer = client.get(f"/photos/{id}")
    assert answer.content == path.read_bytes() and answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    small = client.get(f"/photos/{id}/thumbnail")
    assert small.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(small.content)) as image:
        assert image.size == (50, 40)  # no larger than the photo


@pytest.mark.parametrize("turned", [1, 6])
def test_thumbnails_are_upright_and_unpadded(
    tmp_path: Path, joint_model: Path, client_of: Callable[[FastAPI], Any], turned: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    Image.new("RGB", (1200, 600), "red").save(tmp_path / "wide.jpg", exif=exif)
    index_photos([tmp_path / "wide.jpg"], joint_model, tmp_path / "one")
    searcher = Searcher.open(tmp_path / "one")
    client = client_of(create_app(searcher, None, None, Limits()))
    with Image.open(io.BytesIO(client.get(f"/photos/{searcher.gallery.id(0)}/thumbnail").content)) as image:
        assert image.size == ((384, 192) if turned == 1 else (192, 384))
        assert np.asarray(image)[0, 0].tolist() == pytest.approx([254, 0, 0], abs=3)


def test_names_that_are_no_text(
    tmp_path: Path,
    joint_model: Path,
    make_photo: Callable[[Path, int], Path],
    client_of: Callable[[FastAPI], Any],
) -> None:
    plain = make_photo(tmp_path / "mine" / "plain.png", 0)
    plain.rename(os.fsdecode(os.fsencode(plain.parent) + b"/\xff<b>\n.png"))
    index_photos([plain.parent], joint_model, tmp_path / "one")
    client = client_of(create_app(Searcher.open(tmp_path / "one"), None, None, Limits()))
    found = client.post("/search", json={"strokes": CHAIR}).json()["photos"]
    assert [photo["name"] for photo in found] == ["\ufffd<b>\n.png"]


def test_a_photo_that_is_not_as_it_was(
    tmp_path: Path, index_of: Callable[[Path], Path], joint_model: Path, client_of: Callable[[FastAPI], Any]
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    client = client_of(create_app(searcher, None, PhotoSketcher.load(joint_model), Limits()))
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
    assert len(client.get(f"/photos/{searcher.gallery.id(0)}/similar").json()["photos"]) == len(searcher.gallery) - 1


def test_thumbnails_stay_in_memory(
    tmp_path: Path, index_of: Callable[[Path], Path], client_of: Callable[[FastAPI], Any]
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    client = client_of(create_app(searcher, None, None, Limits()))
    path = f"/photos/{searcher.gallery.id(0)}/thumbnail"
    first = client.get(path)
    searcher.gallery.path(0).unlink()
    assert client.get(path).content == first.content


def test_similar_photos(client: Any, searcher: Searcher) -> None:
    id = searcher.gallery.id(2)
    found = client.get(f"/photos/{id}/similar?k=4").json()["photos"]
    assert [photo["id"] for photo in found] == [match.id for match in searcher.similar(id, 4)]
    assert id not in [photo["id"] for photo in found] and [photo["rank"] for photo in found] == [1, 2, 3, 4]


def test_the_generators_sketch(client: Any, searcher: Searcher, joint_model: Path) -> None:
    id = searcher.gallery.id(0)
    answer = client.get(f"/photos/{id}/sketch").json()
    drawn = PhotoSketcher.load(joint_model).draw([searcher.gallery.path(0).read_bytes()])[0]
    assert answer["svg"] == svg_of(drawn.strokes) and answer["ended"] == drawn.ended
    assert answer["certainty"] == pytest.approx(drawn.certainty, abs=1e-5)
    read = [point for stroke in answer["strokes"] for point in stroke]
    np.testing.assert_allclose(read, drawn.strokes[:, :2], atol=0.006)
    assert client.get(f"/photos/{id}/sketch").json() == answer


def test_an_adaptation_is_searched_by_its_token(client: Any, searcher: Searcher) -> None:
    photos = [searcher.gallery.id(0), searcher.gallery.id(1)]
    corrections = [{"strokes": CHAIR, "photo": photos[0]}, {"strokes": OTHER, "photo": photos[1]}]
    answer = client.post("/adapt", json={"corrections": corrections})
    assert answer.status_code == 200
    token = answer.json()["token"]
    expected = Adapter(searcher).adapt([parse_strokes(CHAIR, "x"), parse_strokes(OTHER, "x")], photos)
    found = client.post("/search", json={"strokes": CHAIR, "adapted": token}).json()["photos"]
    assert [photo["id"] for photo in found] == [match.id for match in expected.search(parse_strokes(CHAIR, "x"), 24)]
    alike = client.get(f"/photos/{photos[0]}/similar?adapted={token}").json()["photos"]
    assert [photo["id"] for photo in alike] == [match.id for match in expected.similar(photos[0], 24)]


def test_adaptations_are_forgotten_and_need_one_photo(searcher: Searcher, client_of: Callable[[FastAPI], Any]) -> None:
    client = client_of(create_app(searcher, Adapter(searcher), None, Limits(adapted=1)))
    ids = [searcher.gallery.id(row) for row in range(2)]
    corrections = [{"strokes": CHAIR, "photo": id} for id in ids]
    first, second = (client.post("/adapt", json={"corrections": corrections}).json()["token"] for _ in range(2))
    assert client.post("/search", json={"strokes": CHAIR, "adapted": second}).status_code == 200
    forgotten = client.post("/search", json={"strokes": CHAIR, "adapted": first})
    assert forgotten.status_code == 404 and "adapt again" in forgotten.json()["message"]
    assert client.post("/adapt", json={"corrections": corrections[:1]}).status_code == 200
    assert client.post("/adapt", json={"corrections": []}).status_code == 422
    unknown = client.post("/adapt", json={"corrections": [corrections[0], {"strokes": CHAIR, "photo": "0" * 16}]})
    assert unknown.status_code == 404


def test_what_a_server_cannot_do(searcher: Searcher, client: Any, client_of: Callable[[FastAPI], Any]) -> None:
    assert client.get("/health").json() == {
        "status": "ok",
        "photos": len(searcher.gallery),
        "features": {"sketch": True, "adapt": True},
        "upload_bytes": Limits().upload_bytes,
    }
    bare = client_of(create_app(searcher, None, None, Limits()))
    assert bare.get("/health").json()["features"] == {"sketch": False, "adapt": False}
    id = searcher.gallery.id(0)
    assert "no generator" in bare.get(f"/photos/{id}/sketch").json()["message"]
    corrections = [{"strokes": CHAIR, "photo": id}] * 2
    answer = bare.post("/adapt", json={"corrections": corrections})
    assert answer.status_code == 404 and "cannot be adapted" in answer.json()["message"]


def upload(client: Any, data: bytes, type: str = "image/svg+xml") -> Any:
    return client.post("/sketches", content=data, headers={"Content-Type": type})


def test_an_svg_becomes_strokes(client: Any) -> None:
    strokes = parse_strokes(CHAIR, "x")
    answer = upload(client, svg_of(strokes).encode())
    assert answer.status_code == 200 and answer.json() == {"strokes": CHAIR}


def test_a_scan_becomes_strokes(client: Any) -> None:
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[100:104, 50:250] = 0
    for format in ("PNG", "JPEG", "WEBP"):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format)
        answer = upload(client, file.getvalue(), f"image/{format.lower()}")
        assert answer.status_code == 200, answer.text
        (stroke,) = answer.json()["strokes"]
        assert np.ptp(np.array(stroke), axis=0).tolist() == pytest.approx([200 * 256 / 300, 0], abs=4)


def test_a_drawing_beyond_the_canvas_is_brought_onto_it(client: Any) -> None:
    far = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M-90 0L90 20"/></svg>'
    points = np.array(upload(client, far).json()["strokes"][0])
    assert points.min() >= 0 and points.max() <= 256


def test_an_upload_fits_into_a_search(client: Any) -> None:
    line = "L".join(f"{10 + 0.01 * x:.2f} {100 + x % 2 * 0.1:.1f}" for x in range(MAX_POINTS + 10))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256"><path d="M{line}"/></svg>'
    strokes = upload(client, svg.encode()).json()["strokes"]
    assert sum(map(len, strokes)) < MAX_POINTS
    assert client.post("/search", json={"strokes": strokes}).status_code == 200


def test_what_is_no_drawing(client: Any) -> None:
    assert upload(client, b"<svg", "image/svg+xml").status_code == 422
    assert upload(client, b"", "image/png").status_code == 422
    assert upload(client, b"%PDF-1.4", "image/png").status_code == 422
    assert upload(client, b"%PDF-1.4", "application/pdf").status_code == 415
    assert client.post("/sketches", content=b"<svg/>").status_code == 415
    large = upload(client, b"\xef\xbb\xbf<svg>" + bytes(Limits().svg_bytes), "image/png")
    assert large.status_code == 413 and "at most 1,048,576 bytes" in large.json()["message"]
    many = "".join("<path d='M1 1L2 2'/>" for _ in range(3000))
    answer = upload(client, f"<svg viewBox='0 0 9 9'>{many}</svg>".encode())
    assert answer.status_code == 422 and "at most 2,000 strokes" in answer.json()["message"]


def test_many_at_once_get_their_own_answers(client: Any) -> None:
    drawings = [[[[10 * number + 10, 20], [200, 20 + 9 * number]]] for number in range(12)]
    alone = [client.post("/search", json={"strokes": strokes}).json()["photos"] for strokes in drawings]
    together = client.together([("POST", "/search", {"json": {"strokes": strokes}}) for strokes in drawings])
    assert [answer.json()["photos"] for answer in together] == alone


def test_more_than_can_wait_are_turned_away(searcher: Searcher, client_of: Callable[[FastAPI], Any]) -> None:
    client = client_of(create_app(searcher, None, None, Limits(waiting=1)))
    request = ("POST", "/search", {"json": {"strokes": CHAIR}})
    answers = client.together([request] * 30)
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 429)
    assert client.post("/search", json={"strokes": CHAIR}).status_code == 200


def test_ids_are_of_contents(client: Any, index: Path) -> None:
    data = (index.parent / "photos" / "photo-04.png").read_bytes()
    assert client.get(f"/photos/{hashlib.sha256(data).hexdigest()[:16]}").content == data

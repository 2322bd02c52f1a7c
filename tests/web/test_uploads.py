"""What the API reads of a file: drawings of any form, scans and photos, by their content, and what it refuses."""

import gzip
import io
import json
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.strokes import centre
from fgsbir.data.svg.document import MAX_BYTES
from fgsbir.search.svg_writer import svg_of
from fgsbir.web.limits import MAX_POINTS
from tests.data.pictures import FORMS, encoded
from tests.web.conftest import CHAIR, SKETCH, upload


def array_file(save: Any, array: np.ndarray) -> bytes:
    """An array as numpy saves it."""
    file = io.BytesIO()
    save(file, array)
    return file.getvalue()


OFFSETS = np.diff(SKETCH[:, :2], axis=0, prepend=0)
STROKE_FILES = {
    "json": json.dumps({"strokes": CHAIR}, indent=1).encode(),
    "ndjson": json.dumps({"drawing": [list(zip(*stroke, strict=True)) for stroke in CHAIR]}).encode(),
    "npz": array_file(np.savez, np.column_stack([OFFSETS, SKETCH[:, 2]])),
    "npy": array_file(np.save, np.column_stack([OFFSETS, 1 - SKETCH[:, 2], SKETCH[:, 2], np.zeros(len(SKETCH))])),
}


def svg(path: str) -> bytes:
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" fill="none" stroke="red">'
    return f'{head}<path d="{path}"/></svg>'.encode()


def test_an_svg_becomes_strokes_that_fit_the_page_and_a_search(client: Any) -> None:
    answer = upload(client, svg_of(SKETCH).encode())
    assert answer.json() == {"id": None, "box": [0, 0, 1, 1], "left_out": [], "strokes": CHAIR}
    points = np.array(upload(client, svg("M-900 0L900 200")).json()["strokes"][0])
    assert points.min() >= 0 and points.max() <= 256
    line = "L".join(f"{10 + 0.01 * x:.2f} {100 + x % 2 * 0.1:.1f}" for x in range(MAX_POINTS + 10))
    strokes = upload(client, svg(f"M{line}")).json()["strokes"]
    assert sum(map(len, strokes)) < MAX_POINTS
    assert client.post("/search", json={"strokes": strokes}).status_code == 200


# As browsers name what they upload: some by its suffix, some not at all.
TYPES = ("", "application/json", "image/heif", "text/plain;charset=utf-8")


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("form", FORMS)
def test_a_scan_becomes_strokes_whatever_it_is_called(client: Any, form: str, type: str) -> None:
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[100:104, 50:250] = 0
    answer = upload(client, encoded(Image.fromarray(pixels).convert("RGB"), form), type)
    assert answer.status_code == 200, answer.text
    (stroke,) = answer.json()["strokes"]
    assert np.ptp(np.array(stroke), axis=0).tolist() == pytest.approx([200 * 256 / 300, 0], abs=4)


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("form", STROKE_FILES)
def test_files_of_strokes_whatever_they_are_called(client: Any, form: str, type: str) -> None:
    answer = upload(client, STROKE_FILES[form], type)
    assert answer.status_code == 200, answer.text
    found = np.array([point for stroke in answer.json()["strokes"] for point in stroke])
    np.testing.assert_allclose(found, centre(SKETCH)[:, :2], atol=0.02)


def test_a_phones_photo_and_an_svg_round_a_scan_are_read(client: Any) -> None:
    """108 megapixels in more than 16 MB, and more than a megabyte of SVG: as commands read them."""
    paper = Image.new("L", (12_000, 9000), 255)
    paper.paste(0, (1500, 3000, 10_500, 3180))
    second = bytes(17 << 20)  # of the pictures in a phone's file
    scan = encoded(paper.resize((1600, 1200)), compress_level=0)
    picture = f'<image width="1600" height="1200" href="data:image/png;base64,{b64encode(scan).decode()}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 1200">{picture}</svg>'
    assert len(svg) > 2 << 20
    for data in (encoded(paper, "JPEG") + second, svg.encode()):
        answer = upload(client, data)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["strokes"]) == 1 and client.get(f"/uploads/{answer.json()['id']}").status_code == 200


@pytest.mark.parametrize(
    ("data", "type", "status", "told"),
    [
        (b"<svg", "image/svg+xml", 422, "expected an SVG file"),
        (b"", "image/png", 422, "an empty file"),
        (b"%PDF-1.4", "image/png", 422, "begins with '%PDF-1.4'"),
        (b"%PDF-1.4", "application/pdf", 422, "begins with '%PDF-1.4'"),
        (b"<svg/>", "", 422, "expected a drawing in SVG, found nothing drawn"),
        (b"\xef\xbb\xbf<svg>" + bytes(MAX_BYTES), "image/png", 422, "at most 8,388,608 bytes"),
        (gzip.compress(b"<svg>" + bytes(4 * MAX_BYTES)), "image/svg+xml", 422, "at most 8,388,608 bytes"),
        (
            b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg><text>&a;</text></svg>',
            "image/png",
            422,
            "entit",
        ),
        (svg("M1 1L2 2" * 3000), "image/svg+xml", 422, "at most 2,000 strokes"),
    ],
)
def test_what_is_no_drawing(client: Any, data: bytes, type: str, status: int, told: str) -> None:
    answer = upload(client, data, type)
    assert answer.status_code == status and told in answer.json()["message"]

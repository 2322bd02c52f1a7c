"""What a person has drawn, in every form, and hostile files in each of them."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from fgsbir.data.rasterise import rasterise
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre, join_strokes, split_strokes
from fgsbir.search.queries import MAX_COORDINATE, MAX_POINTS, read_query, read_query_bytes
from fgsbir.search.svg_writer import svg_of

CHAIR = join_strokes(
    [
        np.array([(70, 40), (66, 140), (70, 220)], float),
        np.array([(66, 140), (124, 135), (190, 150), (130, 162), (66, 140)], float),
        np.array([(190, 150), (192, 226)], float),
    ]
)
POINTS = [part.tolist() for part in split_strokes(CHAIR)]


def encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def saved(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def furthest(strokes: np.ndarray, other: np.ndarray) -> float:
    """How far the ink of one drawing is from that of another, at most, in canvas pixels."""
    image, page = rasterise(strokes, 256), rasterise(other, 256)
    return float(ndimage.distance_transform_edt(page >= 128)[image < 128].max())


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_query(path)
    assert path.name.partition(":")[0] in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_every_form_of_one_drawing_gives_its_strokes(tmp_path: Path) -> None:
    quick = [[[x for x, _ in part], [y for _, y in part], list(range(len(part)))] for part in POINTS]
    for name, data, expected in (
        ("a.svg", svg_of(CHAIR).encode(), CHAIR),
        ("a.json", json.dumps({"strokes": POINTS, "canvas": [256, 256]}).encode(), CHAIR),
        ("a.npy", saved(CHAIR), CHAIR),
        ("doubles.npy", saved(CHAIR.astype(float)), CHAIR),
        ("an_svg_by_another.name", svg_of(CHAIR).encode(), CHAIR),
        ("b.json", json.dumps(POINTS).encode(), centre(CHAIR)),
        ("quick.ndjson", json.dumps({"word": "chair", "drawing": quick}).encode(), centre(CHAIR)),
        ("own.ndjson", json.dumps({"id": "1", "strokes": POINTS}).encode(), centre(CHAIR)),
    ):
        (tmp_path / name).write_bytes(data)
        found = read_query(tmp_path / name)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_a_raster_drawing_is_traced_whatever_its_name(tmp_path: Path, form: str) -> None:
    data = encoded(rasterise(CHAIR, 512), form)
    found = read_query_bytes(data, "upload")
    (tmp_path / "scan.svg").write_bytes(data)
    np.testing.assert_array_equal(read_query(tmp_path / "scan.svg"), found)
    assert furthest(found, CHAIR) < 6 and furthest(CHAIR, found) < 6 and len(split_strokes(found)) <= 6


def test_a_line_of_a_file_is_chosen_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    lines = [json.dumps({"drawing": [[[0, 10 * number], [0, 5]]]}) for number in (1, 2)]
    path.write_text("\n".join(lines) + "\n\nno JSON\n")
    np.testing.assert_array_equal(read_query(path), read_query(Path(f"{path}:1")))
    assert not np.array_equal(read_query(path), read_query(Path(f"{path}:2")))
    assert "line 3: expected" in refusal(Path(f"{path}:3")) and "found damage" in refusal(Path(f"{path}:4"))
    assert "line 5: expected a drawing, found 4 lines" in refusal(Path(f"{path}:5"))
    assert "cannot be read" in refusal(Path(f"{path}:0"))  # a file of that name


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


DOT = encoded(np.zeros((1, 1), np.uint8), "GIF")
ENTITY = b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg><text>&a;</text></svg>'
HEADER = saved(CHAIR)[:128]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.npy", b"", "cannot be read as an array"),
        ("a.npy", saved(CHAIR)[:-5], "cannot be read as an array"),
        ("a.npy", HEADER.replace(b"(11, 3)", b"(99999999999, 3)").replace(b" " * 10, b"", 1)[:128], "cannot be read"),
        ("a.npy", saved(np.array([Bomb()], object), allow_pickle=True), "cannot be read as an array"),
        ("a.npy", pickle.dumps(Bomb()), "cannot be read as an array"),
        ("a.npy", saved(CHAIR[:, :2]), "expected strokes as numbers of shape"),
        ("a.npy", saved(np.zeros((5, 5), np.float32)), "expected strokes as numbers of shape"),
        ("a.npy", saved(np.array([["a", "b", "c"]] * 3)), "expected strokes as numbers of shape"),
        ("a.npy", saved(CHAIR * [1, np.nan, 1]), "is not finite"),
        ("a.npy", saved(CHAIR.astype(float) * [1e300, 1, 1]), "expected coordinates of at most"),
        ("a.npy", saved(CHAIR * [1, 1, 0]), "pen flag 1 on the last point"),
        ("a.npy", saved(np.zeros((MAX_POINTS + 1, 3), np.float32)), "expected at most"),
        ("a.json", b"", "found damage"),
        ("a.json", b"[" * 100_000, "found damage"),
        ("a.json", b"[[[1e300, 1], [2, 3]]]", "is not finite"),
        ("a.json", b"[[[1" + b"0" * 400 + b", 1], [2, 3]]]", "expected points"),
        ("a.json", b'{"strokes": 3}', "expected a list of strokes"),
        ("a.json", json.dumps({"strokes": POINTS, "canvas": [1e-300, 1e-300]}).encode(), "is not finite"),
        ("a.ndjson", b"", "found 0 lines"),
        ("a.ndjson", b"[]", "found damage"),
        ("a.ndjson", b'{"drawing": [[[1, 2], [3]]]}', "found damage"),
        ("a.ndjson", b'{"drawing": [[["a"], [3]]]}', "expected points"),
        ("a.ndjson", b'{"drawing": {"a": 1}}', "expected points"),
        ("a.ndjson", b" " * (5 << 20), "line 1: expected at most"),
        ("a.svg", b"", "found an empty file"),
        ("a.svg", ENTITY, "without document type and entities"),
        ("a.svg", svg_of(CHAIR).encode()[:-20], "malformed XML"),
        ("a.svg", b'<svg><path d="M0 0' + b"t9 9" * 50_000 + b'"/></svg>', "at most 200,000 points, found more"),
        ("a.svg", b"<svg>" + b'<circle r="9e3"/>' * 3_000 + b"</svg>", "at most 200,000 points, found more"),
        ("a.png", encoded(rasterise(CHAIR, 256))[:200], "found a damaged"),
        ("a.gif", DOT[:6] + b"\xff" * 4 + DOT[10:], "expected at most 50 megapixels"),
        ("a.png", encoded(np.full((64, 64), 200, np.uint8)), "found no ink"),
        ("a.gif", b"GIF89a" + b"\xff" * 50, "found a damaged"),
        ("a.pdf", b"%PDF-1.7", "begins with '%PDF-1.7'"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(data)
    assert message in refusal(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for suffix in (".svg", ".json", ".ndjson", ".npy", ".png"):
        assert "cannot be read" in refusal(tmp_path / f"none{suffix}")
        (tmp_path / f"folder{suffix}").mkdir()
        assert "cannot be read" in refusal(tmp_path / f"folder{suffix}")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_drawing_or_refused(data: bytes) -> None:
    for start in (b"", b"<svg>", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a", b"\xff\xd8\xff"):
        try:
            found = read_query_bytes(start + data, "x")
        except DataError as error:
            assert str(error).startswith("x: ")
        else:
            assert len(found) >= 2 and np.abs(found).max() <= MAX_COORDINATE


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text(max_size=3), st.lists, max_leaves=12))
def test_any_json_is_a_drawing_or_refused(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name, text in (("x.json", json.dumps(value)), ("x.ndjson", json.dumps({"drawing": value}))):
        (folder / name).write_text(text)
        try:
            assert len(read_query(folder / name)) >= 2
        except DataError as error:
            assert name in str(error)

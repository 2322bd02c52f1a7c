"""Drawings in files of every form, told by their content; and photos, frames and notes told from drawings."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.rasterise import rasterise
from fgsbir.data.records import DataError
from fgsbir.data.sketch_files import PARALLEL_FROM, read_drawing, read_drawing_file, read_sketch_files
from fgsbir.data.strokes import centre, join_strokes, split_strokes
from tests.data.pictures import CHAIR, FORMS, encoded, gaps
from tests.data.readers.toy_files import write_sketch
from tests.data.test_stroke_files import FORMS as STROKE_FORMS
from tests.data.test_stroke_files import lines

POINTS = [part.tolist() for part in split_strokes(CHAIR)]
PATHS = "".join(f"M{' '.join(f'{x},{y}' for x, y in part)}" for part in POINTS)
SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256"><path fill="none" stroke="#000" d="{PATHS}"/></svg>'
)


def furthest(strokes: np.ndarray, other: np.ndarray) -> float:
    """How far the ink of one drawing is from that of another, at most, in canvas pixels."""
    return float(gaps(rasterise(strokes, 256), rasterise(other, 256)).max())


def same_ink(strokes: np.ndarray, other: np.ndarray) -> bool:
    return max(furthest(strokes, other), furthest(other, strokes)) < 6


@pytest.mark.parametrize("named", ["drawing.svg", "without a suffix"])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SVG.encode(), CHAIR),
        (json.dumps({"strokes": POINTS, "canvas": [256, 256]}).encode(), CHAIR),
        (
            json.dumps({"strokes": [[[2 * x, y] for x, y in part] for part in POINTS], "canvas": [512, 256]}).encode(),
            None,
        ),
        (json.dumps(POINTS).encode(), centre(CHAIR)),
        (lines({"drawing": [list(zip(*part, strict=True)) for part in POINTS]}), centre(CHAIR)),
    ],
)
def test_a_drawing_is_told_by_its_content(tmp_path: Path, named: str, data: bytes, expected: np.ndarray | None) -> None:
    (tmp_path / named).write_bytes(data)
    found = read_drawing_file(tmp_path / named, 1.0)
    half = CHAIR * np.float32([1, 0.5, 1]) + np.float32([0, 64, 0])
    np.testing.assert_allclose(found.strokes, half if expected is None else expected, atol=0.01)
    np.testing.assert_array_equal(read_drawing(data, "upload", 1.0).strokes, found.strokes)


@pytest.mark.parametrize("form", STROKE_FORMS)
def test_files_of_strokes_are_read_as_uploads_too(tmp_path: Path, form: str) -> None:
    path = tmp_path / "drawing.npz"
    path.write_bytes(STROKE_FORMS[form])
    found, upload = read_drawing_file(path, 1.0), read_drawing(STROKE_FORMS[form], "x", 1.0)
    np.testing.assert_array_equal(found.strokes, upload.strokes)
    assert found.user == upload.user == ("anna" if b"anna" in STROKE_FORMS[form] else None)


def test_one_of_many_is_chosen_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_bytes(lines(*({"drawing": [[[0, 10 * number], [0, 5]]]} for number in (1, 2)), "", "no JSON"))
    first, second = (read_drawing_file(path, 1.0, number=number) for number in (1, 2))
    assert not np.array_equal(first.strokes, second.strokes) and first.left_out == ("all drawings but number 1",)
    for number, told in ((3, "line 4: .* found damage"), (9, "line 4")):
        with pytest.raises(DataError, match=rf"many\.ndjson: {told}"):
            read_drawing_file(path, 1.0, number=number)
    path.write_bytes(lines({"drawing": [[[0, 1], [0, 5]]]}))
    assert read_drawing_file(path, 1.0).left_out == ()
    with pytest.raises(DataError, match="expected a drawing 2, found fewer"):
        read_drawing_file(path, 1.0, number=2)


@pytest.mark.parametrize("form", FORMS)
def test_a_raster_drawing_is_traced_in_every_format(form: str) -> None:
    found = read_drawing(encoded(np.dstack([rasterise(CHAIR, 512)] * 3), form), "upload", 1.0, or_photo=True)
    assert same_ink(found.strokes, CHAIR) and len(split_strokes(found.strokes)) <= 6 and found.picture


def test_white_ink_on_transparency_is_seen() -> None:
    ink, white = 255 - rasterise(CHAIR, 256), np.full((256, 256, 3), 255, np.uint8)
    for colours in (white, white * 0, white - [0, 20, 60]):
        found = read_drawing(encoded(np.dstack([colours, ink]).astype(np.uint8)), "x", 1.0, or_photo=True)
        assert same_ink(found.strokes, CHAIR)


SMALL = CHAIR * np.float32([0.7, 0.7, 1]) + np.float32([30, 36, 0])
FRAME = np.array([(12, 14), (246, 9), (244, 246), (10, 244), (12, 14)], float)
NOTES = join_strokes([np.array([(x, 60), (x + 3, 68), (x + 6, 60)], float) for x in range(190, 230, 9)])


def test_a_frame_is_dropped_and_told() -> None:
    framed = join_strokes([FRAME, *split_strokes(SMALL)])
    for width, thin in ((256, 2.0), (700, 4.0)):
        found = read_drawing(encoded(rasterise(framed, width, thin)), "x", 1.0, or_photo=True)
        assert found.left_out == ("a frame",) and same_ink(found.strokes, SMALL)
    # A frame without a drawing in it, one that a line crosses, and a box in the middle are what was drawn.
    crossed = np.array([(128, 2), (128, 254)], float)
    for drawn in (
        [FRAME],
        [FRAME, crossed],
        [FRAME * 0.5 + 64, *split_strokes(SMALL * np.float32([0.4, 0.4, 1]) + 70)],
    ):
        found = read_drawing(encoded(rasterise(join_strokes(list(drawn)), 256)), "x", 1.0)
        assert found.left_out == () and furthest(join_strokes(list(drawn)), found.strokes) < 6


def test_notes_beside_a_drawing_have_a_crop_offered() -> None:
    noted = encoded(rasterise(join_strokes([*split_strokes(SMALL), *split_strokes(NOTES)]), 512))
    found = read_drawing(noted, "x", 1.0, or_photo=True)
    assert found.crop and furthest(NOTES, found.strokes) < 6, "nothing is left out unasked"
    assert np.allclose(np.array(found.crop) * 256, [*SMALL[:, :2].min(0), *SMALL[:, :2].max(0)], atol=9)
    alone = read_drawing(noted, "x", 1.0, crop=found.crop)
    assert alone.crop is None and same_ink(centre(alone.strokes), centre(SMALL))
    assert read_drawing(encoded(rasterise(CHAIR, 512)), "x", 1.0).crop is None


def shaded(height: int, width: int, noise: float) -> np.ndarray:
    """A shaded thing on a white ground."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    thing = np.where((x / 0.6) ** 2 + (y / 0.7) ** 2 < 1, 150 + 80 * x - 40 * y, 255)
    return (thing + np.random.default_rng(0).normal(0, noise, thing.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "picture",
    [
        *(shaded(300, 400, noise) for noise in (0, 4)),
        shaded(300, 400, 2) // 3,  # in the dark
        213 + shaded(300, 400, 2) // 6,  # pale on white
        np.random.default_rng(0).integers(0, 2, (300, 400), np.uint8) * 255,  # a texture
        np.dstack([shaded(2000, 1500, 3)] * 3),
    ],
)
def test_a_photo_of_a_thing_is_no_drawing_unless_it_is_asked_for(picture: np.ndarray) -> None:
    data = encoded(picture, "JPEG")
    found = read_drawing(data, "x", 1.0, or_photo=True)
    assert len(found.strokes) == 0 and found.picture == data
    assert len(read_drawing(encoded(shaded(300, 400, 0)), "x", 1.0).strokes) > 1


@pytest.mark.skipif("FGSBIR_REAL_DATA" not in os.environ, reason="needs FGSBIR_REAL_DATA")
def test_real_photos_and_sketches_are_told_apart() -> None:
    from fgsbir.data.readers.sketchx import read_sketchx

    source = read_sketchx(Path(os.environ["FGSBIR_REAL_DATA"]), 1.0)
    taken = [read_drawing(photo.path.read_bytes(), "x", 1.0, or_photo=True) for photo in source.photos[::8]]
    drawn = [
        read_drawing(encoded(rasterise(sketch.strokes, 512, width), "JPEG"), "x", 1.0, or_photo=True)
        for width, sketch in zip([1.5, 3.0, 5.0] * 40, source.sketches[::30], strict=False)
    ]
    assert np.mean([not len(found.strokes) for found in taken]) > 0.9
    assert np.mean([len(found.strokes) > 0 for found in drawn]) > 0.97


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found an empty file"),
        (b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg><text>&a;</text></svg>', "entit"),
        (SVG.encode()[:-20], "malformed XML"),
        (b"%PDF-1.7", r"begins with '%PDF-1\.7'"),
        (b"[" * 100_000, "found damage"),
    ],
)
def test_what_is_no_drawing_is_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(data)
    for refused in (lambda: read_drawing(data, "a", 1.0), lambda: read_drawing_file(tmp_path / "a", 1.0)):
        with pytest.raises(DataError, match=rf"a: .*{message}"):
            refused()


@pytest.mark.parametrize("suffix", [".svg", ".json", ".ndjson", ".npy", ".png"])
def test_a_missing_file_and_a_folder(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    for name in ("none", "folder"):
        with pytest.raises(DataError, match="cannot be read"):
            read_drawing_file(tmp_path / f"{name}{suffix}", 1.0)


@pytest.mark.slow
def test_many_files_are_read_by_several_processes_as_by_one(tmp_path: Path) -> None:
    paths = [write_sketch(tmp_path / f"{k}{suffix}") for k in range(PARALLEL_FROM // 2) for suffix in (".png", ".json")]
    paths[7].write_bytes(b"x")
    together: list[Any] = read_sketch_files(paths, 1.0)
    alone: list[Any] = [result for path in paths for result in read_sketch_files([path], 1.0)]
    assert isinstance(together[7], DataError) and str(together.pop(7)) == str(alone.pop(7))
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.strokes, other.strokes)

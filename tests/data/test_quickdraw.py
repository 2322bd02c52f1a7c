import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.quickdraw import read_quickdraw, read_verified
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre

# One drawing in both public forms: two strokes, absolute, and as offsets with a flag where the pen is lifted.
ABSOLUTE = [[[0, 100, 100], [0, 0, 50]], [[20, 30], [60, 90]]]
STROKE_3 = np.array([[0, 0, 0], [100, 0, 0], [0, 50, 1], [-80, 10, 0], [10, 30, 1]], np.int16)
CANONICAL = np.array([[0, 0, 0], [100, 0, 0], [100, 50, 1], [20, 60, 0], [30, 90, 1]], np.float32)


def objects(sketches: Any) -> np.ndarray:
    array = np.empty(len(sketches), object)
    array[:] = sketches
    return array


def write_npz(path: Path, *sketches: Any) -> Path:
    np.savez(path, train=objects(sketches))
    return path


def write_lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_all_forms_give_the_same_centred_strokes(tmp_path: Path) -> None:
    open_ended = STROKE_3.copy()
    open_ended[-1, 2] = 0
    timed = [[*stroke, [0, 17, 33][: len(stroke[0])]] for stroke in ABSOLUTE]
    # Drawings of one point or none are left out.
    npz = write_npz(tmp_path / "cat.npz", STROKE_3, STROKE_3[:1], open_ended, STROKE_3[:0])
    rows = [{"word": "cat", "drawing": ABSOLUTE}, {"drawing": [[[5], [5]]]}, {"drawing": []}, "", {"drawing": timed}]
    for path in (npz, write_lines(tmp_path / "cat.ndjson", *rows)):
        found = read_verified(path, hashlib.sha256(path.read_bytes()).hexdigest())
        assert len(found) == 2
        for strokes in found:
            assert strokes.dtype == np.float32
            np.testing.assert_allclose(strokes, centre(CANONICAL), atol=1e-3)
        with pytest.raises(DataError, match=rf"{path.name}: expected sha256 00, found "):
            read_verified(path, "00")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_all_parts_are_read_training_first(tmp_path: Path, save: Any) -> None:
    scales = {"test": [1], "train": [2, 3], "valid": [4]}
    parts = {name: objects([STROKE_3 * [scale, 1, 1] for scale in own]) for name, own in scales.items()}
    save(tmp_path / "cat.npz", **parts)
    widths = [np.ptp(found[:, 0]) / np.ptp(found[:, 1]) for found in read_quickdraw(tmp_path / "cat.npz")]
    np.testing.assert_allclose(widths, np.array([2, 3, 1, 4]) * 100 / 90, rtol=1e-4)


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[1, 2]",
        "{}",
        {"drawing": 5},
        {"drawing": [[1]]},
        {"drawing": [[[1, 2], [1]]]},
        {"drawing": [[["a", "b"], [1, 2]]]},
        {"drawing": [[1, 2]]},
        '{"drawing": [[[1, NaN], [1, 2]]]}',
        '{"drawing": [[[1, 1e999], [1, 2]]]}',
        {"drawing": [[[[1, 2]], [[3, 4]]]]},
        '{"drawing": ' + "[" * 100_000,
        " " * (5 << 20),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, row: Any) -> None:
    drawings = read_quickdraw(write_lines(tmp_path / "a.ndjson", {"drawing": ABSOLUTE}, row, {"drawing": ABSOLUTE}))
    next(drawings)
    with pytest.raises(DataError, match=r"a\.ndjson: line 2: "):
        next(drawings)


@pytest.mark.parametrize(
    ("sketch", "found"),
    [
        (np.zeros((4, 5)), r"sketch 1: expected stroke-3 rows \(n, 3\), found shape \(4, 5\)"),
        (np.array([[0, np.nan, 0], [1, 1, 1]]), "sketch 1: row 0 is not finite"),
        (np.array([[0, 0, 7], [1, 1, 1]]), "sketch 1: expected pen flags 0 or 1"),
        ("text", "expected a pickle of numeric numpy arrays only, found str 'text' at position 1"),
        (np.array(["text"]), ".* found an array of dtype 'U4'"),
        (Path("a"), ".* found a reference to"),
    ],
)
def test_a_malformed_sketch_is_named(tmp_path: Path, sketch: Any, found: str) -> None:
    with pytest.raises(DataError, match=rf"a\.npz: train: {found}"):
        list(read_quickdraw(write_npz(tmp_path / "a.npz", STROKE_3, sketch)))


def test_what_is_no_quickdraw_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt: expected a QuickDraw file"):
        read_quickdraw(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"a\.npz: expected a QuickDraw file, found nothing"):
        read_quickdraw(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", train=np.zeros((4, 3)))
    with pytest.raises(DataError, match=r"b\.npz: train\.npy: expected an object array .* found dtype float64"):
        list(read_quickdraw(tmp_path / "b.npz"))
    path = write_npz(tmp_path / "c.npz", *[STROKE_3] * 9)
    whole = path.read_bytes()
    for damaged in (b"", b"PK", whole[:-5], whole[: len(whole) // 2], whole[:60] + b"\xff" * 20 + whole[80:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"c\.npz: "):
            list(read_quickdraw(path))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.npy", bytes(3 << 20))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    claimed = (3 << 20).to_bytes(4, "little")
    central = data.rindex(claimed)
    data[central : central + 4] = (0x7FFFFFFF).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=r"train\.npy: expected at most 1,073,741,824 bytes, found 2,147,483,647"):
        list(read_quickdraw(tmp_path / "a.npz"))

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.quickdraw import read_quickdraw
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre

# One drawing in both public forms: two strokes, absolute, and as offsets with a flag where the pen is lifted.
ABSOLUTE = [[[0, 100, 100], [0, 0, 50]], [[20, 30], [60, 90]]]
STROKE_3 = np.array([[0, 0, 0], [100, 0, 0], [0, 50, 1], [-80, 10, 0], [10, 30, 1]], np.int16)
CANONICAL = np.array([[0, 0, 0], [100, 0, 0], [100, 50, 1], [20, 60, 0], [30, 90, 1]], np.float32)


def objects(sketches: list[Any]) -> np.ndarray:
    array = np.empty(len(sketches), object)
    array[:] = sketches
    return array


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_both_forms_give_the_same_centred_strokes(tmp_path: Path) -> None:
    np.savez(tmp_path / "cat.npz", train=objects([STROKE_3]))
    drawing = lines(tmp_path / "cat.ndjson", {"word": "cat", "drawing": ABSOLUTE})
    for path in (tmp_path / "cat.npz", drawing):
        (found,) = read_quickdraw(path)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, centre(CANONICAL), atol=1e-3)


def test_times_of_raw_drawings_are_dropped(tmp_path: Path) -> None:
    raw = [[*stroke, [0, 17, 33][: len(stroke[0])]] for stroke in ABSOLUTE]
    (found,) = read_quickdraw(lines(tmp_path / "a.ndjson", {"drawing": raw}))
    np.testing.assert_allclose(found, centre(CANONICAL), atol=1e-3)


@pytest.mark.parametrize("compressed", [False, True])
def test_all_parts_are_read_training_first(tmp_path: Path, compressed: bool) -> None:
    save = np.savez_compressed if compressed else np.savez
    parts = {
        name: objects([STROKE_3 * [scale, 1, 1] for scale in scales])
        for name, scales in {"test": [1], "train": [2, 3], "valid": [4]}.items()
    }
    save(tmp_path / "cat.npz", **parts)
    widths = [np.ptp(found[:, 0]) / np.ptp(found[:, 1]) for found in read_quickdraw(tmp_path / "cat.npz")]
    np.testing.assert_allclose(widths, np.array([2, 3, 1, 4]) * 100 / 90, rtol=1e-4)


def test_a_limit_stops_the_reading(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.ndjson", *[{"drawing": ABSOLUTE}] * 3, "not read any more")
    assert len(list(read_quickdraw(path, 3))) == 3
    np.savez(tmp_path / "a.npz", train=objects([STROKE_3] * 5))
    assert len(list(read_quickdraw(tmp_path / "a.npz", 2))) == 2


def test_drawings_of_one_point_are_left_out(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.ndjson", {"drawing": [[[5], [5]]]}, {"drawing": []}, "", {"drawing": ABSOLUTE})
    assert len(list(read_quickdraw(path))) == 1
    np.savez(tmp_path / "a.npz", train=objects([STROKE_3[:1], STROKE_3, STROKE_3[:0]]))
    assert len(list(read_quickdraw(tmp_path / "a.npz"))) == 1


def test_a_pen_left_down_at_the_end_is_lifted(tmp_path: Path) -> None:
    open_ended = STROKE_3.copy()
    open_ended[-1, 2] = 0
    np.savez(tmp_path / "a.npz", train=objects([open_ended]))
    (found,) = read_quickdraw(tmp_path / "a.npz")
    np.testing.assert_allclose(found, centre(CANONICAL), atol=1e-3)


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
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, row: Any) -> None:
    path = lines(tmp_path / "a.ndjson", {"drawing": ABSOLUTE}, row, {"drawing": ABSOLUTE})
    drawings = read_quickdraw(path)
    next(drawings)
    with pytest.raises(DataError, match=r"a\.ndjson: line 2: "):
        next(drawings)


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b" " * (5 << 20))
    with pytest.raises(DataError, match="line 1: expected at most 4,194,304 bytes"):
        list(read_quickdraw(path))


@pytest.mark.parametrize(
    ("sketch", "found"),
    [
        (np.zeros((4, 5)), r"a\.npz: train: sketch 1: expected stroke-3 rows \(n, 3\), found shape \(4, 5\)"),
        (np.array([[0, np.nan, 0], [1, 1, 1]]), r"a\.npz: train: sketch 1: row 0 is not finite"),
        (np.array([[0, 0, 7], [1, 1, 1]]), r"a\.npz: train: sketch 1: expected pen flags 0 or 1"),
        ("text", r"a\.npz: train: expected a pickle of numeric numpy arrays only, found str 'text' at position 1"),
        (np.array(["text"]), r"a\.npz: train: .* found an array of dtype 'U4'"),
    ],
)
def test_a_malformed_sketch_is_named(tmp_path: Path, sketch: Any, found: str) -> None:
    np.savez(tmp_path / "a.npz", train=objects([STROKE_3, sketch]))
    with pytest.raises(DataError, match=found):
        list(read_quickdraw(tmp_path / "a.npz"))


class Touches:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_no_code_in_a_file_is_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", train=objects([STROKE_3, Touches(tmp_path / "witness")]))
    with pytest.raises(DataError, match="found a reference to"):
        list(read_quickdraw(tmp_path / "a.npz"))
    # The same where the file says "array of numbers" and a pickle follows.
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("train.npy", header.getvalue() + pickle.dumps(Touches(tmp_path / "witness")))
    with pytest.raises(DataError, match="found a reference to"):
        list(read_quickdraw(tmp_path / "b.npz"))
    assert not (tmp_path / "witness").exists()


def test_what_is_no_quickdraw_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt: expected a QuickDraw file"):
        read_quickdraw(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"a\.npz: expected a QuickDraw file, found nothing"):
        read_quickdraw(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", train=np.zeros((4, 3)))
    with pytest.raises(
        DataError, match=r"b\.npz: train\.npy: expected an object array of sketches, found dtype float64"
    ):
        list(read_quickdraw(tmp_path / "b.npz"))
    np.savez(tmp_path / "c.npz", train=objects([STROKE_3] * 9))
    whole = (tmp_path / "c.npz").read_bytes()
    for damaged in (b"", b"PK", whole[:-5], whole[: len(whole) // 2], whole[:60] + b"\xff" * 20 + whole[80:]):
        (tmp_path / "c.npz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"c\.npz: "):
            list(read_quickdraw(tmp_path / "c.npz"))


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

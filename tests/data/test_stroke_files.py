"""Files of strokes: every public form gives the same drawing, and what is malformed is named."""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fgsbir.data.records import DataError
from fgsbir.data.stroke_files import is_stroke_file, read_quickdraw, read_strokes, read_verified
from fgsbir.data.strokes import centre

# One drawing in all public forms: two strokes, absolute, and as offsets with a flag where the pen is lifted.
ABSOLUTE = [[[0, 100, 100], [0, 0, 50]], [[20, 30], [60, 90]]]
POINTS = [[list(point) for point in zip(*stroke, strict=True)] for stroke in ABSOLUTE]
STROKE_3 = np.array([[0, 0, 0], [100, 0, 0], [0, 50, 1], [-80, 10, 0], [10, 30, 1]], np.int16)
STROKE_5 = np.column_stack([STROKE_3[:, :2], 1 - STROKE_3[:, 2], STROKE_3[:, 2], np.zeros(5, np.int16)])
STROKE_5 = np.concatenate([STROKE_5, [[0, 0, 0, 0, 1]] * 3])
CANONICAL = np.array([[0, 0, 0], [100, 0, 0], [100, 50, 1], [20, 60, 0], [30, 90, 1]], np.float32)
OPEN_ENDED = STROKE_3 * [1, 1, 0] + [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
TIMED = [[*stroke, [0, 17, 33][: len(stroke[0])]] for stroke in ABSOLUTE]
RAW = [[[x / 3 + 40.25 for x in xs], [y / 3 for y in ys], list(range(len(xs)))] for xs, ys in ABSOLUTE]


def objects(*sketches: Any) -> np.ndarray:
    array = np.empty(len(sketches), object)
    array[:] = sketches
    return array


def npz(save: Any = np.savez, **parts: Any) -> bytes:
    file = io.BytesIO()
    save(file, **parts)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def lines(*rows: Any) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


FORMS = {
    "simplified": lines({"word": "cat", "drawing": ABSOLUTE}),
    "raw, with times": lines({"drawing": TIMED}, "", {"drawing": RAW}),
    "an empty stroke": lines(
        {"drawing": [[[], []], *ABSOLUTE, [[], [], []]]}, {"strokes": [[], *POINTS]}, [[], *POINTS]
    ),
    "points and none": lines({"drawing": ABSOLUTE}, {"drawing": [[[5], [5]]]}, {"drawing": []}, {"strokes": [[]]}),
    "strokes with pressure": lines([[[x, y, 0.5] for x, y in stroke] for stroke in POINTS]),
    "one value over several lines": json.dumps({"strokes": POINTS, "user": "anna"}, indent=1).encode(),
    "stroke-3": npz(train=objects(STROKE_3, STROKE_3[:1], OPEN_ENDED, STROKE_3[:0])),
    "stroke-5": npz(test=objects(STROKE_5, STROKE_5[:5])),
    "a dense stroke-5": npz(np.savez_compressed, train=np.stack([STROKE_5] * 3).astype(float)),
    "a dense stroke-3": npz(train=np.concatenate([STROKE_3, np.zeros((4, 3), int)])[None].repeat(2, 0)),
    "one stroke-5": npz(arr_0=STROKE_5),
    "stroke-5 as an array": npy(np.asfortranarray(STROKE_5)),
    "canonical": npy(CANONICAL.astype(float)),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_give_the_same_centred_strokes(tmp_path: Path, form: str) -> None:
    path, data = tmp_path / "cat", FORMS[form]
    path.write_bytes(data)
    found = read_verified(path, hashlib.sha256(data).hexdigest())
    assert found and is_stroke_file(data)
    for strokes in found:
        assert strokes.dtype == np.float32
        np.testing.assert_allclose(strokes, centre(CANONICAL), atol=1e-3)
    with pytest.raises(DataError, match="cat: expected sha256 00, found "):
        read_verified(path, "00")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_all_parts_are_read_training_first(save: Any) -> None:
    scales = {"test": [1], "train": [2, 3], "valid": [4]}
    parts = {name: objects(*(STROKE_3 * [scale, 1, 1] for scale in own)) for name, own in scales.items()}
    read = [drawing.strokes for drawing in read_strokes(io.BytesIO(npz(save, **parts)), "cat.npz")]
    widths = [np.ptp(found[:, 0]) / np.ptp(found[:, 1]) for found in read]
    np.testing.assert_allclose(widths, np.array([2, 3, 1, 4]) * 100 / 90, rtol=1e-4)


@pytest.mark.parametrize(
    "row",
    [
        *("{", "{}", '{"drawing": ' + "[" * 100_000, " " * (5 << 20)),
        *('{"drawing": [[[1, NaN], [1, 2]]]}', '{"drawing": [[[1, 1e999], [1, 2]]]}', "[[[1, 1], [2, 2]], [5]]"),
        *({"drawing": drawing} for drawing in (5, [[1]], [[[1, 2], [1]]], [[["a", "b"], [1, 2]]], [[1, 2]])),
        {"drawing": [[[[1, 2]], [[3, 4]]]]},
        *({"strokes": value} for value in (3, [], [[[1, 2], [3]]], {"a": 1}, None)),
        {"strokes": POINTS, "canvas": [0, 5]},
        {"strokes": POINTS, "canvas": "wide"},
        {"strokes": POINTS, "canvas": [10**400, 1]},
        {"strokes": POINTS, "user": 5},
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, row: Any) -> None:
    (tmp_path / "a.ndjson").write_bytes(lines({"drawing": ABSOLUTE}, row, {"drawing": ABSOLUTE}))
    drawings = read_quickdraw(tmp_path / "a.ndjson")
    next(drawings)
    with pytest.raises(DataError, match=r"a\.ndjson: line 2: "):
        next(drawings)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


CLAIMED = npy(CANONICAL)[:128].replace(b"(5, 3)", b"(99999999999, 3)").replace(b" " * 10, b"", 1)[:128]
DAMAGED = npz(train=objects(*[STROKE_3] * 9))
COMPRESSED = io.BytesIO()
with zipfile.ZipFile(COMPRESSED, "w", zipfile.ZIP_BZIP2) as archive:
    archive.writestr("train.npy", npy(np.arange(3000.0).reshape(-1, 3)))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (npz(train=objects(STROKE_3, np.zeros((4, 4)))), r"train: sketch 1: expected stroke-3 .* found shape \(4, 4\)"),
        (npz(train=objects(STROKE_3, np.array([[0, np.nan, 0], [1, 1, 1]]))), "train: sketch 1: row 0 is not finite"),
        (npz(train=objects(STROKE_3, np.array([[0, 0, 7], [1, 1, 1]]))), "train: sketch 1: expected pen flags 0 or 1"),
        (npz(train=objects(STROKE_3, "text")), "train: .* numeric numpy arrays only, found str 'text' at position 1"),
        (npz(train=objects(STROKE_3, np.array(["text"]))), "train: .* found an array of dtype 'U4'"),
        (npz(train=objects(STROKE_3, Path("a"))), "train: .* found a reference to"),
        (npz(train=np.zeros((4, 4))), r"train: sketch 0: expected .* found shape \(4, 4\)"),
        (npz(train=np.zeros(4)), r"train: sketch 0: expected .* found shape \(4,\)"),
        (npz(train=np.array(["a"])), "expected an array of strokes, found damage"),
        *((data, "expected") for data in (b"", b"PK", DAMAGED[:-5], DAMAGED[: len(DAMAGED) // 2])),
        (DAMAGED[:60] + b"\xff" * 20 + DAMAGED[80:], "expected"),
        *(
            (data, "expected an array of strokes, found damage")
            for data in (npy(CANONICAL)[:-5], CLAIMED, b"\x93NUMPY")
        ),
        (npy(objects(Bomb())), "found a reference to"),
        (npy(CANONICAL).replace(b"{'descr'", b"[[[[[[[["), "expected an array of strokes, found damage"),
        (COMPRESSED.getvalue()[:60] + b"\xff" * 20 + COMPRESSED.getvalue()[80:], "found damage"),
        (npy(CANONICAL[:, :2]), "expected strokes as numbers of shape"),
        (npy(CANONICAL * [1, np.nan, 1]), "is not finite"),
        (npy(CANONICAL * [1, 1, 0]), "pen flag 1 on the last point"),
        (pickle.dumps(Bomb()), "found damage"),
    ],
)
def test_what_is_malformed_is_named_and_nothing_is_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, found: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=rf"a\.npz: .*{found}"):
        list(read_quickdraw(tmp_path / "a.npz"))
    assert not (tmp_path / "exploded").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.npz: expected a file of strokes, found none"):
        list(read_quickdraw(tmp_path / "a.npz"))


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.npy", bytes(3 << 20))
    data, claimed = bytearray(file.getvalue()), (3 << 20).to_bytes(4, "little")
    central = data.rindex(claimed)
    data[central : central + 4] = (0x7FFFFFFF).to_bytes(4, "little")
    with pytest.raises(DataError, match=r"train\.npy: expected at most 1,073,741,824 bytes, found 2,147,483,647"):
        list(read_strokes(io.BytesIO(data), "a.npz"))

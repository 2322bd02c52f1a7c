"""Queries: bounds on what is searched by, and anything at all as a file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fgsbir.data.records import DataError
from fgsbir.search.queries import MAX_COORDINATE, MAX_POINTS, read_query, read_query_bytes

LONG = np.column_stack([np.zeros((MAX_POINTS + 1, 2)), np.arange(MAX_POINTS + 1) == MAX_POINTS])
STARTS = (b"", b"<svg>", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a", b"\xff\xd8\xff", b"PK\x03\x04", b"\x93NUMPY\1\0", b"[")


@pytest.mark.parametrize(
    ("strokes", "message"),
    [
        (LONG, "expected at most 100,000 points, found 100,001"),
        ([[1e9, 1, 0], [2, 3, 1]], "expected coordinates of at most 1,000,000"),
        ([[1e300, 1, 0], [2, 3, 1]], "is not finite"),
    ],
)
def test_what_cannot_be_searched_by_is_refused_by_name(tmp_path: Path, strokes: Any, message: str) -> None:
    np.save(tmp_path / "a.npy", np.array(strokes))
    for refused in (
        lambda: read_query(tmp_path / "a.npy"),
        lambda: read_query_bytes((tmp_path / "a.npy").read_bytes(), "a.npy"),
    ):
        with pytest.raises(DataError, match=rf"a\.npy: .*{message}"):
            refused()


def test_a_drawing_is_chosen_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_text("\n".join(json.dumps({"drawing": [[[0, 10 * number], [0, 5]]]}) for number in (1, 2)))
    np.testing.assert_array_equal(read_query(path).strokes, read_query(Path(f"{path}:1")).strokes)
    assert not np.array_equal(read_query(path).strokes, read_query(Path(f"{path}:2")).strokes)
    with pytest.raises(DataError, match="expected a drawing 3, found fewer"):
        read_query(Path(f"{path}:3"))
    with pytest.raises(DataError, match="cannot be read"):  # a file of that name
        read_query(Path(f"{path}:0"))


@given(st.binary(max_size=300), st.sampled_from(STARTS))
def test_any_bytes_are_a_drawing_or_refused(data: bytes, start: bytes) -> None:
    try:
        found = read_query_bytes(start + data, "x").strokes
    except DataError as error:
        assert str(error).startswith("x: ")
    else:
        assert not len(found) or (len(found) >= 2 and np.abs(found).max() <= MAX_COORDINATE)


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text(max_size=3), st.lists, max_leaves=12))
def test_any_json_is_a_drawing_or_refused(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name, text in (("x.json", json.dumps(value)), ("x.ndjson", json.dumps({"drawing": value}))):
        (folder / name).write_text(text)
        try:
            assert len(read_query(folder / name).strokes) >= 2
        except DataError as error:
            assert name in str(error)

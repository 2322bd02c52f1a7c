"""``fgsbir index`` and ``fgsbir search``: a folder of photos, and what is found in it for a sketch."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgsbir.commands.index import LISTED
from fgsbir.data.strokes import join_strokes
from fgsbir.search.queries import read_query
from fgsbir.search.searcher import Searcher
from fgsbir.search.svg_writer import svg_of

Run = Callable[..., int]


@pytest.fixture
def sketch(tmp_path: Path) -> Path:
    path = tmp_path / "mine.svg"
    path.write_text(svg_of(join_strokes([np.array([[60.0, 60], [180, 70], [180, 200]])])))
    return path


def test_the_report_counts_what_is_new_kept_and_left_out(
    tmp_path: Path,
    joint_model: Path,
    make_photo: Callable[[Path, int], Path],
    fgsbir: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photos, index = tmp_path / "photos", tmp_path / "index"
    for number in range(3):
        make_photo(photos / "deep" / f"{number}.png", number)

    def report() -> str:
        assert fgsbir("index", photos, "--model", joint_model, "--out", index) == 0
        return capsys.readouterr().out

    assert report() == f"{index}: 3 photos, 3 of them new, 0 kept\n"
    make_photo(photos / "7.png", 7)
    (photos / "deep" / "0.png").unlink()
    assert report() == f"{index}: 3 photos, 1 of them new, 2 kept\n"
    for number in range(LISTED + 2):
        (photos / f"broken {number:02}.jpg").write_bytes(b"no photo")
    lines = report().splitlines()
    assert lines[1] == f"left out: {LISTED + 2}" and len(lines) == LISTED + 3
    assert "broken 00.jpg: expected a JPEG" in lines[2]
    assert lines[-1] == f"  and 2 more, under skipped in {index / 'index.json'}"


def test_a_pipe_gets_json_and_a_terminal_a_table(
    index: Path, sketch: Path, fgsbir: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Searcher.open(index).search(read_query(sketch), 2)
    sheet = sketch.parent / "new" / "sheet.png"
    assert fgsbir("search", sketch, "--index", index, "-k", 2, "--sheet", sheet) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["id"], Path(row["path"]), row["rank"], row["distance"]) for row in found] == expected
    with Image.open(sheet) as image:
        assert image.format == "PNG"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert fgsbir("search", sketch, "--index", index) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["rank", "distance", "photo"] and len(rows) == 3
    assert rows[0].split() == ["1", f"{expected[0].distance:.3f}", str(expected[0].path)]
    assert fgsbir("search", sketch, "--index", index, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 3


def test_what_cannot_be_searched_is_told_in_one_line(
    tmp_path: Path, index: Path, sketch: Path, joint_model: Path, refusal: Callable[..., str], fgsbir: Run
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments, message in (
        (["search", sketch, "--index", empty], "expected an index, made by fgsbir index"),
        (["search", sketch, "--index", index, "--sheet", tmp_path / "sheet.tiff"], "ends in .png or .jpg"),
        (["index", empty, "--model", joint_model, "--out", tmp_path / "new"], "expected photos, found none"),
        (["index", sketch, "--model", empty, "--out", tmp_path / "new"], "no such file"),
        (["index", index, "--model", joint_model, "--out", empty], "expected an index, made by fgsbir index"),
    ):
        assert message in refusal(*arguments)
    for k in ("0", "-3", "x", "100000"):
        assert fgsbir("search", sketch, "--index", index, "-k", k) == 2

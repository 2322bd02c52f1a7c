"""``fgsbir draw``: photos in, vector sketches and their animations out."""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fgsbir.data.svg.reading import read_svg

Run = Callable[..., int]


@pytest.fixture
def draw(fgsbir: Run, joint_model: Path) -> Run:
    return lambda *arguments: fgsbir("draw", "--model", joint_model, *arguments)


@pytest.fixture
def photos(tmp_path: Path, make_photo: Callable[[Path, int], Path]) -> list[Path]:
    return [make_photo(tmp_path / "photos" / f"{name}.png", number) for number, name in enumerate(("cup", "jug"))]


def test_one_photo_becomes_one_file(
    tmp_path: Path, draw: Run, photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    svg, gif = tmp_path / "out" / "cup.svg", tmp_path / "cup.gif"
    assert draw(photos[0], "--svg", svg, "--animate", gif) == 0
    strokes = read_svg(svg.read_bytes(), "cup.svg").strokes
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["photo", "points", "strokes", "certainty"]
    name, points, count, certainty = row.split()
    assert (name, int(count)) == ("cup.png", strokes[:, 2].sum()) and int(points) >= len(strokes)
    assert 0 <= float(certainty) <= 1
    with Image.open(gif) as image:
        assert image.format == "GIF" and image.n_frames > 10


def test_several_become_files_in_a_folder_each_as_if_drawn_alone(
    tmp_path: Path, draw: Run, photos: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert draw(photos[0].parent, "--svg", tmp_path / "out", "--seed", 5, "--temperature", 1) == 0
    assert f"wrote {tmp_path / 'out'}" in caplog.text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cup.svg", "jug.svg"]
    alone, beside = tmp_path / "jug.svg", tmp_path / "out" / "jug.svg"
    assert draw(photos[1], "--svg", alone, "--seed", 5, "--temperature", 1) == 0
    assert alone.read_bytes() == beside.read_bytes()


def test_a_bad_photo_among_others_is_told_at_the_end(
    tmp_path: Path,
    draw: Run,
    photos: list[Path],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    (photos[0].parent / "d.jpg").write_bytes(photos[0].read_bytes()[:70])
    (photos[0].parent / os.fsdecode(b"\xff.png")).write_bytes(photos[0].read_bytes())
    (photos[0].parent / "note.txt").write_text("a note")
    assert draw(photos[0].parent, "--svg", tmp_path / "out", "--animate", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cup.gif", "cup.svg", "jug.gif", "jug.svg"]
    assert len(capsys.readouterr().out.splitlines()) == 3 and "left out: 2" in caplog.text
    assert "not read: 1, by kind: TXT 1" in caplog.text
    assert "d.jpg: expected a JPEG" in caplog.text and r"\udcff.png: expected a name in UTF-8" in caplog.text


def test_what_cannot_be_used_is_told_in_one_line_and_nothing_is_written(
    tmp_path: Path, joint_model: Path, photos: list[Path], make_photo: Callable[[Path, int], Path], refusal: Run
) -> None:
    broken, empty, out = tmp_path / "broken.jpg", tmp_path / "e", tmp_path / "o"
    broken.write_bytes(photos[0].read_bytes()[:70])
    names = [unicodedata.normalize(form, "again/cüp.png") for form in ("NFC", "NFD")]
    one, two = (make_photo(tmp_path / name, 0) for name in names)
    empty.mkdir()
    for arguments, message in (
        ([broken, "--svg", tmp_path / "o.svg"], "broken.jpg: expected a JPEG"),
        ([one, two, "--svg", out], "p.svg: would be the sketch of two photos"),
        ([photos[0], "--svg", tmp_path / "out.png"], "expected a name that ends in .svg"),
        ([*photos, "--animate", photos[0]], "found the name of a file"),
        ([*photos, "--svg", tmp_path / "both.svg"], "expected a folder for the sketches of 2 photos"),
        ([empty], "expected photos, found none"),
        ([photos[0], "--model", tmp_path], "no such file"),
    ):
        assert message in refusal("draw", "--model", joint_model, *arguments)
    assert not out.exists()


@pytest.mark.parametrize("option", ["--seed=-1", "--seed=x", "--temperature=nan", "--temperature=-0.1"])
def test_numbers_have_bounds(draw: Run, photos: list[Path], option: str) -> None:
    assert draw(photos[0], option) == 2


def test_names_are_shown_without_what_a_terminal_would_obey(
    tmp_path: Path, draw: Run, photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(photos[0].rename(tmp_path / "a\x1b[2J\nb.png")) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and shown.count("\n") == 2 and r"a\x1b[2J\nb.png" in shown

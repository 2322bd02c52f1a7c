"""``fgsbir index`` and ``fgsbir search``: a folder of photos, and what is found in it for a sketch."""

import json
import os
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fgsbir.commands import options as options_module
from fgsbir.commands.options import LISTED
from fgsbir.data.photos import FORMATS
from fgsbir.data.records import as_text
from fgsbir.data.strokes import join_strokes
from fgsbir.search.gallery import Gallery
from fgsbir.search.queries import read_query
from fgsbir.search.searcher import Searcher
from fgsbir.search.svg_writer import svg_of
from tests.data.pictures import encoded, png_header, scene

Run = Callable[..., int]
HUGE = png_header(60_000, 60_000)


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


PHONE = Image.Exif()
PHONE[0x0112] = 6


def write_everything(root: Path, elsewhere: Path) -> tuple[set[str], dict[str, str], dict[str, int]]:
    """All kinds of photos, names and faults; which are photos, what is wrong with others, and what is left uncounted.

    Beside them identical copies of two, a.jpg and b.gif.
    """
    colours = iter(np.random.default_rng(0).permutation(64).tolist())

    def picture(side: int = 24) -> np.ndarray:
        return (scene(side, side) + np.uint8(next(colours))).astype(np.uint8)

    def put(name: str, data: bytes = b"x") -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    good = {f"photo{suffix}": (form, suffix) for form, kind in FORMATS.items() for suffix in kind.suffixes}
    for name, (form, _) in good.items():
        put(name, encoded(picture(), form))
    grey16 = Image.fromarray(np.arange(0, 64_000, 1000, dtype=np.uint16).reshape(8, 8))
    frames = [Image.fromarray(picture()) for _ in range(3)]
    more = {
        "deep/er/UPPER.JPG": encoded(picture(), "JPEG", exif=PHONE),
        unicodedata.normalize("NFD", "café/Stühle.jpg"): encoded(picture(), "JPEG"),
        "a b\n$.png": encoded(picture(), "PNG"),
        "no jpeg.jpg": encoded(picture(), "WEBP"),
        "grey16.png": encoded(grey16),
        "cmyk.jpg": encoded(Image.fromarray(picture()).convert("CMYK"), "JPEG"),
        "palette.png": encoded(Image.fromarray(picture()).quantize(8), transparency=1),
        "animated.webp": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "motion.jpg": encoded(frames[1], "MPO", save_all=True, append_images=frames[2:]),
        "phone.jpg": encoded(Image.new("L", (12_000, 9_000), 90), "JPEG"),
    }
    for name, data in more.items():
        put(name, data)
    for copy, name in (("a.jpg", "photo.jpg"), ("b.gif", "photo.png")):
        put(copy, (root / name).read_bytes())
    bad = {
        "empty.jpg": (b"", "empty file"),
        **{f"cut{kind.suffixes[0]}": (encoded(picture(64), form)[:-40], "damaged") for form, kind in FORMATS.items()},
        "drawing.png": (b"<svg/>", "begins with '<svg/>'"),
        "float.tif": (encoded(Image.new("F", (8, 8)), "TIFF"), "8 or 16 bits"),
        "huge.png": (HUGE, "at most 100 megapixels"),
        os.fsdecode(b"\xff.jpg"): (encoded(picture(), "JPEG"), "a name in UTF-8"),
        os.fsdecode(b"\xfe/1.jpg"): (encoded(picture(), "JPEG"), "a name in UTF-8"),
    }
    for name, (data, _) in bad.items():
        put(name, data)
    os.mkfifo(root / "pipe.jpg")
    (root / "gone.jpg").symlink_to(root / "nothing")
    told = {name: reason for name, (_, reason) in bad.items()} | {"pipe.jpg": "no file", "gone.jpg": "cannot be read"}
    for name in ("a.jp2", "b.JP2", "notes.txt", "drawing.svg", "without", "raw.dng"):
        put(name)
    for name in (".DS_Store", ".hidden.jpg", "Thumbs.db", "deep/desktop.ini"):
        put(name)
    for name in ("@eaDir/photo.jpg/SYNO.jpg", ".trash/photo.jpg", "deep/@eaDir/photo.jpg"):
        put(name)
    elsewhere.mkdir()
    (root / "link").symlink_to(elsewhere)
    (root / "loop").symlink_to(root)
    others = {"JP2": 2, "TXT": 1, "SVG": 1, "DNG": 1, "no suffix": 1}
    others |= {"hidden or system file": 4, "hidden or system folder": 3, "linked folder": 2}
    return {*good, *more}, told, others


def test_a_folder_of_everything_is_accounted_for(
    tmp_path: Path, joint_model: Path, fgsbir: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, others = write_everything(tmp_path / "photos", tmp_path / "elsewhere")
    monkeypatch.setattr(options_module, "LISTED", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=r"PIL\..*")  # as importing the package does
        assert fgsbir("index", tmp_path / "photos", "--model", joint_model, "--out", tmp_path / "index") == 0
    told, noise = capfd.readouterr()
    assert noise == ""
    counted, copies, left_out, *reasons, unread = told.splitlines()
    assert counted == f"{tmp_path / 'index'}: {len(good)} photos, {len(good)} of them new, 0 kept"
    assert copies.endswith(": 2") and left_out == f"left out: {len(bad)}" and len(reasons) == len(bad)
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(others.items()))
    assert unread == f"not read: {sum(others.values())}, by kind: {kinds}"
    gallery = Gallery(tmp_path / "index")
    found = [path for row in range(len(gallery)) for path in gallery.paths(row)]
    assert {str(path.relative_to(tmp_path / "photos")) for path in found} == good | {"a.jpg", "b.gif"}
    for name, reason in bad.items():
        (key,) = (key for key in gallery.about.skipped if key.endswith(f"/{as_text(name)}"))
        assert reason in gallery.about.skipped[key]


def test_a_pipe_gets_json_and_a_terminal_a_table(
    index: Path, sketch: Path, fgsbir: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Searcher.open(index).search(read_query(sketch).strokes, 2)
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

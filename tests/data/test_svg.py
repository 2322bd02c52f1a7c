"""SVG drawings to strokes: worked by hand, what is left out, and hostile files. A browser judges in the file beside."""

import base64
import gzip
import itertools
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, LONGEST_SIDE, split_strokes
from fgsbir.data.svg.document import MAX_BYTES
from fgsbir.data.svg.lines import POINT_SPACING
from fgsbir.data.svg.reading import read_svg
from tests.data.svg_corpus import CORPUS, PIXEL

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" fill="none" stroke="black">'
PER_UNIT = CANVAS / 100


def drawn(body: str) -> list[np.ndarray]:
    """The strokes of a document, in units of its view box of 100."""
    return [part / PER_UNIT for part in split_strokes(read_svg(f"{HEAD}{body}</svg>".encode(), "x.svg").strokes)]


def refusal(text: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        read_svg(text if isinstance(text, bytes) else text.encode(), "a/b.svg")
    assert str(caught.value).startswith("a/b.svg: ")
    return str(caught.value)


def path(commands: str) -> list[np.ndarray]:
    return drawn(f'<path d="{commands}"/>')


@pytest.mark.parametrize("name", CORPUS)
def test_the_number_of_strokes(name: str) -> None:
    assert read_svg(CORPUS[name].svg.encode(), name).strokes[:, 2].sum() == CORPUS[name].strokes


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ("M10 20L30 40", [[(10, 20), (30, 40)]]),
        ("m10 20l30 40", [[(10, 20), (40, 60)]]),
        ("M10 20 30 40 50 60", [[(10, 20), (30, 40), (50, 60)]]),  # further pairs of M are lines
        ("m10 20 30 40-5-6", [[(10, 20), (40, 60), (35, 54)]]),
        ("M10 20H50V70h-10v-5", [[(10, 20), (50, 20), (50, 70), (40, 70), (40, 65)]]),
        ("M10 20H50V70Z", [[(10, 20), (50, 20), (50, 70), (10, 20)]]),
        ("M10 20h40v50z", [[(10, 20), (50, 20), (50, 70), (10, 20)]]),
        ("M10 20L30 40M50 50L60 60", [[(10, 20), (30, 40)], [(50, 50), (60, 60)]]),
        ("M10 20L30 40zm5 5l1 2", [[(10, 20), (30, 40), (10, 20)], [(15, 25), (16, 27)]]),
        ("M1e1,2.0e+1L.5-.5", [[(10, 20), (0.5, -0.5)]]),
        ("M10 20L10 20L30 40", [[(10, 20), (30, 40)]]),  # a point is not said twice
    ],
)
def test_straight_commands_worked_by_hand(commands: str, expected: list) -> None:
    found = path(commands)
    assert len(found) == len(expected)
    for part, points in zip(found, expected, strict=True):
        np.testing.assert_allclose(part, points, atol=1e-4)


def bezier(controls: list[complex]) -> np.ndarray:
    """The oracle: a Bezier curve by de Casteljau's construction."""
    fine = []
    for t in np.linspace(0, 1, 2001):
        points = list(controls)
        while len(points) > 1:
            points = [a + (b - a) * t for a, b in itertools.pairwise(points)]
        fine.append(points[0])
    return np.array(fine)


@pytest.mark.parametrize(
    ("commands", "curves"),
    [
        ("M10 10C20 80 70 90 90 20", [[10 + 10j, 20 + 80j, 70 + 90j, 90 + 20j]]),
        ("m10 10c10 70 60 80 80 10", [[10 + 10j, 20 + 80j, 70 + 90j, 90 + 20j]]),
        ("M10 10Q50 90 90 20", [[10 + 10j, 50 + 90j, 90 + 20j]]),
        ("m10 10q40 80 80 10", [[10 + 10j, 50 + 90j, 90 + 20j]]),
        # S and T mirror the last control: 2 * (50+50j) - (40+80j), and the same for the quadratic.
        (
            "M10 10C20 60 40 80 50 50S80 20 90 60",
            [[10 + 10j, 20 + 60j, 40 + 80j, 50 + 50j], [50 + 50j, 60 + 20j, 80 + 20j, 90 + 60j]],
        ),
        (
            "M10 10c10 50 30 70 40 40s30-30 40 10",
            [[10 + 10j, 20 + 60j, 40 + 80j, 50 + 50j], [50 + 50j, 60 + 20j, 80 + 20j, 90 + 60j]],
        ),
        ("M10 10Q40 80 50 50T90 60", [[10 + 10j, 40 + 80j, 50 + 50j], [50 + 50j, 60 + 20j, 90 + 60j]]),
        ("M10 10q30 70 40 40t40 10", [[10 + 10j, 40 + 80j, 50 + 50j], [50 + 50j, 60 + 20j, 90 + 60j]]),
        # Without a curve before them they mirror nothing.
        ("M50 50S80 20 90 60", [[50 + 50j, 50 + 50j, 80 + 20j, 90 + 60j]]),
    ],
)
def test_curves_follow_the_oracle_in_even_points(commands: str, curves: list[list[complex]]) -> None:
    (found,) = path(commands)
    fine = np.concatenate([bezier(controls) for controls in curves])
    points = found[:, 0] + 1j * found[:, 1]
    assert np.abs(points[:, None] - fine).min(1).max() < 0.1
    assert np.abs(points[:, None] - fine).min(0).max() < POINT_SPACING / PER_UNIT  # nothing of the curve is missing
    assert points[0] == pytest.approx(curves[0][0], abs=1e-4) and points[-1] == pytest.approx(curves[-1][-1], abs=1e-4)
    steps = np.abs(np.diff(points)) * PER_UNIT
    assert steps.min() > 0.5 * POINT_SPACING and steps.max() < 1.1 * POINT_SPACING


def test_shapes_lie_where_they_are() -> None:
    (rectangle,) = drawn('<rect x="10" y="20" width="30" height="40"/>')
    assert {tuple(point) for point in rectangle.round(2).tolist()} == {(10, 20), (40, 20), (40, 60), (10, 60)}
    (circle,) = drawn('<circle cx="50" cy="40" r="20"/>')
    np.testing.assert_allclose(np.hypot(*(circle - (50, 40)).T), 20, atol=0.01)
    (ellipse,) = drawn('<ellipse cx="50" cy="40" rx="20" ry="10" transform="rotate(90 50 40)"/>')
    np.testing.assert_allclose(np.square((ellipse - (50, 40)) / (10, 20)).sum(1), 1, atol=1e-3)


def test_strokes_come_in_the_order_of_the_document() -> None:
    body = (
        '<circle cx="5" cy="5" r="1"/><g><path d="M10 0L10 1"/><g><line x1="20" y1="0" x2="20" y2="1"/></g>'
        '<path d="M30 0L30 1"/></g><path d="M40 0H48V1H40Z" fill="black" stroke="none"/><path d="M50 0L50 1"/>'
    )
    assert [round(float(part[:, 0].min())) // 10 for part in drawn(body)] == [0, 1, 2, 3, 4, 5]


def test_white_lines_alone_are_a_drawing_for_dark_paper() -> None:
    assert len(drawn('<g stroke="white"><path d="M10 10H60"/><path d="M10 30H60"/></g>')) == 2


def test_a_pattern_is_read_as_its_shape() -> None:
    dots = '<pattern id="p" width=".1" height=".1"><circle r="1" fill="black"/></pattern>'
    assert len(drawn(dots + '<rect x="20" y="20" width="60" height="40" fill="url(#p)"/>')) == 1


PICTURE = base64.b64decode(PIXEL)
IMAGE = f'<image width="90" height="90" href="data:image/png;base64,{PIXEL}"/>'
FRAME = '<rect x="1" y="1" width="98" height="98"/>'


@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        ("", ()),
        ("<text>a</text><g><text>b</text></g><text> </text>", ("2 texts",)),
        (IMAGE + '<text x="9">a</text>', ("a text", "a picture")),
        ('<image href="file:///etc/passwd" width="9" height="9"/>', ("a picture",)),
        ('<marker id="m"><path d="M0 0L9 9"/></marker><path d="M20 30H60" marker-end="url(#m)"/>', ("arrowheads",)),
        ('<marker id="m"/><style>path{marker:url(#m)}</style>', ("arrowheads",)),
        ('<marker id="m"/>', ()),
        (FRAME, ("a frame",)),
        ('<path d="M1 1H99"/><path d="M99 1V99"/><path d="M99 99H1"/><path d="M1 99V1"/>', ("a frame",)),
        (
            '<foreignObject width="9" height="9"><p xmlns="http://www.w3.org/1999/xhtml">a</p></foreignObject>',
            ("a text",),
        ),
        (f'<image width="9" height="9" href="data:image/svg+xml,{quote(HEAD)}"/>', ("a picture",)),
        ('<g style="transform:rotate3d(1,1,1,9deg)"/>', ("a transform",)),
    ],
)
def test_what_is_left_out_is_said(body: str, left_out: tuple[str, ...]) -> None:
    drawing = read_svg(f'{HEAD}<path d="M20 20H60"/>{body}</svg>'.encode(), "x")
    assert drawing.left_out == left_out and drawing.picture is None
    assert drawing.strokes[:, 2].sum() == 1 + body.count("M20 30")


def test_a_frame_keeps_its_distance() -> None:
    assert len(drawn(FRAME + '<path d="M1 50H99"/>')) == 2  # a cupboard and its shelf
    assert len(drawn(FRAME)) == 1


def test_a_file_with_nothing_but_a_picture_gives_the_picture() -> None:
    drawing = read_svg(f"{HEAD}<g>{IMAGE}</g></svg>".encode(), "x")
    assert drawing.picture == PICTURE and drawing.strokes.shape == (0, 3)
    assert read_svg(f"{HEAD}{IMAGE}<text>a</text></svg>".encode(), "x").left_out == ("a text",)
    assert "found nothing drawn, 2 pictures" in refusal(f"{HEAD}{IMAGE * 2}</svg>")
    assert "found nothing drawn, a picture" in refusal(f'{HEAD}<g opacity="0">{IMAGE}</g></svg>')


@pytest.mark.parametrize(
    ("attributes", "corner"),
    [
        ('viewBox="0 0 800 800"', [[0, 0], [256, 256]]),
        ('viewBox="0,0,800,800" width="10" height="10"', [[0, 0], [256, 256]]),
        ('width="800" height="800px"', [[0, 0], [256, 256]]),
        ('viewBox="-400 -400 1600 1600"', [[64, 64], [192, 192]]),
        ('viewBox="0 0 800 1600"', [[64, 0], [192, 128]]),  # the longest side is the canvas, the other is centred
        ('viewBox="0 0 1600 800"', [[0, 64], [128, 192]]),
        ("", [[33, 33], [223, 223]]),  # no size: the drawing is centred
        ('width="100%" height="100%"', [[33, 33], [223, 223]]),
    ],
)
def test_the_view_box_becomes_the_canvas(attributes: str, corner: list) -> None:
    strokes = read_svg(f'<svg {attributes}><path stroke="black" d="M0 0L800 800"/></svg>'.encode(), "x").strokes
    np.testing.assert_allclose(strokes[:, :2], corner, atol=1e-3)
    assert strokes.dtype == np.float32 and strokes[:, 2].tolist() == [0, 1]
    assert LONGEST_SIDE == 190


def test_files_without_namespace_or_in_other_encodings() -> None:
    plain = '<svg viewBox="0 0 256 256"><title>é</title><path stroke="red" d="M1 2L3 4"/></svg>'
    declared = '<?xml version="1.0" encoding="{}"?>' + plain
    for data in (
        plain.encode(),
        plain.encode("utf-8-sig"),
        plain.encode("utf-16"),
        plain.encode("utf-16-be"),
        declared.format("UTF-16").encode("utf-16"),
        declared.format("ISO-8859-1").encode("latin1"),
        declared.format("windows-1252").encode("cp1252"),
        gzip.compress(plain.encode()),
    ):
        assert read_svg(data, "x").strokes.tolist() == [[1, 2, 0], [3, 4, 1]]


def test_real_drawings_are_all_read() -> None:
    folder = Path(os.environ.get("FGSBIR_REAL_DATA", "nowhere")).parent / "chair_strokes"
    files = sorted(folder.glob("*.svg"))
    if not files:
        pytest.skip("no real drawings beside FGSBIR_REAL_DATA")
    for file in files:  # with viewBox="[0, 0, 300, 300]"
        text = file.read_text()
        assert read_svg(text.encode(), file.name).strokes[:, 2].sum() >= text.count("<path") - 1


GOOD = HEAD + '<path d="M0 0L9 9"/></svg>'
ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))


@pytest.mark.parametrize(
    "prefix",
    [
        f'<!DOCTYPE svg [<!ENTITY a0 "ha">{ENTITIES}]>',
        '<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://host/x.dtd"> %x;]>',
        "<!DOCTYPE svg [<!\nENTITY a 'b'>]>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_entities_are_refused_in_every_encoding(prefix: str, encoding: str) -> None:
    assert "without entities, found <!ENTITY" in refusal((prefix + GOOD).encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-7", "utf-32", "cp037", "cp500", "utf-16-xx", "idna", "rot13", "shift-jis"])
def test_encodings_that_could_hide_something_are_refused(encoding: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
    try:
        hidden = ("<!DOCTYPE svg>" + GOOD).encode(encoding)
    except (LookupError, UnicodeError):
        hidden = GOOD.encode()
    assert "expected an SVG file" in refusal(declaration.encode() + hidden)
    assert "expected an SVG file" in refusal("<!DOCTYPE svg>".encode("utf-32") + GOOD.encode("utf-32"))


LINE = '<path d="M0 0L9 9"/>'
COPIES = "".join(f'<g id="a{n}">' + f'<use href="#a{n - 1}"/>' * 10 + "</g>" for n in range(1, 12))
DOUBLED = "".join(f"--v{n}:var(--v{n + 1}) var(--v{n + 1});" for n in range(60))
SIXTH = COPIES.index('<g id="a6"')


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<use href="other.svg#a"/>', "nothing drawn"),
        ("<style>@import 'http://host/a.css';</style>", "nothing drawn"),
        ("<script>alert(1)</script><foreignObject/>", "nothing drawn"),
        ("<g>" * 200 + "</g>" * 200, "at most 100 nested elements"),
        ("<g/>" * 60_000, "at most 50,000 elements"),
        ('<circle r="900"/>' * 3_000, "at most 200,000 points"),
        ('<path d="M0 0' + "L1 1L2 2" * 110_000 + '"/>', "at most 200,000 points"),
        (f'<g id="a0">{LINE}</g>{COPIES}', "limit reached"),
        (f'<g id="a0">{LINE}</g>{COPIES[:SIXTH]}', "takes too much to resolve"),
        ("<style>" + "a{b:c}" * 200_000 + "</style>", "takes too much to resolve"),
        ("<style>path~path~path~path{fill:red}</style>" + LINE * 5_000, "takes too much to resolve"),
        (
            f"<style>:root{{{DOUBLED}}}</style>" + LINE.replace("/", ' style="fill:var(--v0)"/') * 1_000,
            "too much to resolve",
        ),
        ("<style>" + "*{fill:red}" * 20_000 + "</style>" + "<g/>" * 40_000, "takes too much to resolve"),
        (
            '<rect width="99" height="90" fill="red"/><rect width="99" height="90" fill="blue"/>' * 2_000,
            "too much to paint",
        ),
        ('<path fill="red" d="M0 0' + "L99 99L0 1" * 60_000 + '"/>', "too much to paint"),
        (
            '<clipPath id="c"><circle r="50"/></clipPath>' + LINE.replace("/", ' clip-path="url(#c)"/') * 20_000,
            "too much to paint",
        ),
        ("", "nothing drawn"),
        ('<g><path d=""/></g>', "nothing drawn"),
        ('<path fill="black" stroke="none" d="M9 9L90 90L9 9"/>', "nothing drawn"),  # an area of nothing
        ("<text>chair</text>", "nothing drawn, a text"),
        ('<path d="M5 5L5 5"/>', "nothing drawn"),
        ('<path d="M5 5L5 5" stroke-linecap="round"/>', "at least 2 points, found 1"),
        ('<path d="M0 0L nan 5"/>', "nothing drawn"),
        ('<path d="M0 0L1e30 5"/>', "a huge number"),
        ('<path d="M0 0L1 1" transform="scale(1e30)"/>', "a huge number"),
        ('<path d="M0 0L5 5">', "malformed XML"),
        ("&undefined;", "malformed XML"),
    ],
)
def test_what_is_no_drawing_is_refused_by_name(body: str, found: str) -> None:
    assert found in refusal(f"{HEAD}{body}</svg>")


@pytest.mark.parametrize("attribute", ["clip-path", "mask", "fill", "filter"])
def test_what_refers_to_itself_ends(attribute: str) -> None:
    tag = {"clip-path": "clipPath", "fill": "pattern"}.get(attribute, attribute)
    body = f'<{tag} id="a" {attribute}="url(#b)"/><{tag} id="b" {attribute}="url(#a)"/><g id="u"><use href="#u"/></g>'
    assert len(drawn(f'{body}{LINE}<path {attribute}="url(#a)" d="M0 0H90"/>')) in (1, 2)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "malformed XML"),
        ("hello", "malformed XML"),
        ("<html></html>", "found <html>"),
        ("<svg", "malformed XML"),
        ('<svg viewBox="0 0 1e-300 1e-300"><path stroke="red" d="M0 0L1 1"/></svg>', "malformed one"),
        ('<svg width="0" height="5"><path stroke="red" d="M0 0L1 1"/></svg>', "invalid size"),
        ('<svg><path d="M0 0L1 1"/></svg>', "nothing drawn"),  # neither filled nor stroked
        (GOOD + "\0", "NUL characters"),
        (b"\xff" * 50, "expected an SVG file in UTF-8 or UTF-16"),
        (b"\x89PNG\r\n\x1a\n", "expected an SVG file"),
        (b"\x1f\x8b damaged", "expected a gzipped SVG file"),
        (gzip.compress(GOOD.encode())[:-20], "malformed XML"),
    ],
)
def test_what_is_no_svg_is_refused_by_name(text: str | bytes, found: str) -> None:
    assert found in refusal(text)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_huge_file_is_refused_before_it_is_parsed(pack: type[bytes]) -> None:
    data = pack((HEAD + " " * 8 * MAX_BYTES + "</svg>").encode())
    tracemalloc.start()
    assert f"at most {MAX_BYTES:,} bytes, found" in refusal(data)
    assert tracemalloc.get_traced_memory()[1] < 3 * MAX_BYTES
    tracemalloc.stop()


def test_a_variable_that_is_long_and_used_everywhere_is_not_written_out() -> None:
    paint = "A" * 100_000
    body = f"<style>:root{{--a:{paint};--b:red}}</style>" + '<path d="M0 0H9" style="stroke:var(--a)"/>' * 2000 + LINE
    tracemalloc.start()
    assert len(drawn(body.replace("<path d", '<path stroke="var(--b)" d'))) >= 1
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


@pytest.mark.parametrize(
    "css",
    [
        "path{fill:x" + " " * 40_000 + "!}",
        "path{transform:rotate(" + "1" * 40_000 + "x)}",
        "path{transform:" + "translate" * 5_000 + "}",
        "a" + ">a" * 40_000 + "{b:c}",
        "a" + ",a" * 40_000 + "{b:c}",
    ],
    ids=lambda css: css[:15],
)
def test_what_is_long_in_a_style_sheet_takes_no_long_time(css: str) -> None:
    start = time.process_time()
    assert len(drawn(f"<style>{css}</style>{LINE}")) == 1
    assert time.process_time() - start < 2


def test_many_frames_do_not_fill_the_memory() -> None:
    tracemalloc.start()
    assert len(drawn(FRAME * 1_000 + '<path d="M40 40H60"/>')) == 1_001
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()


def test_a_process_can_end_as_soon_as_it_has_read_a_drawing() -> None:
    """One that keeps Python's lock would be killed one time in three, if the normaliser's threads waited for it."""
    program = f"""
import sys
from xml.etree.ElementTree import fromstring
from fgsbir.data.svg.normaliser import normalise
sys.setswitchinterval(100)
normalise(fromstring({GOOD!r}))
sum(range(3_000_000))
"""
    processes = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6


@given(st.integers(0, len(GOOD) - 1))
def test_a_truncated_file_is_refused(length: int) -> None:
    refusal(GOOD[:length])

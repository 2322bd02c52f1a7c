"""SVG drawings to strokes: every form of path and shape, and hostile files."""

import itertools
import math
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, LONGEST_SIDE, split_strokes
from fgsbir.data.svg import MAX_BYTES, POINT_SPACING, read_svg

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
PER_UNIT = CANVAS / 100


def drawn(body: str, head: str = HEAD) -> list[np.ndarray]:
    """The strokes of a document, in units of its view box of 100."""
    return [part / PER_UNIT for part in split_strokes(read_svg(f"{head}{body}</svg>".encode(), "x.svg"))]


def refusal(text: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        read_svg(text if isinstance(text, bytes) else text.encode(), "a/b.svg")
    assert str(caught.value).startswith("a/b.svg: ")
    return str(caught.value)


def path(commands: str) -> list[np.ndarray]:
    return drawn(f'<path d="{commands}"/>')


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


@pytest.mark.parametrize(
    ("large", "sweep", "centre"), [(0, 0, (60, 60)), (0, 1, (20, 20)), (1, 0, (20, 20)), (1, 1, (60, 60))]
)
@pytest.mark.parametrize("relative", [False, True])
def test_arcs_lie_on_their_circle(large: int, sweep: int, centre: tuple[int, int], relative: bool) -> None:
    # From (60, 20) to (20, 60) with radius 40 there are two circles, and two arcs on each.
    (arc,) = path(f"M60 20a40 40 0 {large}{sweep}-40 40" if relative else f"M60 20A40 40 0 {large} {sweep} 20 60")
    np.testing.assert_allclose(np.hypot(*(arc - centre).T), 40, atol=0.01)
    turned = np.unwrap(np.arctan2(*(arc - centre).T[::-1]))
    assert abs(turned[-1] - turned[0]) == pytest.approx(math.pi * (1.5 if large else 0.5), abs=1e-3)
    assert (turned[-1] > turned[0]) == bool(sweep)


def test_a_turned_ellipse() -> None:
    (arc,) = path("M20 50A30 15 0 1 1 80 50")
    np.testing.assert_allclose(np.square((arc - 50) / (30, 15)).sum(1), 1, atol=1e-3)
    (turned,) = drawn('<path transform="rotate(25 50 50)" d="M20 50A30 15 0 1 1 80 50"/>')
    angle = math.radians(25)
    back = (turned - 50) @ np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    np.testing.assert_allclose(back, arc - 50, atol=1e-3)


def matrix(transform: str) -> np.ndarray:
    """The SVG standard's matrices, written out for the tests' own transforms."""
    t30, c, s = math.tan(math.radians(30)), math.cos(math.radians(40)), math.sin(math.radians(40))
    return np.array(
        {
            "translate(7 -3)": [[1, 0, 7], [0, 1, -3], [0, 0, 1]],
            "translate(7)": [[1, 0, 7], [0, 1, 0], [0, 0, 1]],
            "scale(2)": [[2, 0, 0], [0, 2, 0], [0, 0, 1]],
            "scale(-1.5,0.5)": [[-1.5, 0, 0], [0, 0.5, 0], [0, 0, 1]],
            "rotate(40)": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
            "skewX(30)": [[1, t30, 0], [0, 1, 0], [0, 0, 1]],
            "skewY(30)": [[1, 0, 0], [t30, 1, 0], [0, 0, 1]],
            "matrix(1 .3 .2 1.5 4 5)": [[1, 0.2, 4], [0.3, 1.5, 5], [0, 0, 1]],
        }[transform]
    )


TRANSFORMS = [
    "translate(7 -3)",
    "translate(7)",
    "scale(2)",
    "scale(-1.5,0.5)",
    "rotate(40)",
    "skewX(30)",
    "skewY(30)",
    "matrix(1 .3 .2 1.5 4 5)",
]


@given(st.lists(st.sampled_from(TRANSFORMS), min_size=1, max_size=4), st.integers(0, 4))
def test_transforms_of_all_groups_apply_outermost_last(transforms: list[str], split: int) -> None:
    # Some in one attribute, some in groups around it: the standard makes no difference.
    inner, outer = transforms[split:], transforms[:split]
    body = '<path d="M3 4L20 5"/>' if not inner else f'<path transform="{" ".join(inner)}" d="M3 4L20 5"/>'
    for transform in reversed(outer):
        body = f'<g transform="{transform}">{body}</g>'
    total = np.identity(3)
    for transform in transforms:
        total = total @ matrix(transform)
    (found,) = drawn(body)
    np.testing.assert_allclose(found, [(total @ [3, 4, 1])[:2], (total @ [20, 5, 1])[:2]], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_arcs_are_transformed_point_by_point(transform: str) -> None:
    # Unequal scales, mirrors and skews make another ellipse of an arc: the trap of transforming its parameters.
    (plain,) = path("M10 40 A 25 12 30 1 0 30 50")
    (found,) = drawn(f'<path transform="{transform}" d="M10 40 A 25 12 30 1 0 30 50"/>')
    dense = np.concatenate([plain, np.ones((len(plain), 1))], 1) @ matrix(transform).T
    gaps = np.hypot(*(found[:, None] - dense[None, :, :2]).transpose(2, 0, 1)).min(1)
    assert gaps.max() < 2 * POINT_SPACING / PER_UNIT
    np.testing.assert_allclose(found[[0, -1]], dense[[0, -1], :2], atol=1e-3)
    low, high = dense[:, :2].min(0), dense[:, :2].max(0)
    np.testing.assert_allclose(found.min(0), low, atol=0.6)
    np.testing.assert_allclose(found.max(0), high, atol=0.6)


def test_shapes_become_strokes() -> None:
    (line,) = drawn('<line x1="1" y1="2" x2="30" y2="40"/>')
    assert line.round(3).tolist() == [[1, 2], [30, 40]]
    (polyline,) = drawn('<polyline points="1,2 3,4 5,6.5"/>')
    np.testing.assert_allclose(polyline, [(1, 2), (3, 4), (5, 6.5)], atol=1e-4)
    (polygon,) = drawn('<polygon points="10 10 90 10 50 80"/>')
    np.testing.assert_allclose(polygon, [(10, 10), (90, 10), (50, 80), (10, 10)], atol=1e-4)
    (rectangle,) = drawn('<rect x="10" y="20" width="30" height="40" fill="none"/>')
    assert {tuple(point) for point in rectangle.round(2).tolist()} == {(10, 20), (40, 20), (40, 60), (10, 60)}
    (circle,) = drawn('<circle cx="50" cy="40" r="20"/>')
    np.testing.assert_allclose(np.hypot(*(circle - (50, 40)).T), 20, atol=0.01)
    (ellipse,) = drawn('<ellipse cx="50" cy="40" rx="20" ry="10"/>')
    np.testing.assert_allclose(np.square((ellipse - (50, 40)) / (20, 10)).sum(1), 1, atol=1e-3)


def test_strokes_come_in_the_order_of_the_document() -> None:
    body = (
        '<circle cx="5" cy="5" r="1"/><g><path d="M10 0L10 1"/><g><line x1="20" y1="0" x2="20" y2="1"/></g>'
        '<path d="M30 0L30 1"/></g><g><path d="M40 0L40 1"/></g><path d="M50 0L50 1"/>'
    )
    assert [round(float(part[0, 0])) // 10 for part in drawn(body)] == [0, 1, 2, 3, 4, 5]


def test_what_is_not_drawn_is_left_out() -> None:
    seen = '<path d="M1 2L3 4"/>'
    hidden = (
        '<rect width="100%" height="100%" fill="white"/><defs><path d="M5 5L6 6"/></defs>'
        '<clipPath><path d="M5 5L6 6"/></clipPath><title>M5 5</title><path d=""/><path d="M5 5"/>'
        '<g display="none"><path d="M5 5L6 6"/></g><path style="stroke:red; display: none" d="M5 5L6 6"/>'
        '<path visibility="hidden" d="M5 5L6 6"/><!-- <path d="M5 5L6 6"/> -->'
    )
    assert len(drawn(hidden + seen)) == 1
    # A rectangle with a stroke is part of the drawing.
    assert len(drawn('<rect width="9" height="9" fill="white" stroke="black"/>' + seen)) == 2


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
    strokes = read_svg(
        f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}><path d="M0 0L800 800"/></svg>'.encode(), "x"
    )
    np.testing.assert_allclose(strokes[:, :2], corner, atol=1e-3)
    assert strokes.dtype == np.float32 and strokes[:, 2].tolist() == [0, 1]
    assert LONGEST_SIDE == 190


def test_files_without_namespace_or_in_other_encodings() -> None:
    plain = '<svg viewBox="0 0 256 256"><title>é</title><path d="M1 2L3 4"/></svg>'
    declared = '<?xml version="1.0" encoding="{}"?>' + plain
    for data in (
        plain.encode(),
        plain.encode("utf-8-sig"),
        plain.encode("utf-16"),
        plain.encode("utf-16-be"),
        declared.format("UTF-16").encode("utf-16"),
        declared.format("ISO-8859-1").encode("latin1"),
        declared.format("windows-1252").encode("cp1252"),
    ):
        assert read_svg(data, "x").tolist() == [[1, 2, 0], [3, 4, 1]]


def test_a_drawing_in_the_style_of_tu_berlin() -> None:
    head = '<svg viewBox="0 0 100 100" preserveAspectRatio="xMinYMin meet" xmlns="http://www.w3.org/2000/svg">'
    body = (
        '<g fill="none" stroke="black"><g transform="translate(3,82) scale(2) translate(-3,-82)">'
        '<path id="0" d="M3 82C13 92 23 92 33 82"/></g></g>'
    )
    (found,) = drawn(body, head)
    np.testing.assert_allclose(found[[0, -1]], [(3, 82), (63, 82)], atol=1e-3)


BOMB = (
    "<!DOCTYPE svg ["
    + '<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))
    + "]>"
)
GOOD = HEAD + '<path d="M0 0L9 9"/></svg>'


@pytest.mark.parametrize(
    "prefix",
    [
        BOMB,
        '<!DOCTYPE svg SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        "<!doctype svg>",
        '<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://host/x.dtd"> %x;]>',
        "<!\nDOCTYPE svg>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_document_types_and_entities_are_refused_in_every_encoding(prefix: str, encoding: str) -> None:
    started = time.monotonic()
    assert "without document type and entities, found <!" in refusal((prefix + GOOD).encode(encoding))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("encoding", ["utf-7", "utf-32", "cp037", "cp500", "utf-16-xx", "idna", "rot13", "shift-jis"])
def test_encodings_that_could_hide_something_are_refused(encoding: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
    try:
        hidden = ("<!DOCTYPE svg>" + GOOD).encode(encoding)
    except (LookupError, UnicodeError):
        hidden = GOOD.encode()
    assert "expected an SVG file" in refusal(declaration.encode() + hidden)
    assert "expected an SVG file" in refusal("<!DOCTYPE svg>".encode("utf-32") + GOOD.encode("utf-32"))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<image href="http://host/a.png"/>', "references to other files, found href='http://host/a.png'"),
        (
            '<image xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="file:///etc/passwd"/>',
            "references to other files",
        ),
        ('<image href="data:image/png;base64,AAAA"/>', "references to other files"),
        ('<use href="other.svg#a"/>', "references to other files"),
        ('<path style="fill:url(http://host/a)" d="M0 0L9 9"/>', "references to other files"),
        ("<style>@import 'http://host/a.css';</style>", "references to other files"),
        ('<use href="#a"/>', "found <use>"),
        ("<script>alert(1)</script>", "found <script>"),
        ("<foreignObject/>", "found <foreignObject>"),
        ('<svg><path d="M0 0L9 9"/></svg>', "found <svg>"),
        ("<g>" * 200 + "</g>" * 200, "at most 100 nested elements"),
        ("<g/>" * 60_000, "at most 50,000 elements"),
        ('<path d="M0 0' + "L1 1L2 2" * 60_000 + '"/>', "at most 100,000 path segments"),
        ("", "nothing drawn"),
        ('<g><path d=""/></g>', "nothing drawn"),
        ("<text>chair</text>", "nothing drawn"),
        ('<path d="M5 5L5 5"/>', "at least 2 points, found 1"),
        ('<path d="M0 0L1e999 5"/>', "expected finite coordinates"),
        ('<path d="M0 0C1e999 5 1 1 2 2"/>', "expected finite coordinates"),
        ('<path d="M0 0L1e30 5"/>', "expected finite coordinates"),
        ('<path d="M0 0L1 1" transform="scale(1e30)"/>', "expected finite coordinates"),
        ('<path d="M0 0L nan 5"/>', "malformed"),
        ('<path d="M0 0L 5"/>', "malformed"),
        ('<path d="M0 0X 5 5"/>', "malformed"),
        ('<path d="M0 0L5 5" transform="rotate(5"/>', "malformed"),
        ('<path d="M0 0L5 5" transform="spin(5)"/>', "malformed"),
        ('<circle cx="5" cy="5"/>', "malformed"),
        ('<line x1="abc"/>', "malformed"),
        ('<path d="M0 0L5 5">', "malformed XML"),
        ("&undefined;", "malformed XML"),
    ],
)
def test_what_is_no_plain_drawing_is_refused_by_name(body: str, found: str) -> None:
    assert found in refusal(f"{HEAD}{body}</svg>")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "malformed XML"),
        ("hello", "malformed XML"),
        ("<html></html>", "found <html>"),
        ("<svg", "malformed XML"),
        ('<?xml-stylesheet href="http://host/a.css"?>' + GOOD, "references to other files"),
        ('<svg viewBox="0 0 0 5"><path d="M0 0L1 1"/></svg>', "positive sides"),
        ('<svg viewBox="0 0 nan 5"><path d="M0 0L1 1"/></svg>', "positive sides"),
        ('<svg viewBox="0 0 5"><path d="M0 0L1 1"/></svg>', "malformed"),
        (GOOD + "\0", "NUL characters"),
        (b"\xff" * 50, "expected an SVG file in UTF-8 or UTF-16"),
        (b"\x89PNG\r\n\x1a\n", "expected an SVG file"),
    ],
)
def test_what_is_no_svg_is_refused_by_name(text: str | bytes, found: str) -> None:
    assert found in refusal(text)


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    data = (HEAD + " " * MAX_BYTES + "</svg>").encode()
    tracemalloc.start()
    assert f"at most {MAX_BYTES:,} bytes, found" in refusal(data)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@given(st.integers(0, len(GOOD) - 1))
def test_a_truncated_file_is_refused(length: int) -> None:
    refusal(GOOD[:length])

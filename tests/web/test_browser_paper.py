"""The paper in a real browser, by mouse, keys, fingers and pen: draw, rub out, move, mirror, trace, save."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from fgsbir.data.svg.reading import read_svg
from tests.web.browsing import BACK, SEAT, click, draw, found_by, pressed, strokes_of, touching

pytestmark = pytest.mark.slow

LINE = [[40, 100], [200, 100]]
PEN = """([kind, x, y, more]) => {
  const pad = document.querySelector("#pad"), box = pad.getBoundingClientRect();
  pad.setPointerCapture = () => {};
  const place = { clientX: box.left + x * box.width / 256, clientY: box.top + y * box.width / 256 };
  pad.dispatchEvent(new PointerEvent(kind, { pointerId: 7, pointerType: "pen", bubbles: true, ...place, ...more }));
}"""


def expect_strokes(page: Page, count: int) -> None:
    told = {0: "Drawing, empty", 1: "Drawing, 1 stroke"}.get(count, f"Drawing, {count} strokes")
    expect(page.locator("#pad")).to_have_attribute("aria-label", told)


def by_pen(page: Page, stroke: list[list[float]], **down: int) -> None:
    page.evaluate(PEN, ["pointerdown", *stroke[0], down])
    for place in stroke[1:]:
        page.evaluate(PEN, ["pointermove", *place, {}])
    page.evaluate(PEN, ["pointerup", *stroke[-1], {}])


def test_lines_are_rubbed_out_moved_deleted_and_mirrored(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit()
    found_by(page, lambda: draw(page, [LINE]))
    click(page, "erase-button")
    found_by(page, lambda: draw(page, [[[120, 60], [120, 140]]]))
    left, right = strokes_of(page)
    assert len(left) == len(right) == 2  # no more points than it needs
    assert left[0] == LINE[0] and right[-1] == LINE[1] and 110 < left[-1][0] < 114 < 126 < right[0][0] < 130
    click(page, "move-button")
    found_by(page, lambda: draw(page, [[[60, 102], [80, 152]]]))
    moved, stays = strokes_of(page)
    assert moved[0] == pytest.approx([60, 150], abs=0.6) and stays == right
    expect(page.locator("#clear-button")).to_have_text("Delete")
    found_by(page, lambda: click(page, "clear-button"))
    assert strokes_of(page) == [right]
    # No further than the paper goes.
    found_by(page, lambda: draw(page, [[[180, 100], [250, 100]]]))
    assert max(x for x, _ in strokes_of(page)[0]) == 256
    click(page, "draw-button", "mirror-button")
    found_by(page, lambda: draw(page, [BACK]))
    assert strokes_of(page)[1:] == [BACK, [[256 - x, y] for x, y in BACK]]
    click(page, "undo-button")
    expect_strokes(page, 1)
    assert complaints == []


def test_the_same_by_keys(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#pad").focus()
    found_by(page, lambda: pressed(page, "Space", *["Shift+ArrowRight"] * 4, "Space"))
    assert strokes_of(page) == [[[x, 128] for x in (128, 144, 160, 176, 192)]]
    click(page, "erase-button")
    page.locator("#pad").focus()
    found_by(page, lambda: pressed(page, "Shift+ArrowLeft", "Space", "Escape"))
    expect_strokes(page, 2)
    click(page, "move-button")
    page.locator("#pad").focus()
    found_by(page, lambda: pressed(page, "Space", "Space", "Shift+ArrowDown"))
    assert {y for _, y in strokes_of(page)[1]} == {144}
    page.locator("#pad").focus()
    found_by(page, lambda: pressed(page, "Delete"))
    assert {y for stroke in strokes_of(page) for _, y in stroke} == {128}
    # What the keyboard has begun is not lost where the mouse goes on.
    found_by(page, lambda: click(page, "clear-button", "draw-button"))
    page.locator("#pad").focus()
    pressed(page, "Space", "Shift+ArrowRight")
    found_by(page, lambda: draw(page, [LINE]))
    assert strokes_of(page) == [[[176, 128], [192, 128]], LINE]


def test_a_stroke_ends_where_it_leaves_the_paper(visit: Callable[..., Page]) -> None:
    page = visit()
    found_by(page, lambda: draw(page, [[[200, 100], [300, 150], [300, 250], [100, 200]]]))
    ((first, last),) = strokes_of(page)
    assert first == [200, 100] and last == pytest.approx([256, 128], abs=0.5)


def test_fingers(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True)
    touch = touching(page)

    def one_finger() -> None:
        touch("touchStart", (40, 40))
        touch("touchMove", (60, 120))
        touch("touchMove", (60, 150), (100, 100))  # a second finger draws nothing
        touch("touchEnd")

    found_by(page, one_finger)
    expect_strokes(page, 1)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0 and page.evaluate("scrollY") == 0
    # Two that tap together undo.
    touch("touchStart", (40, 40))
    touch("touchStart", (40, 40), (120, 60))
    touch("touchEnd")
    expect_strokes(page, 0)
    page.locator("#grid button").first.click()
    click(page, "sketch-button")
    expect(page.locator("#viewer-lines svg")).to_be_visible()
    assert page.evaluate(wide) == 0
    assert page.locator("#viewer").evaluate("viewer => viewer.scrollWidth <= viewer.clientWidth")


def test_a_pen_its_eraser_and_the_palm_beside_it(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 900, "height": 900}, has_touch=True)
    touch = touching(page)
    touch("touchStart", (40, 40))  # a palm, before the pen comes down
    found_by(page, lambda: by_pen(page, LINE, button=0, buttons=1))
    touch("touchEnd")
    assert strokes_of(page) == [LINE]
    touch("touchStart", (80, 80))  # and between two strokes
    touch("touchMove", (180, 180))
    touch("touchEnd")
    page.evaluate(PEN, ["pointerup", 40, 40, {}])
    touch("touchStart", (80, 80))  # in two places: this is no tap
    touch("touchStart", (80, 80), (90, 120))
    touch("touchEnd")
    expect_strokes(page, 1)
    found_by(page, lambda: by_pen(page, [[120, 60], [120, 140]], button=5, buttons=32))
    expect_strokes(page, 2)
    # A pen that has not touched the paper for a while keeps no fingers from undoing, be it near or not.
    page.wait_for_timeout(1600)
    page.evaluate(PEN, ["pointermove", 40, 40, {}])
    touch("touchStart", (80, 80))
    touch("touchStart", (80, 80), (160, 120))
    touch("touchEnd")
    expect_strokes(page, 1)


def test_a_photo_under_the_paper_and_its_sketch_on_it(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit()
    page.locator("#grid button").nth(1).click()
    click(page, "trace-button")
    expect(page.locator("#under")).to_have_js_property("naturalWidth", 50)
    page.reload()
    expect(page.locator("#under")).to_be_visible()
    click(page, "lift-button")
    expect(page.locator("#under")).to_be_hidden()
    expect(page.locator("#pad")).to_be_focused()
    page.locator("#grid button").nth(1).click()
    click(page, "sketch-button")
    found_by(page, lambda: click(page, "take-button"))
    drawn = strokes_of(page)
    assert drawn
    found_by(page, lambda: draw(page, [SEAT]))
    assert strokes_of(page) == [*drawn, SEAT]
    assert complaints == []


def test_a_photo_under_the_paper_stays_where_the_server_is_only_busy(visit: Callable[..., Page]) -> None:
    page = visit()
    busy = {"status": 429, "json": {"message": "too many requests"}}
    page.route("**/thumbnail?large=true", lambda route: route.fulfill(**busy))
    page.locator("#grid button").nth(1).click()
    with page.expect_event("requestfinished", lambda one: one.resource_type == "fetch"):  # why it cannot be shown
        click(page, "trace-button")
    page.wait_for_timeout(200)
    expect(page.locator("#lift-button")).to_be_visible()
    page.unroute("**/thumbnail?large=true")
    page.reload()
    expect(page.locator("#under")).to_have_js_property("naturalWidth", 50)


def test_a_drawing_is_saved(visit: Callable[..., Page]) -> None:
    page = visit()
    expect(page.locator("#svg-button")).to_be_disabled()
    found_by(page, lambda: draw(page, [BACK, SEAT]))
    with page.expect_download() as saved:
        click(page, "svg-button")
    read = read_svg(saved.value.path().read_bytes(), "x").strokes
    assert saved.value.suggested_filename == "drawing.svg" and read[:, :2].tolist() == BACK + SEAT
    with page.expect_download() as saved:
        click(page, "png-button")
    with Image.open(saved.value.path()) as image:
        assert image.size == (1024, 1024)
        ink = np.asarray(image.convert("L")) < 128
    assert ink[4 * 120, 4 * 100] and ink[4 * 100, 4 * 60] and not ink[4 * 220, 4 * 120]


def test_versions_of_a_drawing_share_the_strokes_that_are_the_same(visit: Callable[..., Page]) -> None:
    same = visit().evaluate("""async () => {
      const { rounded } = await import("/page/strokes.js");
      const [first] = rounded([[[1.04, 2], [3, 4]]]);
      const second = rounded([first, [[5, 6.789], [7, 8]]]);
      return [second[0] === first, ...second];
    }""")
    assert same == [True, [[1, 2], [3, 4]], [[5, 6.8], [7, 8]]]


def test_keys_that_are_held_or_lead_off_the_paper_do_nothing_more(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#pad").focus()
    for _ in range(4):
        page.keyboard.down("Space")
    page.keyboard.up("Space")
    found_by(page, lambda: pressed(page, "Shift+ArrowRight", "Space"))
    assert strokes_of(page) == [[[128, 128], [144, 128]]]
    click(page, "move-button")
    page.locator("#pad").focus()
    found_by(page, lambda: pressed(page, "Space", *["Shift+ArrowRight"] * 9))
    assert strokes_of(page) == [[[240, 128], [256, 128]]]
    click(page, "undo-button")
    assert strokes_of(page) == [[[224, 128], [240, 128]]]

"""The page in a real browser: draw, see the results change, undo, upload, open, adapt; and when the server has gone.

The README's picture, docs/pictures/page.webp, is made by the last of them from the photos and the index of `make demo`:

    FGSBIR_PAGE_INDEX=.scratch/demo/index python -m pytest -m slow tests/web/test_browser.py -k picture
"""

import io
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from fgsbir.search.adaptation import Adapter
from fgsbir.search.searcher import Searcher
from fgsbir.web.app import create_app
from tests.web.browsing import BACK, SEAT, UNLIMITED, click, draw, found_by, picture, pressed, shown, upload

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "pictures" / "page.webp"
# Of a frame, and of the last one.
MS, LAST_MS = 700, 4000
LINES = """111 149 103 123 98 97 96 73 99 52 106 37 115 33 123 37 130 49 136 69 141 97 144 143,
102 150 145 143 205 157 150 165 102 150, 109 47 119 142, 115 41 126 143, 123 45 132 142, 150 165 148 232,
106 154 101 219, 199 158 199 224, 142 168 137 210, 82 209 99 221 124 230 148 233 159 229,
139 195 149 209 169 219 194 226 211 222, 102 201 137 204, 152 205 197 208"""
CHAIR = [np.array(line.split(), float).reshape(-1, 2).tolist() for line in LINES.split(",")]


def test_results_follow_the_strokes(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit()
    assert shown(page) == [""] * 12
    expect(page.locator("#undo-button")).to_be_disabled()
    one = found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#said")).to_contain_text("12 photos. Nearest: photo-")
    two = found_by(page, lambda: draw(page, [SEAT]))
    assert len(one) == len(two) == 12 and one != two
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")
    assert found_by(page, lambda: click(page, "undo-button")) == one
    assert found_by(page, lambda: click(page, "redo-button")) == two
    assert found_by(page, lambda: click(page, "clear-button")) == [""] * 12
    assert found_by(page, lambda: page.keyboard.press("Control+z")) == two
    assert found_by(page, lambda: page.keyboard.press("Control+z")) == one
    assert found_by(page, lambda: page.keyboard.press("Control+Shift+Z")) == two
    assert complaints == []


def test_the_clock_counts_all_that_the_user_waits(visit: Callable[..., Page]) -> None:
    page = visit()

    held: list[Any] = []
    page.route("**/search", lambda route: held.append(route), times=1)

    def late() -> None:
        with page.expect_request("**/search"):
            draw(page, [BACK])
        page.wait_for_timeout(300)  # on its way
        held[0].continue_()

    found_by(page, late)
    expect(page.locator("#took")).to_have_text(re.compile(r"^\d+ ms"))
    waited = page.locator("#took").text_content() or ""
    assert int(waited.partition(" ")[0]) >= 300


def test_all_of_it_by_keyboard(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit()
    page.keyboard.press("Tab")
    expect(page.locator("#pad")).to_be_focused()
    keys = ("Space", "ArrowRight", "Shift+ArrowDown", "ArrowLeft", "Space")
    found_by(page, lambda: [page.keyboard.press(key) for key in keys])
    passed = set()
    for _ in range(15):  # the tools, the corrections, and by the list of results, which scrolls, to the first of them
        page.keyboard.press("Tab")
        passed.add(page.evaluate("document.activeElement.id"))
        if page.locator("#grid button").first.evaluate("button => button === document.activeElement"):
            break
    expect(page.locator("#grid button").first).to_be_focused()
    assert "hand-title" in passed
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    name = page.locator("#viewer-name").text_content()
    pressed(page, "Tab", "ArrowRight")  # from a button, which goes with the photo
    expect(page.locator("#viewer-facts")).to_contain_text("Rank 2")
    assert page.locator("#viewer-name").text_content() != name
    pressed(page, "ArrowRight", "Shift+ArrowRight")  # the latter marks text, or is the browser's
    expect(page.locator("#viewer-facts")).to_contain_text("Rank 3")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#grid button").nth(2)).to_be_focused()
    assert complaints == []


def test_a_photo_large_and_others_like_it_and_its_sketch(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit(reduced_motion="no-preference")
    found_by(page, lambda: draw(page, [BACK]))  # or else its answer could be taken for the next one's
    drawn = found_by(page, lambda: draw(page, [SEAT]))
    page.locator("#grid button").nth(2).click()
    name = page.locator("#viewer-name").text_content()
    expect(page.locator("#viewer-photo")).to_have_js_property("naturalWidth", 50)
    expect(page.locator("#viewer-facts")).to_contain_text(f"Rank 3 · distance {drawn[2][:-1]}")
    click(page, "sketch-button")
    expect(page.locator("#viewer-lines svg")).to_have_attribute("aria-label", f"Sketch of {name}")
    expect(page.locator("#viewer-certainty")).to_be_visible()
    expect(page.locator("#certainty")).to_have_text(re.compile(r"[01]\.\d\d"))
    alike = found_by(page, lambda: click(page, "alike-button"))
    assert len(alike) == 11
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#found-title")).to_have_text(f"More like {name}")
    expect(page.locator("#found-title")).to_be_focused()  # the card has gone
    assert found_by(page, lambda: click(page, "back-button")) == drawn
    assert complaints == []


def test_corrections_are_learned_at_once_undone_and_kept(
    visit: Callable[..., Page],
    index_of: Callable[[Path], Path],
    tmp_path: Path,
    complaints: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    page = visit(create_app(searcher, Adapter(searcher), None, UNLIMITED))
    items, text, said = (page.locator(part) for part in ("#corrections li", "#hand-text", "#said"))

    def correct(place: int) -> None:
        page.locator("#grid button").nth(place).click()
        click(page, "correct-button")

    plain = found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#undo-correction-button")).to_be_hidden()
    other = page.context.new_page()
    found_by(other, lambda: other.goto(page.url))
    first = found_by(page, lambda: correct(3))
    assert first != plain
    expect(said).to_have_text(re.compile("the search has learned from it.* Nearest"))
    expect(page.locator("#grid button:focus, #found-title:focus")).to_have_count(1)
    # What others correct reaches a page that is open.
    assert found_by(other, lambda: click(other, "undo-button", "redo-button")) == first
    expect(other.locator("#corrections li")).to_have_count(1)
    expect(page.locator("#took")).to_contain_text("corrected")
    expect(text).to_contain_text("has learned")
    drawn = found_by(page, lambda: draw(page, [SEAT]))
    second = found_by(page, lambda: correct(5))
    expect(items).to_have_count(2)
    # What it has learned outlives the page and the server.
    again = visit(
        create_app(Searcher.open(tmp_path / "index"), Adapter(searcher), None), viewport={"width": 900, "height": 800}
    )
    expect(again.locator("#corrections li")).to_have_count(2)
    assert found_by(again, lambda: draw(again, [BACK, SEAT])) == second
    found_by(page, lambda: page.reload())
    expect(items).to_have_count(2)
    assert shown(page)[: len(second)] == second
    # The original is one switch away, and is remembered as what was chosen.
    without = found_by(page, lambda: page.locator("#adapted-label").click())
    found_by(page, lambda: page.reload())
    assert shown(page)[: len(without)] == without != second
    assert found_by(page, lambda: page.locator("#adapted-label").click()) == second
    assert found_by(page, lambda: click(page, "undo-correction-button")) == drawn
    expect(items).to_have_count(1)
    found_by(page, lambda: items.locator("button").click())
    expect(text).to_contain_text("This is what I drew")
    expect(page.locator("#hand-title")).to_be_focused()
    found_by(page, lambda: click(page, "clear-button"))
    assert found_by(page, lambda: draw(page, [BACK])) == plain
    monkeypatch.setattr(Adapter, "learn", lambda self, sketches, photos, before: ("before", before))
    assert found_by(page, lambda: correct(3)) == plain
    expect(said).to_contain_text("has not learned from it")
    expect(items).to_contain_text("not learned from")
    assert complaints == []


def test_what_a_server_cannot_do_is_not_offered(visit: Callable[..., Page], searcher: Searcher) -> None:
    page = visit(create_app(searcher, None, None))
    expect(page.locator("#hand")).to_be_hidden()
    found_by(page, lambda: draw(page, [BACK]))
    page.locator("#grid button").first.click()
    expect(page.locator("#alike-button")).to_be_visible()
    expect(page.locator("#sketch-button")).to_be_hidden()
    expect(page.locator("#correct-button")).to_be_hidden()


def test_a_server_that_goes_and_comes_back(visit: Callable[..., Page]) -> None:
    page = visit()
    found = found_by(page, lambda: draw(page, [BACK]))
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    draw(page, [SEAT])
    expect(page.locator("#notice")).to_contain_text("The server does not answer")
    expect(page.locator("#grid .distance")).to_have_text(found)  # paler, and not gone
    page.unroute("**/*")
    expect(page.locator("#notice")).to_be_hidden()  # it looks for the server by itself
    assert page.locator("#grid .distance").all_text_contents() != found
    page.route("**/thumbnail", lambda route: route.abort("connectionrefused"))
    page.reload()
    expect(page.locator(".failed")).to_have_count(12)
    page.wait_for_timeout(300)
    expect(page.locator(".missing")).to_have_count(0)  # the photos may well be there
    page.unroute("**/thumbnail")
    found_by(page, lambda: draw(page, [[[20, 20], [30, 200]]]))
    expect(page.locator(".failed")).to_have_count(0)


def test_a_photo_that_has_gone_says_so_until_it_is_back(visit: Callable[..., Page]) -> None:
    page = visit()
    page.route("**/thumbnail", lambda route: route.fulfill(status=410, json={"message": "the photo has changed"}))
    page.reload()
    expect(page.locator(".missing")).to_have_count(12)
    page.unroute("**/thumbnail")
    found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator(".missing")).to_have_count(0)


def test_a_refusal_is_told_and_too_many_requests_are_waited_for(visit: Callable[..., Page]) -> None:
    page = visit()
    refusal = {"status": 422, "json": {"message": "strokes: expected another drawing"}}
    page.route("**/search", lambda route: route.fulfill(**refusal))
    draw(page, [BACK])
    expect(page.locator("#notice")).to_contain_text("Strokes: expected another drawing.")
    page.unroute("**/search")
    found_by(page, lambda: click(page, "retry-button"))
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#found-title")).to_be_focused()
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "json": {"message": "later"}}
    page.route("**/search", lambda route: route.fulfill(**busy), times=1)
    found_by(page, lambda: draw(page, [SEAT]))
    expect(page.locator("#notice")).to_be_hidden()


def test_a_browser_that_keeps_neither_settings_nor_addresses(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit()
    page.add_init_script("""
      const refuse = () => { throw new DOMException("no", "SecurityError"); };
      Object.defineProperty(window, "localStorage", { get: refuse });
      history.replaceState = refuse;
    """)
    page.reload()
    assert len(found_by(page, lambda: draw(page, [BACK]))) == 12
    assert complaints == []


def test_a_drawing_like_nothing_is_told(visit: Callable[..., Page]) -> None:
    page = visit()
    page.route("**/search", lambda route: route.fulfill(json=route.fetch().json() | {"unlike": True}), times=1)
    found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#unlike")).to_contain_text("Nothing here looks like this.")
    expect(page.locator("#said")).to_contain_text("Nothing here looks like this.")
    found_by(page, lambda: draw(page, [SEAT]))
    expect(page.locator("#unlike")).to_be_hidden()


def test_an_answer_that_comes_too_late_is_dropped(visit: Callable[..., Page]) -> None:
    page = visit()
    held: list[Any] = []
    page.route("**/search", lambda route: held.append(route), times=1)
    with page.expect_request("**/search"):
        draw(page, [BACK])
    found = found_by(page, lambda: draw(page, [SEAT]))
    assert len(held) == 1
    held[0].fulfill(json={"photos": [], "milliseconds": 1})
    page.wait_for_timeout(300)
    assert page.locator("#grid .distance").all_text_contents() == found


WINDOWS = {"wide": (1280, 800), "low": (960, 470), "phone": (375, 740), "zoomed to 200 %": (640, 400)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_nothing_that_axe_finds(visit: Callable[..., Page], window: str, scheme: str) -> None:
    width, height = WINDOWS[window]
    page = visit(viewport={"width": width, "height": height}, color_scheme=scheme)
    pad = page.locator("#pad").bounding_box()
    assert pad and (width > 860 or pad["width"] >= width / 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    hand, found = page.locator("#hand").bounding_box(), page.locator("#found").bounding_box()
    side = page.locator(".side").evaluate("side => side.clientHeight")
    assert hand and found and (side >= 180 if width > 860 else hand["y"] + hand["height"] <= found["y"])

    def checked() -> None:
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    checked()
    found_by(page, lambda: draw(page, [BACK, SEAT]))
    page.locator("#grid button").nth(2).click()
    click(page, "sketch-button")
    expect(page.locator("#take-button")).to_be_visible()
    checked()
    found_by(page, lambda: click(page, "correct-button"))
    click(page, "move-button")
    found_by(page, lambda: upload(page, picture(np.pad(np.zeros((4, 200), np.uint8), 60, constant_values=255))))
    page.route("**/search", lambda route: route.fulfill(status=422, json={"message": "no"}))
    click(page, "undo-button")
    expect(page.locator("#notice")).to_be_visible()
    checked()


def test_what_is_on_is_seen_in_forced_colours(visit: Callable[..., Page]) -> None:
    page = visit(forced_colors="active")

    def background(selector: str, part: str | None = None) -> str:
        style = "(element, part) => getComputedStyle(element, part).backgroundColor"
        colour: str = page.locator(selector).evaluate(style, part)
        return colour

    assert background("#draw-button") != background("#erase-button")
    page.locator("#draw-button").hover()
    assert background("#draw-button") != background("#erase-button")
    assert background("#adapted-label span", "::after") != background("#adapted-label span")


@pytest.mark.skipif("FGSBIR_PAGE_INDEX" not in os.environ, reason="FGSBIR_PAGE_INDEX names no index")
def test_the_picture_of_the_readme(visit: Callable[..., Page], complaints: list[str]) -> None:
    searcher = Searcher.open(Path(os.environ["FGSBIR_PAGE_INDEX"]))
    page = visit(create_app(searcher, Adapter.of(searcher), None), viewport={"width": 1280, "height": 800})
    frames: list[Image.Image] = []

    def taken() -> None:
        page.mouse.move(0, 0)
        page.wait_for_load_state("networkidle")
        frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))

    taken()
    for stroke in CHAIR:
        found_by(page, partial(draw, page, [stroke]))
        taken()
    expect(page.locator("#grid .name").first).to_have_text("chair-00010.jpg")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    times = [MS] * (len(frames) - 1) + [LAST_MS]
    frames[0].save(PICTURE, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=70, method=6)
    assert PICTURE.stat().st_size <= 1_000_000
    assert complaints == []

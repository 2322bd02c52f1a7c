"""The page in a real browser: draw, see the results change, undo, upload, open, adapt; and when the server has gone.

Any Chromium that is installed will do; without one these tests are skipped, or fail where CI=true.

The README's picture, docs/pictures/page.png, is made by the last of them from trained models and the default data set:

    fgsbir index data/raw/synthetic/photos/chair --model models/joint --adaptive models/adaptive/user/ours --out INDEX
    FGSBIR_PAGE_INDEX=INDEX python -m pytest -m slow tests/web/test_browser.py -k picture

``FGSBIR_PAGE_ROOT`` is the folder that data/ and models/ lie in, if that is not the repository.
"""

import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from fgsbir.search.adaptation import Adapter
from fgsbir.search.searcher import Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.web.app import create_app
from fgsbir.web.limits import Limits

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "pictures" / "page.png"
PICTURE_SKETCH = "chair-00307-2"  # of the test set
EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

Strokes = list[list[list[float]]]
BACK = [[60, 40], [60, 200]]
SEAT = [[60, 120], [180, 120], [180, 200]]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256"><path d="M40 60L200 60M50 80L50 200"/></svg>'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if found is None:
        message = f"no browser: expected one of {', '.join(EXECUTABLES)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield launched
        launched.close()


class Site:
    """A page at an address, and what its console complained of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address, self.complaints = page, address, list[str]()
        page.set_default_timeout(20_000)
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(address)
        expect(page.locator("#gallery-size")).to_contain_text("photos")

    def draw(self, strokes: Strokes) -> None:
        box = self.page.locator("#pad").bounding_box()
        assert box
        scale = box["width"] / 256
        for stroke in strokes:
            places = [(box["x"] + scale * x, box["y"] + scale * y) for x, y in stroke]
            self.page.mouse.move(*places[0])
            self.page.mouse.down()
            for place in places[1:]:
                self.page.mouse.move(*place)
            self.page.mouse.up()

    def found_by(self, act: Callable[[], Any], path: str = "/search") -> list[str]:
        """The distances that the page shows after ``act`` has led it to ask for ``path``."""

        def is_answer(response: Response) -> bool:
            return path in response.url and response.ok

        with self.page.expect_response(is_answer) as answer:
            act()
        expected = [f"{photo['distance']:.2f}" for photo in answer.value.json()["photos"]]
        expect(self.page.locator("#grid .distance")).to_have_text(expected)
        return expected

    def click(self, id: str) -> None:
        self.page.locator(f"#{id}").click()


@pytest.fixture
def visit(browser: Browser, serve: Callable[[FastAPI], int], app: FastAPI) -> Iterator[Callable[..., Site]]:
    """Open a page of ``app`` in a browser window of some kind."""
    contexts = []

    def open_page(app: FastAPI = app, **kind: Any) -> Site:
        context = browser.new_context(**{"reduced_motion": "reduce"} | kind)
        contexts.append(context)
        return Site(context.new_page(), f"http://127.0.0.1:{serve(app)}/")

    yield open_page
    for context in contexts:
        context.close()


def test_results_follow_the_strokes(visit: Callable[..., Site]) -> None:
    site = visit()
    page = site.page
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#undo-button")).to_be_disabled()
    one = site.found_by(lambda: site.draw([BACK]))
    expect(page.locator("#said")).to_contain_text("12 photos. Nearest: photo-")
    two = site.found_by(lambda: site.draw([SEAT]))
    assert len(one) == len(two) == 12 and one != two
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")
    assert site.found_by(lambda: site.click("undo-button")) == one
    assert site.found_by(lambda: site.click("redo-button")) == two
    site.click("clear-button")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#grid li")).to_have_count(0)
    assert site.found_by(lambda: page.keyboard.press("Control+z")) == two
    assert site.found_by(lambda: page.keyboard.press("Control+z")) == one
    assert site.found_by(lambda: page.keyboard.press("Control+Shift+Z")) == two
    assert site.complaints == []


def test_all_of_it_by_keyboard(visit: Callable[..., Site]) -> None:
    site = visit()
    page = site.page
    page.keyboard.press("Tab")
    expect(page.locator("#pad")).to_be_focused()
    keys = ("Space", "ArrowRight", "Shift+ArrowDown", "ArrowLeft", "Space")
    site.found_by(lambda: [page.keyboard.press(key) for key in keys])
    for _ in range(5):  # undo, clear, upload, and by the list of results, which scrolls, to the first of them
        page.keyboard.press("Tab")
        if page.locator("#grid button").first.evaluate("button => button === document.activeElement"):
            break
    expect(page.locator("#grid button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    name = page.locator("#viewer-name").text_content()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer-facts")).to_contain_text("Rank 2")
    assert page.locator("#viewer-name").text_content() != name
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#grid button").nth(1)).to_be_focused()
    assert site.complaints == []


def test_uploads(visit: Callable[..., Site], tmp_path: Path) -> None:
    site = visit()
    page = site.page
    (tmp_path / "drawing.svg").write_bytes(SVG)
    (tmp_path / "broken.svg").write_bytes(b"<svg")
    site.found_by(lambda: page.locator("#upload-file").set_input_files(tmp_path / "drawing.svg"))
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")
    page.locator("#upload-file").set_input_files(tmp_path / "broken.svg")
    expect(page.locator("#notice")).to_contain_text("The drawing: expected an SVG file")
    site.click("dismiss-button")
    expect(page.locator("#notice")).to_be_hidden()
    site.click("clear-button")
    dropped = """text => {
      const files = new DataTransfer();
      files.items.add(new File([text], "drawing.svg", { type: "image/svg+xml" }));
      for (const kind of ["dragenter", "drop"])
        document.querySelector("#paper").dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true }));
    }"""
    site.found_by(lambda: page.evaluate(dropped, SVG.decode()))
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")


def test_a_photo_large_and_others_like_it_and_its_sketch(visit: Callable[..., Site]) -> None:
    site = visit(reduced_motion="no-preference")
    page = site.page
    drawn = site.found_by(lambda: site.draw([BACK, SEAT]))
    page.locator("#grid button").nth(2).click()
    name = page.locator("#viewer-name").text_content()
    expect(page.locator("#viewer-photo")).to_have_js_property("naturalWidth", 50)
    expect(page.locator("#viewer-facts")).to_contain_text(f"Rank 3 · distance {drawn[2][:-1]}")
    site.click("sketch-button")
    expect(page.locator("#viewer-lines svg")).to_have_attribute("aria-label", f"Sketch of {name}")
    expect(page.locator("#viewer-certainty")).to_be_visible()
    expect(page.locator("#certainty")).to_have_text(re.compile(r"[01]\.\d\d"))
    alike = site.found_by(lambda: site.click("alike-button"), "/similar")
    assert len(alike) == 11
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#found-title")).to_have_text(f"More like {name}")
    assert site.found_by(lambda: site.click("back-button")) == drawn
    assert site.complaints == []


def test_corrections_adapt_the_search(visit: Callable[..., Site], searcher: Searcher) -> None:
    app = create_app(searcher, Adapter(searcher), None, Limits(adapted=1))
    site = visit(app)
    page = site.page

    def correct(place: int) -> None:
        page.locator("#grid button").nth(place).click()
        site.click("correct-button")

    site.found_by(lambda: site.draw([BACK]))
    correct(3)
    expect(page.locator("#adapt-button")).to_be_enabled()
    expect(page.locator("#said")).to_contain_text("Correction added")
    plain = site.found_by(lambda: site.draw([SEAT]))
    correct(5)
    expect(page.locator("#corrections li")).to_have_count(2)
    adapted = site.found_by(lambda: site.click("adapt-button"))
    assert adapted != plain
    expect(page.locator("#took")).to_contain_text("in your style")
    assert site.found_by(lambda: page.locator("#adapted-label").click()) == plain
    assert site.found_by(lambda: page.locator("#adapted-label").click()) == adapted
    # The server remembers one, and now it is another's: the page adapts again by itself.
    ids = [searcher.gallery.id(row) for row in range(2)]
    corrections = [{"strokes": [BACK], "photo": id} for id in ids]
    assert page.request.post(f"{site.address}adapt", data={"corrections": corrections}).ok
    site.found_by(lambda: site.click("undo-button"))
    assert site.found_by(lambda: site.click("redo-button")) == adapted
    expect(page.locator("#notice")).to_be_hidden()
    page.locator("#corrections button").first.click()
    expect(page.locator("#corrections li")).to_have_count(1)
    expect(page.locator("#adapt-button")).to_be_enabled()


def test_what_a_server_cannot_do_is_not_offered(visit: Callable[..., Site], searcher: Searcher) -> None:
    site = visit(create_app(searcher, None, None))
    page = site.page
    expect(page.locator("#hand")).to_be_hidden()
    site.found_by(lambda: site.draw([BACK]))
    page.locator("#grid button").first.click()
    expect(page.locator("#alike-button")).to_be_visible()
    expect(page.locator("#sketch-button")).to_be_hidden()
    expect(page.locator("#correct-button")).to_be_hidden()


def test_a_server_that_goes_and_comes_back(visit: Callable[..., Site]) -> None:
    site = visit()
    page = site.page
    found = site.found_by(lambda: site.draw([BACK]))
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    site.draw([SEAT])
    expect(page.locator("#notice")).to_contain_text("The server does not answer")
    expect(page.locator("#grid .distance")).to_have_text(found)  # paler, and not gone
    page.unroute("**/*")
    expect(page.locator("#notice")).to_be_hidden()  # it looks for the server by itself
    assert page.locator("#grid .distance").all_text_contents() != found


def test_a_refusal_is_told_and_too_many_requests_are_waited_for(visit: Callable[..., Site]) -> None:
    site = visit()
    page = site.page
    refusal = {"status": 422, "json": {"message": "strokes: expected another drawing"}}
    page.route("**/search", lambda route: route.fulfill(**refusal))
    site.draw([BACK])
    expect(page.locator("#notice")).to_contain_text("Strokes: expected another drawing.")
    page.unroute("**/search")
    site.found_by(lambda: site.click("retry-button"))
    expect(page.locator("#notice")).to_be_hidden()
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "json": {"message": "later"}}
    page.route("**/search", lambda route: route.fulfill(**busy), times=1)
    site.found_by(lambda: site.draw([SEAT]))
    expect(page.locator("#notice")).to_be_hidden()


def test_an_answer_that_comes_too_late_is_dropped(visit: Callable[..., Site]) -> None:
    site = visit()
    page = site.page
    held: list[Any] = []
    page.route("**/search", lambda route: held.append(route), times=1)
    with page.expect_request("**/search"):
        site.draw([BACK])
    found = site.found_by(lambda: site.draw([SEAT]))
    assert len(held) == 1
    held[0].fulfill(json={"photos": [], "milliseconds": 1})
    page.wait_for_timeout(300)
    assert page.locator("#grid .distance").all_text_contents() == found


def test_by_finger_at_the_width_of_a_phone(visit: Callable[..., Site]) -> None:
    site = visit(viewport={"width": 360, "height": 700}, has_touch=True, is_mobile=True)
    page = site.page
    box = page.locator("#pad").bounding_box()
    assert box
    touches = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": box["x"] + x, "y": box["y"] + y, "id": number} for number, (x, y) in enumerate(points)]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def draw() -> None:
        touch("touchStart", (40, 40))
        touch("touchMove", (60, 120))
        touch("touchMove", (60, 150), (100, 100))  # a second finger draws nothing
        touch("touchEnd")

    site.found_by(draw)
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 1 stroke")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0 and page.evaluate("scrollY") == 0
    page.locator("#grid button").first.click()
    site.click("sketch-button")
    expect(page.locator("#viewer-lines svg")).to_be_visible()
    assert page.evaluate(wide) == 0
    assert page.locator("#viewer").evaluate("viewer => viewer.scrollWidth <= viewer.clientWidth")


def test_everything_has_a_name_in_light_and_in_dark(visit: Callable[..., Site]) -> None:
    unnamed = """() => [...document.querySelectorAll("button, input, img, canvas, dialog, svg[role], section")].filter(
      (one) => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.hasAttribute("alt")
        || one.textContent.trim() || one.closest("label")?.textContent.trim() || one.type === "file")
    ).map((one) => one.outerHTML)"""
    for scheme, ink in (("light", "rgb(30, 28, 25)"), ("dark", "rgb(240, 236, 227)")):
        site = visit(color_scheme=scheme)
        expect(site.page.locator("#pad")).to_have_css("color", ink)
        site.found_by(lambda site=site: site.draw([BACK]))
        site.page.locator("#grid button").first.click()
        assert site.page.evaluate(unnamed) == []
        ids = site.page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        assert len(ids) == len(set(ids))


@pytest.mark.skipif("FGSBIR_PAGE_INDEX" not in os.environ, reason="FGSBIR_PAGE_INDEX names no index")
def test_the_picture_of_the_readme(visit: Callable[..., Site]) -> None:
    root = Path(os.environ.get("FGSBIR_PAGE_ROOT", ROOT))
    searcher = Searcher.open(Path(os.environ["FGSBIR_PAGE_INDEX"]))
    sketcher = PhotoSketcher.load(root / "models" / "joint")
    with (root / "data" / "raw" / "synthetic" / "sketches.ndjson").open() as lines:
        sketch = next(line for line in map(json.loads, lines) if line["id"] == PICTURE_SKETCH)
    site = visit(create_app(searcher, Adapter(searcher), sketcher), viewport={"width": 1280, "height": 800})
    for stroke in sketch["strokes"][:-1]:
        site.draw([stroke])
    site.found_by(lambda: site.draw(sketch["strokes"][-1:]))
    site.page.mouse.move(0, 0)
    site.page.wait_for_load_state("networkidle")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(site.page.screenshot())) as picture:
        picture.convert("RGB").quantize(256).save(PICTURE, optimize=True)
    assert PICTURE.stat().st_size <= 300_000
    assert site.complaints == []

"""The page in a real browser: draw, see the results change, undo, upload, open, adapt; and when the server has gone.

Any Chromium that is installed will do; without one these tests are skipped, or fail where CI=true.

The README's picture, docs/pictures/page.png, is made by the last of them from trained models and the default data set:

    fgsbir index data/raw/synthetic/photos/chair --model models/joint --adaptive models/adaptive/user/adaptive \\
        --out INDEX
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
from playwright.sync_api import Browser, Page, expect, sync_playwright

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


@pytest.fixture
def complaints() -> list[str]:
    """What the pages' consoles complained of."""
    return []


@pytest.fixture
def visit(
    browser: Browser, serve: Callable[[FastAPI], int], app: FastAPI, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """Open a page of ``app`` in a browser window of some kind."""
    contexts = []

    def open_page(app: FastAPI = app, **kind: Any) -> Page:
        context = browser.new_context(**{"reduced_motion": "reduce"} | kind)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{serve(app)}/")
        expect(page.locator("#gallery-size")).to_contain_text("photos")
        return page

    yield open_page
    for context in contexts:
        context.close()


def draw(page: Page, strokes: Strokes) -> None:
    box = page.locator("#pad").bounding_box()
    assert box
    scale = box["width"] / 256
    for stroke in strokes:
        first, *others = ((box["x"] + scale * x, box["y"] + scale * y) for x, y in stroke)
        page.mouse.move(*first)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place)
        page.mouse.up()


def found_by(page: Page, act: Callable[[], Any], path: str = "/search") -> list[str]:
    """The distances that the page shows after ``act`` has led it to ask for ``path``."""
    with page.expect_response(lambda response: path in response.url and response.ok) as answer:
        act()
    expected = [f"{photo['distance']:.2f}" for photo in answer.value.json()["photos"]]
    expect(page.locator("#grid .distance")).to_have_text(expected)
    return expected


def click(page: Page, id: str) -> None:
    page.locator(f"#{id}").click()


def test_results_follow_the_strokes(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit()
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#undo-button")).to_be_disabled()
    one = found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#said")).to_contain_text("12 photos. Nearest: photo-")
    two = found_by(page, lambda: draw(page, [SEAT]))
    assert len(one) == len(two) == 12 and one != two
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")
    assert found_by(page, lambda: click(page, "undo-button")) == one
    assert found_by(page, lambda: click(page, "redo-button")) == two
    click(page, "clear-button")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#grid li")).to_have_count(0)
    assert found_by(page, lambda: page.keyboard.press("Control+z")) == two
    assert found_by(page, lambda: page.keyboard.press("Control+z")) == one
    assert found_by(page, lambda: page.keyboard.press("Control+Shift+Z")) == two
    assert complaints == []


def test_all_of_it_by_keyboard(visit: Callable[..., Page], complaints: list[str]) -> None:
    page = visit()
    page.keyboard.press("Tab")
    expect(page.locator("#pad")).to_be_focused()
    keys = ("Space", "ArrowRight", "Shift+ArrowDown", "ArrowLeft", "Space")
    found_by(page, lambda: [page.keyboard.press(key) for key in keys])
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
    assert complaints == []


def test_uploads(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit()
    (tmp_path / "drawing.svg").write_bytes(SVG)
    (tmp_path / "broken.svg").write_bytes(b"<svg")
    found_by(page, lambda: page.locator("#upload-file").set_input_files(tmp_path / "drawing.svg"))
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")
    page.locator("#upload-file").set_input_files(tmp_path / "broken.svg")
    expect(page.locator("#notice")).to_contain_text("The drawing: expected an SVG file")
    click(page, "dismiss-button")
    expect(page.locator("#notice")).to_be_hidden()
    click(page, "clear-button")
    dropped = """text => {
      const files = new DataTransfer();
      files.items.add(new File([text], "drawing.svg", { type: "image/svg+xml" }));
      for (const kind of ["dragenter", "drop"])
        document.querySelector("#paper").dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true }));
    }"""
    found_by(page, lambda: page.evaluate(dropped, SVG.decode()))
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")


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
    alike = found_by(page, lambda: click(page, "alike-button"), "/similar")
    assert len(alike) == 11
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#found-title")).to_have_text(f"More like {name}")
    assert found_by(page, lambda: click(page, "back-button")) == drawn
    assert complaints == []


def test_corrections_adapt_the_search(visit: Callable[..., Page], searcher: Searcher) -> None:
    app = create_app(searcher, Adapter(searcher), None, Limits(adapted=1))
    page = visit(app)

    def correct(place: int) -> None:
        page.locator("#grid button").nth(place).click()
        click(page, "correct-button")

    found_by(page, lambda: draw(page, [BACK]))
    correct(3)
    expect(page.locator("#adapt-button")).to_be_enabled()
    expect(page.locator("#said")).to_contain_text("Correction added")
    plain = found_by(page, lambda: draw(page, [SEAT]))
    correct(5)
    expect(page.locator("#corrections li")).to_have_count(2)
    adapted = found_by(page, lambda: click(page, "adapt-button"))
    assert adapted != plain
    expect(page.locator("#took")).to_contain_text("in your style")
    assert found_by(page, lambda: page.locator("#adapted-label").click()) == plain
    assert found_by(page, lambda: page.locator("#adapted-label").click()) == adapted
    # The server remembers one, and now it is another's: the page adapts again by itself.
    ids = [searcher.gallery.id(row) for row in range(2)]
    corrections = [{"strokes": [BACK], "photo": id} for id in ids]
    assert page.request.post(f"{page.url}adapt", data={"corrections": corrections}).ok
    found_by(page, lambda: click(page, "undo-button"))
    assert found_by(page, lambda: click(page, "redo-button")) == adapted
    expect(page.locator("#notice")).to_be_hidden()
    page.locator("#corrections button").first.click()
    expect(page.locator("#corrections li")).to_have_count(1)
    expect(page.locator("#adapt-button")).to_be_enabled()


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


def test_a_refusal_is_told_and_too_many_requests_are_waited_for(visit: Callable[..., Page]) -> None:
    page = visit()
    refusal = {"status": 422, "json": {"message": "strokes: expected another drawing"}}
    page.route("**/search", lambda route: route.fulfill(**refusal))
    draw(page, [BACK])
    expect(page.locator("#notice")).to_contain_text("Strokes: expected another drawing.")
    page.unroute("**/search")
    found_by(page, lambda: click(page, "retry-button"))
    expect(page.locator("#notice")).to_be_hidden()
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "json": {"message": "later"}}
    page.route("**/search", lambda route: route.fulfill(**busy), times=1)
    found_by(page, lambda: draw(page, [SEAT]))
    expect(page.locator("#notice")).to_be_hidden()


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


def test_by_finger_at_the_width_of_a_phone(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 360, "height": 700}, has_touch=True, is_mobile=True)
    box = page.locator("#pad").bounding_box()
    assert box
    touches = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": box["x"] + x, "y": box["y"] + y, "id": number} for number, (x, y) in enumerate(points)]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def one_finger() -> None:
        touch("touchStart", (40, 40))
        touch("touchMove", (60, 120))
        touch("touchMove", (60, 150), (100, 100))  # a second finger draws nothing
        touch("touchEnd")

    found_by(page, one_finger)
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 1 stroke")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0 and page.evaluate("scrollY") == 0
    page.locator("#grid button").first.click()
    click(page, "sketch-button")
    expect(page.locator("#viewer-lines svg")).to_be_visible()
    assert page.evaluate(wide) == 0
    assert page.locator("#viewer").evaluate("viewer => viewer.scrollWidth <= viewer.clientWidth")


def test_everything_has_a_name_in_light_and_in_dark(visit: Callable[..., Page]) -> None:
    unnamed = """() => [...document.querySelectorAll("button, input, img, canvas, dialog, svg[role], section")].filter(
      (one) => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.hasAttribute("alt")
        || one.textContent.trim() || one.closest("label")?.textContent.trim() || one.type === "file")
    ).map((one) => one.outerHTML)"""
    for scheme, ink in (("light", "rgb(30, 28, 25)"), ("dark", "rgb(240, 236, 227)")):
        page = visit(color_scheme=scheme)
        expect(page.locator("#pad")).to_have_css("color", ink)
        found_by(page, lambda page=page: draw(page, [BACK]))
        page.locator("#grid button").first.click()
        assert page.evaluate(unnamed) == []
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        assert len(ids) == len(set(ids))


@pytest.mark.skipif("FGSBIR_PAGE_INDEX" not in os.environ, reason="FGSBIR_PAGE_INDEX names no index")
def test_the_picture_of_the_readme(visit: Callable[..., Page], complaints: list[str]) -> None:
    root = Path(os.environ.get("FGSBIR_PAGE_ROOT", ROOT))
    searcher = Searcher.open(Path(os.environ["FGSBIR_PAGE_INDEX"]))
    sketcher = PhotoSketcher.load(root / "models" / "joint")
    with (root / "data" / "raw" / "synthetic" / "sketches.ndjson").open() as lines:
        sketch = next(line for line in map(json.loads, lines) if line["id"] == PICTURE_SKETCH)
    page = visit(create_app(searcher, Adapter(searcher), sketcher), viewport={"width": 1280, "height": 800})
    for stroke in sketch["strokes"][:-1]:
        draw(page, [stroke])
    found_by(page, lambda: draw(page, sketch["strokes"][-1:]))
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").quantize(256).save(PICTURE, optimize=True)
    assert PICTURE.stat().st_size <= 300_000
    assert complaints == []

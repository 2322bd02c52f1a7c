"""What is done in a real browser while the page waits for an answer, and answers of a server that is not as it was."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from fgsbir.search.adaptation import Adapter
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.web.app import create_app
from fgsbir.web.limits import Limits
from tests.web.browsing import (
    BACK,
    SEAT,
    SHOP_EACH,
    UNLIMITED,
    click,
    draw,
    found_by,
    picture,
    strokes_of,
    to_the_end,
    upload,
)

pytestmark = pytest.mark.slow

LINES = [[[40, 60], [200, 60]], [[50, 80], [50, 200]]]
SVG = {
    "name": "lines.svg",
    "mimeType": "image/svg+xml",
    "buffer": b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" stroke="black">'
    b'<path d="M40 60L200 60M50 80L50 200"/></svg>',
}
PHOTO = picture(
    np.kron(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8), np.ones((30, 30, 1), np.uint8))
)


def holding(page: Page, pattern: str, act: Callable[[], Any]) -> Any:
    """Do what leads to a request; its route, to be answered later."""
    routes: list[Any] = []
    page.route(pattern, lambda route: routes.append(route), times=1)
    with page.expect_request(pattern):
        act()
    while not routes:
        page.wait_for_timeout(10)
    return routes[0]


def reloading(page: Page) -> Any:
    """Load the page again, as far as it goes without an answer."""
    return holding(page, "**/health", lambda: page.reload(wait_until="commit"))


def test_what_is_drawn_while_the_page_loads_is_added_to_what_the_address_says(
    visit: Callable[..., Page], shop_app: FastAPI
) -> None:
    page = visit(shop_app)
    found_by(page, lambda: draw(page, [BACK]))
    found_by(page, lambda: page.locator("#folder").select_option("chairs"))
    page.locator("#grid button").nth(3).click()
    found_by(page, lambda: click(page, "alike-button"))
    health = reloading(page)
    draw(page, [SEAT])
    page.wait_for_timeout(300)  # by now it would be searched for
    found_by(page, lambda: health.continue_())
    assert strokes_of(page) == [BACK, SEAT] and "photo=" in page.url
    expect(page.locator("#folder")).to_have_value("chairs")
    expect(page.locator("#found-title")).to_have_text("Like your drawing and the picture")
    found_by(page, lambda: click(page, "undo-button"))
    assert strokes_of(page) == [BACK]


def test_a_file_that_is_chosen_while_the_page_loads_is_not_lost(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app)
    found_by(page, lambda: draw(page, [BACK]))
    health = reloading(page)
    upload(page, SVG)
    page.wait_for_timeout(300)
    health.continue_()
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")
    assert strokes_of(page) == LINES
    found_by(page, lambda: click(page, "undo-button"))
    assert strokes_of(page) == [BACK]


def test_a_folder_that_has_gone_is_left_for_all_photos(
    visit: Callable[..., Page],
    tmp_path: Path,
    make_photo: Callable[[Path, int], Path],
    index_of: Callable[[Path], Path],
) -> None:
    new = make_photo(tmp_path / "photos" / "new" / "one.png", 99)
    page = visit(create_app(Searcher.open(index_of(tmp_path)), None, None, UNLIMITED))
    assert len(found_by(page, lambda: page.locator("#folder").select_option("new"))) == 1
    new.unlink()
    index_photos([tmp_path / "photos"], tmp_path / "index" / "model", tmp_path / "index")
    draw(page, [BACK])
    expect(page.locator("#notice")).to_be_visible()
    expect(page.locator("#notice-text")).to_have_text("There is no folder new any more: all photos are searched.")
    expect(page.locator("#grid li")).to_have_count(12)
    assert "folder=" not in page.url


def test_a_folder_is_not_called_gone_where_the_server_has_not_said_so(
    visit: Callable[..., Page], shop_app: FastAPI
) -> None:
    page = visit(shop_app)
    found = found_by(page, lambda: page.locator("#folder").select_option("chairs"))
    page.route("**/folders", lambda route: route.fulfill(status=429, json={"message": "later"}), times=1)
    assert found_by(page, lambda: page.reload()) == found
    expect(page.locator("#folder")).to_have_value("chairs")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_file_is_taken_whatever_is_drawn_and_traced_while_it_is_sent(
    visit: Callable[..., Page], shop_app: FastAPI
) -> None:
    page = visit(shop_app)
    page.locator("#grid button").nth(3).click()
    found_by(page, lambda: click(page, "alike-button"))
    sent = holding(page, "**/uploads", lambda: upload(page, PHOTO))
    found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#weight")).to_have_value("0.5")  # who draws on means both
    found_by(page, lambda: sent.continue_())
    expect(page.locator("#source-picture")).to_have_js_property("naturalWidth", 480)
    expect(page.locator("#mode-button")).to_have_text("Trace it as a drawing")
    sent = holding(page, "**/uploads", lambda: upload(page, SVG))
    click(page, "mode-button")
    expect(page.locator("#source-title")).to_have_text("Traced from this picture")
    found_by(page, lambda: sent.continue_())
    assert strokes_of(page) == LINES


def test_a_file_that_is_not_wanted_any_more_leaves_an_open_photo_open(
    visit: Callable[..., Page], shop_app: FastAPI
) -> None:
    page = visit(shop_app)
    found_by(page, lambda: upload(page, PHOTO))
    sent = holding(page, "**/uploads", lambda: upload(page, SVG))
    found_by(page, lambda: click(page, "back-button"))
    page.locator("#grid button").nth(3).click()
    with page.expect_response("**/uploads"):
        sent.continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#viewer")).to_be_visible()
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, empty")


def test_pages_of_photos_are_of_one_search_though_someone_corrects_meanwhile(
    visit: Callable[..., Page], shop: Path, tmp_path: Path
) -> None:
    shutil.copytree(shop / "index", tmp_path / "index")
    searcher = Searcher.open(tmp_path / "index")
    page = visit(create_app(searcher, Adapter.of(searcher), None, UNLIMITED), viewport={"width": 375, "height": 740})
    found_by(page, lambda: draw(page, [BACK]))
    asked: list[int] = []
    page.on("request", lambda one: asked.append(one.post_data_json["skip"]) if one.url.endswith("/search") else None)
    correction = {"strokes": [SEAT], "photo": searcher.gallery.id(3)}
    assert page.request.post(f"{page.url.partition('#')[0]}corrections", data=correction).ok
    found_by(page, lambda: page.evaluate("scrollTo(0, 1e9)"))
    assert asked[:2] == [48, 0]


def test_a_photo_that_comes_again_in_a_later_page_is_no_copy_of_itself(
    visit: Callable[..., Page], shop_app: FastAPI
) -> None:
    page = visit(shop_app, viewport={"width": 375, "height": 740})
    page.route("**/copies", lambda route: route.fulfill(json={}))

    def overlapping(route: Any) -> None:
        asked = route.request.post_data_json
        route.continue_(post_data={**asked, "skip": max(0, asked["skip"] - 2)})

    page.route("**/search", overlapping)
    draw(page, [BACK])
    expect(page.locator("#grid .distance").first).not_to_be_empty()
    to_the_end(page, 2 * SHOP_EACH + 1)
    assert {*page.locator("#grid .also").all_text_contents()} == {""}


@pytest.mark.parametrize("what", ["search", "uploads/*/strokes"])
def test_what_was_asked_of_a_forgotten_picture_is_not_told_once_the_user_has_gone_on(
    visit: Callable[..., Page], shop_app: FastAPI, what: str
) -> None:
    page = visit(shop_app)
    found_by(page, lambda: upload(page, PHOTO))
    forgotten = {"status": 404, "json": {"message": "this picture is not remembered any more"}}
    page.route(f"**/{what}", lambda route: route.fulfill(**forgotten), times=1)
    if what == "search":
        again = holding(page, "**/uploads", lambda: page.locator("#folder").select_option("chairs"))
    else:
        again = holding(page, "**/uploads", lambda: click(page, "mode-button"))
    found_by(page, lambda: click(page, "back-button"))
    again.abort()
    page.wait_for_timeout(300)
    expect(page.locator("#notice")).to_be_hidden()


def test_a_correction_that_is_being_taken_back_is_not_taken_back_again(
    visit: Callable[..., Page], index_of: Callable[[Path], Path], tmp_path: Path
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    page = visit(create_app(searcher, Adapter(searcher), None, UNLIMITED))
    found_by(page, lambda: draw(page, [BACK]))
    page.locator("#grid button").nth(3).click()
    found_by(page, lambda: click(page, "correct-button"))
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.method == "DELETE" else None)
    answer = holding(page, "**/corrections/*", lambda: click(page, "undo-correction-button"))
    expect(page.locator("#corrections")).to_have_css("opacity", "0.5")
    click(page, "undo-correction-button")
    page.wait_for_timeout(300)
    found_by(page, lambda: answer.continue_())
    expect(page.locator("#corrections li")).to_have_count(0)
    expect(page.locator("#corrections")).to_have_css("opacity", "1")
    expect(page.locator("#notice")).to_be_hidden()
    assert len(asked) == 1


def test_the_browser_keeps_the_newest_uploads_alone(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app)
    found_by(page, lambda: upload(page, PHOTO))
    page.evaluate("""async () => {
      const files = await caches.open("uploads");
      for (let number = 0; number < 40; number += 1) await files.put(`/uploads/${number}`, new Response("x"));
    }""")
    names = "async () => (await (await caches.open('uploads')).keys()).map(({ url }) => url.split('/').at(-1))"
    found_by(page, lambda: click(page, "back-button"))
    found_by(page, lambda: upload(page, PHOTO))
    page.wait_for_function(f"async () => (await ({names})()).length === 32")
    *others, last = page.evaluate(names)
    assert others == [str(number) for number in range(9, 40)] and len(last) == 16


def test_a_file_that_is_too_large_leaves_the_one_that_is_being_sent_alone(
    visit: Callable[..., Page], shop: Path
) -> None:
    limits = Limits(rate=1e9, burst=1e9, upload_bytes=2**20)
    page = visit(create_app(Searcher.open(shop / "index"), None, None, limits))
    sent = holding(page, "**/uploads", lambda: upload(page, SVG))
    upload(page, {"name": "large.svg", "mimeType": "", "buffer": b" " * (2**20 + 1)})
    expect(page.locator("#notice")).to_contain_text("large.svg is larger than 1 MB.")
    expect(page.locator("#paper")).to_have_class("paper reading")
    found_by(page, lambda: sent.continue_())
    expect(page.locator("#paper")).to_have_class("paper")
    assert strokes_of(page) == LINES


def test_thumbnails_that_a_busy_server_has_refused_are_loaded_with_the_next_photos(
    visit: Callable[..., Page], shop_app: FastAPI
) -> None:
    page = visit(shop_app, viewport={"width": 375, "height": 740})
    busy = {"status": 429, "json": {"message": "too many requests"}}
    page.route("**/thumbnail", lambda route: route.fulfill(**busy))
    page.reload()
    expect(page.locator(".failed").first).to_be_attached()
    page.wait_for_timeout(300)
    expect(page.locator(".missing")).to_have_count(0)
    page.unroute("**/thumbnail")
    to_the_end(page, 2 * SHOP_EACH + 1)
    expect(page.locator(".failed")).to_have_count(0)

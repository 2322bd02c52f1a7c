"""Files from outside in a real browser: sent, read, told where they cannot be, and not lost."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Page, expect

from fgsbir.search.searcher import Searcher
from fgsbir.web.app import create_app
from fgsbir.web.limits import Limits
from tests.web.browsing import (
    BACK,
    SEAT,
    click,
    draw,
    found_by,
    picture,
    pressed,
    shown,
    strokes_of,
    upload,
)

pytestmark = pytest.mark.slow

HEAD = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" stroke="black">'
SVG = HEAD + b'<path d="M40 60L200 60M50 80L50 200"/><text x="9" y="9">A</text></svg>'
DROPPED = """([text, kind]) => {
  const files = new DataTransfer();
  if (kind === "text") {
    files.setData("text/plain", text);
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: files, bubbles: true }));
    return;
  }
  for (const name of ["drawing.svg", "other.svg"]) files.items.add(new File([text], name, { type: "image/svg+xml" }));
  if (kind === "paste") document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: files, bubbles: true }));
  else for (const one of ["dragenter", "drop"])
    document.querySelector("#paper").dispatchEvent(new DragEvent(one, { dataTransfer: files, bubbles: true }));
}"""


def test_uploads(visit: Callable[..., Page], shop: Path, shop_app: FastAPI, tmp_path: Path) -> None:
    page = visit(shop_app)
    (tmp_path / "drawing.svg").write_bytes(SVG)
    (tmp_path / "broken.svg").write_bytes(b"<svg")
    found = found_by(page, lambda: upload(page, tmp_path / "drawing.svg"))
    assert strokes_of(page) == [[[40, 60], [200, 60]], [[50, 80], [50, 200]]]
    expect(page.locator("#left-out")).to_contain_text("text")
    upload(page, tmp_path / "broken.svg")
    expect(page.locator("#notice")).to_contain_text("broken.svg: expected an SVG file")
    expect(page.locator(".frame").first).to_have_css("opacity", "1")
    click(page, "dismiss-button")
    expect(page.locator("#notice")).to_be_hidden()
    for kind, left_out in (("paste", "a text, the other file"), ("drop", "a text, the other file"), ("text", "a text")):
        found_by(page, lambda: click(page, "clear-button"))
        page.locator("#grid button").nth(1).click()  # an open photo makes room
        assert found_by(page, lambda kind=kind: page.evaluate(DROPPED, [SVG.decode(), kind])) == found
        expect(page.locator("#viewer")).to_be_hidden()
        expect(page.locator("#left-out")).to_have_text(f"Left out: {left_out}.")
    found_by(page, lambda: page.reload())
    assert shown(page)[: len(found)] == found


def test_files_are_read_whatever_the_browser_calls_them(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app)
    scan = np.full((200, 200, 3), 255, np.uint8)
    scan[60:64, 30:170] = 0
    line = [[[20, 20], [220, 40]]]
    strokes, offsets = json.dumps(line).encode(), io.BytesIO()
    np.savez(offsets, np.array([[20, 20, 0], [200, 20, 1]]))
    files = [
        {"name": "line.json", "mimeType": "application/json", "buffer": strokes},
        {"name": "line.npz", "mimeType": "", "buffer": offsets.getvalue()},
        *(picture(scan, name, type) for name, type in (("a.heic", "image/heif"), ("b.heic", ""), ("c.tiff", ""))),
        picture(scan, "d.avif", "image/avif"),
    ]
    for file in files:
        found_by(page, lambda file=file: upload(page, file))
        expect(page.locator("#notice")).to_be_hidden()
        assert len(strokes_of(page)) == 1, file["name"]
        found_by(page, lambda: click(page, "clear-button"))


def test_a_folder_or_a_file_that_has_gone_is_told_and_not_sent_again(
    visit: Callable[..., Page], shop_app: FastAPI, tmp_path: Path
) -> None:
    page, asked = visit(shop_app), list[str]()
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith(("/uploads", "/health")) else None)
    folder, file, paper = tmp_path / "chairs", tmp_path / "gone.svg", page.locator("#paper").bounding_box()
    folder.mkdir()
    file.write_bytes(SVG)
    assert paper
    mouse = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": paper["x"] + 50, "y": paper["y"] + 50}
        mouse.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    expect(page.locator("#notice")).to_contain_text("chairs cannot be read: it is a folder")
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'kept' }))")
    page.locator("#kept").set_input_files(file)
    file.unlink()
    page.evaluate("""() => {
      const files = new DataTransfer();
      files.items.add(document.querySelector("#kept").files[0]);
      document.querySelector("#paper").dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }));
    }""")
    expect(page.locator("#notice")).to_contain_text("gone.svg cannot be read")
    expect(page.locator("#retry-button")).to_be_hidden()
    page.wait_for_timeout(2500)  # a server that has gone would be looked for by now
    assert asked == []


def test_a_file_that_does_not_arrive_is_sent_again_once_the_server_answers(
    visit: Callable[..., Page], shop_app: FastAPI, tmp_path: Path
) -> None:
    page = visit(shop_app)
    (tmp_path / "drawing.svg").write_bytes(SVG)
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    upload(page, tmp_path / "drawing.svg")
    expect(page.locator("#notice")).to_contain_text("drawing.svg did not arrive, and is sent again")
    draw(page, [BACK])  # what goes wrong after it does not make it forgotten
    expect(page.locator("#notice")).to_contain_text("The server does not answer.")
    page.unroute("**/*")
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")
    expect(page.locator("#notice")).to_be_hidden()
    click(page, "undo-button")
    assert strokes_of(page) == [BACK]


def test_a_file_that_arrives_neither_time_is_sent_no_more_until_the_user_wants_it(
    visit: Callable[..., Page], shop_app: FastAPI, tmp_path: Path
) -> None:
    page, sent = visit(shop_app), list[str]()
    (tmp_path / "drawing.svg").write_bytes(SVG)
    page.on("request", lambda one: sent.append(one.url) if one.url.endswith("/uploads") else None)
    page.route("**/uploads", lambda route: route.abort("connectionreset"))
    upload(page, tmp_path / "drawing.svg")
    expect(page.locator("#notice")).to_contain_text("drawing.svg did not arrive this time either.")
    page.wait_for_timeout(2500)
    assert len(sent) == 2
    page.unroute("**/uploads")
    busy = {"status": 429, "json": {"message": "the server has too much to read; try again"}}
    page.route("**/uploads", lambda route: route.fulfill(**busy), times=1)
    click(page, "retry-button")
    expect(page.locator("#notice")).to_contain_text("too much to read")
    found_by(page, lambda: click(page, "retry-button"))
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, 2 strokes")


@pytest.mark.parametrize("width", [375, 1280])
def test_what_is_wrong_with_a_file_is_seen_until_the_user_goes_on(
    visit: Callable[..., Page], shop_app: FastAPI, width: int
) -> None:
    page = visit(shop_app, viewport={"width": width, "height": 740})
    notice, held = page.locator("#notice"), list[Any]()
    broken = {"name": "broken.svg", "mimeType": "", "buffer": b"<svg"}
    page.route("**/search", lambda route: held.append(route), times=1)
    with page.expect_request("**/search"):
        draw(page, [BACK])
    upload(page, broken)
    expect(notice).to_be_in_viewport()
    expect(page.locator("#found")).to_have_attribute("aria-busy", "true")
    found_by(page, lambda: held[0].continue_())
    expect(notice).to_be_visible()  # the answer to a search says nothing of the file
    expect(page.locator("#took")).to_have_text(re.compile(r"^\d{1,4} ms$"))
    found_by(page, lambda: draw(page, [SEAT]))
    expect(notice).to_be_hidden()
    page.locator("#found").evaluate("found => { found.scrollTop = 900; scrollTo(0, 900); }")
    upload(page, broken)
    expect(notice).to_be_in_viewport(ratio=1)


def test_what_was_traced_and_what_lies_under_the_paper_outlast_a_reload(
    visit: Callable[..., Page], shop: Path, complaints: list[str]
) -> None:
    app = create_app(Searcher.open(shop / "index"), None, None, Limits(rate=1e9, burst=1e9, uploads=1))
    page = visit(app)
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[60:64, 30:270] = 0
    found = found_by(page, lambda: upload(page, picture(pixels)))
    click(page, "under-button")
    expect(page.locator("#under")).to_have_js_property("naturalWidth", 300)
    found_by(page, lambda: page.reload())
    expect(page.locator("#source-title")).to_have_text("Traced from this picture")
    expect(page.locator("#source-picture")).to_have_js_property("naturalWidth", 300)
    assert shown(page)[: len(found)] == found and len(strokes_of(page)) == 1
    # The server has forgotten it, and the browser has not.
    other, address = picture(pixels.T)["buffer"], f"{page.url.partition('#')[0]}uploads"
    assert page.request.post(address, data=other, headers={"Content-Type": "image/png"}).ok
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    found_by(page, lambda: page.reload())
    for id in ("under", "source-picture"):
        expect(page.locator(f"#{id}")).to_have_js_property("naturalWidth", 300)
    expect(page.locator("#left-out")).to_be_empty()
    found_by(page, lambda: click(page, "mode-button"))
    expect(page.locator("#found-title")).to_have_text("Like your drawing and the picture")
    page.go_back()
    expect(page.locator("#source-title")).to_have_text("Traced from this picture")
    # Neither server nor browser has the picture any more. The drawing stays, and a message says what is missing.
    assert page.request.post(address, data=other, headers={"Content-Type": "image/png"}).ok
    elsewhere = visit(app)
    found_by(elsewhere, lambda: elsewhere.goto(f"{elsewhere.url}#{page.url.partition('#')[2]}"))
    expect(elsewhere.locator("#left-out")).to_have_text("This picture is not remembered any more; upload it again.")
    expect(elsewhere.locator("#under")).to_be_hidden()
    expect(elsewhere.locator("#source")).to_be_hidden()
    assert len(strokes_of(elsewhere)) == 1


def test_on_a_phone_an_upload_shows_what_is_nearest(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app, viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True)
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    found_by(page, lambda: upload(page, picture(noise)))
    expect(page.locator("#grid .rank").first).to_be_in_viewport()


def test_nothing_is_lost_to_a_file_that_comes_late(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app)
    held: list[Any] = []
    page.route("**/uploads", lambda route: held.append(route), times=1)
    with page.expect_request("**/uploads"):
        page.evaluate(DROPPED, [f"{HEAD.decode()}<path d='M1 1L9 9'/></svg>", "paste"])
    found_by(page, lambda: page.evaluate(DROPPED, [SVG.decode(), "paste"]))
    drawn = strokes_of(page)
    with page.expect_response("**/uploads"):
        held[0].continue_()
    page.wait_for_timeout(200)
    assert strokes_of(page) == drawn  # the newer file, and not the one that was answered last
    box = page.locator("#pad").bounding_box()
    assert box
    page.mouse.move(box["x"] + 90, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 190, box["y"] + 230)
    found_by(page, lambda: page.evaluate(DROPPED, [SVG.decode(), "paste"]))
    page.mouse.up()
    found_by(page, lambda: click(page, "undo-button"))
    assert strokes_of(page)[:-1] == drawn  # and the line under the pen


def test_a_scan_is_traced_in_the_part_that_matters(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app)
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[60:64, 30:130] = pixels[200:204, 30:270] = 0
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    photo = found_by(page, lambda: upload(page, picture(noise)))
    whole = found_by(page, lambda: upload(page, picture(pixels)))
    assert len(strokes_of(page)) == 2
    assert found_by(page, lambda: click(page, "offer-button")) != whole  # the longer line without the note beside it
    (alone,) = strokes_of(page)
    page.locator("#crop").scroll_into_view_if_needed()
    box = page.locator("#crop").bounding_box()
    assert box
    page.mouse.move(box["x"] + 12, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 0.5 * box["height"])
    found_by(page, lambda: page.mouse.up())
    (other,) = strokes_of(page)
    assert np.ptp(np.array(other), axis=0)[0] < 0.5 * np.ptp(np.array(alone), axis=0)[0]
    traces: list[Any] = []
    page.on("request", lambda one: traces.append(one) if one.url.endswith("/strokes") else None)
    page.locator("#crop").focus()
    found_by(page, lambda: pressed(page, *["ArrowRight", "ArrowLeft"] * 6))
    assert len(traces) < 4  # and not one with each key
    found_by(page, lambda: click(page, "mode-button"))
    expect(page.locator("#found-title")).to_have_text("Like your drawing and the picture")
    page.go_back()
    found_by(page, lambda: page.go_back())  # to what was there before the scan
    assert shown(page)[: len(photo)] == photo
    expect(page.locator("#offer-button")).to_be_hidden()


def test_a_photo_from_outside_is_searched_by(visit: Callable[..., Page], shop: Path, joint_model: Path) -> None:
    searcher = Searcher.open(shop / "index")
    page = visit(create_app(searcher, None, None, Limits(rate=1e9, burst=1e9, uploads=1)))
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    large = np.asarray(Image.fromarray(noise).resize((640, 480), Image.Resampling.BICUBIC))
    found = found_by(page, lambda: upload(page, picture(large, "photo.jpg")))
    expect(page.locator("#found-title")).to_have_text("Like your picture")
    expect(page.locator("#pad")).to_have_attribute("aria-label", "Drawing, empty")
    page.locator("#crop").focus()
    part = found_by(page, lambda: pressed(page, "Shift+ArrowLeft"))
    assert part != found
    found_by(page, lambda: page.reload())
    assert shown(page)[: len(part)] == part
    click(page, "under-button")
    expect(page.locator("#under")).to_have_js_property("naturalWidth", 640)
    found_by(page, lambda: draw(page, [BACK]))
    found_by(page, lambda: page.locator("#weight").fill("0.7"))
    found_by(page, lambda: page.reload())
    expect(page.locator("#weight")).to_have_value("0.7")
    expect(page.locator("#crop")).to_have_attribute("aria-label", re.compile("from 0 % to 98 % across"))
    # The server remembers one picture, and now it is another's: the page sends it again.
    other, address = picture(noise)["buffer"], f"{page.url.partition('#')[0]}uploads"
    assert page.request.post(address, data=other, headers={"Content-Type": "image/png"}).ok
    found_by(page, lambda: page.locator("#folder").select_option("lamps/old"))
    expect(page.locator("#notice")).to_be_hidden()
    page.route("**/strokes", lambda route: route.fulfill(status=422, json={"message": "no line"}), times=1)
    click(page, "mode-button")
    expect(page.locator("#notice")).to_contain_text("No line.")
    expect(page.locator("#mode-button")).to_have_text("Trace it as a drawing")  # it is a photo still
    before = strokes_of(page)
    found_by(page, lambda: click(page, "mode-button"))
    assert strokes_of(page) != before

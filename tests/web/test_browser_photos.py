"""A gallery in a real browser: folders and copies, to its end, by picture, at an address that is kept."""

import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Page, expect

from fgsbir.data.atomic import write_json
from fgsbir.runtime.model_folder import read_config
from fgsbir.search.adaptation import Adapter
from fgsbir.search.gallery import FORMAT, Photos, write_photos
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.web.app import create_app
from fgsbir.web.limits import Limits
from tests.web.browsing import (
    BACK,
    SEAT,
    click,
    copies_among,
    draw,
    found_by,
    picture,
    pressed,
    shown,
    strokes_of,
    upload,
)

pytestmark = pytest.mark.slow

FOLDERS = ("chairs", "lamps/old")
EACH = 60
LIMITS = Limits(rate=1e9, burst=1e9)
HEAD = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" stroke="black">'
SVG = HEAD + b'<path d="M40 60L200 60M50 80L50 200"/><text x="9" y="9">A</text></svg>'
DROPPED = """([text, kind]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], "drawing.svg", { type: "image/svg+xml" }));
  if (kind === "paste") document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: files, bubbles: true }));
  else for (const one of ["dragenter", "drop"])
    document.querySelector("#paper").dispatchEvent(new DragEvent(one, { dataTransfer: files, bubbles: true }));
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, make_photo: Callable[[Path, int], Path], joint_model: Path) -> Path:
    """Two folders of photos, one of which lies in both, and one in another size as well; and their index."""
    folder = tmp_path_factory.mktemp("shop")
    for number in range(EACH):
        for start, name in enumerate(FOLDERS):
            make_photo(folder / "photos" / name / f"{number:02}.png", 2 * number + start)
    chairs, lamps = (folder / "photos" / name for name in FOLDERS)
    shutil.copy(chairs / "07.png", lamps / "the same.png")
    with Image.open(chairs / "09.png") as image:
        image.resize((200, 160), Image.Resampling.BICUBIC).save(chairs / "large.png")
    index_photos([folder / "photos"], joint_model, folder / "index")
    return folder


@pytest.fixture
def shop_app(shop: Path) -> FastAPI:
    searcher = Searcher.open(shop / "index")
    return create_app(searcher, Adapter.of(searcher), None, LIMITS)


def card(page: Page, name: str) -> Any:
    return page.locator(f'#grid button[title$="{name}"]')


def lines(page: Page, id: str) -> list[str]:
    """The paths in a list of the viewer."""
    return page.locator(f"#{id} code").all_text_contents()


def leaders(page: Page, folder: str | None = None) -> int:
    """How many photos are found that are nearly a copy of no other."""
    query = {"strokes": [BACK], "k": 200, "folder": folder}
    photos = page.request.post(f"{page.url.partition('#')[0]}search", data=query).json()["photos"]
    assert all(any(f"/{folder or 'photos'}/" in path for path in photo["paths"]) for photo in photos)
    return len(photos) - len(copies_among(page, photos))


def to_the_end(page: Page, count: int) -> None:
    """Scroll until there are ``count`` photos."""
    for _ in range(100):
        page.locator("#found").evaluate("found => { found.scrollTop = found.scrollHeight; scrollTo(0, 1e9); }")
        page.wait_for_timeout(50)
        if page.locator("#grid li").count() == count:
            break
    expect(page.locator("#grid li")).to_have_count(count)


@pytest.mark.parametrize("width", [375, 1280, 2560])
def test_the_gallery_is_gone_through_to_its_end_by_folder_or_whole(
    visit: Callable[..., Page], shop_app: FastAPI, width: int, complaints: list[str]
) -> None:
    page = visit(shop_app, viewport={"width": width, "height": 1200})
    expect(page.locator("#found-title")).to_have_text("All photos")
    grid, found = page.locator("#grid").bounding_box(), page.locator("#found").bounding_box()
    last = page.locator("#grid li").nth(max(3, width // 160)).bounding_box()
    assert grid and found and last and grid["width"] > found["width"] - 60  # filled, to the right
    to_the_end(page, 2 * EACH + 1)
    found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#grid .rank").first).to_be_in_viewport() if width > 860 else None
    different = leaders(page)
    assert EACH < different < 2 * EACH + 1
    to_the_end(page, different)
    options = page.locator("#folder option").all_text_contents()
    assert [option.strip() for option in options] == [
        "All folders",
        "chairs (61)",
        "lamps (61)",
        "old (61)",
    ]
    found_by(page, lambda: page.locator("#folder").select_option("lamps"))
    to_the_end(page, leaders(page, "lamps"))
    bookmark = page.context.new_page()
    bookmark.goto(page.url)
    expect(bookmark.locator("#folder")).to_have_value("lamps")
    bookmark.close()
    page.go_back()
    to_the_end(page, different)
    assert complaints == []


def test_a_photo_says_where_it_lies_and_its_copies(visit: Callable[..., Page], shop: Path, shop_app: FastAPI) -> None:
    page = visit(shop_app)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    found_by(page, lambda: draw(page, [BACK]))
    asked: list[int] = []
    page.on("request", lambda one: asked.append(one.post_data_json["skip"]) if one.url.endswith("/search") else None)
    page.route("**/search", lambda route: route.fulfill(status=422, json={"message": "no"}))
    while page.locator("#notice").is_hidden():  # a page of photos may be on its way already
        page.locator("#found").evaluate("found => { found.scrollTop = found.scrollHeight; }")
        page.wait_for_timeout(50)
    expect(page.locator(".frame").first).to_have_css("opacity", "1")  # what was found is still right
    page.unroute("**/search")
    page.locator("#retry-button").evaluate("button => button.checkVisibility() && button.click()")  # or scrolling did
    expect(page.locator("#notice")).to_be_hidden()
    assert asked and 0 not in asked  # who has scrolled stays there
    to_the_end(page, leaders(page))
    chairs, lamps = (shop / "photos" / name for name in FOLDERS)
    card(page, "chairs/07.png").click()
    assert lines(page, "viewer-paths") == [f"{chairs / '07.png'}", f"{lamps / 'the same.png'}"]
    page.locator("#viewer-paths button").last.click()
    expect(page.locator("#viewer-message")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == str(lamps / "the same.png")
    with page.expect_download() as download:
        click(page, "download-link")
    assert download.value.suggested_filename == "07.png"
    assert download.value.path().read_bytes() == (chairs / "07.png").read_bytes()
    with page.context.expect_page() as opened:
        click(page, "open-link")
    assert opened.value.locator("img").evaluate("image => image.naturalWidth") == 50
    box = page.locator("#viewer").bounding_box()
    assert box
    page.mouse.click(box["x"] + 8, box["y"] + 8)
    expect(page.locator("#viewer")).to_be_visible()
    page.mouse.click(4, 4)  # beside it
    expect(page.locator("#viewer")).to_be_hidden()
    resized = card(page, "chairs/09.png").or_(card(page, "chairs/large.png"))
    expect(resized.locator(".also")).to_have_text("1")
    expect(resized).to_have_attribute("aria-label", re.compile("and 1 in other sizes$"))
    resized.click()
    paths = lines(page, "viewer-paths") + lines(page, "viewer-copies")
    assert {f"{chairs / '09.png'}", f"{chairs / 'large.png'}"} <= {*paths}


def test_nothing_is_lost(visit: Callable[..., Page], shop_app: FastAPI, complaints: list[str]) -> None:
    page = visit(shop_app)
    found_by(page, lambda: draw(page, [BACK]))
    drawn = found_by(page, lambda: draw(page, [SEAT]))
    page.locator("#grid button").nth(3).click()
    adapted = found_by(page, lambda: click(page, "correct-button"))
    found_by(page, lambda: page.reload())
    assert shown(page)[: len(adapted)] == adapted and strokes_of(page) == [BACK, SEAT]
    expect(page.locator("#corrections li")).to_have_count(1)
    with page.expect_download() as saved:
        click(page, "save-model")
    with zipfile.ZipFile(saved.value.path()) as model:
        files = ["README.md", "config.json", "model.safetensors"]
        assert sorted(model.namelist()) == [f"corrected/{name}" for name in files]
    assert found_by(page, lambda: page.locator("#adapted-label").click()) == drawn
    # A photo, and what is like it, have addresses of their own.
    page.locator("#grid button").nth(5).click()
    name = page.locator("#viewer-name").text_content()
    address = page.url
    page.go_back()
    expect(page.locator("#viewer")).to_be_hidden()
    page.go_forward()
    expect(page.locator("#viewer-name")).to_have_text(name or "")
    alike = found_by(page, lambda: click(page, "alike-button"))
    found_by(page, lambda: page.reload())
    assert shown(page)[: len(alike)] == alike
    expect(page.locator("#found-title")).to_have_text(f"More like {name}")
    found_by(page, lambda: page.go_back())
    assert shown(page)[: len(drawn)] == drawn
    other = page.context.new_page()
    other.goto(address)
    expect(other.locator("#viewer-name")).to_have_text(name or "")
    expect(other.locator("#grid .distance").first).to_have_text(drawn[0])
    assert complaints == []


def test_a_drawing_and_a_photo_are_mixed(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app)
    drawn = found_by(page, lambda: draw(page, [BACK, SEAT]))
    page.locator("#grid button").nth(7).click()
    photo = found_by(page, lambda: click(page, "alike-button"))
    slider = page.locator("#weight")
    both = found_by(page, lambda: slider.fill("0.5"))
    assert found_by(page, lambda: slider.fill("1")) == photo
    nearly_drawn = found_by(page, lambda: slider.fill("0"))
    assert len({tuple(one) for one in (drawn, photo, both)}) == 3 and set(nearly_drawn) <= {*drawn, *nearly_drawn[-1:]}
    found_by(page, lambda: slider.fill("1"))
    found_by(page, lambda: draw(page, [[[100, 30], [150, 60]]]))  # who draws on means both
    expect(slider).to_have_value("0.5")
    found_by(page, lambda: click(page, "back-button"))
    expect(page.locator("#source")).to_be_hidden()


def test_uploads(visit: Callable[..., Page], shop: Path, shop_app: FastAPI, tmp_path: Path) -> None:
    page = visit(shop_app)
    (tmp_path / "drawing.svg").write_bytes(SVG)
    (tmp_path / "broken.svg").write_bytes(b"<svg")
    found = found_by(page, lambda: upload(page, tmp_path / "drawing.svg"))
    assert strokes_of(page) == [[[40, 60], [200, 60]], [[50, 80], [50, 200]]]
    expect(page.locator("#left-out")).to_contain_text("text")
    upload(page, tmp_path / "broken.svg")
    expect(page.locator("#notice")).to_contain_text("The drawing: expected an SVG file")
    expect(page.locator(".frame").first).to_have_css("opacity", "1")
    click(page, "dismiss-button")
    expect(page.locator("#notice")).to_be_hidden()
    for kind in ("paste", "drop"):
        found_by(page, lambda: click(page, "clear-button"))
        page.locator("#grid button").nth(1).click()  # an open photo makes room
        assert found_by(page, lambda kind=kind: page.evaluate(DROPPED, [SVG.decode(), kind])) == found
        expect(page.locator("#viewer")).to_be_hidden()
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
    # Nobody remembers it: the drawing is there, and the rest is told.
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


def test_photos_that_are_indexed_again_are_picked_up(
    visit: Callable[..., Page],
    tmp_path: Path,
    make_photo: Callable[[Path, int], Path],
    index_of: Callable[[Path], Path],
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    page = visit(create_app(searcher, None, None, LIMITS))  # as if it could not be adapted
    expect(page.locator("#gallery-size")).to_have_text("12 photos")
    expect(page.locator("#hand")).to_be_hidden()
    make_photo(tmp_path / "photos" / "new" / "one.png", 99)
    index_photos([tmp_path / "photos"], tmp_path / "index" / "model", tmp_path / "index")
    found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#grid li")).to_have_count(13)
    expect(page.locator("#gallery-size")).to_have_text("13 photos")
    expect(page.locator("#folder option")).to_have_count(2)
    expect(page.locator("#hand")).to_be_visible()


def test_another_index_begins_the_photos_anew(
    visit: Callable[..., Page], tmp_path: Path, make_photo: Callable[[Path, int], Path], joint_model: Path
) -> None:
    for number in range(60):
        make_photo(tmp_path / "photos" / f"{number:02}.png", number)
    index_photos([tmp_path / "photos"], joint_model, tmp_path / "index")
    app = create_app(Searcher.open(tmp_path / "index"), None, None, LIMITS)
    page = visit(app, viewport={"width": 375, "height": 740})
    expect(page.locator("#grid li")).to_have_count(48)
    make_photo(tmp_path / "photos" / "000.png", 99)
    index_photos([tmp_path / "photos"], tmp_path / "index" / "model", tmp_path / "index")
    to_the_end(page, 61)
    names = page.locator("#grid .name").all_text_contents()
    assert names == sorted(names) and names[0] == "00.png"  # each once, the new one too


MANY = 2000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, joint_model: Path) -> Path:
    """An index of thousands of tiny photos, as far apart as chance has it, and no copies."""
    folder, rng, files = tmp_path_factory.mktemp("many"), np.random.default_rng(0), {}
    for number in range(MANY):
        path = folder / f"{number:04}.png"
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).save(path)
        files[hashlib.sha256(path.read_bytes()).digest()] = path
    hashes = sorted(files)
    config = read_config(joint_model / "retrieval")
    dimensions = int(config["architecture"]["embedding_dim"])
    vectors = rng.standard_normal((MANY, dimensions), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = folder / "index"
    shutil.copytree(joint_model / "retrieval", index / "model")
    paths = [str(files[hash]).encode() for hash in hashes]
    write_photos(index, Photos(np.array([[*hash] for hash in hashes], np.uint8), paths, vectors, None))
    about = {"format": FORMAT, "photos": MANY, "dimensions": dimensions, "model": config["sha256"], "adaptive": None}
    write_json(index / "index.json", about | {"precision": "float32", "skipped": {}})
    return index


def test_thousands_of_photos_are_gone_through_each_touched_once_and_loaded_when_seen(
    visit: Callable[..., Page], many: Path, complaints: list[str]
) -> None:
    page = visit(create_app(Searcher.open(many), None, None, LIMITS), viewport={"width": 375, "height": 740})
    loaded: list[str] = []
    page.on("request", lambda one: loaded.append(one.url) if one.url.endswith("/thumbnail") else None)
    found_by(page, lambda: draw(page, [BACK]))
    page.wait_for_load_state("networkidle")
    assert 0 < len(loaded) < 48 == page.locator("#grid li").count()
    page.evaluate("""() => {
      window.touched = 0;
      const cards = new Set(document.querySelectorAll("#grid li"));
      const all = { subtree: true, childList: true, attributes: true, characterData: true };
      new MutationObserver((seen) => {
        for (const { target } of seen) {
          const card = target.closest?.("li") ?? target.parentElement?.closest("li");
          if (cards.has(card) && target.localName !== "img") window.touched += 1;
        }
      }).observe(document.querySelector("#grid"), all);
    }""")
    for _ in range(600):
        page.evaluate("scrollTo(0, 1e9)")
        page.wait_for_timeout(20)
        if page.locator("#grid li").count() == MANY:
            break
    expect(page.locator("#grid li")).to_have_count(MANY)
    ranks = page.locator("#grid .rank").all_text_contents()
    assert ranks == [str(rank) for rank in range(1, MANY + 1)]
    assert page.evaluate("window.touched") == 0  # pages that come leave those before them alone
    assert complaints == []

"""A gallery in a real browser: folders and copies, to its end, by picture, at an address that is kept."""

import hashlib
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
from fgsbir.search.gallery import FORMAT, Photos, write_photos
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.web.app import create_app
from tests.web.browsing import (
    BACK,
    SEAT,
    SHOP_EACH,
    SHOP_FOLDERS,
    UNLIMITED,
    click,
    copies_among,
    draw,
    found_by,
    shown,
    strokes_of,
    to_the_end,
)

pytestmark = pytest.mark.slow


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


def test_what_an_address_names_and_is_not_there_is_told(visit: Callable[..., Page], shop_app: FastAPI) -> None:
    page = visit(shop_app)
    for gone, told in (("folder=gone", "There is no folder gone"), (f"under=photos/{'0' * 16}", "photo")):
        found_by(page, lambda gone=gone: page.evaluate("gone => { location.hash = gone; }", gone))
        expect(page.locator("#notice")).to_be_visible()
        expect(page.locator("#notice-text")).to_contain_text(told)
        expect(page.locator("#folder")).to_have_value("")
        expect(page.locator("#lift-button")).to_be_hidden()
        expect(page.locator("#grid li").first).to_be_visible()


@pytest.mark.parametrize("width", [375, 1280, 2560])
def test_the_gallery_is_gone_through_to_its_end_by_folder_or_whole(
    visit: Callable[..., Page], shop_app: FastAPI, width: int, complaints: list[str]
) -> None:
    page = visit(shop_app, viewport={"width": width, "height": 1200})
    expect(page.locator("#found-title")).to_have_text("All photos")
    grid, found = page.locator("#grid").bounding_box(), page.locator("#found").bounding_box()
    last = page.locator("#grid li").nth(max(3, width // 160)).bounding_box()
    assert grid and found and last and grid["width"] > found["width"] - 60  # filled, to the right
    to_the_end(page, 2 * SHOP_EACH + 1)
    found_by(page, lambda: draw(page, [BACK]))
    expect(page.locator("#grid .rank").first).to_be_in_viewport() if width > 860 else None
    different = leaders(page)
    assert SHOP_EACH < different < 2 * SHOP_EACH + 1
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
    chairs, lamps = (shop / "photos" / name for name in SHOP_FOLDERS)
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


def test_photos_that_are_indexed_again_are_picked_up(
    visit: Callable[..., Page],
    tmp_path: Path,
    make_photo: Callable[[Path, int], Path],
    index_of: Callable[[Path], Path],
) -> None:
    searcher = Searcher.open(index_of(tmp_path))
    page = visit(create_app(searcher, None, None, UNLIMITED))  # as if it could not be adapted
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
    app = create_app(Searcher.open(tmp_path / "index"), None, None, UNLIMITED)
    page = visit(app, viewport={"width": 375, "height": 740})
    expect(page.locator("#grid li")).to_have_count(48)
    make_photo(tmp_path / "photos" / "000.png", 99)
    index_photos([tmp_path / "photos"], tmp_path / "index" / "model", tmp_path / "index")
    # While one request opens the new index, others are answered from the old one.
    while page.request.get(f"{page.url.partition('#')[0]}health").json()["photos"] != 61:
        page.wait_for_timeout(50)
    to_the_end(page, 61)
    names = page.locator("#grid .name").all_text_contents()
    assert names == sorted({*names}) and "000.png" in names  # each once, the new one too


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
    page = visit(create_app(Searcher.open(many), None, None, UNLIMITED), viewport={"width": 375, "height": 740})
    found_by(page, lambda: draw(page, [BACK]))
    page.wait_for_load_state("networkidle")
    pictures = page.locator("#grid img").all()
    widths = [picture.evaluate("picture => picture.naturalWidth") for picture in pictures]
    assert len(widths) == 48 and widths[0] == 4 and widths[-1] == 0
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

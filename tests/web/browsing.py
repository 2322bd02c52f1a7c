"""A real browser at the page: what a person does there, and what they see."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from playwright.sync_api import Page, Response, expect

from fgsbir.data.photos import FORMATS
from fgsbir.web.limits import Limits
from tests.data.pictures import encoded

Strokes = list[list[list[float]]]
BACK = [[60, 40], [60, 200]]
# The photos of a shop: its folders, and how many lie in each.
SHOP_FOLDERS, SHOP_EACH = ("chairs", "lamps/old"), 60
UNLIMITED = Limits(rate=1e9, burst=1e9)  # all tests are one client
SEAT = [[60, 120], [180, 120], [180, 200]]


def draw(page: Page, strokes: Strokes) -> None:
    """With the mouse; a place may lie beside the paper."""
    page.locator("#pad").scroll_into_view_if_needed()
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


def shown(page: Page) -> list[str]:
    """The distances of the photos that the page shows."""
    return page.locator("#grid .distance").all_text_contents()


def copies_among(page: Page, photos: list[Any]) -> dict[str, str]:
    """Which of the photos that a search has found show the same picture as one before them, as the API says."""
    if not photos or photos[0]["distance"] is None:
        return {}
    ids = [photo["id"] for photo in photos]
    answer = page.request.post(f"{page.url.partition('#')[0]}copies", data={"photos": ids})
    assert answer.ok, answer.text()
    copies: dict[str, str] = answer.json()
    return copies


def found_by(page: Page, act: Callable[[], Any]) -> list[str]:
    """The distances of the first photos that the page shows after ``act`` has led it to search."""
    answers: list[Response] = []

    def heard(response: Response) -> None:
        if response.url.endswith("/search") and response.ok and response.request.post_data_json["skip"] == 0:
            answers.append(response)

    page.on("response", heard)
    act()
    expected: list[str] = []
    for _ in range(200):
        page.wait_for_timeout(50)
        if answers and page.locator("#found").get_attribute("aria-busy") == "false":
            photos = answers[-1].json()["photos"]
            copies = copies_among(page, photos)
            expected = [
                "" if photo["distance"] is None else f"{photo['distance']:.2f}"
                for photo in photos
                if photo["id"] not in copies
            ]
            if shown(page)[: len(expected)] == expected:
                break
    else:
        raise AssertionError(f"expected {expected}, found {shown(page)}")
    page.remove_listener("response", heard)
    return expected


def click(page: Page, *ids: str) -> None:
    """Click on elements, one after the other."""
    for id in ids:
        page.locator(f"#{id}").click()


def pressed(page: Page, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        page.keyboard.press(key)


def strokes_of(page: Page) -> Strokes:
    """The drawing on the paper, by its SVG."""
    with page.expect_download() as saved:
        click(page, "svg-button")
    text = saved.value.path().read_text()
    paths = [part.partition('"')[0].split("L") for part in text.split('d="M')[1:]]
    return [[[float(value) for value in point.split(",")] for point in path] for path in paths]


def picture(pixels: np.ndarray, name: str = "scan.png", type: str = "image/png") -> dict[str, Any]:
    """Pixels as a file to be chosen, in the format that its name says."""
    form = {form.extension: key for key, form in FORMATS.items()}[name.rpartition(".")[2]]
    return {"name": name, "mimeType": type, "buffer": encoded(pixels, form)}


def upload(page: Page, *files: Any) -> None:
    """Choose a file of this machine."""
    page.locator("#upload-file").set_input_files(*files)


def touching(page: Page) -> Callable[..., None]:
    """Fingers on the paper: a kind of touch event, and where each finger is then, in pixels of the paper."""
    box = page.locator("#pad").bounding_box()
    touches = page.context.new_cdp_session(page)
    assert box

    def touch(kind: str, *points: Sequence[float]) -> None:
        places = [{"x": box["x"] + x, "y": box["y"] + y, "id": number} for number, (x, y) in enumerate(points)]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    return touch


def to_the_end(page: Page, count: int) -> None:
    """Scroll until there are ``count`` photos."""
    for _ in range(100):
        page.locator("#found").evaluate("found => { found.scrollTop = found.scrollHeight; scrollTo(0, 1e9); }")
        page.wait_for_timeout(50)
        if page.locator("#grid li").count() == count:
            break
    expect(page.locator("#grid li")).to_have_count(count)

"""What a browser shows of a drawing is what is read of it: Chromium as the oracle."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from scipy import ndimage

from fgsbir.data.strokes import CANVAS, split_strokes
from fgsbir.data.svg.reading import read_svg
from tests.data.svg_corpus import CORPUS

pytestmark = pytest.mark.slow

SCALE = 2
SIDE = CANVAS * SCALE
DRAW = """async ([url, side]) => {
  const image = new Image(), paper = document.createElement("canvas"), pen = paper.getContext("2d");
  image.src = url;
  await image.decode();
  paper.width = paper.height = side;
  const scale = side / Math.max(image.naturalWidth, image.naturalHeight);
  const width = image.naturalWidth * scale, height = image.naturalHeight * scale;
  pen.fillStyle = "white";
  pen.fillRect(0, 0, side, side);
  pen.drawImage(image, (side - width) / 2, (side - height) / 2, width, height);
  return paper.toDataURL();
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return browser.new_page()


def shown(page: Page, svg: str) -> np.ndarray:
    """The borders of all that Chromium shows: pixels between others that differ, bool (512, 512)."""
    url = page.evaluate(DRAW, ["data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode(), SIDE])
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")).astype(int)
    return (ndimage.maximum_filter(pixels, (3, 3, 1)) - ndimage.minimum_filter(pixels, (3, 3, 1))).max(-1) > 48


def read(svg: str) -> np.ndarray:
    """The strokes that are read, bool (512, 512)."""
    pixels = np.zeros((SIDE, SIDE), bool)
    for part in split_strokes(read_svg(svg.encode(), "x").strokes):
        steps = np.append(np.arange(0, len(part) - 1, 0.002), len(part) - 1)
        at = np.stack([np.interp(steps, np.arange(len(part)), part[:, axis]) for axis in (1, 0)]) * SCALE
        pixels[tuple(np.clip(at.astype(int), 0, SIDE - 1))] = True
    return pixels


@pytest.mark.parametrize("name", CORPUS)
def test_lines_lie_where_chromium_shows_them(page: Page, name: str) -> None:
    seen, strokes = shown(page, CORPUS[name].svg), read(CORPUS[name].svg)
    width = SCALE * CORPUS[name].width
    assert ndimage.distance_transform_edt(~seen)[strokes].max() <= width
    assert ndimage.distance_transform_edt(~strokes)[seen].max() <= width

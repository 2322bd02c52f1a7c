"""Photos of a drawing on paper: what is traced is the drawing, and not the desk, the shadow or the rules."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.transform import estimate_transform

from fgsbir.data.paper import clean_paper, greys
from fgsbir.data.photos import upright_picture
from fgsbir.data.rasterise import rasterise
from fgsbir.data.records import DataError
from fgsbir.data.tracing import trace
from tests.data.pictures import CHAIR, encoded

WIDTH, HEIGHT = 1000, 760
PEN, PENCIL, RED = (40, 45, 60), (150, 148, 145), (205, 40, 45)
# The page's corners beyond the picture, or the desk's share of it.
CLOSE, ON_DESK = ((-30, -20), (60, -40), (10, 30), (-50, 10)), ((60, 40), (-70, 90), (-90, -60), (90, -30))


def photographed(
    *, ink: Any = PEN, paper: Any = (238, 235, 226), rules: str = "", corners: Any = CLOSE, shadow: float = 0.3
) -> tuple[bytes, np.ndarray]:
    """A phone's JPEG of ``CHAIR``, and where its ink lies in it: bool (256, 256), the picture centred on the canvas."""
    page = np.full((HEIGHT, WIDTH, 3), paper, float)
    if rules == "lines":
        page[40::32] = page[41::32] = (150, 180, 215)
        page[:, 100:102] = (220, 120, 120)
    if rules == "squares":
        page[::22] = page[:, ::22] = (185, 200, 218)
    side = HEIGHT - 40
    drawn = np.pad(255 - rasterise(CHAIR, side, 2.6), ((20, 20), ((WIDTH - side) // 2,) * 2)) / 255
    page += drawn[..., None] * (np.array(ink) - page)
    # Of a point of the picture, the point of the page: through where the page's corners come to lie.
    ends = [(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)]
    tilt = estimate_transform("projective", np.add(ends, corners), np.array(ends)).params.ravel()[:8]

    def seen(picture: np.ndarray, outside: Any) -> np.ndarray:
        image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
        form, filtered = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
        return np.asarray(image.transform(image.size, form, tilt, filtered, fillcolor=outside)).astype(float)

    photo = seen(page, (92, 66, 48) if corners is ON_DESK else tuple(paper))
    x, y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    light = 1 - shadow * (0.7 * x + 0.5 * y**2 + 0.7 / (1 + np.exp(-25 * (x + y - 1.5))))
    photo = ndimage.gaussian_filter(photo * light[..., None], (0.8, 0.8, 0))
    photo += np.random.default_rng(0).normal(0, 5, photo.shape)
    buffer = io.BytesIO()
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
    mask = Image.fromarray(seen(255 * drawn, 0).astype(np.uint8)).resize((256, round(256 * HEIGHT / WIDTH)))
    above = (256 - mask.height) // 2
    return buffer.getvalue(), np.pad(np.asarray(mask), ((above, 256 - mask.height - above), (0, 0))) > 60


PHOTOS: dict[str, dict[str, Any]] = {
    "a page in the shade": {},
    "lined": {"rules": "lines"},
    "squared": {"rules": "squares"},
    "grey": {"paper": (140, 138, 135)},
    "brown": {"paper": (176, 140, 100)},
    "faint pencil": {"ink": PENCIL},
    "a red pen on squares": {"ink": RED, "rules": "squares"},
    "on a desk": {"corners": ON_DESK},
    "lined, on a desk": {"corners": ON_DESK, "rules": "lines"},
    "grey, on a desk, in deep shade": {"corners": ON_DESK, "paper": (160, 160, 158), "shadow": 0.42},
    "on a desk, in even light": {"corners": ON_DESK, "shadow": 0.0},
    "a blackboard": {"paper": (50, 60, 55), "ink": (205, 208, 200), "shadow": 0.15},
}


@pytest.mark.parametrize("kind", PHOTOS)
def test_the_drawing_is_traced_and_nothing_else(kind: str) -> None:
    data, ink = photographed(**PHOTOS[kind])
    again = rasterise(trace(data, kind, 1.0), 256, 2.0) < 128
    missing = ndimage.distance_transform_edt(~again)[ink]
    added = ndimage.distance_transform_edt(~ink)[again]
    assert np.percentile(missing, 95) < 3 and missing.max() < 12
    assert np.percentile(added, 97) < 3 and added.max() < 12


@pytest.mark.parametrize("width", [2.0, 8.0])
def test_what_a_program_drew_is_traced_as_it_is(width: float) -> None:
    page = rasterise(CHAIR, 400, width).copy()
    page[250:330, 150:230] = 0  # a filled part
    for pixels in (page, 255 - page, np.dstack([page] * 3), np.dstack([np.zeros_like(page)] * 3 + [255 - page])):
        data = encoded(pixels)
        grey, colours = greys(upright_picture(data, "x", 512))
        np.testing.assert_array_equal(clean_paper(grey, colours), grey)


@pytest.mark.parametrize("kind", ["a page in the shade", "on a desk"])
def test_a_page_without_a_drawing_has_no_ink(kind: str) -> None:
    data, _ = photographed(**PHOTOS[kind] | {"ink": (238, 235, 226)})
    with pytest.raises(DataError, match="found no ink"):
        trace(data, "x", 1.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (31, 400), (40, 40)])
def test_small_and_narrow_pictures(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(0).integers(0, 160, shape, dtype=np.uint8)
    assert clean_paper(grey, np.dstack([grey] * 3)).shape == shape


def test_a_page_of_narrow_fields() -> None:
    fields = np.kron(np.indices((10, 10)).sum(0) % 2, np.ones((40, 40)))
    pixels = np.where(fields, 250, 60).astype(np.uint8)
    assert clean_paper(pixels, np.dstack([pixels] * 3)).shape == pixels.shape


@pytest.mark.parametrize("share", [0.4, 0.5])
def test_noise_is_refused_before_it_is_traced(share: float) -> None:
    pixels = np.where(np.random.default_rng(0).random((512, 512)) < share, 0, 255).astype(np.uint8)
    with pytest.raises(DataError, match=r"^x: expected lines on paper, found a texture"):
        trace(encoded(pixels), "x", 1.0)

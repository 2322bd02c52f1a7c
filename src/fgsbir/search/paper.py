"""Photos of a drawing on paper: the desk around it, the shadows on it and its rules taken away, before it is traced.

Tracing knows scans: paper that reaches the picture's edge, brighter than half. A photo has a hand's shadow, a grey
or lined page, and a desk around it. Rules that are hardly paler than a faint pencil stay.
"""

import io

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from fgsbir.data.photos import check_photo, laid_on_white
from fgsbir.data.records import DataError
from fgsbir.data.tracing import ink_mask

MAX_MEGAPIXELS = 50.0
MAX_SIDE = 512
# A scan or a picture made by a program, which is traced as it is: white paper of one brightness all around.
EVEN, WHITE = 12, 225
EDGE = 0.17  # of the brightness, from one coarse pixel to the next but one: a page ends there, a shadow is softer
MARGIN = 4  # coarse pixels along a page's edge that are left out: what blurs into the desk
STRONG_INK = 0.3  # of the paper's brightness
INK_PERCENTILE = 99.7
# From ink to paper and back, on average over rows and columns of a picture: drawings have ten or twenty. Tracing
# follows every line of a texture, and a small file of noise would keep it busy for minutes.
MAX_CHANGES = 60


def clean_paper(data: bytes, name: str) -> np.ndarray:
    """Turn a raster drawing into one that tracing understands: uint8 (h, w), at most ``MAX_SIDE`` a side.

    Of a photo of paper the ink alone, black on white; anything else in grey, as tracing itself would see it. Raises
    DataError naming ``name`` as :func:`~fgsbir.data.photos.check_photo` does, and for a texture in place of lines.
    """
    check_photo(data, name, MAX_MEGAPIXELS)
    with Image.open(io.BytesIO(data)) as image:
        transparent = image.has_transparency_data
        image.draft("RGB", (2 * MAX_SIDE, 2 * MAX_SIDE))  # a camera's JPEG, decoded at a half or a quarter
        upright = laid_on_white(ImageOps.exif_transpose(image))
        light, colours = upright.convert("L"), upright.convert("RGB")
    for picture in (light, colours):
        picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    grey = np.asarray(light)
    drawing = grey if transparent else _ink(grey, np.asarray(colours))
    mask = ink_mask(drawing)
    changes = sum(np.count_nonzero(np.diff(mask, axis=axis)) for axis in (0, 1)) / sum(mask.shape)
    if changes > MAX_CHANGES:
        raise DataError(f"{name}: expected lines on paper, found a texture ({changes:.0f} edges across it)")
    return drawing


def _ink(grey: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The ink of a photo of paper, black on white, as uint8 (h, w); ``grey`` itself if it is none."""
    # Pens are darker than rules in every colour; but a red pen is as bright as paper in its own.
    greys = colours.max(2).astype(np.float32), grey.astype(np.float32)
    if min(grey.shape) < 32 or _light_on_dark(greys[1]):
        return grey
    paper = [_paper(part) for part in greys]
    low, high = np.percentile(np.concatenate([*paper[1][[0, -1]], *paper[1][:, [0, -1]].T]), (2, 98))
    if low > WHITE and high - low < EVEN:
        return grey
    page = _page(paper[1])
    for part, around in zip(greys, paper, strict=True):
        ink = np.where(page, np.clip(1 - part / np.maximum(around, 1), 0, 1), 0)
        if np.percentile(ink[page], INK_PERCENTILE) > STRONG_INK:
            break
    return (255 * (1 - ink)).round().astype(np.uint8)


def _light_on_dark(grey: np.ndarray) -> bool:
    """Whether lines are brighter than what is around them, as on a blackboard: which way brightness strays further."""
    around = ndimage.gaussian_filter(grey, max(grey.shape) / 20)
    return bool((((grey + 1) / (around + 1) - 1) ** 3).mean() > 0)


def _paper(grey: np.ndarray) -> np.ndarray:
    """The brightness of the paper at each pixel, float32: a closing wider than any line."""
    width = max(3, max(grey.shape) // 24)
    coarse = np.asarray(Image.fromarray(grey).reduce(2))
    # Widened first: a strip of desk along the picture's edge would else be closed, as if it were a line.
    closed = ndimage.grey_closing(np.pad(coarse, width, "edge"), (width, width))[width:-width, width:-width]
    smooth = ndimage.gaussian_filter(closed, width / 6, mode="nearest")
    return np.asarray(Image.fromarray(smooth).resize(grey.shape[::-1], Image.Resampling.BILINEAR))


def _page(paper: np.ndarray) -> np.ndarray:
    """What belongs to the page in the middle of the picture, bool: all that no sharp edge parts from it."""
    small = np.log(np.asarray(Image.fromarray(paper).reduce(4)) + 8)
    step = np.hypot(*(ndimage.correlate1d(small, [-1, 0, 1], axis=axis, mode="nearest") for axis in (0, 1)))
    labels, _ = ndimage.label(step < EDGE)
    height, width = labels.shape
    middle = labels[height // 3 : -(height // 3), width // 3 : -(width // 3)]
    label = np.bincount(middle[middle > 0]).argmax() if (middle > 0).any() else 0
    page = ndimage.binary_fill_holes(labels == label if label else np.ones_like(labels, bool))
    if not page.all():
        page = ndimage.binary_erosion(page, iterations=MARGIN, border_value=1)
    return np.asarray(Image.fromarray(page).resize(paper.shape[::-1], Image.Resampling.NEAREST))

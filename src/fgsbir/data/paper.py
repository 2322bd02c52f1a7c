"""Pictures of drawings: is it a drawing or a photo of a thing, and which pixels are ink and not paper?

Tracing knows scans: paper that reaches the picture's edge, brighter than half. A photo has a hand's shadow, a grey
or lined page, and a desk around it. Rules that are hardly paler than a faint pencil stay.
"""

import numpy as np
from PIL import Image
from scipy import ndimage

MAX_SIDE = 512
# A scan or a picture made by a program, which is traced as it is: white paper of one brightness all around.
EVEN, WHITE = 12, 225
LIGHT_INK = 200  # of 255: ink that is lighter on average, on a transparent page, is laid on black
EDGE = 0.17  # of the brightness, from one coarse pixel to the next but one: a page ends there, a shadow is softer
MARGIN = 4  # coarse pixels along a page's edge that are left out: what blurs into the desk
NOISE = 6  # standard deviations that ink stands out by, or the page is empty
STRONG_INK = 0.3  # of the paper's brightness
INK_PERCENTILE = 99.7
# Ink is thinner than this share of the picture's longer side. What is thicker is a thing's surface, where it is not
# painted in one colour, if it covers this share of white paper, or of a page under a camera.
THICK = 0.05
PAINTED = 0.75  # of the paper's brightness missing
SURFACE, SURFACE_ON_PAGE = 0.015, 0.05
FAINT_SURFACE = 0.03  # of the paper's brightness missing; below it is a JPEG's noise
FAINT_EDGE = 0.12  # as EDGE, where lines are gone
PAGE = 0.6  # of the picture's middle that a page covers at least


def greys(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """A picture in grey, uint8 (h, w), and in colour, uint8 (h, w, 3), at most ``MAX_SIDE`` a side.

    What is transparent is laid on white, or on black where nearly all that is seen is light.
    """
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        alpha, light = (np.asarray(part, np.float32) for part in (layer.getchannel("A"), layer.convert("L")))
        ground = "black" if (alpha * light).sum() > LIGHT_INK * alpha.sum() and alpha.mean() < 128 else "white"
        image = Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer)
    pictures = image.convert("L"), image.convert("RGB")
    for picture in pictures:
        picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(pictures[0]), np.asarray(pictures[1])


def is_photo(grey: np.ndarray) -> bool:
    """Whether a picture, uint8 (h, w), shows a thing's surfaces and not lines on paper.

    Lines vanish where every pixel takes the brightest value around it (a closing). What is left of a drawing is paper,
    which darkens softly if at all; what is left of a thing has steps of brightness, or shades.
    """
    if min(grey.shape) < 32:
        return False
    light = grey.astype(np.float32)
    if np.median(_border(light)) < 128 and _light_on_dark(light):
        light = 255 - light
    side = max(grey.shape)
    width, step = max(3, round(THICK * side)), max(1, side // 128)
    closed = ndimage.gaussian_filter(ndimage.grey_closing(light, (width, width), mode="nearest"), side / 256)
    coarse = closed[::step, ::step]
    if _is_even_white(light):
        missing = 1 - coarse / np.median(_border(light))
        painted = ndimage.maximum_filter(missing, 5) > PAINTED
        return bool(((missing > FAINT_SURFACE) & ~painted).mean() > SURFACE)
    page = _page_at(coarse, FAINT_EDGE)
    whole = ndimage.binary_fill_holes(page)
    things = (whole & ~page).sum() / max(1, int(whole.sum()))
    return bool(_middle(whole).mean() < PAGE or things > SURFACE_ON_PAGE)


def clean_paper(grey: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Of a photo of paper the ink alone, black on white, uint8 (h, w); ``grey`` (h, w) itself if it is none.

    ``colours``, uint8 (h, w, 3), is the same picture.
    """
    # Pens are darker than rules in every colour; but a red pen is as bright as paper in its own.
    parts = colours.max(2).astype(np.float32), grey.astype(np.float32)
    if min(grey.shape) < 32 or _light_on_dark(parts[1]):
        return grey
    paper = [_paper(part) for part in parts]
    if _is_even_white(paper[1]):
        return grey
    page = _page(paper[1])
    for part, around in zip(parts, paper, strict=True):
        missing = 1 - part / np.maximum(around, 1)
        noise = 1.5 * np.median(np.abs(missing[page] - np.median(missing[page])))
        ink = np.where(page & (missing[page].max() > NOISE * noise), np.clip(missing, 0, 1), 0)
        if np.percentile(ink[page], INK_PERCENTILE) > STRONG_INK:
            break
    return (255 * (1 - ink)).round().astype(np.uint8)


def _border(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([*picture[[0, -1]], *picture[:, [0, -1]].T])


def _is_even_white(paper: np.ndarray) -> bool:
    low, high = np.percentile(_border(paper), (2, 98))
    return bool(low > WHITE and high - low < EVEN)


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
    small = np.asarray(Image.fromarray(paper).reduce(4))
    labels = _smooth_parts(small, 8, EDGE)
    middle = _middle(labels)
    label = np.bincount(middle[middle > 0]).argmax() if (middle > 0).any() else 0
    page = ndimage.binary_fill_holes(labels == label if label else np.ones_like(labels, bool))
    inner = ndimage.binary_erosion(page, iterations=MARGIN, border_value=1)
    page = inner if inner.any() else page  # of a narrow strip nothing would be left
    return np.asarray(Image.fromarray(page).resize(paper.shape[::-1], Image.Resampling.NEAREST))


def _page_at(closed: np.ndarray, edge: float) -> np.ndarray:
    """The brightest smooth part of at least a tenth of the picture, bool: all false if there is none."""
    labels = _smooth_parts(closed, 16, edge)
    sizes = np.bincount(labels.ravel())
    large = [label for label in range(1, len(sizes)) if sizes[label] >= 0.1 * closed.size]
    brightness = ndimage.mean(closed, labels, large) if large else []
    return labels == large[int(np.argmax(brightness))] if large else np.zeros(closed.shape, bool)


def _smooth_parts(small: np.ndarray, dark: float, edge: float) -> np.ndarray:
    """Labels from 1, int (h, w), of what lies between the steps of brightness; 0 on these. ``dark`` evens shadows."""
    logs = np.log(small + np.float32(dark))
    step = np.hypot(*(ndimage.correlate1d(logs, [-1, 0, 1], axis=axis, mode="nearest") for axis in (0, 1)))
    return np.asarray(ndimage.label(step < edge)[0])


def _middle(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape
    return picture[height // 3 : -(height // 3), width // 3 : -(width // 3)]

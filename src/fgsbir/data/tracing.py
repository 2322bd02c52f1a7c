"""Tracing: from a raster sketch to strokes, so that sets without vectors can train G as well.

The ink is separated from the paper, thinned to lines of one pixel, and cut at the junctions into paths; at a junction
the paths that run straight on are one stroke, as a pen would have drawn them.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold, threshold_otsu
from skimage.morphology import thin

from fgsbir.data.line_graph import line_paths
from fgsbir.data.page_layout import drawing_box, without_frame
from fgsbir.data.paper import MAX_SIDE, clean_paper, greys
from fgsbir.data.photos import Box, upright_picture
from fgsbir.data.records import DataError
from fgsbir.data.strokes import CANVAS, join_strokes, simplify

MIN_CONTRAST = 24  # of 255; paper without ink still varies by a few
FAINT_SHARE = 0.7  # of the threshold of ink
MIN_INK_SHARE = 5e-5  # of the image's area; smaller specks are dirt: 3 pixels at 256 x 256
# From ink to paper and back, on average over rows and columns of a picture: drawings have ten or twenty. Tracing
# follows every line of a texture, and a small file of noise would keep it busy for minutes.
MAX_CHANGES = 60

_EIGHT = np.ones((3, 3), int)


class TextureError(DataError):
    """A picture of a texture, which has no end of lines."""


class Traced(NamedTuple):
    """Canonical ``strokes``, whether a ``frame`` round them was left out, and the part of the picture that holds the
    ``drawing`` alone, where there is other ink beside it.
    """

    strokes: np.ndarray
    frame: bool
    drawing: Box | None


def trace(data: bytes, name: str, tolerance: float) -> np.ndarray:
    """Trace an encoded raster sketch (PNG, JPEG, ...) into canonical strokes; as :func:`trace_picture` says.

    Raises DataError naming ``name`` for a file that is no image as well.
    """
    return trace_picture(upright_picture(data, name, 2 * MAX_SIDE), name, tolerance).strokes


def trace_picture(image: Image.Image, name: str, tolerance: float) -> Traced:
    """Trace a scan, a photo of paper or a program's picture into canonical strokes on the 256 canvas.

    Dark lines on light paper or light ones on dark. The image's longest side becomes the canvas, the other is centred.
    ``tolerance`` of the simplification is in canvas pixels. Raises DataError naming ``name`` for one that shows no
    ink, or a texture.
    """
    grey, colours = greys(image)
    ink, frame = without_frame(ink_mask(clean_paper(grey, colours)))
    changes = sum(np.count_nonzero(np.diff(ink, axis=axis)) for axis in (0, 1)) / sum(ink.shape)
    if changes > MAX_CHANGES:
        raise TextureError(f"{name}: expected lines on paper, found a texture ({changes:.0f} edges across it)")
    parts = trace_mask(ink)
    if not parts:
        raise DataError(f"{name}: expected lines on paper, found no ink")
    scale = CANVAS / max(grey.shape)
    margin = (CANVAS - np.array(grey.shape[::-1]) * scale) / 2
    strokes = simplify(join_strokes([part * scale + margin for part in order_strokes(parts)]), tolerance)
    if len(strokes) < 2:
        raise DataError(f"{name}: expected lines on paper, found a single dot")
    return Traced(strokes, frame, drawing_box(ink))


def ink_mask(grey: np.ndarray) -> np.ndarray:
    """Separate ink from paper: bool (h, w), true on ink, from uint8 (h, w).

    Compares each pixel with the paper around it, so that a shadow or a yellowed edge of a scan is not ink. All false
    if nothing stands out.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    light = grey if np.median(border) >= 128 else 255 - grey
    darkness = np.clip(_paper(light) - light.astype(np.float32), 0, 255)
    if darkness.max() < MIN_CONTRAST:
        return np.zeros(grey.shape, bool)
    # Where nearly all is paper, its noise would pull Otsu's threshold down: only what stands out votes.
    candidates = darkness[darkness > MIN_CONTRAST / 2]
    spread = float(np.ptp(candidates))
    certain = min(threshold_otsu(candidates) if spread > MIN_CONTRAST else MIN_CONTRAST / 2, 0.5 * darkness.max())
    # Thin anti-aliased lines pale to a third of the ink between two pixels; what hangs on certain ink is ink.
    noise = float(np.std(darkness[darkness <= MIN_CONTRAST / 2]))
    mask = apply_hysteresis_threshold(darkness, max(FAINT_SHARE * certain, 3 * noise), certain)
    labels, number = ndimage.label(mask, _EIGHT)
    sizes = np.bincount(labels.ravel(), minlength=number + 1)
    sizes[0] = 0
    return (sizes >= max(1, MIN_INK_SHARE * grey.size))[labels]


def trace_mask(ink: np.ndarray) -> list[np.ndarray]:
    """Strokes of an ink mask, bool (h, w): each float64 (m, 2), x and y of pixel centres in image pixels."""
    if not ink.any():
        return []
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    corner = np.array([columns[0], rows[0]])
    padded = np.pad(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    # Zhang's thinning (skeletonize) is ten times as fast but eats the ends of diagonal lines.
    skeleton = thin(padded)
    # Half the width of the typical line, which tells a real branch from the skeleton's fringes.
    radius = float(np.median(ndimage.distance_transform_edt(padded)[skeleton]))
    return [part + corner - 0.5 for part in line_paths(skeleton, radius)]


def order_strokes(parts: list[np.ndarray]) -> list[np.ndarray]:
    """Put strokes, at least one, into a drawing order: the longest first, then always the one that begins nearest.

    A stroke is turned round where its other end is nearer; the first begins at its upper left end.
    """
    lengths = [float(np.hypot(*np.diff(part, axis=0).T).sum()) for part in parts]
    ends = np.array([[part[0], part[-1]] for part in parts])
    left = np.ones(len(parts), bool)
    current = int(np.argmax(lengths))
    turned = bool(ends[current, 1].sum() < ends[current, 0].sum())
    ordered = []
    while True:
        ordered.append(parts[current][::-1] if turned else parts[current])
        left[current] = False
        if not left.any():
            return ordered
        distances = np.square(ends - ordered[-1][-1]).sum(-1)
        distances[~left] = np.inf
        current, end = (int(i) for i in np.unravel_index(np.argmin(distances), distances.shape))
        turned = end == 1


def _paper(light: np.ndarray) -> np.ndarray:
    """The brightness of the paper at each pixel, float32: a closing wider than any line, on a coarse copy."""
    coarse = np.asarray(Image.fromarray(light).reduce(4 if min(light.shape) >= 32 else 1))
    width = max(3, max(coarse.shape) // 5)
    paper = ndimage.grey_closing(coarse, (width, width), mode="nearest").astype(np.float32)
    paper = ndimage.gaussian_filter(paper, width / 4, mode="nearest")
    return np.asarray(Image.fromarray(paper).resize(light.shape[::-1], Image.Resampling.BILINEAR))

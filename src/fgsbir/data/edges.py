"""Edge drawings: the contours in a photo as strokes, which show G where lines lie before people show it which to draw.

Needs no sketch, so every photo serves. An edge drawing holds what no person would draw (shadows, the
floor's edge, a picture on the wall) and misses what stands out little.
"""

import multiprocessing
from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from skimage.color import rgb2gray
from skimage.feature import canny

from fgsbir.data.photos import decode_photo
from fgsbir.data.strokes import CANVAS, join_strokes, simplify
from fgsbir.data.tracing import trace_mask

SIDE = int(CANVAS)
# Of Canny's detector: blur in pixels, and the gradients, of grey in [0, 1], where an edge goes on and where it begins.
BLUR, WEAK, STRONG = 2.5, 0.05, 0.15
# What is shorter, in canvas pixels, is texture; what lies this near to the border, as a share, is surroundings.
SHORTEST, BORDER = 25.0, 0.1
MOST_POINTS = 60  # about as many as people draw


def edge_drawing(photo: bytes, *, tolerance: float) -> np.ndarray:
    """Draw the longest contours of an encoded photo: canonical strokes, float32 (n, 3) with n <= 60.

    ``tolerance`` of the simplification is in pixels of the 256 canvas. Empty where nothing stands out.
    """
    edges = canny(rgb2gray(decode_photo(photo, SIDE)), BLUR, WEAK, STRONG)
    contours = [(float(np.linalg.norm(np.diff(part, axis=0), axis=1).sum()), part) for part in trace_mask(edges)]
    inside = (BORDER * CANVAS, (1 - BORDER) * CANVAS)
    drawn: list[np.ndarray] = []
    for length, part in sorted(contours, key=lambda contour: -contour[0]):
        if length < SHORTEST:
            break
        if not all(inside[0] < middle < inside[1] for middle in part.mean(0)):
            continue
        line = simplify(join_strokes([part]), tolerance)[:, :2]
        if sum(map(len, drawn)) + len(line) > MOST_POINTS:
            break
        drawn.append(line)
    return join_strokes(drawn)


def edge_drawings(photos: Iterable[bytes], *, tolerance: float, workers: int) -> Iterator[np.ndarray]:
    """:func:`edge_drawing` of many photos, in order, by ``workers`` processes."""
    draw = partial(edge_drawing, tolerance=tolerance)
    if workers <= 1:
        yield from map(draw, photos)
        return
    # Processes are spawned, not forked: the caller may run threads (a loaded torch does).
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(draw, photos, chunksize=16)

"""phi: strokes to pixels, the one rasteriser for every sketch, real, traced or generated (paper 1, section 3)."""

import numpy as np
from PIL import Image, ImageDraw

from fgsbir.data.strokes import CANVAS

SUPERSAMPLE = 2


def rasterise(strokes: np.ndarray, size: int, line_width: float = 3.0) -> np.ndarray:
    """Draw a canonical sketch (n, 3) as uint8 (size, size), black 0 on white 255, anti-aliased.

    ``line_width`` is in pixels of the 256 canvas and scales with ``size``.
    """
    scale = SUPERSAMPLE * size / CANVAS
    width = max(1, round(line_width * scale))
    image = Image.new("L", (SUPERSAMPLE * size, SUPERSAMPLE * size), 255)
    draw = ImageDraw.Draw(image)
    radius = width / 2
    numbers = (strokes[:, :2] * scale).ravel().tolist()
    start = 0
    for end in (2 * np.flatnonzero(strokes[:, 2] > 0.5) + 2).tolist():
        path = numbers[start:end]
        start = end
        if len(path) > 2:
            draw.line(path, fill=0, width=width, joint="curve")
        if width > 2:
            for x, y in (path[:2], path[-2:]):
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
        elif len(path) == 2:
            draw.point(path, fill=0)
    return np.asarray(image.reduce(SUPERSAMPLE))


def rasterise_batch(sketches: list[np.ndarray], size: int, line_width: float = 3.0) -> np.ndarray:
    """Draw many sketches: uint8 (n, size, size)."""
    rasters = [rasterise(strokes, size, line_width) for strokes in sketches]
    return np.array(rasters, np.uint8).reshape(-1, size, size)

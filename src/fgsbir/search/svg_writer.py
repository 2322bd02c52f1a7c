"""Strokes as an SVG file, small and complete, that this project and every other program reads back."""

import numpy as np

from fgsbir.data.strokes import CANVAS, split_strokes


def svg_of(strokes: np.ndarray) -> str:
    """A canonical sketch (n, 3) as an SVG document, one path a stroke, points to a hundredth of a canvas pixel.

    :func:`~fgsbir.data.svg.reading.read_svg` gives the same strokes, less points that repeat the one before them.
    """
    paths = "".join(f'<path d="{_path(part)}"/>\n' for part in split_strokes(strokes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CANVAS} {CANVAS}">\n'
        '<g fill="none" stroke="black" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">\n'
        f"{paths}</g>\n</svg>\n"
    )


def _path(points: np.ndarray) -> str:
    rounded = points.astype(float).round(2) + 0.0  # no -0
    first, *others = (f"{x:.9g},{y:.9g}" for x, y in rounded.tolist())
    # A dot is a line to where it begins: round caps draw it.
    return f"M{first}L{' '.join(others or [first])}"

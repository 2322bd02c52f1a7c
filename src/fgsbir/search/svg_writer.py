"""Strokes as an SVG file, small and complete, that this project and every other program reads back."""

import numpy as np

from fgsbir.data.strokes import CANVAS, split_strokes

LINE_WIDTH = 2.5
DECIMALS = 2


def svg_of(strokes: np.ndarray) -> str:
    """A canonical sketch (n, 3) as an SVG document, one path a stroke, points to a hundredth of a canvas pixel.

    :func:`~fgsbir.data.svg.read_svg` gives the same strokes, less points that repeat the one before them.
    """
    paths = "".join(f'<path d="{_path(part)}"/>\n' for part in split_strokes(strokes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CANVAS} {CANVAS}">\n'
        f'<g fill="none" stroke="black" stroke-width="{LINE_WIDTH:g}" stroke-linecap="round" stroke-linejoin="round">\n'
        f"{paths}</g>\n</svg>\n"
    )


def _path(points: np.ndarray) -> str:
    first, *others = (f"{_number(x)},{_number(y)}" for x, y in points.tolist())
    # A dot is a line to where it begins: round caps draw it.
    return f"M{first}L{' '.join(others or [first])}"


def _number(value: float) -> str:
    return f"{round(value, DECIMALS) + 0.0:.{DECIMALS}f}".rstrip("0").rstrip(".")

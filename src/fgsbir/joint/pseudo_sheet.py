"""A picture sheet of pseudo pairs by certainty, in a file of its own: the stage pseudo depends on no other figure."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fgsbir.data.sheet import QUIET, Sheet, resized, sketch_picture

MARGIN = 14


def pseudo_sheet(
    path: Path,
    pixels: Callable[[np.ndarray], np.ndarray],
    sketches: Sequence[Sequence[np.ndarray]],
    certainty: Sequence[np.ndarray],
    *,
    each: int = 14,
) -> None:
    """Pseudo pairs that D_C trusts least, in the middle, and most, with their certainty; of a photo one in each.

    ``pixels`` gives photos by row, uint8 (n, s, s, 3); ``sketches`` and ``certainty`` are of each photo, in one order.
    """
    flat = [(float(value), row, place) for row, values in enumerate(certainty) for place, value in enumerate(values)]
    flat.sort()
    groups = {
        "least certain": _of_distinct_photos(flat, each),
        "middle": _of_distinct_photos(flat[len(flat) // 2 :], each),
        "most certain": _of_distinct_photos(flat[::-1], each),
    }
    cell, across = 88, 7
    width, height = 2 * cell + 14, cell + 20
    lines = -(-each // across)
    sheet = Sheet(across * width + 2 * MARGIN, MARGIN + len(groups) * (lines * height + 26))
    for group, (name, chosen) in enumerate(groups.items()):
        top = MARGIN + group * (lines * height + 26)
        words = f"{name} of {len(flat):,} pseudo pairs" if flat else "no unlabelled photos"
        sheet.text(MARGIN, top, words, colour=QUIET, weight="bold")
        for number, (value, row, place) in enumerate(chosen):
            x, y = MARGIN + (number % across) * width, top + 12 + (number // across) * height
            sheet.image(x, y, resized(pixels(np.array([row]))[0], cell))
            sheet.image(x + cell, y, sketch_picture(sketches[row][place], cell))
            sheet.text(x + cell, y + cell + 9, f"{value:.2f}", size=8, colour=QUIET, ha="center")
    sheet.save(path)


def _of_distinct_photos(pairs: Sequence[tuple[float, int, int]], count: int) -> list[tuple[float, int, int]]:
    """The first ``count`` of (certainty, photo, sketch) whose photos differ."""
    first: dict[int, tuple[float, int, int]] = {}
    for pair in pairs:
        first.setdefault(pair[1], pair)
        if len(first) == count:
            break
    return list(first.values())

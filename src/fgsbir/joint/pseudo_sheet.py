"""A picture sheet of pseudo pairs by certainty, in a file of its own: the stage pseudo depends on no other figure."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fgsbir.data.sheet import QUIET, Sheet, resized, sketch_picture

EACH, ACROSS, CELL, MARGIN = 14, 7, 88, 14
WIDTH, HEIGHT = 2 * CELL + 14, CELL + 20
GROUP = EACH // ACROSS * HEIGHT + 26


def pseudo_sheet(
    path: Path,
    pixels: Callable[[np.ndarray], np.ndarray],
    sketches: Sequence[Sequence[np.ndarray]],
    certainty: Sequence[np.ndarray],
) -> None:
    """Pseudo pairs that D_C trusts least, in the middle, and most, with their certainty; of a photo one in each.

    ``pixels`` gives photos by row, uint8 (n, s, s, 3); ``sketches`` and ``certainty`` are of each photo, in one order.
    """
    pairs = sorted(
        (float(value), row, place) for row, values in enumerate(certainty) for place, value in enumerate(values)
    )
    groups = {"least certain": pairs, "middle": pairs[len(pairs) // 2 :], "most certain": pairs[::-1]}
    sheet = Sheet(ACROSS * WIDTH + 2 * MARGIN, MARGIN + len(groups) * GROUP)
    for group, (name, ordered) in enumerate(groups.items()):
        top = MARGIN + group * GROUP
        words = f"{name} of {len(pairs):,} pseudo pairs" if pairs else "no unlabelled photos"
        sheet.text(MARGIN, top, words, colour=QUIET, weight="bold")
        of_photo: dict[int, tuple[float, int, int]] = {}
        for pair in ordered:
            of_photo.setdefault(pair[1], pair)
        for number, (value, row, place) in enumerate(list(of_photo.values())[:EACH]):
            x, y = MARGIN + (number % ACROSS) * WIDTH, top + 12 + (number // ACROSS) * HEIGHT
            sheet.image(x, y, resized(pixels(np.array([row]))[0], CELL))
            sheet.image(x + CELL, y, sketch_picture(sketches[row][place], CELL))
            sheet.text(x + CELL, y + CELL + 9, f"{value:.2f}", size=8, colour=QUIET, ha="center")
    sheet.save(path)

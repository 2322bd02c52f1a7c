"""A contact sheet: a sketch, and the photos found for it with their ranks, distances and names."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fgsbir.data.photos import read_pixels
from fgsbir.data.records import DataError
from fgsbir.data.sheet import QUIET, Sheet, sketch_picture
from fgsbir.data.sketch_files import Drawing
from fgsbir.data.strokes import centre
from fgsbir.search.searcher import Match

TILE, GAP, CAPTION = 168, 12, 38
LETTERS = 25  # of a name, that fit under a photo


def save_contact_sheet(path: Path, query: Drawing, matches: Sequence[Match], photo: Callable[[str], bytes]) -> None:
    """Write a sheet with a sketch, or a photo, and what was found for it; .png or .jpg, as the suffix says.

    ``photo`` gives the file of an id. One that raises DataError, or is no photo now, is an empty tile that says so.
    """
    if path.suffix not in (".png", ".jpg"):
        raise DataError(f"{path}: expected a name that ends in .png or .jpg")
    columns = min(10, max(5, round(len(matches) ** 0.5)), max(1, len(matches)))
    rows = -(-len(matches) // columns)
    across, down = TILE + GAP, TILE + CAPTION + GAP
    left = across + 2 * GAP
    sheet = Sheet(left + columns * across, GAP + max(1, rows) * down)
    if query.picture is not None and not len(query.strokes):
        sheet.image(GAP, GAP, read_pixels(query.picture, "the query", TILE))
    else:
        sheet.image(GAP, GAP, sketch_picture(centre(query.strokes), TILE))
    sheet.text(GAP, GAP + TILE + 11, "query", weight="bold")
    if not matches:
        sheet.text(left, GAP + TILE / 2, "no photos")
    for place, match in enumerate(matches):
        x, y = left + place % columns * across, GAP + place // columns * down
        try:
            sheet.image(x, y, read_pixels(photo(match.id), match.path.name, TILE))
        except DataError:
            sheet.frame(x, y, TILE, TILE, QUIET, 0.8)
            sheet.text(x + TILE / 2, y + TILE / 2, "photo not found", colour=QUIET, ha="center")
        # What cannot be drawn is not; and a name's end says more than its middle.
        name = "".join(letter if letter.isprintable() else "?" for letter in match.path.name)
        shown = name if len(name) <= LETTERS else f"{name[: LETTERS - 12]}…{name[-11:]}"
        sheet.text(x, y + TILE + 11, f"{match.rank}", weight="bold")
        sheet.text(x + TILE, y + TILE + 11, f"{match.distance:.3f}", colour=QUIET, ha="right")
        sheet.text(x, y + TILE + 27, shown, size=8, parse_math=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)

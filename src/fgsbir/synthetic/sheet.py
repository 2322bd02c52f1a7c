"""A contact sheet of the set: photos, each with its drawings by different users."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import centre, join_strokes

CELL = 112
DRAWINGS = 3
ROWS_MAIN = 8
UNLABELLED = 8


def contact_sheet(folder: Path, out: Path) -> None:
    """Write a PNG of the set in ``folder``.

    Left half: main-category photos with up to three drawings; right half: one photo of each other
    category with two; last row: unlabelled photos.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    sketches: dict[str, list[np.ndarray]] = {}
    for line in (folder / "sketches.ndjson").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        strokes = join_strokes([np.array(stroke, np.float32) for stroke in row["strokes"]])
        sketches.setdefault(row["photo"], []).append(strokes)
    main = manifest["categories"][0]["name"]
    by_category: dict[str, list[dict[str, str]]] = {category["name"]: [] for category in manifest["categories"]}
    for photo in manifest["photos"]:
        if photo["id"] in sketches:
            by_category[photo["category"]].append(photo)
    left = by_category.pop(main)[:ROWS_MAIN]
    right = [photos[0] for photos in by_category.values() if photos]
    bare = [p for p in manifest["photos"] if p["split"] == "unlabelled"][:UNLABELLED]
    rows = max(len(left), (len(right) + 1) // 2)
    columns = 1 + DRAWINGS + 2 * (1 + 2)
    sheet = Image.new("RGB", (columns * CELL, (rows + bool(bare)) * CELL), "white")

    def put(photo: dict[str, str], row: int, column: int, drawings: int) -> None:
        with Image.open(folder / "photos" / photo["category"] / f"{photo['id']}.jpg") as opened:
            picture = opened.resize((CELL - 4, CELL - 4), Image.Resampling.BOX)
        sheet.paste(picture, (column * CELL + 2, row * CELL + 2))
        for i, strokes in enumerate(sketches.get(photo["id"], [])[:drawings], 1):
            drawing = Image.fromarray(rasterise(centre(strokes), CELL - 4, 3.0))
            sheet.paste(drawing, ((column + i) * CELL + 2, row * CELL + 2))

    for row, photo in enumerate(left):
        put(photo, row, 0, DRAWINGS)
    for i, photo in enumerate(right):
        put(photo, i // 2, 1 + DRAWINGS + 3 * (i % 2), 2)
    for i, photo in enumerate(bare):
        put(photo, rows, i, 0)
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(96, dither=Image.Dither.NONE).save(out)

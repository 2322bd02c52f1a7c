"""A contact sheet of the set: photos, each with its drawings, by section."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fgsbir.data.rasterise import rasterise
from fgsbir.data.strokes import centre, join_strokes
from fgsbir.synthetic.sketch import draw_sketch

CELL, COLUMNS, HEADING = 100, 13, 22
MAIN_PHOTOS, UNSEEN_PHOTOS, USER_PHOTOS = 9, 2, 4


def contact_sheet(folder: Path, out: Path) -> None:
    """Write a PNG of the set in ``folder``.

    Main-category photos with drawings by seen users, a photo of each other seen category, two of each unseen one, some
    photos as each unseen user draws them (whether or not the set has that drawing), and unlabelled photos.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    unseen_users = [user["id"] for user in manifest["users"] if user["unseen"]]
    sketches: dict[str, list[Image.Image]] = {}
    for line in (folder / "sketches.ndjson").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["user"] not in unseen_users:
            strokes = join_strokes([np.array(stroke, np.float32) for stroke in row["strokes"]])
            sketches.setdefault(row["photo"], []).append(_drawing(strokes))
    main = manifest["categories"][0]["name"]

    def with_drawings(category: str, most: int) -> list[list[Image.Image]]:
        """The first photos of a category, each with its drawings by seen users."""
        drawn = [p["id"] for p in manifest["photos"] if p["category"] == category and p["id"] in sketches]
        return [[_photo(folder, category, id), *sketches[id][:3]] for id in drawn[:most]]

    others = [(category["name"], category["unseen"]) for category in manifest["categories"][1:]]
    tests = [p["id"] for p in manifest["photos"] if p["category"] == main and p["split"] == "test"][:USER_PHOTOS]
    bare = [p for p in manifest["photos"] if p["split"] == "unlabelled"][:COLUMNS]
    seed, by_new = manifest["seed"], []
    for id in tests:
        by_new.append(
            [_photo(folder, main, id), *(_drawing(draw_sketch(id, user, seed=seed)) for user in unseen_users)]
        )
    sections = {
        f"{main}, with drawings by users that training may see": with_drawings(main, MAIN_PHOTOS),
        "other seen categories": [group for name, new in others if not new for group in with_drawings(name, 1)],
        "unseen categories": [group for name, new in others if new for group in with_drawings(name, UNSEEN_PHOTOS)],
        f"{main}, as each unseen user draws it": by_new,
        f"{main}, unlabelled": [[_photo(folder, main, photo["id"])] for photo in bare],
    }
    _write(out, sections)


def _photo(folder: Path, category: str, id: str) -> Image.Image:
    with Image.open(folder / "photos" / category / f"{id}.jpg") as opened:
        return opened.resize((CELL - 4, CELL - 4), Image.Resampling.BOX)


def _drawing(strokes: np.ndarray) -> Image.Image:
    return Image.fromarray(rasterise(centre(strokes), CELL - 4, 3.0))


def _write(out: Path, sections: dict[str, list[list[Image.Image]]]) -> None:
    """Groups of pictures row by row under their section's heading; what exceeds a row of a group is left out."""
    sheet = Image.new("RGB", (COLUMNS * CELL, 400 * CELL), "white")
    y = 0
    for heading, groups in sections.items():
        ImageDraw.Draw(sheet).text((4, y + 5), heading, fill="black")
        y, x = y + HEADING, 0
        for group in (group[:COLUMNS] for group in groups):
            if x + len(group) > COLUMNS:
                y, x = y + CELL, 0
            for i, picture in enumerate(group, x):
                sheet.paste(picture, (i * CELL + 2, y + 2))
            x += len(group)
        y += CELL if groups else 0
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.crop((0, 0, sheet.width, y)).quantize(96, dither=Image.Dither.NONE).save(out)

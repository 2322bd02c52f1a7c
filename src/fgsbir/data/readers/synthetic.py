"""Layout ``synthetic``: the set that this project draws itself (see :mod:`fgsbir.synthetic`).

<root>/manifest.json                  categories, users, photos and their splits
<root>/photos/<category>/<id>.jpg
<root>/sketches.ndjson                one JSON object a line: id, photo, user, strokes
"""

import json
from pathlib import Path
from typing import Any

from fgsbir.data.readers.listing import read_text
from fgsbir.data.records import SPLITS, DataError, Photo, Sketch, Source
from fgsbir.data.stroke_files import parse_strokes

FORMAT = 1
_EXPECTED = "a file of layout synthetic"


def read_synthetic(root: Path, trace_tolerance: float) -> Source:
    """Read the set; unseen categories and users are marked as its manifest says."""
    del trace_tolerance  # these sketches are strokes already
    manifest_path = root / "manifest.json"
    manifest = _parse(read_text(manifest_path, _EXPECTED), str(manifest_path))
    if manifest.get("format") != FORMAT:
        raise DataError(f"{manifest_path}: expected format {FORMAT}, found {manifest.get('format')!r}")
    try:
        unseen_categories = {category["name"]: category["unseen"] for category in manifest["categories"]}
        unseen_users = {user["id"]: user["unseen"] for user in manifest["users"]}
        rows = [(row["id"], row["category"], row["split"]) for row in manifest["photos"]]
    except (KeyError, TypeError) as error:
        expected = "categories, users and photos with their keys"
        raise DataError(f"{manifest_path}: expected {expected}, missing {error}") from None

    source = Source()
    categories = {}
    for id, category, split in rows:
        if split not in SPLITS or category not in unseen_categories:
            raise DataError(f"{manifest_path}: photo {id!r}: unknown split {split!r} or category {category!r}")
        path = root / "photos" / category / f"{id}.jpg"
        source.photos.append(Photo(id, category, split, path, unseen_categories[category]))
        categories[id] = category

    sketches_path = root / "sketches.ndjson"
    for number, line in enumerate(read_text(sketches_path, _EXPECTED).splitlines(), 1):
        name = f"{sketches_path}: line {number}"
        row = _parse(line, name)
        try:
            id, photo_id, user, strokes = row["id"], row["photo"], row["user"], row["strokes"]
        except KeyError as error:
            raise DataError(f"{name}: expected id, photo, user and strokes, missing {error}") from None
        if photo_id not in categories or user not in unseen_users:
            raise DataError(f"{name}: sketch {id!r}: photo {photo_id!r} or user {user!r} is not in manifest.json")
        unseen = unseen_users[user] or unseen_categories[categories[photo_id]]
        source.sketches.append(Sketch(id, photo_id, user, parse_strokes(strokes, name), unseen))
    return source


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: expected a JSON object, found damage ({error})") from None
    if not isinstance(value, dict):
        raise DataError(f"{name}: expected a JSON object, found {type(value).__name__}")
    return value

"""A file of sketches that someone else made of the unlabelled photos, to be used in the place of G's."""

import hashlib
import json
from pathlib import Path

import numpy as np

from fgsbir.data.readers.json_strokes import parse_strokes
from fgsbir.data.records import DataError
from fgsbir.data.strokes import centre


def read_given(path: Path, sha256: str) -> dict[str, list[np.ndarray]]:
    """Sketches by photo id, canonical and centred, of lines ``{"photo": id, "strokes": [[[x, y], ...], ...]}``.

    Raises DataError for a file that is missing, of another hash, or malformed, with the line.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected sketches of the unlabelled photos") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(f"{path}: expected sha256 {sha256}, found {found}")
    sketches: dict[str, list[np.ndarray]] = {}
    for number, line in enumerate(data.splitlines(), 1):
        name = f"{path}: line {number}"
        try:
            value = json.loads(line)
            photo, strokes = str(value["photo"]), value["strokes"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise DataError(f'{name}: expected {{"photo": id, "strokes": [[[x, y], ...], ...]}}') from None
        sketches.setdefault(photo, []).append(centre(parse_strokes(strokes, name)))
    return sketches

"""Files of which the tests make data sets: small photos, and drawings as SVG, PNG and JSON."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fgsbir.data.photos import FORMATS
from fgsbir.data.rasterise import rasterise
from fgsbir.data.readers import read
from fgsbir.data.records import Source
from tests.data.pictures import encoded


def write_photo(path: Path) -> Path:
    """Write a photo of 32 x 24 pixels whose content depends on the path, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(os.fsencode(path)))
    pixels = rng.integers(0, 255, (24, 32, 3), np.uint8)
    forms = {suffix: name for name, form in FORMATS.items() for suffix in form.suffixes}
    path.write_bytes(encoded(pixels, forms[path.suffix.lower()]))
    return path


def drawing(stem: str) -> np.ndarray:
    """The drawing that a file of this name holds: two lines, canonical."""
    x = 40 + zlib.crc32(os.fsencode(stem)) % 100
    return np.array([[x, 40, 0], [x + 60, 90, 1], [x, 180, 0], [x + 80, 180, 1]], np.float32)


def write_sketch(path: Path) -> Path:
    """Write the drawing of its name as .svg, strokes or a raster image, by the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    strokes = drawing(path.stem)
    ends = [strokes[:2, :2].tolist(), strokes[2:, :2].tolist()]
    if path.suffix == ".svg":
        commands = "".join(f"M{a[0]} {a[1]}L{b[0]} {b[1]}" for a, b in ends)
        lines = f'<path d="{commands}" fill="none" stroke="black"/>'
        path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">{lines}</svg>')
    elif path.suffix in (".json", ".ndjson"):
        path.write_text(json.dumps({"strokes": ends, "canvas": [256, 256]}))
    elif path.suffix == ".npy":
        np.save(path, strokes)
    elif path.suffix == ".npz":
        offsets = np.diff(strokes[:, :2], axis=0, prepend=0)
        np.savez(path, train=np.column_stack([offsets, strokes[:, 2]]))
    else:
        image = rasterise(strokes, 256)
        opaque = Image.fromarray(np.dstack([image] * 3 + [np.full_like(image, 255)]))
        (opaque if path.suffix == ".png" else opaque.convert("RGB")).save(path)
    return path


def read_all(layout: str, root: Path, **options: Any) -> Source:
    """``read`` with every option at a value for small sets; keywords replace them."""
    return read(layout, root, **({"val_frac": 0.0, "trace_tolerance": 1.0} | options))


def splits_of(source: Source) -> dict[str, str]:
    """Photo id -> split."""
    return {photo.id: photo.split for photo in source.photos}


def photos_of(source: Source) -> dict[str, str]:
    """Sketch id -> photo id."""
    return {sketch.id: sketch.photo_id for sketch in source.sketches}

"""Files of which the tests make data sets: small photos, and drawings as SVG, PNG and JSON."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fgsbir.data.rasterise import rasterise
from fgsbir.data.readers import read
from fgsbir.data.records import Source

Writer = Callable[[Path], Path]


@pytest.fixture
def write_photo() -> Writer:
    """Write a photo of 32 x 24 pixels whose content depends on the path, in the format of its suffix."""

    def write(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(zlib.crc32(str(path).encode()))
        Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).save(path)
        return path

    return write


def drawing(path: Path) -> np.ndarray:
    """The drawing that the writers below put into a file of this name: two lines, canonical."""
    x = 40 + zlib.crc32(path.stem.encode()) % 100
    return np.array([[x, 40, 0], [x + 60, 90, 1], [x, 180, 0], [x + 80, 180, 1]], np.float32)


@pytest.fixture
def write_sketch() -> Writer:
    """Write the drawing of its name as .svg, .json or a raster image, by the path's suffix."""

    def write(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        strokes = drawing(path)
        ends = [strokes[:2, :2].tolist(), strokes[2:, :2].tolist()]
        if path.suffix == ".svg":
            commands = "".join(f"M{a[0]} {a[1]}L{b[0]} {b[1]}" for a, b in ends)
            path.write_text(
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256"><path d="{commands}"/></svg>'
            )
        elif path.suffix == ".json":
            path.write_text(json.dumps({"strokes": ends, "canvas": [256, 256]}))
        else:
            image = rasterise(strokes, 256)
            opaque = Image.fromarray(np.dstack([image] * 3 + [np.full_like(image, 255)]))
            (opaque if path.suffix == ".png" else opaque.convert("RGB")).save(path)
        return path

    return write


@pytest.fixture
def expected_drawing() -> Callable[[str], np.ndarray]:
    """The strokes that the file of a name was written from."""
    return lambda name: drawing(Path(name))


@pytest.fixture
def read_all() -> Callable[..., Source]:
    """``read`` with every option at a value for small sets; keywords replace them."""

    def read_with(layout: str, root: Path, **options: Any) -> Source:
        defaults: dict[str, Any] = {"val_frac": 0.0, "max_megapixels": 1.0, "trace_tolerance": 1.0}
        return read(layout, root, **(defaults | options))

    return read_with

"""Pictures in every format that is read, and a drawing to be found in them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pi_heif
import pillow_heif
from PIL import Image
from scipy import ndimage

from fgsbir.data.photos import FORMATS
from fgsbir.data.strokes import join_strokes

FORMS = tuple(FORMATS)


# HEIC is written by a library that tests alone need, and read by the one that is read with everywhere.
pillow_heif.register_heif_opener()
pi_heif.register_heif_opener(thumbnails=False)


def encoded(image: Image.Image | np.ndarray, form: str = "PNG", **options: Any) -> bytes:
    """A picture's file."""
    buffer, image = io.BytesIO(), Image.fromarray(image) if isinstance(image, np.ndarray) else image
    if form == "HEIF" and "exif" in options:  # turned as the container says, where its decoder looks
        image.info["exif"] = options.pop("exif").tobytes()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def drawn(*strokes: Any) -> np.ndarray:
    """Canonical strokes of lines of points."""
    return join_strokes([np.array(stroke, float) for stroke in strokes])


def ellipse(x: float, y: float, across: float, down: float) -> list[tuple[float, float]]:
    """A closed line."""
    turn = np.linspace(0, 2 * np.pi, 60)
    return list(zip(x + across * np.cos(turn), y + down * np.sin(turn), strict=True))


CHAIR = drawn(
    [(70, 40), (66, 140), (70, 220)],
    [(70, 40), (120, 30), (124, 135)],
    [(66, 140), (124, 135), (190, 150), (130, 162), (66, 140)],
    [(190, 150), (192, 226)],
    ellipse(95, 85, 12, 20),
)


def gaps(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far each ink pixel of ``image`` is from ink of ``other``, in pixels."""
    return ndimage.distance_transform_edt(other >= 128)[image < 128]


def scene(height: int = 60, width: int = 90) -> np.ndarray:
    """A smooth picture without any symmetry."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    return np.stack([255 * x, 255 * y, 255 * (1 - x) * (0.3 + y)], -1).clip(0, 255).astype(np.uint8)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")

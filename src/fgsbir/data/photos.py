"""Photos: checking that a file is one usable image, and the one way from its bytes to pixels."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fgsbir.data.records import DataError

PHOTO_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"))
MAX_MEGAPIXELS = 100.0  # of photos that no data set, with a limit of its own, vouches for
# Only these decoders ever see a stranger's file.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
# MPO is what Pillow calls a phone's JPEG with a second picture in it.
EXTENSIONS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "GIF": "gif"}
_EXPECTED = "expected a JPEG, PNG, WebP, BMP or GIF image"


def read_photo(path: Path, max_megapixels: float) -> bytes:
    """The bytes of a photo's file, unchecked; one larger than any image of ``max_megapixels`` is not read.

    Raises DataError naming ``path`` for that and for a file that cannot be read.
    """
    try:
        found = path.stat().st_size
        limit = int(max_megapixels * 1e6 * 8) + (1 << 20)  # 16 bits of red, green, blue, alpha, and a header
        if found > limit:
            raise DataError(f"{path}: expected a photo of at most {limit:,} bytes, found {found:,}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def check_photo(data: bytes, name: str, max_megapixels: float) -> str:
    """Decode one photo to see that it is whole; returns "jpg", "png", "webp", "bmp" or "gif" by its content.

    The size limit is applied to the header, before any pixel is decoded. Raises DataError naming ``name`` for anything
    but a whole image of these formats and for one of more than ``max_megapixels`` million pixels.
    """
    with _opened(data, name, max_megapixels) as image:
        # A JPEG at an eighth of its size takes every byte of the file and a fraction of the time.
        image.draft("RGB", tuple(max(1, side // 8) for side in image.size))  # type: ignore[arg-type]
        image.load()
        return EXTENSIONS[image.format or ""]


def read_pixels(data: bytes, name: str, size: int, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """A stranger's photo as :func:`decode_photo` gives it; errors as of :func:`check_photo`."""
    with _opened(data, name, max_megapixels) as image:
        return _pixels(image, size)


def image_extension(data: bytes, name: str) -> str:
    """The extension that the bytes deserve, whatever the file's name says, by their header alone. Raises DataError."""
    with _opened(data, name, math.inf) as image:
        return EXTENSIONS[image.format or ""]


def laid_on_white(image: Image.Image) -> Image.Image:
    """The image with what is transparent laid on white; one without transparency as it is."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def decode_photo(data: bytes, size: int) -> np.ndarray:
    """Turn a photo's bytes into uint8 (size, size, 3), RGB.

    Turned as the EXIF orientation says, transparency laid on white, resized with anti-aliasing so that the longest side
    is ``size``, and padded with white to a square.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return _pixels(image, size)


@contextmanager
def _opened(data: bytes, name: str, max_megapixels: float) -> Iterator[Image.Image]:
    """An image of which no more than the header is read yet; what goes wrong until it is closed is a DataError."""
    if not data:
        raise DataError(f"{name}: {_EXPECTED}, found an empty file")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            found = width * height / 1e6
            if found > max_megapixels:
                size = f"{width} x {height} ({found:.1f} megapixels)"
                raise DataError(f"{name}: expected at most {max_megapixels:g} megapixels, found {size}")
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{name}: expected at most {max_megapixels:g} megapixels, found more ({error})") from None
    except Exception as error:  # decoders raise whatever a broken file leads them to: struct.error, SyntaxError, ...
        unknown = isinstance(error, Image.UnidentifiedImageError)
        reason = "not an image of these formats" if unknown else str(error)[:200] or type(error).__name__
        raise DataError(f"{name}: {_EXPECTED}, found a damaged or other file ({reason})") from None


def _pixels(image: Image.Image, size: int) -> np.ndarray:
    # JPEG can decode straight to a half, a quarter or an eighth; twice the size leaves the filter its margin.
    image.draft("RGB", tuple(max(1, 2 * size * side // max(image.size)) for side in image.size))  # type: ignore[arg-type]
    rgb = _on_white(ImageOps.exif_transpose(image))
    width, height = (max(1, round(side * size / max(rgb.size))) for side in rgb.size)
    if rgb.size != (width, height):
        rgb = rgb.resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.full((size, size, 3), 255, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    pixels[top : top + height, left : left + width] = np.asarray(rgb)
    return pixels


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversion clips to white
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    return laid_on_white(image).convert("RGB")

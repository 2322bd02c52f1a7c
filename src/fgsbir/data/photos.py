"""Photos: the formats that are read, checking that a file is one usable picture, and the one way from its bytes to
pixels.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import pi_heif
from PIL import Image, ImageOps

from fgsbir.data.files import read_file
from fgsbir.data.records import DataError

# A part of a picture: left, top, right and bottom, 0 to 1.
Box = tuple[float, float, float, float]


class Format(NamedTuple):
    """A format of pictures: its usual suffix without the dot, its MIME type, and all suffixes of its files."""

    extension: str
    media_type: str
    suffixes: tuple[str, ...]


_JPEG = Format("jpg", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"))
# By Pillow's names. Only these decoders ever see a stranger's file.
FORMATS = {
    "JPEG": _JPEG,
    "PNG": Format("png", "image/png", (".png",)),
    "WEBP": Format("webp", "image/webp", (".webp",)),
    "BMP": Format("bmp", "image/bmp", (".bmp",)),
    "GIF": Format("gif", "image/gif", (".gif",)),
    "AVIF": Format("avif", "image/avif", (".avif",)),
    "HEIF": Format("heic", "image/heic", (".heic", ".heif", ".hif")),
    "TIFF": Format("tiff", "image/tiff", (".tif", ".tiff")),
}
PHOTO_SUFFIXES = frozenset(suffix for form in FORMATS.values() for suffix in form.suffixes)
MAX_PHOTO_BYTES = 256 << 20
MAX_MEGAPIXELS = 100.0  # of photos that no data set, with a limit of its own, vouches for
# A JPEG's: it is decoded at an eighth, a quarter or half of its size. Phones' reach 200 megapixels.
MAX_JPEG_MEGAPIXELS = 256.0
# Larger ones are decoded one at a time, so that memory does not grow with the cores.
LARGE_MEGAPIXELS = 24.0
STRIP_PIXELS = 1 << 20  # of a large picture that is converted part by part
# What Pillow calls grey, colour, palette, transparency and print. Numbers without a range (F) are no picture.
_MODES = frozenset(
    [
        *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"),
        *("I", "I;16", "I;16B", "I;16L", "I;16N"),
    ]
)
_REDUCIBLE = frozenset(["L", "LA", "RGB", "RGBA", "CMYK"])
ORIENTATION = 0x0112  # of EXIF
_EXPECTED = "expected a JPEG, PNG, WebP, BMP, GIF, AVIF, HEIC or TIFF image"

_large = Lock()
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
# The limits here are on every picture's header, and Pillow's warns before it refuses.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of odd metadata. Where it matters, an error says so.
warnings.filterwarnings("ignore", module=r"PIL\..*|pi_heif\..*")


def photo_bytes(path: Path, max_megapixels: float | None = None) -> bytes:
    """The bytes of a photo's file, not looked at yet; one larger than any image of ``max_megapixels`` is not read.

    Raises DataError naming ``path`` for that and for a file that cannot be read.
    """
    # 16 bits of red, green, blue, alpha, and a header.
    most = MAX_PHOTO_BYTES if max_megapixels is None else int(max_megapixels * 1e6 * 8) + (1 << 20)
    return read_file(path, most, "a photo")


def check_photo(data: bytes, name: str, max_megapixels: float | None = None) -> Format:
    """Decode one photo to see that it is whole; returns its format, by its content.

    The size limit is applied to the header, before any pixel is decoded. Raises DataError naming ``name`` for anything
    but a whole image of :data:`FORMATS` and for one of more than ``max_megapixels`` million pixels; by default the
    limits are those of this module.
    """
    with _opened(data, name, max_megapixels) as image:
        # A JPEG at an eighth of its size takes every byte of the file and a fraction of the time.
        _draft(image, max(1, max(image.size) // 8))
        image.load()
        return _format(image)


def image_format(data: bytes, name: str) -> Format:
    """The format of the bytes, whatever the file's name says, by their header alone. Raises DataError."""
    with _opened(data, name, float("inf")) as image:
        return _format(image)


def read_pixels(
    data: bytes, name: str, size: int, crop: Box | None = None, max_megapixels: float | None = None
) -> np.ndarray:
    """A stranger's photo, or a part of it, as :func:`decode_photo` gives it; errors as of :func:`check_photo`."""
    with _opened(data, name, max_megapixels) as image:
        return _pixels(image, size, crop)


def decode_photo(data: bytes, size: int) -> np.ndarray:
    """Turn a photo's bytes into uint8 (size, size, 3), RGB.

    Turned as the EXIF orientation says, transparency laid on white, resized with anti-aliasing so that the longest side
    is ``size``, and padded with white to a square.
    """
    with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as image:
        return _pixels(image, size)


def upright_picture(data: bytes, name: str, side: int) -> Image.Image:
    """A picture turned as its EXIF orientation says, in its own mode, its longest side ``side`` at least if it was.

    Of several the first. Errors as of :func:`check_photo`.
    """
    with _opened(data, name) as image:
        return _eight_bits(_upright(image, side))


def cropped(image: Image.Image, crop: Box | None) -> Image.Image:
    """A part of an upright image, one pixel at least; None: all of it."""
    if crop is None:
        return image
    left, top, right, bottom = (share * side for share, side in zip(crop, image.size * 2, strict=True))
    return image.crop((int(left), int(top), max(int(left) + 1, round(right)), max(int(top) + 1, round(bottom))))


def laid_on_white(image: Image.Image) -> Image.Image:
    """The image with what is transparent laid on white; one without transparency as it is."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


@contextmanager
def _opened(data: bytes, name: str, max_megapixels: float | None = None) -> Iterator[Image.Image]:
    """An image of which no more than the header is read yet; what goes wrong until it is closed is a DataError."""
    if not data:
        raise DataError(f"{name}: {_EXPECTED}, found an empty file")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as image:
            width, height = image.size
            found = width * height / 1e6
            usual = MAX_JPEG_MEGAPIXELS if _format(image) is _JPEG else MAX_MEGAPIXELS
            most = usual if max_megapixels is None else max_megapixels
            if found > most:
                size = f"{width} x {height} ({found:.1f} megapixels)"
                raise DataError(f"{name}: expected at most {most:g} megapixels, found {size}")
            if image.mode not in _MODES:
                raise DataError(f"{name}: expected a picture of 8 or 16 bits a colour, found one of kind {image.mode}")
            with _large if found > LARGE_MEGAPIXELS else nullcontext():
                yield image
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever a broken file leads them to: struct.error, SyntaxError, ...
        unknown = isinstance(error, Image.UnidentifiedImageError)
        said = " ".join(str(error).split())[:200] or type(error).__name__
        reason = f"it begins with {repr(data[:8])[1:]}" if unknown else said
        raise DataError(f"{name}: {_EXPECTED}, found a damaged or other file ({reason})") from None


def _format(image: Image.Image) -> Format:
    # MPO is what Pillow calls a phone's JPEG with a second picture in it.
    return _JPEG if image.format == "MPO" else FORMATS[image.format or ""]


def _draft(image: Image.Image, side: int) -> None:
    """Have a JPEG decoded at half, a quarter or an eighth, its longest side ``side`` at least."""
    image.draft("RGB", tuple(max(1, side * length // max(image.size)) for length in image.size))  # type: ignore[arg-type]


def _upright(image: Image.Image, side: int) -> Image.Image:
    """An image turned as its EXIF orientation says; of a large one a small copy, its longest side ``side`` at least."""
    _draft(image, side)
    factor = max(image.size) // side
    if factor > 1 and image.width * image.height > LARGE_MEGAPIXELS * 1e6:
        image.load()  # which turns a TIFF
        turned = image.getexif().get(ORIENTATION, 1)
        image = image.reduce(factor) if image.mode in _REDUCIBLE else _reduced(image, factor)
        image.getexif()[ORIENTATION] = turned
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """A small copy of an image in a mode that Pillow does not reduce, in 8 bits a colour; made strip by strip, as a
    whole copy in colour would take four times its memory.
    """
    height = factor * max(1, STRIP_PIXELS // (factor * image.width))
    small = Image.new("1", (0, 0))
    for top in range(0, image.height, height):
        strip = _eight_bits(image.crop((0, top, image.width, min(top + height, image.height))))
        if strip.mode not in _REDUCIBLE:
            strip = strip.convert("RGBA" if strip.has_transparency_data else "RGB")
        if top == 0:
            small = Image.new(strip.mode, (-(-image.width // factor), -(-image.height // factor)))
        small.paste(strip.reduce(factor), (0, top // factor))
    return small


def _pixels(image: Image.Image, size: int, crop: Box | None = None) -> np.ndarray:
    share = max(crop[2] - crop[0], crop[3] - crop[1], 0.01) if crop else 1
    upright = cropped(_upright(image, round(2 * size / share)), crop)  # twice the size leaves the filter its margin
    rgb = laid_on_white(_eight_bits(upright)).convert("RGB")
    width, height = (max(1, round(side * size / max(rgb.size))) for side in rgb.size)
    if rgb.size != (width, height):
        rgb = rgb.resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.full((size, size, 3), 255, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    pixels[top : top + height, left : left + width] = np.asarray(rgb)
    return pixels


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey, which Pillow's own conversion clips to white, as 8-bit; any other as it is."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))

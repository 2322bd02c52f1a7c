import io
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fgsbir.data.photos import check_photo, decode_photo, read_photo
from fgsbir.data.records import DataError

FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp", "GIF": "gif"}


def encode(image: Image.Image | np.ndarray, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, form, **options)
    return buffer.getvalue()


def scene(height: int = 60, width: int = 90) -> np.ndarray:
    """A smooth picture without any symmetry."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    return np.stack([255 * x, 255 * y, 255 * (1 - x) * (0.3 + y)], -1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("form", FORMATS)
def test_a_whole_image_gives_its_extension_and_a_truncated_one_an_error(form: str) -> None:
    assert check_photo(encode(scene(), form), "photo.txt", 1.0) == FORMATS[form]
    whole = encode(np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8), form)
    for share in (0.0, 0.01, 0.1, 0.5, 0.9):
        with pytest.raises(DataError, match=r"^a/b\.jpg: expected a JPEG, PNG, WebP, BMP or GIF image, found"):
            check_photo(whole[: int(share * len(whole))], "a/b.jpg", 1.0)


@pytest.mark.parametrize("form", ["TIFF", "ICO", "PPM", "PDF", "EPS"])
def test_other_formats_never_reach_their_decoders(form: str) -> None:
    with pytest.raises(DataError, match="not an image of these formats"):
        check_photo(encode(scene(), form), "x", 1.0)


@given(st.binary(max_size=60), st.sampled_from(list(FORMATS)), st.integers(0, 200))
@settings(max_examples=150)
def test_damage_is_an_error_and_never_a_crash(junk: bytes, form: str, at: int) -> None:
    whole = encode(scene(8, 8), form)
    try:
        extension = check_photo(whole[:at] + junk + whole[at + len(junk) :], "x", 1.0)
    except DataError as error:
        assert str(error).startswith("x: expected")
    else:
        assert extension == FORMATS[form]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [1100, 10_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    started = time.monotonic()
    # Were a pixel decoded, the error would be that there is none.
    with pytest.raises(DataError, match=r"^bomb\.png: expected at most 1 megapixels, found"):
        check_photo(png_header(side, side), "bomb.png", 1.0)
    assert time.monotonic() - started < 5
    with pytest.raises(DataError, match="truncated"):
        check_photo(png_header(900, 900), "x.png", 1.0)


def test_a_huge_text_chunk_is_refused() -> None:
    info = PngInfo()
    info.add_text("comment", "x" * 2_000_000, zip=True)
    data = encode(scene(8, 8), pnginfo=info)
    assert len(data) < 1_000_000
    with pytest.raises(DataError, match=r"^x\.png: expected"):
        check_photo(data, "x.png", 1.0)


def test_files_are_named_in_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.jpg: cannot be read \(No such file"):
        read_photo(tmp_path / "missing.jpg", 1.0)
    huge = tmp_path / "huge.bmp"
    huge.touch()
    os.truncate(huge, 1 << 32)  # a hole, no disk: but reading it would take 4 GiB
    with pytest.raises(DataError, match=r"huge\.bmp: expected a photo of at most 9,048,576 bytes, found 4,294,967,296"):
        read_photo(huge, 1.0)
    good = tmp_path / "good.jpg"
    good.write_bytes(encode(scene(), "PNG"))
    assert read_photo(good, 1.0) == good.read_bytes()


def test_the_longest_side_fills_the_square_and_white_the_rest() -> None:
    red = np.zeros((50, 100, 3), np.uint8)
    red[..., 0] = 255
    pixels = decode_photo(encode(red), 64)
    assert pixels.shape == (64, 64, 3) and pixels.dtype == np.uint8
    assert (pixels[16:48] == [255, 0, 0]).all() and (pixels[:16] == 255).all() and (pixels[48:] == 255).all()
    assert np.array_equal(decode_photo(encode(red.transpose(1, 0, 2)), 64), pixels.transpose(1, 0, 2))


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (65, 64)])
def test_any_shape_decodes(shape: tuple[int, int]) -> None:
    for form in FORMATS:
        assert decode_photo(encode(np.zeros((*shape, 3), np.uint8), form), 64).min() < 20


def test_all_formats_give_the_same_picture() -> None:
    for form, options in (("BMP", {}), ("WEBP", {"lossless": True})):
        assert np.array_equal(decode_photo(encode(scene(), form, **options), 48), decode_photo(encode(scene()), 48))
    for side in (64, 300, 1500):  # JPEG is decoded at part of its size
        forms = (("JPEG", {"quality": 95}), ("PNG", {}))
        jpeg, png = (
            decode_photo(encode(scene(side, side), form, **options), 64).astype(int) for form, options in forms
        )
        assert np.abs(jpeg - png).mean() < 2
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    grey = decode_photo(encode(checks.astype(np.uint8)), 64)  # shrinking is anti-aliased
    assert np.abs(grey.astype(int) - 127).max() < 12


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation: int, form: str) -> None:
    upright = scene()
    # How each orientation's stored pixels come from the upright picture, after the EXIF standard's table.
    stored = upright if orientation < 5 else upright.transpose(1, 0, 2)
    stored = stored[::-1] if orientation in (3, 4, 6, 7) else stored
    stored = stored[:, ::-1] if orientation in (2, 3, 7, 8) else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode_photo(encode(np.ascontiguousarray(stored), form, exif=exif), 90)
    assert np.abs(pixels.astype(int) - decode_photo(encode(upright), 90)).mean() < 2


def test_transparency_is_laid_on_white() -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:4, :, 3] = 255
    rgba[4:6, :, 3] = 128
    paletted = Image.fromarray(np.repeat([[0], [1]], 4, 0).astype(np.uint8).repeat(8, 1), "P")
    paletted.putpalette([0, 0, 0, 0, 0, 0])
    keyed = np.zeros((8, 8, 3), np.uint8)
    keyed[4:] = 9
    for data in (
        encode(rgba),
        encode(rgba, "WEBP", lossless=True),
        encode(Image.fromarray(rgba).convert("LA")),
        encode(paletted, transparency=1),
        encode(keyed, transparency=(9, 9, 9)),
    ):
        pixels = decode_photo(data, 8)
        assert (pixels[:4] == 0).all() and (pixels[6:] == 255).all()
    assert abs(int(decode_photo(encode(rgba), 8)[5, 5, 0]) - 127) <= 1


def test_other_modes_become_rgb() -> None:
    grey16 = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    assert decode_photo(encode(grey16), 8)[4, 4].tolist() == [128] * 3
    assert decode_photo(encode(Image.new("1", (8, 8), 1)), 8).min() == 255
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = decode_photo(encode(cmyk, "JPEG", quality=98), 8)[4, 4].astype(int)
    assert red[0] > 240 and red[1:].max() < 20


def test_the_first_picture_of_several_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    # An animation, and what Pillow calls a phone's JPEG with a second picture in it.
    for form, extension in (("GIF", "gif"), ("MPO", "jpg")):
        data = encode(frames[0], form, save_all=True, append_images=frames[1:])
        assert check_photo(data, "x", 1.0) == extension
        assert np.abs(decode_photo(data, 8)[4, 4].astype(int) - [255, 0, 0]).max() < 4

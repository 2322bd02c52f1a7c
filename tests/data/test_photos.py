"""Photos: every format, whole and damaged, and the one way from bytes to pixels."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fgsbir.data.photos import FORMATS, check_photo, decode_photo, image_format, photo_bytes, read_pixels
from fgsbir.data.records import DataError
from tests.data.pictures import FORMS, encoded, png_header, scene


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_image_gives_its_extension_and_a_truncated_one_an_error(form: str) -> None:
    assert check_photo(encoded(scene(), form), "photo.txt", 1.0) is FORMATS[form]
    whole = encoded(np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8), form)
    for share in (0.0, 0.01, 0.1, 0.5, 0.9):
        with pytest.raises(DataError, match=r"^a/b\.jpg: expected a JPEG, .* or TIFF image, found"):
            check_photo(whole[: int(share * len(whole))], "a/b.jpg", 1.0)


@pytest.mark.parametrize("form", ["ICO", "PPM", "PDF", "EPS"])
def test_other_formats_never_reach_their_decoders(form: str) -> None:
    with pytest.raises(DataError, match="it begins with"):
        check_photo(encoded(scene(), form), "x", 1.0)


@given(st.binary(max_size=60), st.sampled_from(FORMS), st.integers(0, 200))
@settings(max_examples=150)
def test_damage_is_an_error_and_never_a_crash(junk: bytes, form: str, at: int) -> None:
    whole = encoded(scene(8, 8), form)
    try:
        form_found = check_photo(whole[:at] + junk + whole[at + len(junk) :], "x", 1.0)
    except DataError as error:
        assert str(error).startswith("x: expected")
    else:
        assert form_found is FORMATS[form]


@pytest.mark.parametrize("side", [1100, 10_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    # Were a pixel decoded, the error would be that there is none.
    with warnings.catch_warnings(), pytest.raises(DataError, match=r"^bomb\.png: expected at most 1 megapixels, found"):
        warnings.simplefilter("error")
        check_photo(png_header(side, side), "bomb.png", 1.0)
    with pytest.raises(DataError, match="truncated"):
        check_photo(png_header(900, 900), "x.png", 1.0)


def test_a_huge_text_chunk_is_refused() -> None:
    info = PngInfo()
    info.add_text("comment", "x" * 2_000_000, zip=True)
    data = encoded(scene(8, 8), pnginfo=info)
    assert len(data) < 1_000_000
    with pytest.raises(DataError, match=r"^x\.png: expected"):
        check_photo(data, "x.png", 1.0)


def test_files_are_named_in_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.jpg: cannot be read \(No such file"):
        photo_bytes(tmp_path / "missing.jpg", 1.0)
    huge = tmp_path / "huge.bmp"
    huge.touch()
    os.truncate(huge, 1 << 32)  # a hole, no disk: but reading it would take 4 GiB
    with pytest.raises(DataError, match=r"huge\.bmp: expected a photo of at most 9,048,576 bytes, found 4,294,967,296"):
        photo_bytes(huge, 1.0)
    good = tmp_path / "good.jpg"
    good.write_bytes(encoded(scene(), "PNG"))
    assert photo_bytes(good, 1.0) == photo_bytes(good) == good.read_bytes()


def test_the_longest_side_fills_the_square_and_white_the_rest() -> None:
    red = np.zeros((50, 100, 3), np.uint8)
    red[..., 0] = 255
    pixels = decode_photo(encoded(red), 64)
    assert pixels.shape == (64, 64, 3) and pixels.dtype == np.uint8
    assert (pixels[16:48] == [255, 0, 0]).all() and (pixels[:16] == 255).all() and (pixels[48:] == 255).all()
    assert np.array_equal(decode_photo(encoded(red.transpose(1, 0, 2)), 64), pixels.transpose(1, 0, 2))


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (65, 64)])
def test_any_shape_decodes(shape: tuple[int, int]) -> None:
    for form in FORMS:
        assert decode_photo(encoded(np.zeros((*shape, 3), np.uint8), form), 64).min() < 20


def test_all_formats_give_the_same_picture() -> None:
    for form, options in (("BMP", {}), ("WEBP", {"lossless": True}), ("TIFF", {"compression": "tiff_lzw"})):
        assert np.array_equal(decode_photo(encoded(scene(), form, **options), 48), decode_photo(encoded(scene()), 48))
    for side in (64, 300, 900):  # JPEG is decoded at part of its size
        png = decode_photo(encoded(scene(side, side)), 64).astype(int)
        for form in ("JPEG", "AVIF", "HEIF"):
            assert np.abs(decode_photo(encoded(scene(side, side), form, quality=95), 64) - png).mean() < 2
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    grey = decode_photo(encoded(checks.astype(np.uint8)), 64)  # shrinking is anti-aliased
    assert np.abs(grey.astype(int) - 127).max() < 12


@pytest.mark.parametrize(
    ("form", "height", "width"), [("JPEG", 9000, 12_000), pytest.param("PNG", 9000, 11_000, marks=pytest.mark.slow)]
)
def test_the_largest_photos_of_phones_are_read(form: str, height: int, width: int) -> None:
    halves = Image.new("RGB", (width, height), "red")
    halves.paste("blue", (width // 2, 0, width, height))
    data = encoded(halves, form)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_pixels(data, "x", 64)
        assert check_photo(data, "x") is FORMATS[form]
    assert np.abs(pixels[32, [8, 56]].astype(int) - [[255, 0, 0], [0, 0, 255]]).max() < 6


PEAK = """
import re, sys
from pathlib import Path
from fgsbir.data.photos import read_pixels, upright_picture
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
data = Path(sys.argv[1]).read_bytes()
before = peak()
print(read_pixels(data, "x", 64)[32, [8, 56]].mean(-1).tolist())
upright_picture(data, "x", 2048)
print(peak() - before)
"""


@pytest.mark.parametrize(("mode", "dark", "light"), [("P", 1, 2), ("1", 0, 1), ("I;16", 0x4000, 0xC000)])
def test_the_memory_for_a_large_picture_of_any_mode_is_bounded(
    mode: str, dark: int, light: int, tmp_path: Path
) -> None:
    """Of 36 megapixels no copy in colour is made, which would take 110 to 290 MB beside the picture itself."""
    halves = Image.new(mode, (6000, 6000), dark)
    halves.paste(Image.new(mode, (3000, 6000), light), (3000, 0))
    if mode == "P":
        halves.putpalette([9, 9, 9, 64, 64, 64, 192, 192, 192])
    (tmp_path / "large.png").write_bytes(encoded(halves, compress_level=1))
    command = [sys.executable, "-c", PEAK, str(tmp_path / "large.png")]
    pixels, kibibytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert json.loads(pixels) == {"1": [0, 255]}.get(mode, [64, 192])
    assert int(kibibytes) < {"I;16": 2, "P": 1, "1": 1}[mode] * 36e6 / 1024 + (50 << 10)


def test_what_is_too_large_is_told_by_its_size() -> None:
    for data, most in ((png_header(10_001, 10_000), 100), (encoded(Image.new("1", (1, 1)), "GIF"), None)):
        data = data if most else data[:6] + b"\xff" * 4 + data[10:]
        with pytest.raises(DataError, match="expected at most 100 megapixels, found"):
            read_pixels(data, "x", 8)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation: int, form: str) -> None:
    upright = scene()
    # How each orientation's stored pixels come from the upright picture, after the EXIF standard's table.
    stored = upright if orientation < 5 else upright.transpose(1, 0, 2)
    stored = stored[::-1] if orientation in (3, 4, 6, 7) else stored
    stored = stored[:, ::-1] if orientation in (2, 3, 7, 8) else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(np.ascontiguousarray(stored), form, exif=exif)
    whole, part = decode_photo(data, 90).astype(int), read_pixels(data, "x", 40, (0.5, 0, 1, 1)).astype(int)
    assert np.abs(whole - decode_photo(encoded(upright), 90)).mean() < 3
    assert np.abs(part - decode_photo(encoded(upright[:, 45:]), 40)).mean() < 4


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_large_photo_is_turned_once(form: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a TIFF is turned where its pixels are read, and those of others where all of it is."""
    monkeypatch.setattr("fgsbir.data.photos.LARGE_MEGAPIXELS", 0)
    upright = Image.fromarray(np.dstack([np.indices((120, 180)).max(0).astype(np.uint8)] * 3)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = encoded(upright.transpose(Image.Transpose.ROTATE_90), form, exif=exif)
    assert np.abs(decode_photo(stored, 30).astype(int) - decode_photo(encoded(upright), 30)).mean() < 3


def test_transparency_is_laid_on_white() -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:4, :, 3] = 255
    rgba[4:6, :, 3] = 128
    paletted = Image.fromarray(np.repeat([[0], [1]], 4, 0).astype(np.uint8).repeat(8, 1), "P")
    paletted.putpalette([0, 0, 0, 0, 0, 0])
    keyed = np.zeros((8, 8, 3), np.uint8)
    keyed[4:] = 9
    for data in (
        encoded(rgba),
        encoded(rgba, "WEBP", lossless=True),
        encoded(rgba, "TIFF"),
        encoded(Image.fromarray(rgba).convert("LA")),
        encoded(paletted, transparency=1),
        encoded(keyed, transparency=(9, 9, 9)),
    ):
        pixels = decode_photo(data, 8)
        assert (pixels[:4] == 0).all() and (pixels[6:] == 255).all()
    assert abs(int(decode_photo(encoded(rgba), 8)[5, 5, 0]) - 127) <= 1


def test_other_modes_become_rgb() -> None:
    grey16 = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    for form in ("PNG", "TIFF"):
        assert decode_photo(encoded(grey16, form), 8)[4, 4].tolist() == [128] * 3
    assert decode_photo(encoded(Image.new("1", (8, 8), 1)), 8).min() == 255
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    for form, options in (("JPEG", {"quality": 98}), ("TIFF", {})):
        red = decode_photo(encoded(cmyk, form, **options), 8)[4, 4].astype(int)
        assert red[0] > 240 and red[1:].max() < 20
    for mode in ("F", "LAB"):
        with pytest.raises(DataError, match="expected a picture of 8 or 16 bits a colour"):
            check_photo(encoded(Image.new(mode, (8, 8)), "TIFF"), "x", 1.0)


@pytest.mark.parametrize("form", ["GIF", "MPO", "WEBP", "TIFF", "AVIF", "PNG"])
def test_the_first_picture_of_several_counts(form: str) -> None:
    # Animations, pages, and what Pillow calls a phone's JPEG with a second picture in it.
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    assert check_photo(data, "x", 1.0) is image_format(data, "x") is FORMATS[form.replace("MPO", "JPEG")]
    assert np.abs(decode_photo(data, 8)[4, 4].astype(int) - [255, 0, 0]).max() < 4

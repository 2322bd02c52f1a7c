import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from scipy.fft import dctn

from fgsbir.data.leaks import DECODE, Leak, LeakGuard, look_at, perceptual_hash
from fgsbir.data.photos import decode_photo
from fgsbir.data.records import HELD_OUT, Photo, Split


def product(number: int, colour: tuple[int, int, int] = (150, 90, 40)) -> Image.Image:
    """A chair of random proportions with a wooden seat, on white, a little off centre."""
    rng = np.random.default_rng(number)
    image = Image.new("RGB", (512, 512), "white")
    draw = ImageDraw.Draw(image)
    left, right = rng.integers(90, 160), rng.integers(300, 400)
    top, seat = rng.integers(60, 140), rng.integers(230, 300)
    dark = tuple(c // 2 for c in colour)
    draw.rounded_rectangle((left, top, right, seat), int(rng.integers(5, 60)), fill=dark)
    for k in range(rng.integers(2, 6)):
        x = left + 20 + k * 35
        draw.rectangle((x, top + 15, x + int(rng.integers(6, 20)), seat), fill=colour)
    draw.polygon([(left - 30, seat), (right + 20, seat), (right + 50, seat + 40), (left - 10, seat + 40)], fill=colour)
    for x in (left, right):
        draw.line((x, seat + 40, x + int(rng.integers(-30, 30)), 460), fill=dark, width=int(rng.integers(8, 26)))
    return image.resize((256, 256), Image.Resampling.LANCZOS)


def lay(folder: Path, id: str, split: Split, image: Image.Image, kind: str = "JPEG", quality: int = 90) -> Photo:
    path = folder / f"{id}.{kind.lower()}"
    image.save(path, kind, quality=quality)
    return Photo(id, "chair", split, path)


def find_leaks(photos: list[Photo], hash_bits: int = 6, correlation: float = 0.98) -> list[Leak]:
    """The leaks among photos, held-out ones shown first, by id."""
    guard = LeakGuard(hash_bits=hash_bits, correlation=correlation)
    found = []
    for photo in sorted(photos, key=lambda photo: (photo.split not in HELD_OUT, photo.id)):
        data = photo.path.read_bytes()
        found.append(guard.leak(photo, look_at(data, decode_photo(data, DECODE))))
    return [leak for leak in found if leak]


def found_in(photos: list[Photo]) -> list[tuple[str, str]]:
    return [(leak.photo, leak.duplicate_of) for leak in find_leaks(photos)]


@pytest.fixture
def gallery(tmp_path: Path) -> list[Photo]:
    """Twelve test and three validation photos, and thirty others that look alike but are none of them."""
    photos = [lay(tmp_path, f"held{i}", "test" if i < 12 else "val", product(i)) for i in range(15)]
    photos += [lay(tmp_path, f"own{i}", "train" if i % 2 else "unlabelled", product(100 + i)) for i in range(30)]
    return photos


def alpha(image: Image.Image) -> Image.Image:
    return image.convert("L").point(lambda value: 255 * (value < 250))


def crop_to_product(image: Image.Image) -> Image.Image:
    return image.crop(ImageOps.invert(image.convert("L")).point(lambda value: 255 * (value > 20)).getbbox())


COPIES: dict[str, tuple[Callable[[Image.Image], Image.Image], str, int]] = {
    "recompressed": (lambda image: image, "JPEG", 35),
    "other format": (lambda image: image, "WEBP", 60),
    "smaller": (lambda image: image.resize((96, 96)), "JPEG", 90),
    "larger": (lambda image: image.resize((700, 700)), "PNG", 90),
    "mirrored": (ImageOps.mirror, "JPEG", 90),
    "mirrored and smaller": (lambda image: ImageOps.mirror(image.resize((120, 120))), "JPEG", 60),
    "cropped to the product": (crop_to_product, "JPEG", 90),
    "wider margin": (lambda image: ImageOps.expand(image, (60, 20, 30, 20), "white"), "JPEG", 90),
    "transparent": (lambda image: Image.merge("RGBA", (*image.split(), alpha(image))), "PNG", 90),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_found(gallery: list[Photo], tmp_path: Path, kind: str) -> None:
    change, *stored = COPIES[kind]
    for number, split in ((3, "unlabelled"), (13, "train")):
        gallery.append(lay(tmp_path, f"copy{number}", split, change(product(number)), *stored))
    found = find_leaks(gallery)
    assert {leak.photo: leak.duplicate_of for leak in found} == {"copy3": "held3", "copy13": "held13"}
    assert all(leak.reason == ("mirrored" if "mirrored" in kind else "same picture") for leak in found)
    assert all(0.98 <= leak.correlation <= 1.0001 for leak in found)


def test_a_photo_of_a_room_is_found_in_a_white_frame(gallery: list[Photo], tmp_path: Path) -> None:
    # On an even wall the product alone is what is left of the room; of the framed copy, the whole room is.
    room = Image.composite(product(50), Image.new("RGB", (256, 256), (120, 140, 160)), alpha(product(50)))
    gallery.append(lay(tmp_path, "room", "test", room))
    for number, frame in enumerate([(60, 0, 60, 0), (0, 0, 0, 90), (30, 30, 30, 30)]):
        gallery.append(lay(tmp_path, f"framed{number}", "train", ImageOps.expand(room, frame, "white"), quality=70))
    assert found_in(gallery) == [(f"framed{number}", "room") for number in range(3)]


def test_the_same_bytes_are_found_whatever_they_show(gallery: list[Photo], tmp_path: Path) -> None:
    blank = lay(tmp_path, "blank", "test", Image.new("RGB", (50, 50), "white"))
    again = Photo("again", "lamp", "unlabelled", Path(shutil.copy(blank.path, tmp_path / "again.jpeg")))
    found = find_leaks([*gallery, blank, again])
    assert found == [Leak("again", "blank", "same bytes", 1.0)]


def test_look_alikes_are_kept(gallery: list[Photo], tmp_path: Path) -> None:
    gallery.append(lay(tmp_path, "blue", "train", product(3, (40, 90, 190))))
    touched = product(5)
    ImageDraw.Draw(touched).ellipse((90, 60, 150, 110), fill=(230, 200, 60))
    gallery.append(lay(tmp_path, "with-cushion", "train", touched))
    # Copies among training photos, or among held-out ones, are no leak either.
    gallery.append(lay(tmp_path, "twin", "unlabelled", product(101), quality=60))
    gallery.append(lay(tmp_path, "test-twin", "test", product(12), quality=60))
    assert found_in(gallery) == []
    # The hash alone would have dropped some of them: it is the pixels that decide.
    assert len(find_leaks(gallery, hash_bits=20, correlation=0.5)) > 5
    for split in ("train", "test"):  # sets without one side
        assert found_in([photo for photo in gallery if photo.split == split]) == []


def test_the_same_name_proposes_and_the_pixels_decide(gallery: list[Photo], tmp_path: Path) -> None:
    folder = tmp_path / "unlabelled"
    folder.mkdir()
    for name, image in (("held4", product(77)), ("held5", product(5).resize((70, 70))), ("other", product(5))):
        path = lay(folder, name, "unlabelled", image, quality=15).path
        gallery.append(Photo(f"unlabelled/{name}", "chair", "unlabelled", path))
    # At hash_bits 0 the hash proposes nothing that was recompressed so hard.
    assert [leak.photo for leak in find_leaks(gallery, hash_bits=0, correlation=0.97)] == ["unlabelled/held5"]


def test_a_photo_is_listed_once_with_its_best_match(gallery: list[Photo], tmp_path: Path) -> None:
    gallery.append(lay(tmp_path, "held6-again", "test", product(6), quality=30))
    gallery.append(lay(tmp_path, "copy", "train", product(6), quality=88))
    assert found_in(gallery) == [("copy", "held6")]


def test_the_hash_is_that_of_a_textbook() -> None:
    grey = np.random.default_rng(0).uniform(0, 255, (32, 32))
    low = dctn(grey, type=2)[:8, :8].ravel()[1:]  # unscaled, as the hash's own cosines
    bits = "".join("1" if value > np.median(low) else "0" for value in low) + "0"
    assert int(perceptual_hash(grey)) == int(bits, 2)

"""The one pass over the photos: what is read, what is left out, and what is an error."""

import logging
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fgsbir.data.intake import Intake
from fgsbir.data.leaks import Leak, LeakGuard
from fgsbir.data.records import HELD_OUT, DataError, Photo, Source
from tests.data.readers.toy_files import photos_of, read_all, splits_of, write_photo, write_sketch

NAMES = "abcdefgh"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Photos of layout folder, one sketch each; "undrawn" has none."""
    for name in NAMES:
        write_photo(tmp_path / f"shop/photos/{name}.jpg")
        write_sketch(tmp_path / f"shop/sketches/{name}.svg")
    write_photo(tmp_path / "shop/photos/undrawn.png")
    return tmp_path / "shop"


def read_shop(shop: Path) -> Source:
    """Of a .. h one each is for the test and for validation."""
    return read_all("folder", shop, val_frac=0.01)


def take(source: Source, **options: Any) -> tuple[dict[str, bytes], list[Leak]]:
    """The bytes of each photo taken in, by id, and the leaks; ``source`` is left with what is packed."""
    guard = LeakGuard(hash_bits=6, correlation=0.98)
    intake = Intake(source, **{"category": None, "max_megapixels": 1.0, "lenient": True, "guard": guard} | options)
    photos = sorted(source.photos, key=lambda photo: photo.split not in HELD_OUT)
    return {photo.id: data for photo, data in intake.read(photos)}, intake.leaks


def in_split(source: Source, split: str) -> list[Photo]:
    return [photo for photo in source.photos if photo.split == split]


def test_what_leaks_is_left_out_with_its_sketches(shop: Path) -> None:
    source = read_shop(shop)
    (held,) = in_split(source, "test")
    leaking, *others = in_split(source, "train")
    leaking.path.write_bytes(held.path.read_bytes())
    found, leaks = take(source)
    assert leaks == [Leak(leaking.id, held.id, "same bytes", 1.0)]
    assert splits_of(source).keys() == found.keys() == {*NAMES, "undrawn"} - {leaking.id}
    assert set(photos_of(source)) == {*NAMES} - {leaking.id}
    for photo in others:
        photo.path.write_bytes(held.path.read_bytes())
    with pytest.raises(DataError, match=r"category all: expected training photos .* found 0 such training sketches, 1"):
        take(read_shop(shop))


def test_a_damaged_photo_is_skipped_with_its_sketches_in_a_users_own_folder(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = read_shop(shop)
    first, second, *_ = in_split(source, "train")
    for photo, data in ((first, first.path.read_bytes()[:200]), (second, b"hello")):
        photo.path.write_bytes(data)
    (shop / "photos/undrawn.png").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        found, _ = take(source)
    gone = {first.id, second.id}
    assert found.keys() == splits_of(source).keys() == {*NAMES} - gone and set(photos_of(source)) == {*NAMES} - gone
    reasons = {skipped.path.removeprefix(f"{shop}/photos/"): skipped.reason for skipped in source.skipped}
    assert reasons.keys() == gone | {first.path.name, second.path.name, "undrawn.png"}
    assert reasons[first.path.name].startswith("expected a JPEG") and first.path.name in caplog.text
    assert reasons[first.id] == "sketch of a photo that was skipped"


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("train", r"/a\.jpg: expected a JPEG, .*; no train photo is left \(and 6 more bad photos\)"),
        ("val", "expected a JPEG, .* no val photo is left$"),
        ("test", "expected a JPEG, .* no test photo is left$"),
    ],
)
def test_a_split_with_nothing_but_damaged_photos_is_an_error(shop: Path, split: str, message: str) -> None:
    for photo in in_split(source := read_shop(shop), split):
        photo.path.write_bytes(b"x")
        if split == "train":
            (shop / "photos/undrawn.png").write_bytes(b"x")
    with pytest.raises(DataError, match=message):
        take(source)


def test_a_published_sets_photos_must_be_whole_and_those_below_unlabelled_need_not(shop: Path) -> None:
    good, bad = (write_photo(shop / f"unlabelled/{name}.jpg") for name in ("good", "bad"))
    bad.write_bytes(bad.read_bytes()[:300])
    source = read_shop(shop)
    found, _ = take(source, lenient=False)
    assert found.keys() == {*NAMES, "undrawn", "unlabelled/good"}
    assert [skipped.path for skipped in source.skipped] == [str(bad)]
    good.write_bytes(b"")
    with pytest.raises(DataError, match=r"unlabelled/bad\.jpg: .*\(and 1 more bad photos\)"):
        take(read_shop(shop), lenient=False)
    good.unlink()
    bad.unlink()
    (shop / "photos/b.jpg").write_bytes((shop / "photos/b.jpg").read_bytes()[:100])
    with pytest.raises(DataError, match=r"b\.jpg: expected a JPEG, .* image, found a damaged"):
        take(read_shop(shop), lenient=False)
    Image.new("RGB", (200, 300)).save(shop / "photos/b.jpg")
    take(source := read_shop(shop), lenient=False, max_megapixels=0.06)
    with pytest.raises(DataError, match=r"b\.jpg: expected at most 0\.0599 megapixels, found 200 x 300"):
        take(source, lenient=False, max_megapixels=0.0599)
    (shop / "photos/b.jpg").unlink()
    with pytest.raises(DataError, match=r"b\.jpg: cannot be read"):
        take(source, lenient=False)

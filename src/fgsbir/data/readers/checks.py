"""Checks that every layout's records go through: whole photos, unique ids, a photo for each sketch."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from fgsbir.data.photos import read_photo
from fgsbir.data.readers.unlabelled import FOLDER
from fgsbir.data.records import DataError, Photo, Skipped, Source
from fgsbir.data.strokes import check_strokes

log = logging.getLogger(__name__)

# A drawing this far off its canvas is a wrong unit, and its squares would overflow later on.
MAX_COORDINATE = 1e5


def check_ids(source: Source) -> None:
    """Raise DataError if two photos or two sketches share an id, or a sketch has no photo."""
    paths: dict[str, Photo] = {}
    for photo in source.photos:
        if photo.id in paths:
            raise DataError(f"{photo.path}: expected one photo of id {photo.id!r}, found also {paths[photo.id].path}")
        paths[photo.id] = photo
    seen = set()
    for sketch in source.sketches:
        if sketch.id in seen:
            raise DataError(f"sketch {sketch.id!r}: expected one sketch of this id, found two")
        seen.add(sketch.id)
        if sketch.photo_id not in paths:
            raise DataError(f"sketch {sketch.id!r}: expected a photo of id {sketch.photo_id!r}, found none")


def check_sketches(source: Source) -> None:
    """Raise DataError if a sketch is not canonical or lies absurdly far off its canvas."""
    for sketch in source.sketches:
        strokes = check_strokes(sketch.strokes, f"sketch {sketch.id!r}")
        furthest = float(np.abs(strokes[:, :2]).max())
        if furthest > MAX_COORDINATE:
            raise DataError(f"sketch {sketch.id!r}: expected points on a canvas of 256 pixels, found {furthest:g}")


def check_photos(source: Source, max_megapixels: float, lenient: bool) -> None:
    """Decode every photo once. A bad one is an error, or is skipped with its sketches where ``lenient``.

    Photos below unlabelled/ are a user's own folder in every layout: a bad one is skipped and
    reported. A group of photos with nothing but bad ones is an error.
    """
    with ThreadPoolExecutor(2) as pool:  # Pillow decodes outside the interpreter's lock
        problems = pool.map(_problem(max_megapixels), source.photos)
        shown = tqdm(problems, "checking photos", len(source.photos), disable=len(source.photos) < 2000 or None)
        bad = {photo.id: problem for photo, problem in zip(source.photos, shown, strict=True) if problem}
    own = [photo for photo in source.photos if not _below_unlabelled(photo)]
    others = [photo for photo in source.photos if _below_unlabelled(photo)]
    for group, skips in ((own, lenient), (others, True)):
        found = [photo for photo in group if photo.id in bad]
        if found and (not skips or len(found) == len(group)):
            more = f" (and {len(found) - 1} more bad photos)" if len(found) > 1 else ""
            raise DataError(bad[found[0].id] + more)
        for photo in found:
            source.skipped.append(Skipped(str(photo.path), bad[photo.id].removeprefix(f"{photo.path}: ")))
    without_photo = [sketch for sketch in source.sketches if sketch.photo_id in bad]
    source.skipped += [Skipped(sketch.id, "sketch of a photo that was skipped") for sketch in without_photo]
    source.sketches = [sketch for sketch in source.sketches if sketch.photo_id not in bad]
    source.photos = [photo for photo in source.photos if photo.id not in bad]


def settle_splits(source: Source) -> None:
    """Move the training photos that nobody drew to the unlabelled ones."""
    drawn = {sketch.photo_id for sketch in source.sketches}
    source.photos = [
        replace(photo, split="unlabelled") if photo.split == "train" and photo.id not in drawn else photo
        for photo in source.photos
    ]


def report_counts(source: Source) -> None:
    """Note and log what was found beside the published counts; a difference is a warning."""
    for name, known in source.known_counts.items():
        found = source.found_counts[name] = count(source, name)
        level = logging.INFO if found == known else logging.WARNING
        log.log(level, "%s: found %d, published %d", name, found, known)


def count(source: Source, name: str) -> int:
    """How many records a name of ``Source.known_counts`` means in ``source``.

    Names are ``photos`` or ``sketches``, headed by a split, a category or both, as
    ``chair_train_sketches``; ``categories`` and ``unseen_categories`` count categories.
    """
    if name in ("categories", "unseen_categories"):
        return len({photo.category for photo in source.photos if photo.unseen or name == "categories"})
    *head, kind = name.split("_")
    chosen = {photo.id: photo for photo in source.photos if all(word in (photo.split, photo.category) for word in head)}
    return len(chosen) if kind == "photos" else sum(sketch.photo_id in chosen for sketch in source.sketches)


def _problem(max_megapixels: float) -> Callable[[Photo], str | None]:
    def check(photo: Photo) -> str | None:
        try:
            read_photo(photo.path, max_megapixels)
        except DataError as error:
            return str(error)
        return None

    return check


def _below_unlabelled(photo: Photo) -> bool:
    return photo.split == "unlabelled" and photo.id.startswith(f"{FOLDER}/")

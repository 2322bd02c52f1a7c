"""Checks that every layout's records go through: whole photos, unique ids, a photo for each sketch."""

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from fgsbir.data.photos import read_photo
from fgsbir.data.readers.unlabelled import FOLDER
from fgsbir.data.records import DataError, Photo, Skipped, Source
from fgsbir.data.strokes import check_strokes

log = logging.getLogger(__name__)

# A drawing this far off its canvas is a wrong unit, and its squares would overflow later on.
MAX_COORDINATE = 1e5


def check_records(source: Source) -> None:
    """Raise DataError if two photos or two sketches share an id, or a sketch has no photo or an unlabelled one.

    Likewise if a sketch is not canonical or lies absurdly far off its canvas.
    """
    photos: dict[str, Photo] = {}
    for photo in source.photos:
        if photo.id in photos:
            raise DataError(f"{photo.path}: expected one photo of id {photo.id!r}, found also {photos[photo.id].path}")
        photos[photo.id] = photo
    seen = set()
    for sketch in source.sketches:
        name = f"sketch {sketch.id!r}"
        if sketch.id in seen:
            raise DataError(f"{name}: expected one sketch of this id, found two")
        seen.add(sketch.id)
        if sketch.photo_id not in photos:
            raise DataError(f"{name}: expected a photo of id {sketch.photo_id!r}, found none")
        if photos[sketch.photo_id].split == "unlabelled":
            raise DataError(f"{name}: its photo {sketch.photo_id!r} is in the split unlabelled")
        furthest = float(np.abs(check_strokes(sketch.strokes, name)[:, :2]).max())
        if furthest > MAX_COORDINATE:
            raise DataError(f"{name}: expected points on a canvas of 256 pixels, found {furthest:g}")


def check_photos(source: Source, max_megapixels: float, lenient: bool) -> None:
    """Decode every photo once. A bad one is an error, or is skipped with its sketches where ``lenient``.

    Photos below unlabelled/ are a user's own folder in every layout: a bad one is skipped. A group of photos with
    nothing but bad ones is an error.
    """

    def problem(photo: Photo) -> str | None:
        try:
            read_photo(photo.path, max_megapixels)
        except DataError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:  # Pillow decodes outside the interpreter's lock
        problems = pool.map(problem, source.photos)
        shown = tqdm(problems, "checking photos", len(source.photos), disable=len(source.photos) < 2000 or None)
        bad = {photo.id: reason for photo, reason in zip(source.photos, shown, strict=True) if reason}
    groups: dict[bool, list[Photo]] = {False: [], True: []}
    for photo in source.photos:
        groups[photo.split == "unlabelled" and photo.id.startswith(f"{FOLDER}/")].append(photo)
    for below_unlabelled, group in groups.items():
        skips = lenient or below_unlabelled
        found = [photo for photo in group if photo.id in bad]
        if found and (not skips or len(found) == len(group)):
            more = f" (and {len(found) - 1} more bad photos)" if len(found) > 1 else ""
            raise DataError(bad[found[0].id] + more)
        source.skipped += [Skipped(str(photo.path), bad[photo.id].removeprefix(f"{photo.path}: ")) for photo in found]
    without_photo = [sketch for sketch in source.sketches if sketch.photo_id in bad]
    source.skipped += [Skipped(sketch.id, "sketch of a photo that was skipped") for sketch in without_photo]
    source.sketches = [sketch for sketch in source.sketches if sketch.photo_id not in bad]
    source.photos = [photo for photo in source.photos if photo.id not in bad]


def report_counts(source: Source) -> None:
    """Note and log what was found beside the published counts; a difference is a warning."""
    for name, known in source.known_counts.items():
        found = source.found_counts[name] = _count(source, name)
        level = logging.INFO if found == known else logging.WARNING
        log.log(level, "%s: found %d, published %d", name, found, known)


def _count(source: Source, name: str) -> int:
    """How many records a name of ``Source.known_counts`` means.

    Names are ``photos`` or ``sketches``, headed by a split, a category or both, as ``chair_train_sketches``;
    ``categories`` and ``unseen_categories`` count categories.
    """
    if name in ("categories", "unseen_categories"):
        return len({photo.category for photo in source.photos if photo.unseen or name == "categories"})
    *head, kind = name.split("_")
    chosen = {photo.id for photo in source.photos if set(head) <= {photo.split, photo.category}}
    return len(chosen) if kind == "photos" else sum(sketch.photo_id in chosen for sketch in source.sketches)

"""Checks that every layout's records go through: unique ids, a photo for each sketch."""

import logging
from pathlib import Path

import numpy as np

from fgsbir.data.records import DataError, Photo, Skipped, Source, as_text
from fgsbir.data.strokes import check_strokes

log = logging.getLogger(__name__)

# A drawing this far off its canvas is a wrong unit, and its squares would overflow later on.
MAX_COORDINATE = 1e5


def skip_nameless(source: Source) -> None:
    """Skip what has a name that is no UTF-8, and the sketches of such photos: no later stage could write it down."""
    nameless = {photo.id for photo in source.photos if as_text(photo.id) != photo.id}
    bad = [photo.path for photo in source.photos if photo.id in nameless]
    bad += [Path(sketch.id) for sketch in source.sketches if as_text(sketch.id) != sketch.id]
    source.skipped += [Skipped.of(path, "expected a name in UTF-8") for path in bad]
    source.photos = [photo for photo in source.photos if photo.id not in nameless]
    source.sketches = [sketch for sketch in source.sketches if as_text(sketch.id) == sketch.id]
    kept = [sketch for sketch in source.sketches if sketch.photo_id not in nameless]
    source.skipped += [
        Skipped(sketch.id, "sketch of a photo that was skipped")
        for sketch in source.sketches
        if sketch.photo_id in nameless
    ]
    source.sketches = kept


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

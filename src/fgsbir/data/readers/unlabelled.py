"""``<root>/unlabelled/**``: photos without sketches, at any depth, which every layout takes."""

from pathlib import Path

from fgsbir.data.files import list_files, nfc
from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.records import DataError, Photo, Skipped, Source

FOLDER = "unlabelled"


def add_unlabelled(source: Source, root: Path) -> None:
    """Add the photos below ``root``/unlabelled to ``source``.

    A photo belongs to the set's only category, or else to the category that the first folder below unlabelled/ names.
    Its id is its path from the root without the suffix. Files without an image's suffix are reported as skipped, and so
    is all but the first of one name.
    """
    unseen = {photo.category: photo.unseen for photo in source.photos}
    if not (root / FOLDER).is_dir():
        return
    ids: dict[str, Path] = {}
    listing = list_files([root / FOLDER], follow=True)
    source.skipped += listing.skipped
    for path in listing.files:
        if path.suffix.lower() not in PHOTO_SUFFIXES:
            source.skipped.append(Skipped.of(path, f"no image: suffix {path.suffix!r}"))
            continue
        category = path.relative_to(root).parts[1]
        if category not in unseen:
            if len(unseen) > 1:
                raise DataError(
                    f"{path}: the set has {len(unseen)} categories, so expected {FOLDER}/<category>/ with one of "
                    f"{', '.join(sorted(unseen)[:8])}; found {category!r}"
                )
            category = next(iter(unseen))
        id = nfc(path.relative_to(root).with_suffix("").as_posix())
        if id in ids:  # as phones keep a photo in two formats
            source.skipped.append(Skipped.of(path, f"a photo of this name was read: {ids[id].name}"))
            continue
        ids[id] = path
        source.photos.append(Photo(id, category, "unlabelled", path, unseen[category]))

"""``<root>/unlabelled/**``: photos without sketches, at any depth, which every layout takes."""

from pathlib import Path

from fgsbir.data.photos import PHOTO_SUFFIXES
from fgsbir.data.readers.listing import files_below
from fgsbir.data.records import DataError, Photo, Skipped, Source

FOLDER = "unlabelled"


def add_unlabelled(source: Source, root: Path) -> None:
    """Add the photos below ``root``/unlabelled to ``source``.

    A photo belongs to the set's only category, or else to the category that the first folder below
    unlabelled/ names. Its id is its path from the root without the suffix. Files without an image's
    suffix are reported as skipped.
    """
    folder = root / FOLDER
    if not folder.is_dir():
        return
    unseen = {photo.category: photo.unseen for photo in source.photos}
    ids: dict[str, Path] = {}
    for path in files_below(folder):
        if path.suffix.lower() not in PHOTO_SUFFIXES:
            source.skipped.append(Skipped(str(path), f"no image: suffix {path.suffix!r}"))
            continue
        below = path.relative_to(folder)
        category = below.parts[0] if below.parts[0] in unseen else next(iter(unseen))
        if len(unseen) > 1 and below.parts[0] not in unseen:
            raise DataError(
                f"{path}: the set has {len(unseen)} categories, so expected {FOLDER}/<category>/ with one of "
                f"{', '.join(sorted(unseen)[:8])}; found {below.parts[0]!r}"
            )
        id = path.relative_to(root).with_suffix("").as_posix()
        source.photos.append(Photo(id, category, "unlabelled", path, unseen[category]))
        if id in ids:
            raise DataError(f"{path}: expected one photo of id {id!r}, found also {ids[id].name}")
        ids[id] = path

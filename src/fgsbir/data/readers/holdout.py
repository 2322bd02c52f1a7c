"""Held-out photos, users and categories, marked the same way whatever the layout."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from fgsbir.data.records import DataError, Source, Split
from fgsbir.data.selection import stable_fraction


def hold_out(source: Source, split: Split, fraction: float) -> None:
    """Make ``fraction`` of the training photos "val" or "test", by a stable hash of their ids, if the set has none.

    Every seen category of at least three training photos gives at least one. Photos of unseen categories stay: they are
    support for adaptation, and nothing validates on them.
    """
    if fraction <= 0 or any(photo.split == split for photo in source.photos):
        return
    groups = defaultdict(list)
    for photo in source.photos:
        if photo.split == "train" and not photo.unseen:
            groups[photo.category].append(photo)
    chosen = set()
    for photos in groups.values():
        order = sorted((stable_fraction(split, photo.id), photo.id) for photo in photos)
        below = sum(place < fraction for place, _ in order)
        chosen |= {id for _, id in order[: max(below, 1 if len(photos) >= 3 else 0)]}
    source.photos = [replace(photo, split=split) if photo.id in chosen else photo for photo in source.photos]


def settle_unlabelled(source: Source) -> None:
    """Move the training photos that nobody drew to the unlabelled ones."""
    drawn = {sketch.photo_id for sketch in source.sketches}
    source.photos = [
        replace(photo, split="unlabelled") if photo.split == "train" and photo.id not in drawn else photo
        for photo in source.photos
    ]


def name_users(source: Source, users: Mapping[str, str]) -> None:
    """Write the users of a table {sketch id: user} into the sketches that it names."""
    if not any(sketch.id in users for sketch in source.sketches):
        raise DataError(
            f"user table: expected sketch ids of this set, as {source.sketches[0].id!r}; "
            f"found none among {len(users)} rows, the first {next(iter(users), '')!r}"
        )
    source.sketches = [replace(sketch, user=users.get(sketch.id, sketch.user)) for sketch in source.sketches]


def mark_unseen(source: Source, categories: Collection[str], users: Collection[str]) -> None:
    """Mark photos and sketches of these categories, and sketches by these users, as unseen.

    Added to what the layout marks itself; a sketch of an unseen photo is unseen. Raises DataError for a name that the
    set does not have: a typing error would otherwise train on held-out data.
    """
    known_users = {sketch.user for sketch in source.sketches if sketch.user is not None}
    known_categories = {photo.category for photo in source.photos}
    for kind, wanted, known in (("category", categories, known_categories), ("user", users, known_users)):
        for name in sorted(set(wanted) - known):
            raise DataError(f"unseen {kind} {name!r}: expected one of {', '.join(sorted(known)[:20]) or 'none'}")
    source.photos = [replace(photo, unseen=True) if photo.category in categories else photo for photo in source.photos]
    unseen = {photo.id for photo in source.photos if photo.unseen}
    source.sketches = [
        replace(sketch, unseen=True) if sketch.photo_id in unseen or sketch.user in users else sketch
        for sketch in source.sketches
    ]

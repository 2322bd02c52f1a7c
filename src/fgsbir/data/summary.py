"""What a packed data set holds, as the numbers and lists of ``metrics/data.json``."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fgsbir.data.index import Index, PhotoEntry, check_category
from fgsbir.data.leaks import Leak
from fgsbir.data.records import SPLITS, DataError, Source
from fgsbir.data.selection import seen_sketches, training_split

LISTED = 20


def check_usable(source: Source, category: str | None) -> None:
    """Raise DataError unless ``category`` (None: any seen one) has something to train on and to test on."""
    check_category(category, (photo.category for photo in source.photos))
    splits = {photo.id: photo.split for photo in source.photos if category in (None, photo.category)}
    drawn = [splits.get(sketch.photo_id) for sketch in source.sketches if not sketch.unseen]
    if "train" not in drawn or "test" not in drawn:
        raise DataError(
            f"category {category or 'all'}: expected training photos and test photos with sketches, of categories and "
            f"by users that are not marked unseen; found {drawn.count('train')} such training sketches, "
            f"{drawn.count('test')} test sketches"
        )


def summarise(index: Index, source: Source, leaks: Sequence[Leak], root: Path) -> dict[str, Any]:
    """Count photos, sketches, users and categories; list what was left out and why, of what lies below ``root``.

    Numbers stand one level deep, as ``dvc metrics diff`` compares them. ``training`` is that at labelled_frac 1.
    """
    split = training_split(index, 1.0)
    users = {sketch.user for photo in index.photos for sketch in photo.sketches}
    unseen = sum(category.unseen for category in index.categories.values())
    return {
        "name": index.name,
        "layout": index.layout,
        "category": index.category or "all",
        "split_hash": index.split_hash,
        "photos": _by_split(index, "photos"),
        "sketches": _by_split(index, "sketches"),
        "categories": {"seen": len(index.categories) - unseen, "unseen": unseen},
        "users": {"all": len(users - {None}), "unseen": len(_unseen_users(index))},
        "training": {
            "labelled": len(split.labelled),
            "labelled_sketches": _seen(split.labelled),
            "unlabelled": len(split.unlabelled),
            "validation": len(split.validation),
            "validation_sketches": _seen(split.validation),
            "test": len(split.test),
            "test_sketches": _seen(split.test),
        },
        "published": dict(source.known_counts),
        "found": dict(source.found_counts),
        "left_out": {"skipped": len(source.skipped), "leaks": len(leaks)},
        "by_category": [
            {
                "category": name,
                "unseen": category.unseen,
                **{split: index.counts[split].get(name, {"photos": 0, "sketches": 0}) for split in SPLITS},
            }
            for name, category in sorted(index.categories.items())
        ],
        "skipped": [
            {"path": _below(root, skipped.path), "reason": _below(root, skipped.reason)}
            for skipped in source.skipped[:LISTED]
        ],
        "leaks": [asdict(leak) for leak in leaks],
    }


def _by_split(index: Index, kind: str) -> dict[str, int]:
    return {split: sum(counts[kind] for counts in index.counts[split].values()) for split in SPLITS}


def _seen(photos: Sequence[PhotoEntry]) -> int:
    return sum(len(seen_sketches(photo)) for photo in photos)


def _unseen_users(index: Index) -> set[str | None]:
    """Users held out from training: those none of whose sketches of seen categories is seen."""
    drawn = [sketch for photo in index.photos if not photo.unseen for sketch in photo.sketches]
    return {sketch.user for sketch in drawn} - {sketch.user for sketch in drawn if not sketch.unseen} - {None}


def _below(root: Path, text: str) -> str:
    """The text with paths from the root on: where the set lies differs from one machine to the next."""
    return text.replace(f"{root}/", "")

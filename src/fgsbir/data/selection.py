"""Which photos and sketches a training stage may use: subsets by stable hashes of the photo id.

Every use has its own salt, and is "hash below a fraction": a smaller fraction gives a subset of a larger one's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fgsbir.data.index import Index, PhotoEntry
from fgsbir.data.records import DataError


@dataclass(frozen=True, slots=True)
class TrainingSplit:
    """The photos of one training run, each list in the order of the ids."""

    labelled: list[PhotoEntry]
    unlabelled: list[PhotoEntry]
    validation: list[PhotoEntry]
    test: list[PhotoEntry]


def stable_fraction(salt: str, id: str) -> float:
    """Map (salt, id) to a number in [0, 1), evenly spread, the same on every machine and run."""
    digest = hashlib.sha256(f"{salt}\0{id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53  # 53 bits: a float64 below 1, exactly


def seen_sketches(entry: PhotoEntry) -> list[int]:
    """Positions of the photo's sketches that paper 1's stages may read: none by held-out users."""
    return [] if entry.unseen else [i for i, sketch in enumerate(entry.sketches) if not sketch.unseen]


def is_labelled(entry: PhotoEntry, labelled_frac: float) -> bool:
    """Whether the sketches of a training photo may be used: its hash lies below ``labelled_frac`` in [0, 1]."""
    return entry.split == "train" and stable_fraction("labelled", entry.id) < labelled_frac


def training_split(index: Index, labelled_frac: float) -> TrainingSplit:
    """Split the photos of ``index.category`` (None: of every seen category) for training.

    Labelled are the training photos with a seen sketch whose hash lies below ``labelled_frac`` in [0, 1]; the others
    with one join the unlabelled photos. Photos of unseen categories, and training photos that only held-out users
    drew, are in none of the lists: they are support for adaptation. Raises DataError for an unseen ``category``.
    """
    if index.category is not None and index.categories[index.category].unseen:
        raise DataError(f"category {index.category!r} is marked unseen: nothing may be trained on it")
    split = TrainingSplit([], [], [], [])
    lists = {"unlabelled": split.unlabelled, "val": split.validation, "test": split.test}
    for photo in sorted(index.photos, key=lambda photo: photo.id):
        if photo.unseen or index.category not in (None, photo.category):
            continue
        if photo.split != "train":
            lists[photo.split].append(photo)
        elif seen_sketches(photo):
            (split.labelled if is_labelled(photo, labelled_frac) else split.unlabelled).append(photo)
    return split


def labelled_in_every_category(index: Index, labelled_frac: float) -> list[PhotoEntry]:
    """The labelled photos of all seen categories, in the order of the ids, whichever one ``index.category`` names."""
    return training_split(replace(index, category=None), labelled_frac).labelled


def unlabelled_subset(photos: Sequence[PhotoEntry], unlabelled_frac: float) -> list[PhotoEntry]:
    """The photos whose hash lies below ``unlabelled_frac`` in [0, 1], in the order given."""
    return [photo for photo in photos if stable_fraction("unlabelled", photo.id) < unlabelled_frac]


def sample(photos: Sequence[PhotoEntry], most: int) -> list[PhotoEntry]:
    """At most ``most`` of the photos, those of the lowest hashes, in the order given."""
    if len(photos) <= most:
        return list(photos)
    hashes = [stable_fraction("sample", photo.id) for photo in photos]
    bound = sorted(hashes)[most]
    return [photo for photo, hash in zip(photos, hashes, strict=True) if hash < bound]

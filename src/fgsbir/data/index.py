"""The index of the shards: what every photo and sketch is, and where in the tars its bytes lie."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from fgsbir.data.atomic import write_bytes
from fgsbir.data.records import SPLITS, DataError, Split

INDEX_FILE = "index.json"
# The photos of a larger set stand in a table beside it.
MANY = 100_000

Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ShardFile = Annotated[str, Field(pattern=r"^(train|val|test|unlabelled)-\d{5}\.tar$")]
Extent = tuple[Count, Count]  # offset and size in a tar, in bytes


@dataclass(frozen=True, slots=True)
class CategoryEntry:
    """One category; ``unseen`` ones are kept from every stage of paper 1."""

    unseen: bool


@dataclass(frozen=True, slots=True)
class SketchEntry:
    """One sketch of a photo; ``points`` rows of the photo's strokes are its own."""

    id: str
    user: str | None
    unseen: bool
    points: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class PhotoEntry:
    """One photo: ``photo`` and ``strokes`` are (offset, size) in the tar ``shard``, in bytes."""

    id: str
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    category: str
    split: Split
    unseen: bool
    shard: ShardFile
    photo: Extent
    strokes: Extent | None
    sketches: tuple[SketchEntry, ...]


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar, with its size in bytes and its hash."""

    file: ShardFile
    split: Split
    sha256: Sha256
    bytes: Count
    photos: Count
    sketches: Count


@dataclass(frozen=True, slots=True)
class Index:
    """All that is in a folder of shards, photos in the order of their ids.

    ``category`` is the one that training and evaluation are restricted to (None: all seen ones). ``counts`` is split
    -> category -> {"photos", "sketches"}; ``split_hash`` the SHA-256 of the sorted (id, split) pairs.
    """

    format: Literal[1]
    name: str
    layout: str
    category: str | None
    categories: dict[str, CategoryEntry]
    counts: dict[Split, dict[str, dict[str, Count]]]
    split_hash: Sha256
    shards: tuple[Shard, ...]
    photos: tuple[PhotoEntry, ...]
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # of what is in it as well


def by_shard(photos: Iterable[PhotoEntry]) -> dict[str, list[PhotoEntry]]:
    """Photos by the name of their tar without its suffix, in their order."""
    found: defaultdict[str, list[PhotoEntry]] = defaultdict(list)
    for photo in photos:
        found[photo.shard].append(photo)
    return {file.removesuffix(".tar"): those for file, those in found.items()}


def make_index(
    *, name: str, layout: str, category: str | None, shards: Iterable[Shard], photos: Iterable[PhotoEntry]
) -> Index:
    """Put an index together: sorts, counts and hashes. Raises DataError if ``category`` has no photo."""
    entries = tuple(sorted(photos, key=lambda photo: photo.id))
    names = sorted({photo.category for photo in entries})
    check_category(category, names)
    seen = {photo.category for photo in entries if not photo.unseen}
    return Index(
        format=1,
        name=name,
        layout=layout,
        category=category,
        categories={name: CategoryEntry(name not in seen) for name in names},
        counts=_count(entries),
        split_hash=_split_hash(entries),
        shards=tuple(sorted(shards, key=lambda shard: shard.file)),
        photos=entries,
    )


def check_category(category: str | None, known: Iterable[str]) -> None:
    """Raise DataError, listing the ``known`` categories, if ``category`` is neither None nor one of them."""
    names = sorted(set(known))
    if category is not None and category not in names:
        raise DataError(f"category {category!r} is not in the set, which has: {', '.join(names) or 'no photo at all'}")


def _count(photos: Iterable[PhotoEntry]) -> dict[Split, dict[str, dict[str, int]]]:
    """Photos and sketches by split (all four, also empty ones) and category."""
    counts: dict[Split, dict[str, dict[str, int]]] = {split: {} for split in SPLITS}
    for photo in sorted(photos, key=lambda photo: photo.category):
        count = counts[photo.split].setdefault(photo.category, {"photos": 0, "sketches": 0})
        count["photos"] += 1
        count["sketches"] += len(photo.sketches)
    return counts


def _split_hash(photos: Iterable[PhotoEntry]) -> str:
    pairs = sorted((photo.id, photo.split) for photo in photos)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def write_index(index: Index, folder: Path) -> None:
    """Write ``folder/index.json``, and of a large set ``folder/photos.parquet``."""
    if len(index.photos) > MANY:
        from fgsbir.data import photo_table  # which knows the entries of this module

        photo_table.write_photo_table(index.photos, folder / photo_table.FILE)
        index = replace(index, photos=())
    write_bytes(folder / INDEX_FILE, TypeAdapter(Index).dump_json(index) + b"\n")


def read_index(folder: Path) -> Index:
    """Read ``folder/index.json`` and a large set's table. Raises DataError for an unknown, missing or out-of-range
    key, and naming a photo that lies in no shard of its split, or an id or key that stands twice.
    """
    from fgsbir.data import photo_table  # which knows the entries of this module

    path = folder / INDEX_FILE
    try:
        index = TypeAdapter(Index).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path}: not found; expected the index of a folder of shards") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "expected the index of a folder of shards"
        raise DataError(f"{path}: {place}: {first['msg']}, found {str(first['input'])[:80]!r}") from None
    table = folder / photo_table.FILE
    if not index.photos and table.exists():
        index = replace(index, photos=photo_table.read_photo_table(table))
    _check(index, path)
    return index


def _check(index: Index, path: Path) -> None:
    shards = {shard.file: shard for shard in index.shards}
    for name, values in {
        "photo id": [photo.id for photo in index.photos],
        "key": [photo.key for photo in index.photos],
        "shard": [shard.file for shard in index.shards],
    }.items():
        if len(set(values)) < len(values):
            twice = next(value for value, times in Counter(values).items() if times > 1)
            raise DataError(f"{path}: {name} {twice!r} stands more than once")
    if len(index.photos) != sum(shard.photos for shard in index.shards):
        raise DataError(f"{path}: expected the photos of the shards, found {len(index.photos)} photos")
    for photo in index.photos:
        shard = shards.get(photo.shard)
        if shard is None or shard.split != photo.split:
            raise DataError(f"{path}: photo {photo.id!r} of split {photo.split} points to shard {photo.shard!r}")
        if sum(photo.photo) > shard.bytes or sum(photo.strokes or ()) > shard.bytes:
            raise DataError(f"{path}: photo {photo.id!r} lies beyond the end of {photo.shard}")
        if (photo.strokes is None) != (not photo.sketches):
            raise DataError(f"{path}: photo {photo.id!r} has {len(photo.sketches)} sketches, strokes {photo.strokes}")
    if index.category is not None and index.category not in index.categories:
        raise DataError(f"{path}: category {index.category!r} is not one of {', '.join(index.categories)}")

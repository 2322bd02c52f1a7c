"""Shards: WebDataset tars of photos with their sketches, written once and read at random.

A photo is one sample of a tar: ``<key>.<ext>``, its original bytes; ``<key>.json``, its record; and, where it has
sketches, ``<key>.npy``, float32 (n, 3), the canonical strokes of all of them one after the other. Any WebDataset reader
streams the tars; :class:`ShardStore` reads single members through the offsets in ``index.json``, in any order.
"""

import hashlib
import io
import json
import math
import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fgsbir.data import photo_table
from fgsbir.data.atomic import write_folder
from fgsbir.data.index import MANY, Index, PhotoEntry, Shard, SketchEntry, make_index, read_index, write_index
from fgsbir.data.photos import image_format
from fgsbir.data.records import HELD_OUT, Photo, Sketch, Source, Split
from fgsbir.data.selection import stable_fraction
from fgsbir.data.shard_files import ShardFiles

# Tars of a split, as long as none holds more photos than the second number.
MANY_SHARDS, LARGEST = 100, 10_000
# Bytes of photos in a tar, at most: beyond it larger tars bring nothing, and each is fetched as a whole.
LARGEST_BYTES = 500 * 10**6


def escape_key(id: str) -> str:
    """Turn an id into a tar key of ``[A-Za-z0-9_-]``, one of its own: WebDataset cuts keys at dots and slashes.

    An underscore becomes two; any other byte of the UTF-8 an underscore and two hex digits.
    """

    def escape(found: re.Match[bytes]) -> bytes:
        return b"__" if found[0] == b"_" else b"_%02x" % ord(found[0])

    return re.sub(rb"[^A-Za-z0-9-]", escape, id.encode()).decode()


def read_photos(photos: Sequence[Photo]) -> Iterator[tuple[Photo, bytes]]:
    """Each photo and its file's bytes."""
    return ((photo, photo.path.read_bytes()) for photo in photos)


def write_shards(
    source: Source,
    folder: Path,
    *,
    name: str,
    layout: str,
    category: str | None,
    photos_per_shard: int,
    read: Callable[[Sequence[Photo]], Iterator[tuple[Photo, bytes]]] = read_photos,
) -> Index:
    """Write the shards of ``source`` and their index to ``folder``, which is replaced as a whole.

    ``read`` gives every photo with its bytes, or leaves it out; it is asked for the held-out ones first. The same
    source gives the same bytes. A photo's place depends on its id alone, so one changed photo changes one tar; the
    number of tars of a split is a power of two, so that adding photos rarely moves the others. A tar holds
    ``photos_per_shard`` photos at most, on average; of large splits more, see :func:`photos_in_each`; and never more
    than ``LARGEST_BYTES`` of them, on average. Raises DataError for a photo that is no image, and for a ``category``
    that no photo has.
    """
    if len(source.photos) > MANY:
        photo_table.require_pyarrow()  # now, and not after hours
    sketches: defaultdict[str, list[Sketch]] = defaultdict(list)
    for sketch in sorted(source.sketches, key=lambda sketch: sketch.id):
        sketches[sketch.photo_id].append(sketch)
    place = _places(source.photos, photos_per_shard)
    photos = sorted(source.photos, key=lambda photo: (photo.split not in HELD_OUT, place[photo.id], photo.id))
    shards, entries = [], []
    with write_folder(folder) as partial:
        packed = tqdm(read(photos), "packing", len(photos), unit="photo", disable=None)
        for file, of_file in groupby(packed, key=lambda found: place[found[0].id]):
            path = partial / file
            found = _write_tar(path, of_file, sketches)
            entries += found
            drawn = sum(len(entry.sketches) for entry in found)
            shards.append(Shard(file, found[0].split, _sha256(path), path.stat().st_size, len(found), drawn))
        index = make_index(name=name, layout=layout, category=category, shards=shards, photos=entries)
        write_index(index, partial)
    return index


def _places(photos: Sequence[Photo], photos_per_shard: int) -> dict[str, str]:
    """Photo id -> file name of its shard."""
    counts, sizes = Counter(photo.split for photo in photos), Counter[Split]()
    for photo in photos:
        with suppress(OSError):  # who reads it tells
            sizes[photo.split] += photo.path.stat().st_size
    least = {
        split: max(count / photos_in_each(count, photos_per_shard), sizes[split] / LARGEST_BYTES)
        for split, count in counts.items()
    }
    shards = {split: 2 ** max(0, math.ceil(math.log2(number))) for split, number in least.items()}
    return {
        photo.id: f"{photo.split}-{int(stable_fraction('shard', photo.id) * shards[photo.split]):05d}.tar"
        for photo in photos
    }


def photos_in_each(count: int, least: int) -> int:
    """How many of ``count`` photos a tar should hold: ``least``, or more where a hundred tars would not do."""
    return max(least, min(LARGEST, count // MANY_SHARDS))


def _write_tar(
    path: Path, photos: Iterable[tuple[Photo, bytes]], sketches: defaultdict[str, list[Sketch]]
) -> list[PhotoEntry]:
    """Write one tar; return the entries of its photos."""
    # Imported late: this brings torch, which reading shards and checking parameters do without.
    from webdataset.writer import TarWriter

    packed = []
    with path.open("wb") as file, TarWriter(file, user="", group="", mtime=0, encoder=False) as tar:
        for photo, data in photos:
            key, own = escape_key(photo.id), sketches[photo.id]
            extension = image_format(data, str(photo.path)).extension
            drawn = tuple(SketchEntry(sketch.id, sketch.user, sketch.unseen, len(sketch.strokes)) for sketch in own)
            record = {"id": photo.id, "category": photo.category, "split": photo.split, "unseen": photo.unseen}
            record |= {"sketches": [asdict(sketch) for sketch in drawn]}
            sample = {"__key__": key, extension: data, "json": json.dumps(record, sort_keys=True).encode()}
            if own:
                strokes = io.BytesIO()
                np.save(strokes, np.concatenate([sketch.strokes for sketch in own], dtype="<f4"), allow_pickle=False)
                sample["npy"] = strokes.getvalue()
            tar.write(sample)
            packed.append((photo, key, extension, drawn))
    with tarfile.open(path, "r:") as written:
        extents = {member.name: (member.offset_data, member.size) for member in written}
    return [
        PhotoEntry(
            id=photo.id,
            key=key,
            category=photo.category,
            split=photo.split,
            unseen=photo.unseen,
            shard=path.name,
            photo=extents[f"{key}.{extension}"],
            strokes=extents.get(f"{key}.npy"),
            sketches=drawn,
        )
        for photo, key, extension, drawn in packed
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ShardStore:
    """Random access to a folder of shards; safe to use from forked workers, since reads keep no position.

    Tars that are not in ``folder`` are fetched from ``origin``, such as "s3://bucket/shards", as they are needed: the
    index must be in the folder. Raises DataError naming the file for a missing or truncated tar and for a bad index;
    on the first reading of a tar for an altered one (by its SHA-256).
    """

    def __init__(self, folder: Path, origin: str | None = None) -> None:
        self.folder = folder
        self.index = read_index(folder)
        self._files = ShardFiles(folder, {shard.file: shard for shard in self.index.shards}, origin)

    @property
    def photos(self) -> list[PhotoEntry]:
        """Every photo, in the order of the ids."""
        return list(self.index.photos)

    def read_photo(self, entry: PhotoEntry) -> bytes:
        """The photo's original encoded bytes."""
        return self._files.tar(entry.shard).read(*entry.photo)

    def read_strokes(self, entry: PhotoEntry) -> list[np.ndarray]:
        """The strokes of the photo's sketches, if there are any, in their order: canonical float32 (points, 3)."""
        if entry.strokes is None:
            return []
        data = self._files.tar(entry.shard).read(*entry.strokes)
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        return np.split(array, np.cumsum([sketch.points for sketch in entry.sketches])[:-1])

    def strokes_of(self, entries: Iterable[PhotoEntry]) -> dict[str, list[np.ndarray]]:
        """:meth:`read_strokes` of each photo, by its id. They are read tar by tar: few that are fetched are kept."""
        in_order = sorted(entries, key=lambda entry: entry.shard)
        return {entry.id: self.read_strokes(entry) for entry in in_order}

    def __enter__(self) -> "ShardStore":
        return self

    def __exit__(self, *error: object) -> None:
        """Close the tars."""
        self._files.close()

"""Shards: WebDataset tars of photos with their sketches, written once and read at random.

A photo is one sample of a tar: ``<key>.<ext>``, its original bytes; ``<key>.json``, its record; and,
where it has sketches, ``<key>.npy``, float32 (n, 3), the canonical strokes of all of them one after
the other. Any WebDataset reader streams the tars; :class:`ShardStore` reads single members through
the offsets in ``index.json``, which gives exact epochs in any order.
"""

import hashlib
import io
import json
import math
import os
import re
import tarfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from tqdm import tqdm

from fgsbir.data.atomic import write_folder
from fgsbir.data.index import (
    Index,
    PhotoEntry,
    Shard,
    SketchEntry,
    check_category,
    make_index,
    read_index,
    write_index,
)
from fgsbir.data.photos import EXTENSIONS, image_extension
from fgsbir.data.records import SPLITS, DataError, Photo, Sketch, Source, Split
from fgsbir.data.selection import stable_fraction


def escape_key(id: str) -> str:
    """Turn an id into a tar key of ``[A-Za-z0-9_-]``: WebDataset cuts keys at dots and slashes.

    An underscore becomes two; any other byte of the UTF-8 becomes an underscore and two hex digits.
    """
    safe = re.compile(rb"[A-Za-z0-9-]")
    letters = (bytes([byte]) for byte in id.encode())
    return "".join(
        letter.decode() if safe.match(letter) else "__" if letter == b"_" else f"_{letter[0]:02x}" for letter in letters
    )


def unescape_key(key: str) -> str:
    """The id that :func:`escape_key` made ``key`` from."""
    plain = re.sub(
        rb"_(_|[0-9a-f]{2})", lambda found: b"_" if found[1] == b"_" else bytes([int(found[1], 16)]), key.encode()
    )
    return plain.decode()


def write_shards(
    source: Source, folder: Path, *, name: str, layout: str, category: str | None, photos_per_shard: int
) -> Index:
    """Write the shards of ``source`` and their index to ``folder``, which is replaced as a whole.

    The same source gives the same bytes. A photo's place depends on its id alone, so one changed
    photo changes one tar; the number of tars of a split is a power of two, so that adding photos
    rarely moves the others. A tar holds ``photos_per_shard`` photos at most, on average.

    Strokes are taken as they are (readers check them). Raises DataError for an empty source, two
    photos or sketches of one id, a sketch without its photo, strokes of an unlabelled photo, a
    photo that is no image, and a ``category`` that no photo has.
    """
    sketches = _sketches_by_photo(source)
    check_category(category, (photo.category for photo in source.photos))
    places = _places(source.photos, photos_per_shard)
    with write_folder(folder) as partial:
        shards, entries = [], []
        for file in tqdm(sorted(places), "packing", unit="shard", disable=None):
            photos = places[file]
            members = _write_tar(partial / file, photos, sketches)
            found = [_entry(photo, file, sketches[photo.id], members) for photo in photos]
            entries += found
            with (partial / file).open("rb") as tar:
                digest = hashlib.file_digest(tar, "sha256").hexdigest()
            size = (partial / file).stat().st_size
            drawn = sum(len(entry.sketches) for entry in found)
            shards.append(Shard(file, photos[0].split, digest, size, len(found), drawn))
        index = make_index(name=name, layout=layout, category=category, shards=shards, photos=entries)
        write_index(index, partial)
    return index


def _sketches_by_photo(source: Source) -> dict[str, list[Sketch]]:
    """Sketches in the order of their ids under their photo's id, after all cross-checks."""
    if not source.photos:
        raise DataError("the data set has no photo")
    splits: dict[str, Split] = {}
    for photo in source.photos:
        if photo.id in splits:
            raise DataError(f"{photo.path}: another photo has the id {photo.id!r} too")
        splits[photo.id] = photo.split
    sketches: dict[str, list[Sketch]] = {id: [] for id in splits}
    seen: set[str] = set()
    for sketch in sorted(source.sketches, key=lambda sketch: sketch.id):
        if sketch.id in seen:
            raise DataError(f"sketch {sketch.id!r}: another sketch has the same id")
        seen.add(sketch.id)
        if sketch.photo_id not in splits:
            raise DataError(f"sketch {sketch.id!r}: its photo {sketch.photo_id!r} is not in the set")
        if splits[sketch.photo_id] == "unlabelled":
            raise DataError(f"sketch {sketch.id!r}: its photo {sketch.photo_id!r} is in the split unlabelled")
        sketches[sketch.photo_id].append(sketch)
    return sketches


def _places(photos: Sequence[Photo], photos_per_shard: int) -> dict[str, list[Photo]]:
    """File name of every shard -> its photos in the order of their ids; shards without a photo are left out."""
    places = defaultdict(list)
    for split in SPLITS:
        own = sorted((photo for photo in photos if photo.split == split), key=lambda photo: photo.id)
        shards = 2 ** max(0, math.ceil(math.log2(max(1, len(own)) / photos_per_shard)))
        for photo in own:
            places[f"{split}-{int(stable_fraction('shard', photo.id) * shards):05d}.tar"].append(photo)
    return places


def _write_tar(path: Path, photos: list[Photo], sketches: dict[str, list[Sketch]]) -> dict[str, tuple[int, int]]:
    """Write one tar; return the offset and size of every member by its name."""
    # Imported late: this brings torch, which reading shards and checking parameters do without.
    from webdataset.writer import TarWriter

    with path.open("wb") as file, TarWriter(file, user="", group="", mtime=0, encoder=False) as tar:
        for photo in photos:
            data = photo.path.read_bytes()
            sample = {"__key__": escape_key(photo.id), image_extension(data, str(photo.path)): data}
            sample["json"] = json.dumps(_record(photo, sketches[photo.id]), sort_keys=True).encode()
            if sketches[photo.id]:
                buffer = io.BytesIO()
                strokes = np.concatenate([sketch.strokes for sketch in sketches[photo.id]])
                np.save(buffer, np.ascontiguousarray(strokes, dtype="<f4"), allow_pickle=False)
                sample["npy"] = buffer.getvalue()
            tar.write(sample)
    with tarfile.open(path, "r:") as written:
        return {member.name: (member.offset_data, member.size) for member in written}


def _record(photo: Photo, sketches: list[Sketch]) -> dict[str, object]:
    return {
        "id": photo.id,
        "category": photo.category,
        "split": photo.split,
        "unseen": photo.unseen,
        "sketches": [
            {"id": sketch.id, "user": sketch.user, "unseen": sketch.unseen, "points": len(sketch.strokes)}
            for sketch in sketches
        ],
    }


def _entry(photo: Photo, file: str, sketches: list[Sketch], members: dict[str, tuple[int, int]]) -> PhotoEntry:
    key = escape_key(photo.id)
    image = next(f"{key}.{ext}" for ext in EXTENSIONS.values() if f"{key}.{ext}" in members)
    return PhotoEntry(
        id=photo.id,
        key=key,
        category=photo.category,
        split=photo.split,
        unseen=photo.unseen,
        shard=file,
        photo=members[image],
        strokes=members.get(f"{key}.npy"),
        sketches=tuple(SketchEntry(sketch.id, sketch.user, sketch.unseen, len(sketch.strokes)) for sketch in sketches),
    )


class ShardStore:
    """Random access to a folder of shards; safe to use from forked workers, since reads keep no position.

    Opening reads the index and checks every tar's size and, with ``verify``, its SHA-256. Raises
    DataError naming the file for a missing, truncated or altered tar and for a bad index.
    """

    def __init__(self, folder: Path, *, verify: bool = True) -> None:
        self.folder = folder
        self.index = read_index(folder)
        self._files: dict[str, int] = {}
        try:
            for shard in self.index.shards:
                self._files[shard.file] = _open_shard(folder / shard.file, shard, verify)
        except BaseException:
            self.close()
            raise

    @property
    def photos(self) -> list[PhotoEntry]:
        """Every photo, in the order of the ids."""
        return list(self.index.photos)

    def read_photo(self, entry: PhotoEntry) -> bytes:
        """The photo's original encoded bytes."""
        return self._read(entry, entry.photo)

    def read_strokes(self, entry: PhotoEntry) -> list[np.ndarray]:
        """The strokes of the photo's sketches in their order, each float32 (points, 3), canonical.

        Empty for a photo without sketches.
        """
        if entry.strokes is None:
            return []
        name = f"{self.folder / entry.shard}: {entry.key}.npy"
        try:
            data = io.BytesIO(self._read(entry, entry.strokes))
            array = np.lib.format.read_array(data, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise DataError(f"{name}: expected a float32 array, found something else ({error})") from None
        ends = np.cumsum([sketch.points for sketch in entry.sketches])
        if array.dtype != np.float32 or array.shape != (ends[-1], 3):
            raise DataError(f"{name}: expected float32 {(int(ends[-1]), 3)}, found {array.dtype} {array.shape}")
        return np.split(array, ends[:-1])

    def _read(self, entry: PhotoEntry, extent: tuple[int, int]) -> bytes:
        offset, size = extent
        data = os.pread(self._files[entry.shard], size, offset)
        if len(data) != size:
            raise DataError(f"{self.folder / entry.shard}: ends inside the photo {entry.id!r}")
        return data

    def close(self) -> None:
        """Close the tars; the store cannot be read afterwards."""
        while self._files:
            os.close(self._files.popitem()[1])

    def __enter__(self) -> "ShardStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_shard(path: Path, shard: Shard, verify: bool) -> int:
    if not path.is_file():
        raise DataError(f"{path}: not found; the index lists it")
    size = path.stat().st_size
    if size != shard.bytes:
        raise DataError(f"{path}: expected {shard.bytes} bytes, found {size}: truncated or altered")
    with path.open("rb") as file:
        if verify and (digest := hashlib.file_digest(file, "sha256").hexdigest()) != shard.sha256:
            raise DataError(f"{path}: altered: expected the SHA-256 {shard.sha256}, found {digest}")
        return os.dup(file.fileno())
